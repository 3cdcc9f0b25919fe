//! A "no" of the rules: a message key with parameters, never prose.

use crate::message::Msg;
use serde::{Deserialize, Serialize};

/// Why something is not done. Nothing has been begun when this is returned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What a person reads.
    pub message: Msg,
    /// The form field at fault, where there is one.
    pub field: Option<String>,
    /// The kind, from which the HTTP status follows.
    pub kind: RefusalKind,
}

/// The kinds of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RefusalKind {
    /// The person lacks a right, a role or a membership.
    Forbidden,
    /// A value is wrong.
    Invalid,
    /// There is no such thing.
    NotFound,
    /// It clashes with what is there, or with what has changed since.
    Conflict,
    /// Writing is switched off.
    Maintenance,
    /// A neighbour is away.
    Unavailable,
}

impl Refusal {
    /// A refusal with a message of the given name (without prefix).
    pub fn new(kind: RefusalKind, message: Msg) -> Self {
        Self {
            message,
            field: None,
            kind,
        }
    }

    /// A wrong value in a field.
    pub fn field(field: &str, message: Msg) -> Self {
        Self {
            message,
            field: Some(field.to_owned()),
            kind: RefusalKind::Invalid,
        }
    }

    /// The one table from kinds to HTTP statuses.
    pub fn status(&self) -> u16 {
        match self.kind {
            RefusalKind::Forbidden => 403,
            RefusalKind::Invalid => 422,
            RefusalKind::NotFound => 404,
            RefusalKind::Conflict => 409,
            RefusalKind::Maintenance | RefusalKind::Unavailable => 503,
        }
    }

    /// The error code of the wiki API: the message key.
    pub fn code(&self) -> &str {
        &self.message.key
    }
}
