//! Parameters of a request: strings, or lists of strings.

use osm_core::view::FieldValue;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Query or form parameters.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(pub BTreeMap<String, FieldValue>);

/// Only the names: a form may hold a password.
impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Params {
    /// The value of a parameter, the first where there are several; an empty one counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            FieldValue::One(v) => Some(v.as_str()),
            FieldValue::Many(v) => v.first().map(String::as_str),
        }
        .filter(|v| !v.is_empty())
    }

    /// The value, or an empty text.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// All values of a parameter.
    pub fn all(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            None => Vec::new(),
            Some(FieldValue::One(v)) if v.is_empty() => Vec::new(),
            Some(FieldValue::One(v)) => vec![v.clone()],
            Some(FieldValue::Many(v)) => v.iter().filter(|v| !v.is_empty()).cloned().collect(),
        }
    }
}
