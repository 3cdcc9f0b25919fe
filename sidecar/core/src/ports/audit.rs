//! The audit: sealing it, and reading it.

use super::PortError;
use crate::audit::{Anchor, Finding, Row, Seal};
use crate::replay::Effect;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// What one attempt at sealing did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    /// So many rows were sealed.
    pub rows: usize,
    /// More may be waiting than were taken at once.
    pub more: bool,
    /// The day's anchor was set, and its page is due.
    pub anchored: bool,
}

/// Sealing.
#[async_trait]
pub trait AuditSeals: Send + Sync {
    /// Seals rows that wait, and sets the day's anchor, where there is something to do and nobody else is
    /// elected; who does it stays elected for `lease`.
    async fn seal(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Sealed, PortError>;
}

/// How a row stands towards the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Coverage {
    pub id: u64,
    pub sealed: bool,
    pub waiting: bool,
}

impl Coverage {
    /// What is wrong with it.
    pub fn finding(self) -> Option<Finding> {
        match (self.sealed, self.waiting) {
            (true, true) => Some(Finding::SealedWaiting(self.id)),
            (false, false) => Some(Finding::Stray(self.id)),
            _ => None,
        }
    }
}

/// Reading the audit, each list from after a number on, so that it can be read in pieces.
#[async_trait]
pub trait AuditTrail: Send + Sync {
    /// The chain: seals by their place, each with its row where that is there.
    async fn seals(&self, after: u64, limit: u32) -> Result<Vec<(Seal, Option<Row>)>, PortError>;
    /// The rows by id.
    async fn coverage(&self, after: u64, limit: u32) -> Result<Vec<Coverage>, PortError>;
    /// What waits to be sealed, by the row's id, and whether that row is there.
    async fn waiting(&self, after: u64, limit: u32) -> Result<Vec<(u64, bool)>, PortError>;
    /// Operations, from after an id on, among so many, that no row tells the submission of; and where to go
    /// on, `None` at the end.
    async fn untold(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<(Vec<String>, Option<String>), PortError>;
    /// The anchors, newest first.
    async fn anchors(&self, limit: u32) -> Result<Vec<Anchor>, PortError>;
    /// Effects up to a time, among so many rows; and where to go on, `None` at the end.
    async fn effects(
        &self,
        after: u64,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<(Vec<Effect>, Option<u64>), PortError>;
    /// Lets rows be sealed that are neither sealed nor waiting: an older version wrote them, says an operator.
    /// Says which were.
    async fn adopt(&self, ids: &[u64]) -> Result<Vec<u64>, PortError>;
}
