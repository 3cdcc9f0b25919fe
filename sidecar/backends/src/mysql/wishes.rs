//! What people wish of operations: cancel, retry, give up. Each is noted with its audit row or not at all.

use super::audit::{self, Doing};
use super::failure::Failure;
use super::operations::{keyed, read, state_of, step_state_of};
use super::stored::decode_plan;
use super::{Store, commit, first, put, rows};
use chrono::{DateTime, Utc};
use mysql_async::Transaction;
use mysql_async::prelude::Queryable;
use osm_core::ids::OperationId;
use osm_core::ports::{NewWish, OperationState, StepState, Wish, Wished};
use serde_json::json;

impl Store {
    pub(super) async fn try_wish(&self, new: &NewWish) -> Result<Wished, Failure> {
        let (id, wish, at) = (&new.id, new.wish, new.at);
        let mut tx = self.begin().await?;
        if let Some(before) = keyed(&mut tx, new.idempotency.as_ref(), id, at).await? {
            tx.rollback().await?;
            return Ok(match before {
                Some(before) if before == *id => Wished::Noted,
                _ => Wished::KeyReused,
            });
        }
        let row: Option<(String, String)> = first(
            &mut tx,
            "SELECT state, plan FROM operations WHERE id = ? FOR UPDATE",
            (id.as_str(),),
        )
        .await?;
        let Some((state, plan)) = row else {
            return Ok(Wished::NotNow);
        };
        let state = state_of(&state)?;
        let done = match (wish, state) {
            (Wish::Cancel, OperationState::Queued | OperationState::Running)
                if (read(&mut tx, id).await?).is_some_and(|now| now.can_be_taken_back()) =>
            {
                put(
                    &mut tx,
                    "INSERT INTO cancellations (operation_id, at, wiki_user_id, wiki_user_name)
                     VALUES (?, ?, ?, ?)",
                    (id.as_str(), at.naive_utc(), new.by.0, &new.by.1),
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
            let event = match wish {
                Wish::Cancel => "cancel",
                Wish::Retry => "retry",
                Wish::GiveUp => "give-up",
            };
            let doing = Doing {
                by: (new.by.0, &new.by.1),
                request_id: Some(&new.request_id),
                at,
            };
            audit::append(&mut tx, id, event, &doing, json!({})).await?;
            commit(tx).await?;
            return Ok(Wished::Noted);
        }
        tx.rollback().await?;
        Ok(Wished::NotNow)
    }
}

/// What is parked goes on in the direction in which it stopped; not while another is at work on the same.
/// What could not be done is tried anew, as something that may have been done already.
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
    let steps: Vec<(u32, String)> = rows(
        tx,
        "SELECT position, state FROM steps WHERE operation_id = ?",
        (id.as_str(),),
    )
    .await?;
    let mut backwards = false;
    for (position, state) in steps {
        let state = step_state_of(&state)?;
        backwards |= state.backwards();
        let again = match state {
            StepState::Failed => StepState::Running,
            StepState::Stuck => StepState::Undoing,
            _ => continue,
        };
        tx.exec_drop(
            "UPDATE steps SET state = ?, attempts = 1 WHERE operation_id = ? AND position = ?",
            (again.name(), id.as_str(), position),
        )
        .await?;
        tx.exec_drop(
            "DELETE FROM step_times WHERE operation_id = ? AND position = ?",
            (id.as_str(), position),
        )
        .await?;
    }
    let state = match backwards {
        true => OperationState::Unwinding,
        false => OperationState::Running,
    };
    tx.exec_drop(
        "UPDATE operations SET state = ?, finished_at = NULL, busy = ?, due_at = ?
         WHERE id = ?",
        (state.name(), resource, at.naive_utc(), id.as_str()),
    )
    .await?;
    Ok(true)
}
