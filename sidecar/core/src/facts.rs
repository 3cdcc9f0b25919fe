//! The facts that a plan was made from.

use crate::message::Msg;
use crate::refusal::{Refusal, RefusalKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a plan was made from: each fact by the name that people know it by, with its value or version then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(pub BTreeMap<String, String>);

impl Facts {
    /// Notes a fact.
    pub fn note(&mut self, name: impl Into<String>, version: impl Into<String>) {
        self.0.insert(name.into(), version.into());
    }

    /// Nothing was noted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses, by name of all that changed, a plan made from these facts in place of one made from the
    /// `seen` ones, which a person was shown.
    pub fn refuse_unless(&self, seen: &Self) -> Result<(), Refusal> {
        let value = |facts: &Self, name: &String| facts.0.get(name).cloned().unwrap_or_default();
        let names: std::collections::BTreeSet<_> = self.0.keys().chain(seen.0.keys()).collect();
        let changed: Vec<String> = names
            .into_iter()
            .filter(|name| value(self, name) != value(seen, name))
            .map(|name| format!("{name}: {} → {}", value(seen, name), value(self, name)))
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalKind::Conflict,
            Msg::new("planchanged").with(changed.join("; ")),
        ))
    }
}
