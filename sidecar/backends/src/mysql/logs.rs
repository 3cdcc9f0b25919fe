//! The Server Admin Log: accepting entries, and reading them.
//!
//! Whoever accepts locks the log's row first. So numbers are given in the order of the commits, and what waits is
//! always a run without gaps: an edit is told by its first and its last number.

use super::failure::Failure;
use super::{Store, commit, first, marks, put, rows};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Row, Transaction, Value, params};
use osm_core::log::{Entry, LogName, NewEntry};
use osm_core::ports::{Accepted, LogFilter, Logs, PortError};

pub(super) const ENTRY: &str = "id, log, seq, said_key, said_at, nick, wiki_user_id, wiki_user_name, source, undoes, message, revision";

#[derive(FromRow)]
pub(super) struct Stored {
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
    pub(super) fn entry(self) -> (u64, Entry) {
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

pub(super) fn text(bytes: Vec<u8>) -> String {
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

/// Entries of a log by their numbers.
pub(super) async fn numbered(
    on: &mut impl Queryable,
    log: &str,
    seqs: &[u64],
) -> Result<Vec<Entry>, Failure> {
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

/// What was accepted before under a key.
pub(super) async fn known(tx: &mut Transaction<'_>, key: &str) -> Result<Option<Entry>, Failure> {
    let sql = format!("SELECT {ENTRY} FROM log_entries WHERE said_key = ?");
    let before: Option<Stored> = first(tx, &sql, (key,)).await?;
    Ok(before.map(|stored| stored.entry().1))
}

/// Accepts an entry within a transaction that is the caller's to commit.
pub(super) async fn insert(tx: &mut Transaction<'_>, entry: &NewEntry) -> Result<u64, Failure> {
    let (log, at) = (entry.log.to_string(), entry.at.naive_utc());
    tx.exec_drop(
        "INSERT INTO logs (log, last_seq, due_at, since, last_at) VALUES (:log, 1, :at, :at, :at)
         ON DUPLICATE KEY UPDATE last_seq = last_seq + 1, last_at = :at,
           since = IF(due_at IS NULL, :at, since), due_at = COALESCE(due_at, :at)",
        params! {"log" => &log, "at" => at},
    )
    .await?;
    let counted = "SELECT last_seq FROM logs WHERE log = ?";
    let (seq,): (u64,) = first(tx, counted, (&log,)).await?.ok_or(Failure::Raced)?;
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
        tx,
        "INSERT INTO log_entries
           (log, seq, said_key, said_at, nick, wiki_user_id, wiki_user_name, source, undoes, message)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )
    .await?;
    if !put {
        // The same was accepted beside; it is known the next time.
        return Err(Failure::Raced);
    }
    Ok(seq)
}

impl Store {
    async fn try_accept(
        &self,
        entry: &NewEntry,
        election: Option<(&str, &str)>,
    ) -> Result<Accepted, Failure> {
        let mut tx = self.begin().await?;
        // First: whoever lost it may hear what the other accepted, and must not answer as well.
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
        if let Some(before) = known(&mut tx, &entry.key).await? {
            tx.rollback().await?;
            let what = |said: &NewEntry| (said.log.clone(), said.undoes, said.message.clone());
            return Ok(match what(&before.said) == what(entry) {
                true => Accepted::Before(before.seq),
                false => Accepted::Otherwise,
            });
        }
        let seq = insert(&mut tx, entry).await?;
        commit(tx).await?;
        Ok(Accepted::Now(seq))
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
