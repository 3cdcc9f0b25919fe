//! The state that the operations made, from the audit: each resource with its value and whose doing it is.

use crate::plan::Change;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A change as the audit tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The audit row.
    pub audit_id: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// By which operation.
    pub operation: String,
    /// Whose doing.
    pub person: String,
    /// What.
    pub change: Change,
}

/// How a resource stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Stands {
    pub value: Json,
    pub operation: String,
    pub person: String,
    pub at: DateTime<Utc>,
}

/// Resources with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State(pub BTreeMap<String, Stands>);

impl State {
    /// Makes a change, the next one in the order of the audit. What is gone takes with it what is below it.
    pub fn apply(&mut self, effect: Effect) {
        let Effect { change, .. } = effect;
        let Some(value) = change.after else {
            let below = format!("{}/", change.resource);
            self.0
                .retain(|name, _| *name != change.resource && !name.starts_with(&below));
            return;
        };
        let stands = Stands {
            value,
            operation: effect.operation,
            person: effect.person,
            at: effect.at,
        };
        self.0.insert(change.resource, stands);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use serde_json::json;

    fn change(resource: &str, before: Option<Json>, after: Option<Json>) -> Change {
        Change {
            resource: resource.to_owned(),
            before,
            after,
        }
    }

    fn state(changes: impl IntoIterator<Item = Change>) -> State {
        let mut state = State::default();
        for (audit_id, change) in (1..).zip(changes) {
            state.apply(Effect {
                audit_id,
                at: DateTime::from_timestamp(i64::try_from(audit_id).unwrap(), 0).unwrap(),
                operation: format!("op-{audit_id}"),
                person: "Volunteer".to_owned(),
                change,
            });
        }
        state
    }

    #[test]
    fn the_last_change_stands_with_its_author() {
        let web = |before, after| change("R/instance/1", before, after);
        let made = web(None, Some(json!({"name": "web"})));
        let renamed = web(made.after.clone(), Some(json!({"name": "www"})));
        let found = state([made.clone(), renamed.clone()]);
        let stands = &found.0["R/instance/1"];
        assert_eq!(
            (&stands.value, &*stands.operation),
            (&json!({"name": "www"}), "op-2")
        );
        // Taken back: as it was, by the operation that took it back.
        let found = state([made.clone(), renamed.clone(), renamed.reversed()]);
        let stands = &found.0["R/instance/1"];
        assert_eq!(
            (&stands.value, &*stands.operation),
            (&json!({"name": "web"}), "op-3")
        );
        assert_eq!(state([made.clone(), made.reversed()]), State::default());
    }

    #[test]
    fn what_is_gone_takes_with_it_what_is_below() {
        let there = Some(json!(true));
        let names = |state: State| state.0.into_keys().collect::<Vec<_>>();
        let found = state([
            change("R/instance/1", None, there.clone()),
            change("R/instance/1/security-group/web", None, there.clone()),
            change("R/instance/11", None, there.clone()),
            change("R/instance/1", there.clone(), None),
        ]);
        assert_eq!(names(found), ["R/instance/11"]);
        let again = change("R/instance/1", None, there.clone());
        let found = state([again.clone(), again.clone().reversed(), again]);
        assert_eq!(found.0["R/instance/1"].operation, "op-3");
    }
}
