//! What the runner does with operations: claim, renew, note, release.

use super::audit::{self, Doing};
use super::ended::{end, submitter};
use super::failure::Failure;
use super::logs::{insert, known};
use super::operations::{read, state_of};
use super::pages::add_due;
use super::stored::encode_msg;
use super::{Store, commit, first, lease_end};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use mysql_async::prelude::Queryable;
use mysql_async::{Transaction, params};
use osm_core::ids::OperationId;
use osm_core::message::Msg;
use osm_core::plan::Change;
use osm_core::ports::{
    Kind, Operation, OperationState, OperationWork, PortError, StepNote, StepState, Telling,
};
use serde_json::json;
use std::time::Duration;

/// So far may a process's clock be from the database's.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(2);

#[async_trait]
impl OperationWork for Store {
    async fn in_time(&self, now: DateTime<Utc>) -> Result<(), PortError> {
        const COMPARE: &str = "compare this machine's clock with that of";
        let theirs: Option<(NaiveDateTime,)> = self
            .attempt(COMPARE, || async {
                first(&mut self.conn().await?, "SELECT UTC_TIMESTAMP(6)", ()).await
            })
            .await?;
        let ahead = theirs.map_or(TimeDelta::zero(), |(theirs,)| now - theirs.and_utc());
        if ahead.abs() <= CLOCKS_APART {
            return Ok(());
        }
        let seconds = ahead.as_seconds_f64();
        Err(PortError::new(
            "mysql",
            COMPARE,
            &*self.target,
            Kind::Rejected,
            format!(
                "ours is {seconds:+.1} s off, and two are borne: no operation is claimed here until the clocks agree (NTP)"
            ),
        ))
    }

    async fn claim(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<Operation>, PortError> {
        self.attempt("claim an operation in", || {
            self.try_claim(owner, now, lease)
        })
        .await
    }

    async fn cancelled(&self, id: &OperationId) -> Result<Option<(u64, String)>, PortError> {
        self.attempt("look for a wish to cancel in", || async {
            cancelled(&mut self.conn().await?, id).await
        })
        .await
    }

    async fn renew(
        &self,
        id: &OperationId,
        generation: u64,
        until: DateTime<Utc>,
    ) -> Result<(), PortError> {
        self.attempt("renew the lease of an operation in", || async {
            let mut conn = self.conn().await?;
            conn.exec_drop(
                "UPDATE operations SET due_at = ?
                 WHERE id = ? AND generation = ? AND owner IS NOT NULL",
                (until.naive_utc(), id.as_str(), generation),
            )
            .await?;
            held_if(conn.affected_rows() > 0, id, generation)
        })
        .await
    }

    async fn note_step(
        &self,
        id: &OperationId,
        generation: u64,
        note: &StepNote,
    ) -> Result<(), PortError> {
        self.attempt("note a step in", || {
            self.try_note_step(id, generation, note)
        })
        .await
    }

    async fn holds(&self, id: &OperationId, generation: u64) -> Result<(), PortError> {
        self.attempt("look whether an operation is still held in", || async {
            let row: Option<(u8,)> = first(
                &mut self.conn().await?,
                "SELECT 1 FROM operations
                 WHERE id = ? AND generation = ? AND owner IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM holds)",
                (id.as_str(), generation),
            )
            .await?;
            held_if(row.is_some(), id, generation)
        })
        .await
    }

    async fn note_state(
        &self,
        id: &OperationId,
        generation: u64,
        state: OperationState,
        error: Option<&Msg>,
        told: Telling<'_>,
        at: DateTime<Utc>,
    ) -> Result<(), PortError> {
        self.attempt("note the state of an operation in", || {
            self.try_note_state(id, generation, state, error, told, at)
        })
        .await
    }

    async fn release(
        &self,
        id: &OperationId,
        generation: u64,
        due: DateTime<Utc>,
    ) -> Result<(), PortError> {
        self.attempt("release an operation in", || async {
            let mut conn = self.conn().await?;
            conn.exec_drop(
                "UPDATE operations SET owner = NULL, due_at = ?
                 WHERE id = ? AND generation = ? AND owner IS NOT NULL",
                (due.naive_utc(), id.as_str(), generation),
            )
            .await?;
            held_if(conn.affected_rows() > 0, id, generation)
        })
        .await
    }
}

impl Store {
    /// A claim counts once this has committed: `SKIP LOCKED` alone is local to a Galera node.
    async fn try_claim(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<Operation>, Failure> {
        let mut tx = self.begin().await?;
        // In the index's order, so that no row but the one taken is locked.
        let row: Option<(String,)> = first(
            &mut tx,
            "SELECT id FROM operations FORCE INDEX (due)
             WHERE due_at <= ? AND NOT EXISTS (SELECT 1 FROM holds)
             ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED",
            (now.naive_utc(),),
        )
        .await?;
        let Some((id,)) = row else {
            tx.rollback().await?;
            return Ok(None);
        };
        tx.exec_drop(
            "UPDATE operations SET owner = ?, generation = generation + 1, due_at = ?
             WHERE id = ? AND due_at <= ?",
            (owner, lease_end(now, lease), &id, now.naive_utc()),
        )
        .await?;
        if tx.affected_rows() == 0 {
            return Err(Failure::Raced);
        }
        // What cannot be read stays claimed until its lease ends, and so does not block the others.
        let operation = read(&mut tx, &OperationId::trusted(id)).await;
        commit(tx).await?;
        operation
    }

    async fn try_note_step(
        &self,
        id: &OperationId,
        generation: u64,
        note: &StepNote,
    ) -> Result<(), Failure> {
        let mut tx = self.begin().await?;
        let held = held(&mut tx, id).await?;
        held_if(held.by(generation) && held.owned, id, generation)?;
        let step = &note.record;
        tx.exec_drop(
            "UPDATE steps SET state = ?, attempts = ?, error = ?
             WHERE operation_id = ? AND position = ?",
            (
                step.state.name(),
                step.attempts,
                encode_msg(step.error.as_ref())?,
                id.as_str(),
                step.index,
            ),
        )
        .await?;
        if let Some(started) = step.started {
            let ended = step.ended.map(|at| at.naive_utc());
            tx.exec_drop(
                "INSERT INTO step_times (operation_id, position, started_at, ended_at)
                 VALUES (:id, :position, :started, :ended)
                 ON DUPLICATE KEY UPDATE started_at = :started, ended_at = :ended",
                params! {
                    "id" => id.as_str(),
                    "position" => step.index,
                    "started" => started.naive_utc(),
                    "ended" => ended,
                },
            )
            .await?;
        }
        if let Some(instance) = note.instance.map(|i| i.to_string()) {
            for sql in [
                "UPDATE operations SET instance_id = ? WHERE id = ?",
                "UPDATE names SET instance_id = ? WHERE operation_id = ?",
            ] {
                tx.exec_drop(sql, (&instance, id.as_str())).await?;
            }
        }
        let doing = Doing {
            by: (note.by.0, &note.by.1),
            request_id: None,
            at: note.at,
        };
        for change in &note.changes {
            let detail = |change: &Change| json!({"step": step.name, "change": change});
            if step.state == StepState::Undone {
                // What is taken back was there, also where a crash or a lost answer kept it from being noted.
                let forth = detail(&change.clone().reversed());
                if !audit::holds(&mut tx, id, "changed", forth.clone()).await? {
                    // Whoever wishes it back is not who had it made.
                    let (by, name) = submitter(&mut tx, id).await?;
                    let by = (by, name.as_str());
                    audit::append(&mut tx, id, "changed", &Doing { by, ..doing }, forth).await?;
                }
            }
            audit::append(&mut tx, id, "changed", &doing, detail(change)).await?;
        }
        for due in &note.due {
            add_due(&mut tx, due).await?;
        }
        commit(tx).await
    }

    async fn try_note_state(
        &self,
        id: &OperationId,
        generation: u64,
        state: OperationState,
        error: Option<&Msg>,
        told: Telling<'_>,
        at: DateTime<Utc>,
    ) -> Result<(), Failure> {
        let mut tx = self.begin().await?;
        let held = held(&mut tx, id).await?;
        if held.by(generation) && !held.owned && held.state == state {
            // The caller repeats itself, since the answer to the first time was lost.
            return Ok(tx.rollback().await?);
        }
        held_if(held.by(generation) && held.owned, id, generation)?;
        if state == OperationState::Done
            && cancelled(&mut tx, id).await?.is_some()
            && (read(&mut tx, id).await?).is_some_and(|operation| operation.can_be_taken_back())
        {
            // It came after the runner's last look, and was accepted: it is looked for again.
            return Err(Failure::Conflict(format!(
                "operation {id} is to be taken back since a moment ago"
            )));
        }
        tx.exec_drop(
            "UPDATE operations SET state = ?, error = ? WHERE id = ?",
            (state.name(), encode_msg(error)?, id.as_str()),
        )
        .await?;
        if state.over() {
            end(&mut tx, id, state, error, at).await?;
        }
        for due in told.due {
            add_due(&mut tx, due).await?;
        }
        if let Some(entry) = told.entry
            && known(&mut tx, &entry.key).await?.is_none()
        {
            insert(&mut tx, entry).await?;
        }
        commit(tx).await
    }
}

/// Who wishes it taken back. The wish locks the operation's row, and so does who looks for it with that row in hand.
async fn cancelled(
    on: &mut impl Queryable,
    id: &OperationId,
) -> Result<Option<(u64, String)>, Failure> {
    first(
        on,
        "SELECT wiki_user_id, wiki_user_name FROM cancellations WHERE operation_id = ?",
        (id.as_str(),),
    )
    .await
}

/// Who holds an operation; its row is locked.
struct Held {
    generation: u64,
    owned: bool,
    state: OperationState,
}

impl Held {
    fn by(&self, generation: u64) -> bool {
        self.generation == generation
    }
}

async fn held(tx: &mut Transaction<'_>, id: &OperationId) -> Result<Held, Failure> {
    let row: Option<(u64, bool, String)> = first(
        tx,
        "SELECT generation, owner IS NOT NULL, state FROM operations WHERE id = ? FOR UPDATE",
        (id.as_str(),),
    )
    .await?;
    let Some((generation, owned, state)) = row else {
        return Err(Failure::Conflict(format!("there is no operation {id}")));
    };
    Ok(Held {
        generation,
        owned,
        state: state_of(&state)?,
    })
}

fn held_if(held: bool, id: &OperationId, generation: u64) -> Result<(), Failure> {
    if held {
        return Ok(());
    }
    Err(Failure::Conflict(format!(
        "operation {id} is no longer held under generation {generation}, or all writing is held"
    )))
}
