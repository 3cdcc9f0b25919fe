//! The Server Admin Log: accepting entries, and handing them out to be written.
//!
//! Whoever accepts locks the log's row first. So numbers are given in the order of the commits, and what waits is
//! always a run without gaps: an edit is told by its first and its last number.

use super::failure::Failure;
use super::{Store, commit, first, lease_end, marks, put, rows};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Row, Value, params};
use osm_core::log::{Entry, LogName, NewEntry};
use osm_core::ports::{Accepted, LogFilter, LogWork, LogWriting, Logs, PortError};
use std::time::Duration;

/// So many entries go into one edit.
const BATCH: usize = 500;

const ENTRY: &str = "id, log, seq, said_key, said_at, nick, wiki_user_id, wiki_user_name, source, undoes, message, revision";

#[derive(FromRow)]
struct Stored {
    id: u64,
    log: Vec<u8>,
    seq: u64,
    said_key: Vec<u8>,
    said_at: NaiveDateTime,
    nick: String,
    wiki_user_id: Option<u64>,
    wiki_user_name: Option<String>,
    source: String,
    undoes: Option<u64>,
    message: String,
    revision: Option<u64>,
}

impl Stored {
    fn entry(self) -> (u64, Entry) {
        let said = NewEntry {
            log: LogName::trusted(&text(self.log)),
            key: text(self.said_key),
            at: self.said_at.and_utc(),
            nick: self.nick,
            by: self.wiki_user_id.zip(self.wiki_user_name),
            source: self.source,
            undoes: self.undoes,
            message: self.message,
        };
        let entry = Entry {
            seq: self.seq,
            said,
            revision: self.revision,
        };
        (self.id, entry)
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

#[async_trait]
impl Logs for Store {
    async fn accept(
        &self,
        entry: &NewEntry,
        election: Option<(&str, &str)>,
    ) -> Result<Accepted, PortError> {
        self.attempt("accept a log entry in", || self.try_accept(entry, election))
            .await
    }

    async fn revision(&self, log: &LogName, seq: u64) -> Result<Option<u64>, PortError> {
        self.attempt("read a log entry's revision from", || async {
            let row: Option<(Option<u64>,)> = first(
                &mut self.conn().await?,
                "SELECT revision FROM log_entries WHERE log = ? AND seq = ?",
                (log.to_string(), seq),
            )
            .await?;
            Ok(row.and_then(|(revision,)| revision))
        })
        .await
    }

    async fn entries(&self, filter: &LogFilter) -> Result<Vec<(u64, Entry)>, PortError> {
        self.attempt("read the log from", || self.try_entries(filter))
            .await
    }

    async fn entry(&self, log: &LogName, seq: u64) -> Result<Option<Entry>, PortError> {
        self.attempt("read a log entry from", || async {
            let mut conn = self.conn().await?;
            Ok(numbered(&mut conn, &log.to_string(), &[seq]).await?.pop())
        })
        .await
    }

    async fn last_of(
        &self,
        nick: &str,
        source: &str,
        since: DateTime<Utc>,
    ) -> Result<Option<Entry>, PortError> {
        self.attempt("read what somebody last logged from", || async {
            let sql = format!(
                "SELECT {ENTRY} FROM log_entries e
                 WHERE nick = ? AND source = ? AND said_at >= ? AND undoes IS NULL AND NOT EXISTS (
                   SELECT 1 FROM log_entries u WHERE u.log = e.log AND u.undoes = e.seq)
                 ORDER BY id DESC LIMIT 1"
            );
            let values = (nick, source, since.naive_utc());
            let found: Option<Stored> = first(&mut self.conn().await?, &sql, values).await?;
            Ok(found.map(|stored| stored.entry().1))
        })
        .await
    }

    async fn logs(&self, limit: u32) -> Result<Vec<LogName>, PortError> {
        self.attempt("list logs from", || async {
            let found: Vec<(Vec<u8>,)> = rows(
                &mut self.conn().await?,
                "SELECT log FROM logs WHERE written_seq > 0 ORDER BY last_at DESC, log LIMIT ?",
                (limit,),
            )
            .await?;
            let name = |(log,): (Vec<u8>,)| LogName::trusted(&text(log));
            Ok(found.into_iter().map(name).collect())
        })
        .await
    }
}

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
            self.try_log_written(owner, work, last, revision, now)
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

/// Entries of a log by their numbers.
async fn numbered(on: &mut impl Queryable, log: &str, seqs: &[u64]) -> Result<Vec<Entry>, Failure> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {ENTRY} FROM log_entries WHERE log = ? AND seq IN ({}) ORDER BY seq",
        marks(seqs.len())
    );
    let mut values: Vec<Value> = vec![log.into()];
    values.extend(seqs.iter().map(|seq| Value::from(*seq)));
    let found: Vec<Stored> = rows(on, &sql, values).await?;
    Ok(found.into_iter().map(|stored| stored.entry().1).collect())
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
    async fn try_accept(
        &self,
        entry: &NewEntry,
        election: Option<(&str, &str)>,
    ) -> Result<Accepted, Failure> {
        let (log, at) = (entry.log.to_string(), entry.at.naive_utc());
        let mut tx = self.begin().await?;
        let known = "SELECT seq FROM log_entries WHERE said_key = ?";
        let before: Option<(u64,)> = first(&mut tx, known, (&entry.key,)).await?;
        if let Some((seq,)) = before {
            tx.rollback().await?;
            return Ok(Accepted::Before(seq));
        }
        if let Some((name, owner)) = election {
            let ours: Option<(u8,)> = first(
                &mut tx,
                "SELECT 1 FROM elections WHERE name = ? AND owner = ? LOCK IN SHARE MODE",
                (name, owner),
            )
            .await?;
            if ours.is_none() {
                tx.rollback().await?;
                return Ok(Accepted::NotOurs);
            }
        }
        tx.exec_drop(
            "INSERT INTO logs (log, last_seq, due_at, since, last_at) VALUES (:log, 1, :at, :at, :at)
             ON DUPLICATE KEY UPDATE last_seq = last_seq + 1, last_at = :at,
               since = IF(due_at IS NULL, :at, since), due_at = COALESCE(due_at, :at)",
            params! {"log" => &log, "at" => at},
        )
        .await?;
        let counted = "SELECT last_seq FROM logs WHERE log = ?";
        let (seq,): (u64,) = first(&mut tx, counted, (&log,))
            .await?
            .ok_or(Failure::Raced)?;
        let (id, name) = entry.by.clone().unzip();
        let values: Vec<Value> = vec![
            log.into(),
            seq.into(),
            entry.key.as_str().into(),
            at.into(),
            entry.nick.as_str().into(),
            id.into(),
            name.into(),
            entry.source.as_str().into(),
            entry.undoes.into(),
            entry.message.as_str().into(),
        ];
        let put = put(
            &mut tx,
            "INSERT INTO log_entries
               (log, seq, said_key, said_at, nick, wiki_user_id, wiki_user_name, source, undoes, message)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        .await?;
        if !put {
            // The same was accepted beside; found above the next time.
            tx.rollback().await?;
            return Err(Failure::Raced);
        }
        commit(tx).await?;
        Ok(Accepted::Now(seq))
    }

    async fn try_claim_log(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<LogWork>, Failure> {
        let mut tx = self.begin().await?;
        let row: Option<(Vec<u8>, u64, Option<u64>, u32, u64)> = first(
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
        revision: u64,
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
        tx.exec_drop(
            "UPDATE log_entries SET revision = ? WHERE log = ? AND seq <= ? AND revision IS NULL",
            (revision, &log, last),
        )
        .await?;
        commit(tx).await
    }

    async fn try_entries(&self, filter: &LogFilter) -> Result<Vec<(u64, Entry)>, Failure> {
        let mut wanted = vec!["1".to_owned()];
        let mut values: Vec<Value> = Vec::new();
        let mut add = |sql: &str, value: Value| {
            wanted.push(sql.to_owned());
            values.push(value);
        };
        if let Some(log) = &filter.log {
            add("log = ?", log.to_string().into());
        }
        if let Some(nick) = &filter.nick {
            add("nick = ?", nick.as_str().into());
        }
        if let Some(text) = &filter.text {
            // LOCATE has no signs of its own, and the other collation knows no case.
            add(
                "LOCATE(?, message COLLATE utf8mb4_general_ci) > 0",
                text.as_str().into(),
            );
        }
        if let Some(from) = filter.from {
            add("said_at >= ?", from.naive_utc().into());
        }
        if let Some(until) = filter.until {
            add("said_at < ?", until.naive_utc().into());
        }
        if let Some(before) = filter.before {
            add("id < ?", before.into());
        }
        values.push(filter.limit.into());
        let sql = format!(
            "SELECT {ENTRY} FROM log_entries WHERE {} ORDER BY id DESC LIMIT ?",
            wanted.join(" AND ")
        );
        let found: Vec<Row> = self.conn().await?.exec(sql, values).await?;
        found
            .into_iter()
            .map(|row| Ok(mysql_async::from_row_opt::<Stored>(row)?.entry()))
            .collect()
    }
}
