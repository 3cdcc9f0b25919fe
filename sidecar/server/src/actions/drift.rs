//! Differences between cloud, LDAP and wiki, found and mended: for `Special:NovaDrift` and the wiki API alike.

use super::api::{ApiReply, dry, result};
use super::lookup::{mismatch, refuse};
use super::planned::FACTS;
use super::planned::Sent;
use super::{ApiRequest, Caller, Context};
use crate::drift::Report;
use chrono::{DateTime, TimeDelta, Utc};
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::{Permit, Target, authorise, is_cloudadmin};
use osm_core::drift::{Difference, Repair, plan_repair};
use osm_core::ids::OperationId;
use osm_core::instance::{Instance, plan_remove_stray};
use osm_core::message::Msg;
use osm_core::plan::Plan;
use osm_core::refusal::{Refusal, RefusalKind};
use serde_json::json;

/// What is mended was seen no longer ago, where comparing takes longer than a page waits.
const OLDEST: TimeDelta = TimeDelta::minutes(5);

/// What a person is shown.
pub(super) struct Shown {
    pub(super) as_of: DateTime<Utc>,
    /// It began before they asked, and the next is not over yet.
    pub(super) late: bool,
    pub(super) report: Report,
}

/// Nothing can be said yet.
fn comparing() -> Refusal {
    Refusal::new(RefusalKind::Unavailable, Msg::new("drift-comparing"))
}

impl Context {
    /// What the person may see: a cloud admin everything, others what is in their projects.
    pub(super) async fn drift_report(&self, actor: &Actor) -> Result<Shown, Refusal> {
        authorise(
            &self.settings.policy,
            actor,
            Action::DriftList,
            &Target::Everywhere,
        )?;
        let visible = match is_cloudadmin(actor) {
            true => None,
            false => Some(self.visible_projects(actor).await?),
        };
        let (found, late) = self.drift.compared().await.ok_or_else(comparing)?;
        let mut report = found.report.clone().map_err(refuse)?;
        if let Some(visible) = visible {
            let seen = |found: &Difference| found.project().is_some_and(|p| visible.contains(p));
            report.differences.retain(seen);
        }
        Ok(Shown {
            as_of: found.as_of,
            late,
            report,
        })
    }

    /// Whether the person may have it mended: all rights that it takes.
    pub(super) fn drift_permit(
        &self,
        actor: &Actor,
        difference: &Difference,
    ) -> Result<Permit, Refusal> {
        let actions = match difference.repair() {
            Repair::Plan(actions) => actions,
            Repair::Operator(what) => return Err(Refusal::new(RefusalKind::Conflict, what)),
        };
        let target = difference.target();
        let permits = actions
            .into_iter()
            .map(|action| authorise(&self.settings.policy, actor, action, &target));
        let permits: Vec<Permit> = permits.collect::<Result<_, _>>()?;
        let nothing = || Refusal::new(RefusalKind::Conflict, Msg::new("drift-operator"));
        permits.into_iter().next().ok_or_else(nothing)
    }

    /// The plan that mends a difference as it is now; what is no longer so needs no mending.
    pub(super) async fn planned_repair(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<(Difference, Plan), Refusal> {
        let actor = self.actor(caller).await?;
        let shown = self.drift_report(&actor).await?;
        if shown.late && (self.clock)() - shown.as_of > OLDEST {
            return Err(comparing());
        }
        let Report {
            differences,
            unheard,
        } = shown.report;
        let found = differences.into_iter().find(|found| found.id() == id);
        let Some(found) = found else {
            return Err(match unheard.into_iter().next() {
                // It may be there, and nobody could say.
                Some(error) => refuse(error),
                None => Refusal::new(RefusalKind::Conflict, Msg::new("drift-gone")),
            });
        };
        let permit = self.drift_permit(&actor, &found)?;
        let nothing = || Refusal::new(RefusalKind::Conflict, Msg::new("drift-operator"));
        let project = found.project().ok_or_else(nothing)?;
        let project_id = self.managed(project).await?.project_id;
        let plan = match &found {
            Difference::Stray { region, id, .. } => {
                let asked = self.compute.server(region, &project_id, *id).await;
                let gone = || Refusal::new(RefusalKind::Conflict, Msg::new("drift-gone"));
                let server = asked.map_err(refuse)?.ok_or_else(gone)?;
                let deeds = self.compute.deeds(region, &project_id, *id).await;
                let server = Instance {
                    project: project.clone(),
                    ..server
                };
                plan_remove_stray(&permit, &server, !deeds.map_err(refuse)?.is_empty())?
            }
            Difference::Place { project_id: id, .. }
            | Difference::Server { project_id: id, .. }
                if *id != project_id =>
            {
                return Err(mismatch(project));
            }
            found => plan_repair(&permit, found, &project_id)?,
        };
        Ok((found, plan))
    }

    /// Records it; the same call with the same key is one operation.
    pub(super) async fn repair(
        &self,
        caller: &Caller,
        id: &str,
        key: Option<&str>,
        facts: Option<&str>,
    ) -> Result<OperationId, Refusal> {
        let body = format!("{} {id}", Action::DriftRepair);
        let sent = Sent {
            key,
            body: &body,
            facts,
            mark: self.mark().await?,
        };
        let planned = self.planned_repair(caller, id).await;
        self.submit_planned(caller, planned.map(|(_, plan)| plan), &sent)
            .await
    }

    /// `action=novadrift`: plans where `dryrun` says so, else has it mended.
    pub(super) async fn api_drift(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Refusal> {
        let id = request.params.text("difference");
        if dry(request) {
            let (_, plan) = self.planned_repair(caller, id).await?;
            return Ok(result(json!({"dryrun": true, "plan": plan})));
        }
        let key = request.idempotency_key.as_deref();
        let facts = request.params.get(FACTS);
        let operation = self.repair(caller, id, key, facts).await?;
        Ok(result(json!({"operation": operation})))
    }
}
