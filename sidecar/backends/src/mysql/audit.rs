//! The audit: what was asked, what was made otherwise, how it ended. Rows are only ever added, each in the
//! transaction of what it tells of, and noted there as waiting to be sealed: whatever the order in which
//! transactions commit, none is passed over.

use super::failure::Failure;
use super::first;
use super::stored::encode;
use chrono::{DateTime, Utc};
use mysql_async::Transaction;
use mysql_async::prelude::Queryable;
use osm_core::ids::OperationId;
use serde_json::Value as Json;

/// Who did it, by which request, when.
pub(super) struct Doing<'a> {
    pub by: (u64, &'a str),
    /// `None`: the request that the operation was recorded by.
    pub request_id: Option<&'a str>,
    pub at: DateTime<Utc>,
}

/// Adds a row about a recorded operation.
pub(super) async fn append(
    tx: &mut Transaction<'_>,
    id: &OperationId,
    event: &str,
    doing: &Doing<'_>,
    detail: Json,
) -> Result<(), Failure> {
    tx.exec_drop(
        "INSERT INTO audit (at, event, operation_id, region, project, wiki_user_id, wiki_user_name,
           request_id, detail)
         SELECT ?, ?, id, region, project, ?, ?, COALESCE(?, request_id), ?
         FROM operations WHERE id = ?",
        (
            doing.at.naive_utc(),
            event,
            doing.by.0,
            doing.by.1,
            doing.request_id,
            encode("audit row", detail)?,
            id.as_str(),
        ),
    )
    .await?;
    let row = match tx.last_insert_id() {
        Some(row) if tx.affected_rows() == 1 => row,
        _ => return Err(Failure::Conflict(format!("there is no operation {id}"))),
    };
    tx.exec_drop("INSERT INTO audit_unsealed (audit_id) VALUES (?)", (row,))
        .await?;
    Ok(())
}

/// Whether an operation has a row that tells just this.
pub(super) async fn holds(
    tx: &mut Transaction<'_>,
    id: &OperationId,
    event: &str,
    detail: Json,
) -> Result<bool, Failure> {
    let row: Option<(u8,)> = first(
        tx,
        "SELECT 1 FROM audit WHERE operation_id = ? AND event = ? AND detail = ? LIMIT 1",
        (id.as_str(), event, encode("audit row", detail)?),
    )
    .await?;
    Ok(row.is_some())
}
