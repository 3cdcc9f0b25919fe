//! The *view*: what the sidecar sends the shim to show. The contract is described in docs/ARCHITECTURE.md.

use crate::message::{Msg, Value};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A whole special page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Version of the view contract.
    pub v: u8,
    /// HTTP status the special page answers with.
    pub status: u16,
    /// Page title.
    pub title: Msg,
    /// The age of what is shown, where it is a copy.
    pub as_of: Option<DateTime<Utc>>,
    /// Something on the page is moving: the shim's script refreshes it.
    pub live: bool,
    /// Boxes above the content.
    pub notices: Vec<Notice>,
    /// The content, in order.
    pub blocks: Vec<Block>,
    /// After a successful POST: where to go.
    pub redirect: Option<PageLink>,
}

impl View {
    /// An empty page with a title.
    pub fn new(title: Msg) -> Self {
        Self {
            v: 1,
            status: 200,
            title,
            as_of: None,
            live: false,
            notices: Vec::new(),
            blocks: Vec::new(),
            redirect: None,
        }
    }

    /// Sends the browser on to another special page.
    pub fn redirect(title: Msg, page: &str, query: &[(&str, &str)]) -> Self {
        let mut view = Self::new(title);
        view.redirect = Some(PageLink::new(page, query));
        view
    }

    /// Adds a box, unless one says the same already.
    pub fn notice(&mut self, level: Level, text: Msg) {
        if !self.notices.iter().any(|notice| notice.text == text) {
            self.notices.push(Notice { level, text });
        }
    }
}

/// A special page of ours with query parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageLink {
    /// Canonical name of the special page.
    pub page: String,
    /// Query parameters.
    pub query: BTreeMap<String, String>,
}

impl PageLink {
    /// A link with its query.
    pub fn new(page: &str, query: &[(&str, &str)]) -> Self {
        Self {
            page: page.to_owned(),
            query: query
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
        }
    }
}

/// How loud a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Level {
    Info,
    Success,
    Warning,
    Error,
}

/// A box above the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Notice {
    pub level: Level,
    pub text: Msg,
}

/// A piece of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "b", rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Block {
    Heading {
        level: u8,
        id: String,
        text: Value,
        links: Vec<Value>,
    },
    Para {
        text: Value,
    },
    Table {
        id: String,
        columns: Vec<Msg>,
        rows: Vec<Row>,
        empty: Option<Msg>,
    },
    Facts {
        rows: Vec<Fact>,
    },
    Pre {
        text: String,
    },
    Form(Box<Form>),
    Pager {
        prev: Option<PageLink>,
        next: Option<PageLink>,
    },
}

/// A table row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Row {
    pub id: String,
    pub cells: Vec<Value>,
}

/// A labelled fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Fact {
    pub label: Msg,
    pub value: Value,
}

/// A form; a subset of what HTMLForm can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// HTML id.
    pub id: String,
    /// The special page it is posted to.
    pub page: String,
    /// Query parameters of that address.
    pub query: BTreeMap<String, String>,
    /// The fields, in order.
    pub fields: Vec<Field>,
    /// Text of the button.
    pub submit: Msg,
    /// Text of a second button, which only shows what would happen (`dryrun`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Msg>,
    /// The button takes something away.
    pub destructive: bool,
    /// Where "cancel" leads.
    pub cancel: Option<Value>,
    /// Made anew for each rendered form: a double click makes one thing.
    pub idempotency_key: String,
    /// Text above the fields.
    pub intro: Option<Msg>,
}

/// A form field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Field {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: FieldKind,
    pub label: Option<Msg>,
    pub help: Option<Msg>,
    /// One string, or a list of strings for a multiselect.
    pub default: Option<FieldValue>,
    pub options: Vec<FieldOption>,
    pub required: bool,
    pub maxlength: Option<u32>,
    /// What is wrong with what was sent.
    pub error: Option<Msg>,
    /// It shows its default and never again what was sent, which may be a secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
}

impl Field {
    /// A field with a label and nothing else.
    pub fn new(name: &str, kind: FieldKind, label: Msg) -> Self {
        Self {
            label: Some(label),
            ..Self::bare(name, kind)
        }
    }

    /// A hidden field.
    pub fn hidden(name: &str, value: &str) -> Self {
        Self {
            default: Some(FieldValue::One(value.to_owned())),
            ..Self::bare(name, FieldKind::Hidden)
        }
    }

    fn bare(name: &str, kind: FieldKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            label: None,
            help: None,
            default: None,
            options: Vec::new(),
            required: false,
            maxlength: None,
            error: None,
            secret: false,
        }
    }
}

/// What a field may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum FieldKind {
    Text,
    Textarea,
    Select,
    Multiselect,
    Check,
    Hidden,
    Info,
    Password,
}

/// What a form or query field holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum FieldValue {
    One(String),
    Many(Vec<String>),
}

/// A choice in a select.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct FieldOption {
    pub value: String,
    pub label: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_box_says_already_is_not_said_again() {
        let mut view = View::new(Msg::new("novainstance"));
        for (level, name) in [
            (Level::Error, "held"),
            (Level::Warning, "held"),
            (Level::Warning, "needlogin"),
        ] {
            view.notice(level, Msg::new(name));
        }
        let shown = view.notices.into_iter().map(|n| (n.level, n.text.key));
        let shown: Vec<_> = shown.collect();
        let wanted = [
            (Level::Error, "openstackmanager-held".to_owned()),
            (Level::Warning, "openstackmanager-needlogin".to_owned()),
        ];
        assert_eq!(shown, wanted);
    }
}
