//! The hold on all writing after an older database was restored.

use super::audit::{self, Doing};
use super::failure::Failure;
use super::operations::{exists, instance_operation};
use super::stored::encode_msg;
use super::{Store, commit, first, marks, rows};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use mysql_async::Value;
use mysql_async::prelude::Queryable;
use osm_core::ids::OperationId;
use osm_core::message::Msg;
use osm_core::ports::{Hold, Holds, Lost, Open, PortError, Trace};
use serde_json::json;
use std::collections::BTreeSet;

/// The kind of reason that there is so far.
const RESTORED: &str = "restored";
/// So many ids go into one query.
const BATCH: usize = 1000;
const LONGEST_DETAIL: usize = 1000;

#[async_trait]
impl Holds for Store {
    async fn hold(&self) -> Result<Option<Hold>, PortError> {
        self.attempt("look for a hold in", || async {
            let row: Option<(NaiveDateTime, String)> = first(
                &mut self.conn().await?,
                "SELECT since, detail FROM holds ORDER BY since LIMIT 1",
                (),
            )
            .await?;
            Ok(row.map(|(since, detail)| Hold {
                since: since.and_utc(),
                detail,
            }))
        })
        .await
    }

    async fn unaccounted(&self, traces: &[Trace]) -> Result<Vec<Trace>, PortError> {
        self.attempt("look for operations told of in", || async {
            let mut conn = self.conn().await?;
            let settled = settled(&mut conn, traces).await?;
            let mut found: Vec<Trace> = Vec::new();
            for trace in traces {
                if settled.contains(trace.operation.as_str()) {
                    continue;
                }
                let told = found.iter().any(|f| f.operation == trace.operation);
                if !told && !accounted_for(&mut conn, trace).await? {
                    found.push(trace.clone());
                }
            }
            Ok(found)
        })
        .await
    }

    async fn put_hold(&self, unaccounted: &[Trace], at: DateTime<Utc>) -> Result<(), PortError> {
        self.attempt("put a hold in", || self.try_put_hold(unaccounted, at))
            .await
    }

    async fn read_through(&self, at: DateTime<Utc>) -> Result<(), PortError> {
        self.attempt("note that the cloud was read through in", || async {
            let sql = "UPDATE holds SET read_through_at = ? WHERE read_through_at IS NULL";
            let mut conn = self.conn().await?;
            Ok(conn.exec_drop(sql, (at.naive_utc(),)).await?)
        })
        .await
    }

    async fn lost(&self) -> Result<Vec<Lost>, PortError> {
        self.attempt("list lost operations of", || async {
            let found: Vec<(String, NaiveDateTime, String, bool)> = rows(
                &mut self.conn().await?,
                "SELECT l.id, l.found_at, l.seen_at, o.id IS NOT NULL
                 FROM lost_operations l LEFT JOIN operations o ON o.id = l.id
                 WHERE l.found_at >= (SELECT MIN(since) FROM holds) ORDER BY l.id",
                (),
            )
            .await?;
            let lost = |(id, found, seen_at, open): (String, NaiveDateTime, String, bool)| Lost {
                operation: OperationId::trusted(id),
                found: found.and_utc(),
                seen_at,
                open,
            };
            Ok(found.into_iter().map(lost).collect())
        })
        .await
    }

    async fn lift(
        &self,
        open: Open,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<Vec<OperationId>, PortError> {
        self.attempt("lift the hold in", || self.try_lift(open, by, at))
            .await
    }
}

/// Whether all writing is held.
pub(super) async fn stands(on: &mut impl Queryable) -> Result<bool, Failure> {
    let row: Option<(u8,)> = first(on, "SELECT 1 FROM holds LIMIT 1", ()).await?;
    Ok(row.is_some())
}

/// Those of the operations that nothing can be wrong with: nearly all of them, and found at once.
async fn settled(on: &mut impl Queryable, traces: &[Trace]) -> Result<BTreeSet<String>, Failure> {
    let mut settled = BTreeSet::new();
    for batch in traces.chunks(BATCH) {
        let ids: Vec<Value> = batch.iter().map(|t| t.operation.as_str().into()).collect();
        let marks = marks(ids.len());
        let sql = format!(
            "SELECT id FROM lost_operations WHERE id IN ({marks})
             UNION SELECT id FROM operations WHERE due_at IS NULL AND id IN ({marks})"
        );
        let twice: Vec<Value> = ids.iter().chain(&ids).cloned().collect();
        let found: Vec<(String,)> = rows(on, &sql, twice).await?;
        settled.extend(found.into_iter().map(|(id,)| id));
    }
    Ok(settled)
}

/// A trace is asked about after it was seen. What it tells of was recorded here before it happened, so only
/// a database that was put back lacks it.
async fn accounted_for(on: &mut impl Queryable, trace: &Trace) -> Result<bool, Failure> {
    let id = trace.operation.as_str();
    if !exists(on, id).await? {
        // Metadata are anybody's to change who may change the server: a server that an operation of ours is
        // known to have made or worked on tells nothing by another operation's id.
        return match trace.server.as_ref() {
            Some(made) => instance_operation(on, &made.region, made.id).await,
            None => Ok(false),
        };
    }
    // A wiki page tells of a step that is done; a server is asked for only after its step was noted as begun.
    let begun = match trace.server {
        Some(_) => "s.state <> 'waiting' OR s.attempts > 0",
        None => "s.state IN ('done', 'undoing', 'undone', 'void', 'stuck')",
    };
    let sql = format!(
        "SELECT 1 FROM operations o WHERE o.id = ? AND (o.due_at IS NULL OR EXISTS (
           SELECT 1 FROM steps s WHERE s.operation_id = o.id AND ({begun})))"
    );
    Ok(first::<(u8,)>(on, &sql, (id,)).await?.is_some())
}

impl Store {
    async fn try_put_hold(&self, traces: &[Trace], at: DateTime<Utc>) -> Result<(), Failure> {
        let named: Vec<String> = traces.iter().map(|t| t.operation.to_string()).collect();
        let detail: String = format!("the database does not account for {}", named.join(", "))
            .chars()
            .take(LONGEST_DETAIL)
            .collect();
        let mut tx = self.begin().await?;
        tx.exec_drop(
            "INSERT INTO holds (kind, since, detail) VALUES (?, ?, ?)
             ON DUPLICATE KEY UPDATE kind = kind",
            (RESTORED, at.naive_utc(), detail),
        )
        .await?;
        for trace in traces {
            tx.exec_drop(
                "INSERT INTO lost_operations (id, found_at, seen_at) VALUES (?, ?, ?)
                 ON DUPLICATE KEY UPDATE id = id",
                (trace.operation.as_str(), at.naive_utc(), &trace.seen_at),
            )
            .await?;
        }
        commit(tx).await
    }

    async fn try_lift(
        &self,
        open: Open,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<Vec<OperationId>, Failure> {
        let mut tx = self.begin().await?;
        let found: Vec<(String,)> = rows(
            &mut tx,
            "SELECT id FROM operations WHERE due_at IS NOT NULL ORDER BY created_at, id FOR UPDATE",
            (),
        )
        .await?;
        let ids: Vec<OperationId> = found
            .into_iter()
            .map(|(id,)| OperationId::trusted(id))
            .collect();
        for id in &ids {
            // As after a crash: before it is tried, the cloud is asked whether it was done already.
            tx.exec_drop(
                "UPDATE steps SET attempts = 1
                 WHERE operation_id = ? AND state = 'waiting' AND attempts = 0",
                (id.as_str(),),
            )
            .await?;
            let event = match open {
                Open::GoOn => "go-on",
                Open::Park => {
                    tx.exec_drop(
                        "UPDATE operations SET state = 'parked', error = ?, finished_at = ?,
                           generation = generation + 1, due_at = NULL, owner = NULL, busy = NULL
                         WHERE id = ?",
                        (
                            encode_msg(Some(&Msg::new("restored")))?,
                            at.naive_utc(),
                            id.as_str(),
                        ),
                    )
                    .await?;
                    "parked"
                }
            };
            let doing = Doing {
                by: (0, by),
                request_id: None,
                at,
            };
            audit::append(&mut tx, id, event, &doing, json!({"hold": RESTORED})).await?;
        }
        tx.exec_drop("DELETE FROM holds WHERE kind = ?", (RESTORED,))
            .await?;
        commit(tx).await?;
        Ok(match open {
            Open::Park => ids,
            Open::GoOn => Vec::new(),
        })
    }
}
