//! Which servers our own operations are at work on.

use osm_core::ids::{InstanceId, ProjectId};
use osm_core::instance::{Instance, META_OPERATION};
use std::collections::{BTreeMap, BTreeSet};

/// What our own operations are at work on: they tell of it themselves.
pub(super) struct Ours {
    pub(super) instances: BTreeSet<InstanceId>,
    /// Those that have no server yet: it will name its operation, in the operation's own project.
    pub(super) creating: BTreeMap<String, ProjectId>,
}

/// Whether a server is one of our own operations'.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// One is at work on it.
    Known,
    /// It bears the mark of one that is making a server in its project.
    Marked,
    /// Of none.
    None,
}

impl Ours {
    pub(super) fn claim(&self, instance: &Instance) -> Claim {
        let marked = instance
            .metadata
            .get(META_OPERATION)
            .and_then(|id| self.creating.get(id))
            .is_some_and(|project| *project == instance.project_id);
        match self.instances.contains(&instance.id) {
            true => Claim::Known,
            false if marked => Claim::Marked,
            false => Claim::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::looks::tests::{BOTS, ID, known};
    use super::*;

    fn marked(operation: &str) -> Instance {
        let mut instance = known().instance;
        instance
            .metadata
            .insert(META_OPERATION.to_owned(), operation.to_owned());
        instance
    }

    #[test]
    fn a_mark_is_a_claim_to_be_checked_and_no_more() {
        let mut ours = Ours {
            instances: BTreeSet::new(),
            creating: [("op".to_owned(), ProjectId::trusted(BOTS))].into(),
        };
        assert_eq!(ours.claim(&marked("op")), Claim::Marked);
        assert_eq!(ours.claim(&marked("another")), Claim::None);
        let elsewhere = Instance {
            project_id: ProjectId::trusted("other"),
            ..marked("op")
        };
        assert_eq!(ours.claim(&elsewhere), Claim::None);
        ours.instances.insert(ID);
        assert_eq!(ours.claim(&known().instance), Claim::Known);
    }
}
