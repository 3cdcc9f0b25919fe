//! The hold on all writing after an older database was restored: until a person has seen what it forgot.

use super::PortError;
use crate::ids::{InstanceId, OperationId, ProjectId, Region};
use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// All writing is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why, for operators.
    pub detail: String,
}

/// A server, as Nova knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Made {
    pub region: Region,
    pub project_id: ProjectId,
    pub id: InstanceId,
}

/// What the world tells of an operation of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The operation.
    pub operation: OperationId,
    /// The server that it made, where Nova is who tells.
    pub server: Option<Made>,
    /// Where it was seen, for operators.
    pub seen_at: String,
}

/// An operation that the world tells of and the database did not account for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The operation.
    pub operation: OperationId,
    /// When that was found.
    pub found: DateTime<Utc>,
    /// Where it was seen.
    pub seen_at: String,
    /// The database has it, and believes that it is not over.
    pub open: bool,
}

/// What becomes of operations that are not over when the hold is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open {
    /// A person decides on each.
    Park,
    /// They go on.
    GoOn,
}

/// Keeping the hold.
#[async_trait]
pub trait Holds: Send + Sync {
    /// The hold, where one stands.
    async fn hold(&self) -> Result<Option<Hold>, PortError>;
    /// Those traces that the database does not account for: of an operation that it does not know, or that it
    /// believes not begun. Those of earlier holds are not among them.
    async fn unaccounted(&self, traces: &[Trace]) -> Result<Vec<Trace>, PortError>;
    /// Puts the hold, and remembers what for.
    async fn put_hold(&self, unaccounted: &[Trace], at: DateTime<Utc>) -> Result<(), PortError>;
    /// The cloud was read through since: pages may be written.
    async fn read_through(&self, at: DateTime<Utc>) -> Result<(), PortError>;
    /// What the present hold was put for, in the order of the operations.
    async fn lost(&self) -> Result<Vec<Lost>, PortError>;
    /// Lifts the hold, by an operator's name; says which operations were parked. What was not begun is marked
    /// as something that may have been done already.
    async fn lift(
        &self,
        open: Open,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<Vec<OperationId>, PortError>;
}
