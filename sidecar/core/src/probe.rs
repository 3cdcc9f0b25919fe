//! A probe: an operation that does nothing, to see that operations are recorded and carried out.

use crate::authz::Permit;
use crate::ids::{ProjectId, ProjectName, Region};
use crate::plan::{Facts, Plan, PlannedStep, Step};

/// Plans a probe; its name makes it one of its own.
pub fn plan_probe(permit: &Permit, name: &str) -> Plan {
    Plan {
        version: Plan::VERSION,
        action: permit.action(),
        region: Region::trusted(""),
        project: ProjectName::trusted(""),
        project_id: ProjectId::trusted(""),
        instance: None,
        name: name.to_owned(),
        steps: vec![PlannedStep::for_good(Step::Nothing, "nothing was done")],
        facts: Facts::default(),
    }
}
