//! What goes wrong outside, in one shape.

use crate::message::Msg;
use crate::refusal::{Refusal, RefusalKind};
use std::time::Duration;

/// An outside system did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{system}: {operation} {target}: {detail}")]
pub struct PortError {
    /// Which part: `nova`, `keystone`, `ldap`, `mysql`, `wiki` …
    pub system: &'static str,
    /// What was tried.
    pub operation: String,
    /// On what.
    pub target: String,
    /// The class, from which retrying follows.
    pub kind: Kind,
    /// Why it failed, in the system's words, cut and free of secrets.
    pub detail: String,
    /// The system's own id of the request, for its operators.
    pub request_id: Option<String>,
}

/// Classes of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no such thing: a positive word.
    NotFound,
    /// It clashes with the state there.
    Conflict,
    /// Our account is not allowed to.
    Denied,
    /// A quota is used up.
    Quota,
    /// The request was understood and is wrong.
    Rejected,
    /// Too large.
    TooLarge,
    /// Too many requests; how long to wait, if it said so.
    RateLimited(Option<Duration>),
    /// Refused connection, cut connection, 5xx: it may or may not have been done.
    Unavailable,
    /// No answer in time: it may or may not have been done.
    Timeout,
    /// An answer that makes no sense: it may or may not have been done.
    Protocol,
}

impl PortError {
    /// A failure of an outside system.
    pub fn new(
        system: &'static str,
        operation: impl Into<String>,
        target: impl Into<String>,
        kind: Kind,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            system,
            operation: operation.into(),
            target: target.into(),
            kind,
            detail: detail.into(),
            request_id: None,
        }
    }

    /// Trying again later may help.
    pub fn transient(&self) -> bool {
        matches!(
            self.kind,
            Kind::RateLimited(_) | Kind::Unavailable | Kind::Timeout | Kind::Protocol
        )
    }

    /// The effect may have happened although we were not told.
    pub fn uncertain(&self) -> bool {
        matches!(
            self.kind,
            Kind::Unavailable | Kind::Timeout | Kind::Protocol
        )
    }

    /// What a person is told: the part, and what to do.
    pub fn refusal(&self) -> Refusal {
        let (kind, name) = match self.kind {
            Kind::NotFound => (RefusalKind::NotFound, "backend-notfound"),
            Kind::Conflict => (RefusalKind::Conflict, "backend-conflict"),
            Kind::Denied => (RefusalKind::Unavailable, "backend-denied"),
            Kind::Quota => (RefusalKind::Conflict, "backend-quota"),
            Kind::Rejected => (RefusalKind::Invalid, "backend-rejected"),
            Kind::TooLarge => (RefusalKind::Invalid, "backend-toolarge"),
            Kind::RateLimited(_) => (RefusalKind::Unavailable, "backend-ratelimited"),
            Kind::Unavailable => (RefusalKind::Unavailable, "backend-unavailable"),
            Kind::Timeout => (RefusalKind::Unavailable, "backend-timeout"),
            Kind::Protocol => (RefusalKind::Unavailable, "backend-protocol"),
        };
        Refusal::new(
            kind,
            Msg::new(name)
                .with(self.system)
                .with(self.operation.as_str())
                .with(self.detail.as_str())
                .with(self.request_id.clone().unwrap_or_default()),
        )
    }
}
