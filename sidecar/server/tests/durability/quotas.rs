//! Quotas of the test's own projects, in the lab's Nova.

use crate::world::World;
use osm_core::ids::ProjectId;
use osm_core::plan::Step;
use osm_core::ports::{ComputeRead as _, Identity as _, Operation, OperationState};
use osm_core::quota::{Limits, QuotaChange};
use std::collections::BTreeMap;

impl World {
    /// What a project of the test's own may use.
    async fn limits(&self, project: &ProjectId) -> Limits {
        let quota = self.cloud.quota(&self.region(), project).await;
        quota.unwrap().limits
    }

    /// A number of instances other than the one it may have.
    pub async fn another_quota(&self, project: &str) -> String {
        let projects = self.cloud.our_projects().await.unwrap();
        let found = projects.into_iter().find(|p| p.name == project).unwrap();
        let now = self.limits(&found.id).await.instances.unwrap();
        (now + 1).to_string()
    }

    /// The quotas of the test's own projects.
    pub async fn list_quotas(&self, listing: &mut BTreeMap<String, String>) {
        for project in self.cloud.our_projects().await.unwrap() {
            if project.name.starts_with(&self.prefix) {
                let limits = self.limits(&project.id).await;
                listing.insert(format!("quota of {}", project.name), format!("{limits:?}"));
            }
        }
    }
}

/// What was last done is what there is.
pub async fn are_as_done(world: &World, operations: &[Operation]) {
    let mut last: BTreeMap<&ProjectId, &QuotaChange> = BTreeMap::new();
    for operation in operations {
        if let Some(Step::SetQuota { change }) = operation.plan.steps.first().map(|p| &p.step)
            && operation.state == OperationState::Done
        {
            // The newest comes first.
            last.entry(&operation.plan.project_id).or_insert(change);
        }
    }
    for (project, change) in last {
        assert_eq!(world.limits(project).await, change.after, "{project}");
    }
}
