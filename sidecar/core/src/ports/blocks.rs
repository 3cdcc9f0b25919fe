//! Who is blocked on the wiki, and what is kept for them meanwhile.

use super::{NewOperation, PortError, Submitted};
use crate::ids::OperationId;
use crate::suspension::Suspension;
use async_trait::async_trait;
use std::collections::BTreeMap;

/// How a wiki user stands, on the wiki's positive word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No block of the whole wiki is in force.
    Free,
    /// One is.
    Blocked {
        /// Who blocked them, by name; empty where that is hidden.
        by: String,
    },
}

/// Wiki users.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Users<'a> {
    Ids(&'a [u64]),
    Names(&'a [String]),
}

/// Reading the wiki's blocks.
#[async_trait]
pub trait WikiBlocks: Send + Sync {
    /// The newest entries of the block log by their ids, each with the name of the user it is about; none where
    /// that is hidden. One small request.
    async fn block_log(&self) -> Result<BTreeMap<u64, Option<String>>, PortError>;
    /// How these stand, by id; whom the wiki does not show is left out.
    async fn standings(&self, of: Users<'_>) -> Result<BTreeMap<u64, Standing>, PortError>;
}

/// What is kept of people who are suspended, a row a person and project.
#[async_trait]
pub trait Suspensions: Send + Sync {
    /// All of them.
    async fn suspensions(&self) -> Result<Vec<Suspension>, PortError>;
    /// Keeps this and records the operation, both or neither, before anything is taken or given. Only where the
    /// latest operation still is the one `before`; `None` where it is not, since somebody else was faster.
    async fn keep(
        &self,
        suspension: &Suspension,
        before: Option<&OperationId>,
        operation: &NewOperation,
    ) -> Result<Option<Submitted>, PortError>;
    /// It was given back; `false` where another operation is the latest by now.
    async fn given_back(&self, suspension: &Suspension) -> Result<bool, PortError>;
}
