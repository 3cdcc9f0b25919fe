//! Servers that no operation stands for: the second of one operation, made by a request whose answer was
//! lost and came true late, or one that came after its operation had been taken back. Each is removed by an
//! operation of its own; never one that somebody has used, and never one whose operation we do not know.

use super::Observer;
use chrono::{DateTime, TimeDelta, Utc};
use osm_core::action::Action;
use osm_core::actor::SYSTEM;
use osm_core::authz::{Target, authorise_own};
use osm_core::ids::{InstanceId, OperationId};
use osm_core::instance::{Instance, META_OPERATION, TAG_OPERATION, plan_remove_stray};
use osm_core::ports::{
    ComputeRead, InstanceIndex, NewOperation, Operation, OperationState, Operations, PortError,
    StepState,
};
use tracing::{info, warn};

/// What came late has come by then: an operation's end is no news any more.
const SETTLED: TimeDelta = TimeDelta::seconds(30);

impl Observer {
    /// Looks whether the servers' operations stand for them, and has those removed that are strays.
    pub(super) async fn look_for_strays(
        &self,
        servers: &[Instance],
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        let asked = Asked {
            operations: self.operations.as_ref(),
            index: self.index.as_ref(),
            compute: self.compute.as_ref(),
        };
        for (server, operation) in asked.strays(servers, now).await? {
            // What is not known of one server keeps nobody from looking at the others.
            if let Err(error) = self.remove_stray(server, &operation, now).await {
                warn!(%error, server = %server.id, "a stray is looked at again later");
            }
        }
        Ok(())
    }

    async fn remove_stray(
        &self,
        server: &Instance,
        operation: &Operation,
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        let deeds = self
            .compute
            .deeds(&server.region, &server.project_id, server.id)
            .await?;
        let target = Target::Project(server.region.clone(), server.project.clone());
        let plan = authorise_own(&self.settings.policy, Action::InstanceRemoveStray, &target)
            .and_then(|permit| plan_remove_stray(&permit, server, !deeds.is_empty()));
        let plan = match plan {
            Ok(plan) => plan,
            Err(refusal) => {
                warn!(server = %server.id, operation = %operation.id, why = refusal.message.key,
                    "a server that its operation does not stand for is left alone");
                return Ok(());
            }
        };
        // One id for one stray: every replica sees it, and each look sees it again.
        let id = OperationId::trusted(format!("stray-{}", server.id));
        let recorded = self
            .operations
            .submit(&NewOperation {
                id: id.clone(),
                plan,
                wiki_user_id: 0,
                wiki_user_name: SYSTEM.to_owned(),
                request_id: operation.request_id.clone(),
                idempotency: None,
                // Each try looks once more whether somebody uses it.
                mark: None,
                at: now,
            })
            .await?;
        info!(server = %server.id, operation = %operation.id, removal = %id, ?recorded,
            "a server that its operation does not stand for is removed");
        self.work_bell.notify_one();
        Ok(())
    }
}

/// Who knows whether a server is a stray.
pub(crate) struct Asked<'a> {
    pub operations: &'a dyn Operations,
    pub index: &'a dyn InstanceIndex,
    pub compute: &'a dyn ComputeRead,
}

impl Asked<'_> {
    /// Those of these servers that the operation does not stand for whose mark they bear.
    pub(crate) async fn strays<'s>(
        &self,
        servers: impl IntoIterator<Item = &'s Instance>,
        now: DateTime<Utc>,
    ) -> Result<Vec<(&'s Instance, Operation)>, PortError> {
        let alive = servers.into_iter().filter(|s| s.deleted.is_none());
        let marked: Vec<(&Instance, OperationId)> = alive
            .filter_map(|server| Some((server, operation_of(server)?)))
            .collect();
        let ids: Vec<OperationId> = marked.iter().map(|(_, id)| id.clone()).collect();
        // Nearly all stand: only the others are read as a whole.
        let standings = self.operations.standings(&ids).await?;
        let mut strays = Vec::new();
        for (server, id) in marked {
            let stands = |(state, made): &(OperationState, Option<InstanceId>)| {
                !state.over() || (*state == OperationState::Done && *made == Some(server.id))
            };
            if standings.get(&id).is_none_or(stands) {
                continue;
            }
            let operation = self.operations.operation(&id).await?;
            if let Some(operation) = operation.filter(|o| is_stray(server, o, now))
                && self.is_nobody_s(server).await?
            {
                strays.push((server, operation));
            }
        }
        Ok(strays)
    }

    /// Made by our own account, and by no operation that is known. Marks alone prove nothing: whoever is in the
    /// project can write them into anybody's server there.
    async fn is_nobody_s(&self, server: &Instance) -> Result<bool, PortError> {
        if self.index.maker(&server.region, server.id).await?.is_some() {
            return Ok(false);
        }
        let ours = self
            .compute
            .ours(&server.region, &server.project_id, server.id);
        // What is not known of one server keeps nobody from looking at the others.
        Ok(ours.await.unwrap_or_else(|error| {
            warn!(%error, server = %server.id, "who made the server cannot be asked");
            false
        }))
    }
}

/// The operation whose mark a server bears, both as tag and as metadata.
fn operation_of(server: &Instance) -> Option<OperationId> {
    let id = server.metadata.get(META_OPERATION)?;
    let tag = format!("{TAG_OPERATION}{id}");
    server
        .tags
        .contains(&tag)
        .then(|| OperationId::trusted(id.as_str()))
}

/// Its operation is over, in this very project, and made another server, or took back what it had made. What
/// was parked and given up stands for a person to judge.
fn is_stray(server: &Instance, operation: &Operation, now: DateTime<Utc>) -> bool {
    let settled = operation
        .finished
        .is_some_and(|at| operation.state.over() && now - at > SETTLED);
    let plan = &operation.plan;
    settled
        && plan.region == server.region
        && plan.project_id == server.project_id
        && plan.instance.is_none()
        && match operation.state {
            OperationState::Done => operation.instance.is_some_and(|made| made != server.id),
            OperationState::Undone | OperationState::Failed => {
                let made = operation.steps.first().map(|step| step.state);
                operation.instance != Some(server.id)
                    && matches!(made, Some(StepState::Void | StepState::Undone))
            }
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use osm_core::ids::ProjectName;
    use osm_core::instance::Flavor;
    use osm_core::plan::Plan;
    use osm_core::ports::StepRecord;
    use std::collections::BTreeMap;
    use uuid::Uuid;

    const CREATE: &str = include_str!("../../../core/tests/stored/plan-1-create-first.json");

    /// A create that has ended, and a server that bears its mark.
    fn ended(state: OperationState, step: StepState, made: Option<u128>) -> (Operation, Instance) {
        let plan: Plan = serde_json::from_str(CREATE).unwrap();
        let server = Instance {
            region: plan.region.clone(),
            id: id(1),
            project_id: plan.project_id.clone(),
            project: ProjectName::trusted("bots"),
            name: plan.name.clone(),
            status: "ACTIVE".to_owned(),
            task_state: None,
            created: DateTime::UNIX_EPOCH,
            launched: None,
            updated: DateTime::UNIX_EPOCH,
            deleted: None,
            host: None,
            availability_zone: None,
            flavor: Flavor {
                id: None,
                name: "m1.tiny".to_owned(),
                vcpus: 1,
                ram_mb: 512,
                disk_gb: 1,
                ephemeral_gb: 0,
            },
            image: None,
            addresses: Vec::new(),
            security_groups: Vec::new(),
            metadata: BTreeMap::new(),
            tags: Vec::new(),
            fault: None,
        };
        let step = StepRecord {
            index: 0,
            name: "create-server".to_owned(),
            state: step,
            attempts: 1,
            error: None,
            started: None,
            ended: None,
        };
        let operation = Operation {
            id: OperationId::trusted("01TEST"),
            plan,
            state,
            steps: vec![step],
            instance: made.map(id),
            wiki_user_id: 7,
            wiki_user_name: "Volunteer".to_owned(),
            request_id: "r".to_owned(),
            error: None,
            cancelled: false,
            created: DateTime::UNIX_EPOCH,
            finished: Some(DateTime::UNIX_EPOCH),
            generation: 1,
        };
        (operation, server)
    }

    fn id(id: u128) -> InstanceId {
        InstanceId(Uuid::from_u128(id))
    }

    #[test]
    fn what_is_a_stray() {
        use OperationState::{Done, Failed, Parked, Undone};
        let table = [
            ("its own", Done, StepState::Done, Some(1), false),
            ("the other of two", Done, StepState::Done, Some(2), true),
            (
                "late, after all was taken back",
                Undone,
                StepState::Undone,
                Some(2),
                true,
            ),
            (
                "late, after nothing was found",
                Failed,
                StepState::Void,
                None,
                true,
            ),
            (
                "given up, nobody knows of which server",
                Failed,
                StepState::Failed,
                None,
                false,
            ),
            (
                "given up with its server there",
                Failed,
                StepState::Stuck,
                Some(1),
                false,
            ),
            ("parked", Parked, StepState::Stuck, Some(2), false),
        ];
        let (soon, late) = (TimeDelta::seconds(5), TimeDelta::minutes(1));
        for (what, state, step, made, stray) in table {
            let (operation, server) = ended(state, step, made);
            let at = |after| DateTime::UNIX_EPOCH + after;
            assert_eq!(is_stray(&server, &operation, at(late)), stray, "{what}");
            assert!(!is_stray(&server, &operation, at(soon)), "{what}");
            let elsewhere = Instance {
                project_id: osm_core::ids::ProjectId::trusted("another"),
                ..server
            };
            assert!(!is_stray(&elsewhere, &operation, at(late)), "{what}");
        }
    }
}
