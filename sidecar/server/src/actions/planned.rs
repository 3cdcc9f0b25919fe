//! A plan before it is carried out: shown, and compared with what the person saw of it.

use osm_core::message::{Msg, Value};
use osm_core::plan::{Facts, Plan};
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Field, Row};
use serde::Serialize;

/// The field, and the API's parameter, in which the facts that a person saw come back.
pub(super) const FACTS: &str = "facts";

/// What was sent to have a plan carried out.
pub(super) struct Sent<'a> {
    /// The client's own key for this call.
    pub(super) key: Option<&'a str>,
    /// What the key is bound to.
    pub(super) body: &'a str,
    /// The facts of the plan that the person was shown, as [`facts_field`] gave them.
    pub(super) facts: Option<&'a str>,
    /// How much had been done before that was read which the plan rests on.
    pub(super) mark: Option<u64>,
}

/// A table of what will happen, and of what becomes of it if something fails.
pub(super) fn plan_table(plan: &Plan) -> Block {
    let rows = plan.steps.iter().enumerate().map(|(index, planned)| Row {
        id: format!("plan-{index}"),
        cells: vec![
            Value::from(planned.step.told(plan)),
            Value::from(planned.undo.told(planned)),
        ],
    });
    Block::Table {
        id: "plan".to_owned(),
        columns: ["plan", "undo"].map(Msg::new).into(),
        rows: rows.collect(),
        empty: None,
    }
}

/// What a plan is made from, to come back with the form.
pub(super) fn facts_field(facts: &impl Serialize) -> Field {
    // Maps of texts can always be written.
    let text = serde_json::to_string(facts).unwrap_or_default();
    Field::hidden(FACTS, &text)
}

/// Refuses a plan whose facts are not those that the person saw.
pub(super) fn as_seen(plan: &Plan, seen: Option<&str>) -> Result<(), Refusal> {
    let Some(seen) = seen.filter(|text| !text.is_empty()) else {
        return Ok(());
    };
    let seen: Facts = serde_json::from_str(seen)
        .map_err(|why| Refusal::field(FACTS, Msg::new("badfacts").with(why.to_string())))?;
    plan.facts.refuse_unless(&seen)
}
