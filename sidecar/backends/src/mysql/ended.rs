//! The end of an operation.

use super::audit::{self, Doing};
use super::failure::Failure;
use super::first;
use chrono::{DateTime, Utc};
use mysql_async::Transaction;
use mysql_async::prelude::Queryable;
use osm_core::ids::OperationId;
use osm_core::message::Msg;
use osm_core::ports::OperationState;
use serde_json::json;

/// Lets go for good: the resource, the name where no server has it, and the audit row.
pub(super) async fn end(
    tx: &mut Transaction<'_>,
    id: &OperationId,
    state: OperationState,
    error: Option<&Msg>,
    at: DateTime<Utc>,
) -> Result<(), Failure> {
    tx.exec_drop(
        "UPDATE operations SET finished_at = ?, due_at = NULL, owner = NULL, busy = NULL
         WHERE id = ?",
        (at.naive_utc(), id.as_str()),
    )
    .await?;
    let unused = match state {
        // What still stands then is in the index, or its server is gone.
        OperationState::Undone | OperationState::Failed => "1",
        OperationState::Done => {
            "(instance_id IS NULL OR EXISTS (
               SELECT 1 FROM instances
               WHERE instances.region = names.region AND instances.id = names.instance_id
                 AND instances.ended = 1))"
        }
        // Parked: what is there is not known, an operator decides.
        _ => "0",
    };
    tx.exec_drop(
        format!("DELETE FROM names WHERE operation_id = ? AND {unused}"),
        (id.as_str(),),
    )
    .await?;
    let (by, name) = submitter(tx, id).await?;
    let doing = Doing {
        by: (by, &name),
        request_id: None,
        at,
    };
    audit::append(tx, id, state.name(), &doing, json!({ "error": error })).await?;
    Ok(())
}

pub(super) async fn submitter(
    tx: &mut Transaction<'_>,
    id: &OperationId,
) -> Result<(u64, String), Failure> {
    let row = first(
        tx,
        "SELECT wiki_user_id, wiki_user_name FROM operations WHERE id = ?",
        (id.as_str(),),
    );
    let missing = || Failure::Conflict(format!("there is no operation {id}"));
    row.await?.ok_or_else(missing)
}
