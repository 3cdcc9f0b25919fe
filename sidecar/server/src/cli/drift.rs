//! What cloud, LDAP and wiki say differently, for operators and their monitoring.

use super::english::text;
use super::operations::time;
use super::{Failure, say};
use crate::drift::Drift;
use osm_core::drift::{Difference, Repair};
use serde_json::json;

/// Says what differs; `false` where anything does, or where somebody could not be asked.
pub(super) async fn show(drift: &Drift, json: bool) -> Result<bool, Failure> {
    let report = drift.report().await?;
    let nothing = report.differences.is_empty() && report.unheard.is_empty();
    if json {
        let differences: Vec<_> = report
            .differences
            .iter()
            .map(|found| {
                json!({
                    "id": found.id(),
                    "difference": found,
                    "planned": matches!(found.repair(), Repair::Plan(_)),
                })
            })
            .collect();
        let unheard: Vec<_> = report
            .unheard
            .iter()
            .map(|error| json!({"system": error.system, "why": error.to_string()}))
            .collect();
        let all = json!({
            "as_of": time((drift.clock)()),
            "differences": differences,
            "not_compared": unheard,
        });
        say(format_args!("{all:#}"));
        return Ok(nothing);
    }
    for error in &report.unheard {
        say(format_args!("could not be compared: {error}"));
    }
    for found in &report.differences {
        say(format_args!("{}\t{}", found.id(), told(found)));
    }
    match (report.differences.len(), nothing) {
        (_, true) => say("cloud, LDAP and wiki say the same"),
        (count, _) => say(format_args!(
            "{count} differences; mend one by `openstackmanager act --for USER novadrift difference=ID`, \
             with `dryrun=1` to see the plan"
        )),
    }
    Ok(nothing)
}

/// What it is about, and what is to be done by hand.
fn told(found: &Difference) -> String {
    match found.repair() {
        Repair::Plan(_) => text(&found.told()),
        Repair::Operator(what) => format!("{}\t{}", text(&found.told()), text(&what)),
    }
}
