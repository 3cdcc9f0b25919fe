//! `action=novaproject`: people of a project, for wiki API bots.

use super::api::{ApiReply, dry, result};
use super::members::Asked;
use super::planned::FACTS;
use super::{ApiRequest, Caller, Context};
use osm_core::action::Action;
use osm_core::ids::ProjectName;
use osm_core::message::Msg;
use osm_core::pages::title::project_title;
use osm_core::refusal::Refusal;
use serde_json::json;

impl Context {
    /// The module: plans where `dryrun` says so, else one operation a person.
    pub(super) async fn api_project(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Vec<Refusal>> {
        let alone = |refusal| vec![refusal];
        let params = &request.params;
        let (action, names) = match params.text("subaction") {
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
        let asked = Asked {
            action,
            project: ProjectName::parse(params.text("projectname")).map_err(alone)?,
            names,
            key: request.idempotency_key.clone(),
            facts: params.get(FACTS).map(str::to_owned),
        };
        if dry(request) {
            let plans = self.planned_members(caller, &asked).await?.plans();
            return Ok(result(json!({"dryrun": true, "plans": plans})));
        }
        let operations = self.change_members(caller, &asked).await?;
        let page = project_title(&asked.project);
        Ok(result(json!({"operations": operations, "page": page})))
    }
}
