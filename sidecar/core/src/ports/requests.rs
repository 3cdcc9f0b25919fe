//! Where requests are kept.

use super::{NewOperation, PortError, Submitted};
use crate::ids::ProjectName;
use crate::requests::{Asked, Request, State};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// A request to be recorded, with the operation that carries it out where a rule grants it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct NewRequest {
    pub asked: Asked,
    /// Wiki user id and name.
    pub by: (u64, String),
    /// The same request sent twice under one key is one.
    pub key: String,
    pub at: DateTime<Utc>,
    pub granted: Option<ByRule>,
}

/// What a rule has granted.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct ByRule {
    pub operation: NewOperation,
    /// Unless another request of this person was granted by rule since.
    pub unless_since: DateTime<Utc>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// Recorded, now or under the same key before.
    Request(u64),
    /// The person has one open already, this one.
    OneIsOpen(u64),
    /// Nothing was recorded: another one was granted by rule since.
    NotByRule,
    /// Nothing was recorded: the operation was not taken.
    Refused(Submitted),
}

/// A decision to be recorded.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct NewDecision {
    pub id: u64,
    pub verdict: Verdict,
    /// Wiki user id and name.
    pub by: (u64, String),
    pub words: String,
    pub at: DateTime<Utc>,
}

/// What is decided.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// To grant what has this hash, by this operation. Also what was granted already and failed.
    Grant {
        /// [`Asked::hash`] of what was looked at.
        hash: String,
        /// What carries it out.
        operation: Box<NewOperation>,
    },
    /// Not to.
    Decline,
    /// The asker does not want it any more.
    Withdraw,
}

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Recorded.
    Done,
    /// It is not open any more.
    NotOpen,
    /// The hash is another one's.
    AnotherHash,
    /// The operation was not taken.
    Refused(Submitted),
}

/// Which requests a list is to hold, newest first.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct RequestFilter {
    pub state: Option<State>,
    pub wiki_user_id: Option<u64>,
    pub project: Option<ProjectName>,
    /// Only those before this one.
    pub before: Option<u64>,
    pub limit: u32,
}

/// Requests, recorded with what carries them out and with the page that shows them: all or nothing.
#[async_trait]
pub trait Requests: Send + Sync {
    /// Records one.
    async fn ask(&self, new: &NewRequest) -> Result<Noted, PortError>;
    /// Records how one was decided.
    async fn decide(&self, new: &NewDecision) -> Result<Decided, PortError>;
    /// One of them.
    async fn request(&self, id: u64) -> Result<Option<Request>, PortError>;
    /// Those that a list is to hold.
    async fn requests(&self, filter: &RequestFilter) -> Result<Vec<Request>, PortError>;
}
