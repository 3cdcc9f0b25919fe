//! The quotas that were set here, from the operations that did it.

use super::Documenter;
use osm_core::action::Action;
use osm_core::ids::Region;
use osm_core::plan::Step;
use osm_core::ports::{OperationFilter, Pin, PortError, StepState};
use osm_core::quota::Limits;
use std::collections::BTreeMap;

/// So many of the latest operations are looked through.
const LATEST: u32 = 100;

impl Documenter {
    /// What was last set in each region; what was taken back was not.
    pub(super) async fn quotas(&self, of: &Pin) -> Result<Vec<(Region, Limits)>, PortError> {
        let filter = OperationFilter {
            projects: Some(vec![of.name.clone()]),
            action: Some(Action::ProjectQuota),
            limit: LATEST,
            ..OperationFilter::default()
        };
        let mut last = BTreeMap::new();
        for operation in self.operations.operations(&filter).await? {
            // A project of that name that was deleted is another.
            if operation.plan.project_id != of.project_id {
                continue;
            }
            for (planned, record) in operation.plan.steps.iter().zip(&operation.steps) {
                if let Step::SetQuota { change } = &planned.step
                    && record.state == StepState::Done
                {
                    let region = operation.plan.region.clone();
                    last.entry(region).or_insert(change.after);
                }
            }
        }
        Ok(last.into_iter().collect())
    }
}
