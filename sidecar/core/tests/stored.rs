//! What was stored once can be read for good: a sample of each form is kept in `stored/`, and never changed.
//! The names say the version and the form; `first` is how plans were before facts were kept with them.

// Clippy takes helpers of tests for no tests.
#![allow(clippy::unwrap_used, clippy::panic)]

use osm_core::plan::{Plan, Step, Undo};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_plan_ever_stored_can_be_read_and_is_written_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stored");
    let mut steps = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let plan: Plan =
            serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        assert_eq!(serde_json::to_string(&plan).unwrap(), text.trim());
        for planned in plan.steps {
            steps.insert(planned.step.name());
            if let Undo::Do { step } = planned.undo {
                steps.insert(step.name());
            }
        }
    }
    // A new kind of step wants a sample.
    let known: BTreeSet<&str> = Step::NAMES.into();
    assert_eq!(steps, known);
}
