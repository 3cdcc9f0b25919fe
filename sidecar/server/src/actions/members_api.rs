//! `action=novaproject` and `action=novarole`: people of a project, for wiki API bots.

use super::api::{ApiReply, dry, result};
use super::founding::Asked;
use super::members::{self, Of};
use super::planned::FACTS;
use super::{ApiRequest, Caller, Context};
use osm_core::action::Action;
use osm_core::ids::ProjectName;
use osm_core::message::Msg;
use osm_core::pages::title::project_title;
use osm_core::refusal::Refusal;
use serde_json::json;

impl Context {
    /// The modules: plan where `dryrun` says so, else one operation a person.
    pub(super) async fn api_people(
        &self,
        caller: &Caller,
        request: &ApiRequest,
        of_role: bool,
    ) -> Result<ApiReply, Vec<Refusal>> {
        let alone = |refusal| vec![refusal];
        let params = &request.params;
        let founding = match params.text("subaction") {
            "quota" if !of_role => return self.api_quota(caller, request).await.map_err(alone),
            "create" => Some(Action::ProjectCreate),
            "configure" => Some(Action::ProjectConfigure),
            "delete" => Some(Action::ProjectDelete),
            _ => None,
        };
        if let Some(action) = founding.filter(|_| !of_role) {
            return self
                .api_founding(caller, request, action)
                .await
                .map_err(alone);
        }
        let (action, names) = match params.text("subaction") {
            "addmember" if of_role => (Action::RoleAdd, params.all("members")),
            "deletemember" if of_role => (Action::RoleRemove, params.all("members")),
            "addmember" => {
                let names = self.names(params.text("member")).await;
                (Action::MemberAdd, names.map_err(alone)?)
            }
            "deletemember" => (Action::MemberRemove, params.all("members")),
            other => {
                let why = Msg::new("badaction").with(other);
                return Err(vec![Refusal::field("subaction", why)]);
            }
        };
        let asked = members::Asked {
            of: Of {
                action,
                project: ProjectName::parse(params.text("projectname")).map_err(alone)?,
                role: self
                    .role_of(action, params.get("rolename"))
                    .map_err(alone)?,
            },
            names,
            key: request.idempotency_key.clone(),
            facts: params.get(FACTS).map(str::to_owned),
        };
        if dry(request) {
            let plans = self.planned_members(caller, &asked).await?.plans();
            return Ok(result(json!({"dryrun": true, "plans": plans})));
        }
        let operations = self.change_members(caller, &asked).await?;
        let page = project_title(&asked.of.project);
        Ok(result(json!({"operations": operations, "page": page})))
    }

    async fn api_founding(
        &self,
        caller: &Caller,
        request: &ApiRequest,
        action: Action,
    ) -> Result<ApiReply, Refusal> {
        let params = &request.params;
        let project = ProjectName::parse(params.text("projectname"))?;
        let asked = Asked {
            action,
            description: params.text("description").to_owned(),
            names: self.names(params.text("member")).await?,
            project,
            key: request.idempotency_key.clone(),
            facts: params.get(FACTS).map(str::to_owned),
        };
        if dry(request) {
            let plan = self.planned_project(caller, &asked).await?;
            return Ok(result(json!({"dryrun": true, "plan": plan})));
        }
        let operation = self.change_project(caller, &asked).await?;
        let page = project_title(&asked.project);
        Ok(result(json!({"operation": operation, "page": page})))
    }
}
