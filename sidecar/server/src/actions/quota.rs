//! How much a project may use: read for its members, set by cloud admins; for the special page and the wiki API alike.

use super::api::{ApiReply, dry, result, shown};
use super::planned::{FACTS, Sent};
use super::{ApiRequest, Caller, Context, Params, lookup::refuse};
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::{Permit, Target, authorise};
use osm_core::ids::{OperationId, ProjectName, Region};
use osm_core::plan::Plan;
use osm_core::project::ManagedProject;
use osm_core::quota::{NAMES, Quota, QuotaFacts, QuotaRequest, plan_quota};
use osm_core::refusal::Refusal;
use serde_json::{Map, Value as Json, json};

/// What is asked of a project's quota in a region.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub project: ProjectName,
    pub region: Region,
    pub request: QuotaRequest,
}

impl Asked {
    /// What a form or a call says.
    pub(super) fn of(params: &Params, project: ProjectName, region: Region) -> Self {
        let text = |name: &str| params.text(name).to_owned();
        Self {
            project,
            region,
            request: QuotaRequest {
                instances: text("instances"),
                cores: text("cores"),
                ram: text("ram"),
            },
        }
    }
}

impl Context {
    /// Whether a person may see it, or set it.
    pub(super) fn may_quota(
        &self,
        actor: &Actor,
        action: Action,
        project: &ProjectName,
        region: &Region,
    ) -> Result<Permit, Refusal> {
        let target = Target::Project(region.clone(), project.clone());
        authorise(&self.settings.policy, actor, action, &target)
    }

    /// What Nova says: one call.
    pub(super) async fn quota_of(
        &self,
        managed: &ManagedProject,
        region: &Region,
    ) -> Result<Quota, Refusal> {
        let quota = self.compute.quota(region, &managed.project_id).await;
        quota.map_err(refuse)
    }

    pub(super) async fn planned_quota(
        &self,
        caller: &Caller,
        asked: &Asked,
    ) -> Result<Plan, Refusal> {
        let actor = self.actor(caller).await?;
        let (project, region) = (&asked.project, &asked.region);
        let permit = self.may_quota(&actor, Action::ProjectQuota, project, region)?;
        let facts = self.quota_facts(project, region).await?;
        plan_quota(&permit, &facts, &asked.request)
    }

    pub(super) async fn quota_facts(
        &self,
        project: &ProjectName,
        region: &Region,
    ) -> Result<QuotaFacts, Refusal> {
        let managed = self.managed(project).await?;
        Ok(QuotaFacts {
            quota: self.quota_of(&managed, region).await?,
            may_set: self.settings.cloud_role.is_some(),
            region: region.clone(),
            managed,
        })
    }

    /// Records it; the same call with the same key is one operation.
    pub(super) async fn change_quota(
        &self,
        caller: &Caller,
        asked: &Asked,
        key: Option<&str>,
        facts: Option<&str>,
    ) -> Result<OperationId, Refusal> {
        let sent = Sent {
            key,
            body: &format!(
                "quota {} {} {:?}",
                asked.region, asked.project, asked.request
            ),
            facts,
            mark: self.mark().await?,
        };
        let planned = self.planned_quota(caller, asked).await;
        self.submit_planned(caller, planned, &sent).await
    }

    /// `action=novaproject&subaction=quota`.
    pub(super) async fn api_quota(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Refusal> {
        let params = &request.params;
        let project = ProjectName::parse(params.text("projectname"))?;
        let region = Region::choose(params.get("region"), &self.settings.region_names())?;
        let asked = Asked::of(params, project, region);
        if dry(request) {
            return Ok(shown(&self.planned_quota(caller, &asked).await?));
        }
        let (key, facts) = (request.idempotency_key.as_deref(), params.get(FACTS));
        let operation = self.change_quota(caller, &asked, key, facts).await?;
        Ok(self.api_begun(&operation).await)
    }

    /// `list=novaquotas`: a row a region.
    pub(super) async fn api_quotas(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Refusal> {
        let params = &request.params;
        let project = ProjectName::parse(params.text("project"))?;
        let known = self.settings.region_names();
        let regions = match params.get("region") {
            None => known,
            some => vec![Region::choose(some, &known)?],
        };
        let actor = self.actor(caller).await?;
        for region in &regions {
            self.may_quota(&actor, Action::ProjectList, &project, region)?;
        }
        let managed = self.managed(&project).await?;
        let mut rows = Vec::new();
        for region in &regions {
            rows.push(row(
                &project,
                region,
                &self.quota_of(&managed, region).await?,
            ));
        }
        Ok(result(Json::Array(rows)))
    }
}

/// A limit that is `null` is none.
fn row(project: &ProjectName, region: &Region, quota: &Quota) -> Json {
    let pairs = quota.limits.values().into_iter().zip(quota.used.values());
    let named = NAMES.into_iter().zip(pairs);
    let named = named
        .map(|((name, _), (limit, used))| (name.to_owned(), json!({"limit": limit, "used": used})));
    let mut row: Map<String, Json> = named.collect();
    row.insert("project".to_owned(), json!(project));
    row.insert("region".to_owned(), json!(region));
    Json::Object(row)
}
