//! The Server Admin Log: what waits is handed out to be written onto its page.

use super::failure::Failure;
use super::logs::{ENTRY, Stored, numbered, text};
use super::{Store, commit, first, lease_end, rows};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use mysql_async::params;
use mysql_async::prelude::Queryable;
use osm_core::log::{Entry, LogName};
use osm_core::ports::{LogWork, LogWriting, PortError};
use std::time::Duration;

/// So many entries go into one edit.
const BATCH: usize = 500;

/// Log, what is written, the first try since, tries, generation.
type Claimed = (Vec<u8>, u64, Option<u64>, u32, u64);

#[async_trait]
impl LogWriting for Store {
    async fn claim_log(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<LogWork>, PortError> {
        self.attempt("claim a log in", || self.try_claim_log(owner, now, lease))
            .await
    }

    async fn log_tried(&self, owner: &str, work: &LogWork, revision: u64) -> Result<(), PortError> {
        self.attempt("note a try at a log in", || async {
            let mut conn = self.conn().await?;
            conn.exec_drop(
                "UPDATE logs SET tried_from = COALESCE(tried_from, ?)
                 WHERE log = ? AND owner = ? AND generation = ?",
                (revision, work.log.to_string(), owner, work.generation),
            )
            .await?;
            held(conn.affected_rows())
        })
        .await
    }

    async fn log_written(
        &self,
        owner: &str,
        work: &LogWork,
        last: u64,
        revision: u64,
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        self.attempt("note a log as written in", || {
            self.try_log_written(owner, work, last, Some(revision), now)
        })
        .await
    }

    async fn log_passed_over(
        &self,
        owner: &str,
        work: &LogWork,
        seq: u64,
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        self.attempt("pass over a log entry in", || {
            self.try_log_written(owner, work, seq, None, now)
        })
        .await
    }

    async fn log_later(
        &self,
        owner: &str,
        work: &LogWork,
        at: DateTime<Utc>,
        why: &str,
    ) -> Result<(), PortError> {
        self.attempt("put off a log in", || async {
            let mut conn = self.conn().await?;
            conn.exec_drop(
                "UPDATE logs SET owner = NULL, due_at = ?, error = ?
                 WHERE log = ? AND owner = ? AND generation = ?",
                (
                    at.naive_utc(),
                    why,
                    work.log.to_string(),
                    owner,
                    work.generation,
                ),
            )
            .await?;
            held(conn.affected_rows())
        })
        .await
    }

    async fn log_backlog(&self) -> Result<(u64, Option<DateTime<Utc>>), PortError> {
        self.attempt("count waiting log entries in", || async {
            let row: Option<(Option<u64>, Option<NaiveDateTime>)> = first(
                &mut self.conn().await?,
                "SELECT CAST(SUM(last_seq - written_seq) AS UNSIGNED), MIN(since)
                 FROM logs WHERE due_at IS NOT NULL",
                (),
            )
            .await?;
            let (count, since) = row.unwrap_or_default();
            Ok((count.unwrap_or_default(), since.map(|at| at.and_utc())))
        })
        .await
    }
}

fn held(rows: u64) -> Result<(), Failure> {
    if rows == 0 {
        return Err(Failure::Conflict(
            "another replica writes this log".to_owned(),
        ));
    }
    Ok(())
}

impl Store {
    async fn try_claim_log(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<LogWork>, Failure> {
        let mut tx = self.begin().await?;
        let row: Option<Claimed> = first(
            &mut tx,
            "SELECT log, written_seq, tried_from, attempts, generation FROM logs FORCE INDEX (due)
             WHERE due_at <= ? ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED",
            (now.naive_utc(),),
        )
        .await?;
        let Some((log, written, tried_from, attempts, generation)) = row else {
            tx.rollback().await?;
            return Ok(None);
        };
        tx.exec_drop(
            "UPDATE logs SET owner = ?, due_at = ?, attempts = attempts + 1, generation = generation + 1
             WHERE log = ? AND generation = ?",
            (owner, lease_end(now, lease), &log, generation),
        )
        .await?;
        let sql = format!(
            "SELECT {ENTRY} FROM log_entries WHERE log = ? AND seq > ? ORDER BY seq LIMIT {BATCH}"
        );
        let entries: Vec<Stored> = rows(&mut tx, &sql, (&log, written)).await?;
        let entries: Vec<Entry> = entries.into_iter().map(|stored| stored.entry().1).collect();
        let log = text(log);
        let undone: Vec<u64> = entries.iter().filter_map(|e| e.said.undoes).collect();
        let undone = numbered(&mut tx, &log, &undone).await?;
        commit(tx).await?;
        Ok(Some(LogWork {
            log: LogName::trusted(&log),
            entries,
            undone,
            tried_from,
            attempts,
            generation: generation + 1,
        }))
    }

    async fn try_log_written(
        &self,
        owner: &str,
        work: &LogWork,
        last: u64,
        revision: Option<u64>,
        now: DateTime<Utc>,
    ) -> Result<(), Failure> {
        let log = work.log.to_string();
        let mut tx = self.begin().await?;
        tx.exec_drop(
            "UPDATE logs SET written_seq = GREATEST(written_seq, :last), tried_from = NULL, owner = NULL, attempts = 0,
               error = NULL, since = :now, due_at = IF(last_seq > :last, :now, NULL)
             WHERE log = :log AND owner = :owner AND generation = :generation",
            params! {"last" => last, "now" => now.naive_utc(), "log" => &log, "owner" => owner,
                "generation" => work.generation},
        )
        .await?;
        held(tx.affected_rows())?;
        // Not those before, which were passed over.
        let from = work.entries.first().map_or(last, |e| e.seq);
        tx.exec_drop(
            "UPDATE log_entries SET revision = ? WHERE log = ? AND seq BETWEEN ? AND ? AND revision IS NULL",
            (revision, &log, from, last),
        )
        .await?;
        commit(tx).await
    }
}
