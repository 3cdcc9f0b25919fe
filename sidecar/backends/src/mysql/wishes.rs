//! What people wish of operations: cancel, retry, give up. Each is noted with its audit row or not at all.

use super::failure::Failure;
use super::operations::state_of;
use super::stored::{decode_plan, encode};
use super::{Store, first, put};
use chrono::{DateTime, Utc};
use mysql_async::Transaction;
use mysql_async::prelude::Queryable;
use osm_core::ids::OperationId;
use osm_core::ports::{OperationState, Wish};
use serde_json::json;

impl Store {
    pub(super) async fn try_wish(
        &self,
        id: &OperationId,
        wish: Wish,
        by: (u64, &str),
        request_id: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, Failure> {
        let mut tx = self.begin().await?;
        let row: Option<(String, String)> = first(
            &mut tx,
            "SELECT state, plan FROM operations WHERE id = ? FOR UPDATE",
            (id.as_str(),),
        )
        .await?;
        let Some((state, plan)) = row else {
            return Ok(false);
        };
        let state = state_of(&state)?;
        let done = match (wish, state) {
            (Wish::Cancel, OperationState::Queued | OperationState::Running) => {
                put(
                    &mut tx,
                    "INSERT INTO cancellations (operation_id, at, wiki_user_id, wiki_user_name)
                     VALUES (?, ?, ?, ?)",
                    (id.as_str(), at.naive_utc(), by.0, by.1),
                )
                .await?
            }
            (Wish::Retry, OperationState::Parked) => {
                let resource = decode_plan(&plan)?.resource();
                resume(&mut tx, id, &resource, at).await?
            }
            (Wish::GiveUp, OperationState::Parked) => {
                tx.exec_drop(
                    "UPDATE operations SET state = 'failed' WHERE id = ?",
                    (id.as_str(),),
                )
                .await?;
                tx.exec_drop("DELETE FROM names WHERE operation_id = ?", (id.as_str(),))
                    .await?;
                true
            }
            _ => false,
        };
        if done {
            audit(&mut tx, id, wish, by, request_id, at).await?;
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok(done)
    }
}

/// What is parked was being taken back, and is taken back further; not while another is at work on the same.
async fn resume(
    tx: &mut Transaction<'_>,
    id: &OperationId,
    resource: &str,
    at: DateTime<Utc>,
) -> Result<bool, Failure> {
    let other: Option<(u8,)> = first(
        tx,
        "SELECT 1 FROM operations WHERE busy = ? LIMIT 1",
        (resource,),
    )
    .await?;
    if other.is_some() {
        return Ok(false);
    }
    tx.exec_drop(
        "UPDATE operations SET state = 'unwinding', finished_at = NULL, busy = ?, due_at = ?
         WHERE id = ?",
        (resource, at.naive_utc(), id.as_str()),
    )
    .await?;
    Ok(true)
}

async fn audit(
    tx: &mut Transaction<'_>,
    id: &OperationId,
    wish: Wish,
    (by, name): (u64, &str),
    request_id: &str,
    at: DateTime<Utc>,
) -> Result<(), Failure> {
    let event = match wish {
        Wish::Cancel => "cancel",
        Wish::Retry => "retry",
        Wish::GiveUp => "give-up",
    };
    tx.exec_drop(
        "INSERT INTO audit (at, event, operation_id, region, project, wiki_user_id, wiki_user_name,
           request_id, detail)
         SELECT ?, ?, id, region, project, ?, ?, ?, ? FROM operations WHERE id = ?",
        (
            at.naive_utc(),
            event,
            by,
            name,
            request_id,
            encode("audit row", json!({}))?,
            id.as_str(),
        ),
    )
    .await?;
    Ok(())
}
