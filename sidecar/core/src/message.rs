//! Texts as message keys with typed parameters, so that MediaWiki translates and escapes them.

use crate::pages::encode::cut;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Characters of a text within a sentence.
const LONGEST: usize = 1000;

/// A message of the shim's i18n files with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Msg {
    /// A key that begins with `openstackmanager-`.
    pub key: String,
    /// `$1`, `$2` … of the message.
    #[serde(default)]
    pub params: Vec<Value>,
}

impl Msg {
    /// A message without parameters. `name` is the key without its `openstackmanager-` prefix.
    pub fn new(name: &str) -> Self {
        Self {
            key: format!("openstackmanager-{name}"),
            params: Vec::new(),
        }
    }

    /// Adds a parameter. It becomes part of a sentence: of a text that is too long for one, the beginning.
    #[must_use]
    pub fn with(mut self, value: impl Into<Value>) -> Self {
        self.params.push(match value.into() {
            Value::Text { v } => Value::text(cut(&v, LONGEST)),
            other => other,
        });
        self
    }
}

/// Anything a person is shown. There is no variant through which markup can pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "lowercase")]
pub enum Value {
    /// Plain text, never parsed.
    Text {
        /// The text.
        v: String,
    },
    /// A translated message.
    Msg {
        /// The message.
        v: Msg,
    },
    /// A link to a wiki page.
    Wiki {
        /// Full title with namespace.
        title: String,
        /// Link text; the title when absent.
        label: Option<String>,
    },
    /// A link out of the wiki; the shim shows anything but http(s) as text.
    Url {
        /// The address.
        href: String,
        /// Link text; the address when absent.
        label: Option<String>,
    },
    /// A link to one of our special pages.
    Special {
        /// Canonical name, such as `NovaInstance`.
        page: String,
        /// Query parameters.
        query: BTreeMap<String, String>,
        /// Link text.
        label: Msg,
    },
    /// An instant, shown in the reader's time zone and language.
    Time {
        /// The instant.
        v: DateTime<Utc>,
    },
    /// A number, shown in the reader's language.
    Num {
        /// The number.
        v: i64,
    },
    /// A size in bytes.
    Bytes {
        /// The size.
        v: u64,
    },
    /// Several values in one place.
    List {
        /// The values.
        v: Vec<Value>,
    },
    /// An operation that is moving.
    Progress {
        /// Operation id.
        operation: String,
        /// What it is doing.
        state: Msg,
    },
    /// Text in a fixed-width face.
    Code {
        /// The text.
        v: String,
    },
}

impl Value {
    /// Plain text.
    pub fn text(v: impl Into<String>) -> Self {
        Self::Text { v: v.into() }
    }

    /// A link to a wiki page with a text of its own.
    pub fn wiki(title: impl Into<String>, label: impl Into<String>) -> Self {
        Self::Wiki {
            title: title.into(),
            label: Some(label.into()),
        }
    }

    /// A link to a special page of ours.
    pub fn special(page: &str, query: &[(&str, &str)], label: Msg) -> Self {
        Self::Special {
            page: page.to_owned(),
            query: query
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            label,
        }
    }
}

impl From<&str> for Value {
    fn from(v: &str) -> Self {
        Self::text(v)
    }
}
impl From<String> for Value {
    fn from(v: String) -> Self {
        Self::Text { v }
    }
}
impl From<Msg> for Value {
    fn from(v: Msg) -> Self {
        Self::Msg { v }
    }
}
impl From<i64> for Value {
    fn from(v: i64) -> Self {
        Self::Num { v }
    }
}
impl From<DateTime<Utc>> for Value {
    fn from(v: DateTime<Utc>) -> Self {
        Self::Time { v }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_stays_one() {
        for (given, kept) in [(3, 3), (1000, 1000), (1001, 1000), (1_000_000, 1000)] {
            let msg = Msg::new("badname").with("é".repeat(given));
            let [Value::Text { v }] = msg.params.as_slice() else {
                panic!("{msg:?}");
            };
            assert_eq!(v.chars().count(), kept, "of {given}");
        }
    }
}
