//! Pages with work waiting, and the pages known.

use super::failure::Failure;
use super::page_claims::{held, reasons};
use super::stored::{decode, encode};
use super::{Store, commit, first, lease_end, marks, put, rows};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use mysql_async::prelude::Queryable;
use mysql_async::{Transaction, Value, params};
use osm_core::drift::Waiting;
use osm_core::ids::{InstanceId, OperationId, Region};
use osm_core::ports::{PageDue, PageKey, PageRecord, PageWork, Pages, PortError};
use std::collections::BTreeMap;
use std::time::Duration;

#[async_trait]
impl Pages for Store {
    async fn due(&self, due: &PageDue) -> Result<(), PortError> {
        self.attempt("record a page to be written in", || self.try_due(due))
            .await
    }

    async fn claim_page(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<PageWork>, PortError> {
        self.attempt("claim a page in", || self.try_claim_page(owner, now, lease))
            .await
    }

    async fn reasons(
        &self,
        owner: &str,
        work: &PageWork,
    ) -> Result<Vec<(u64, PageDue)>, PortError> {
        self.attempt("read why a page is due from", || async {
            let mut tx = self.begin().await?;
            held(&mut tx, owner, work).await?;
            let found = reasons(&mut tx, &work.key).await?;
            tx.rollback().await?;
            Ok(found)
        })
        .await
    }

    async fn page_done(&self, owner: &str, work: &PageWork) -> Result<(), PortError> {
        self.attempt("note a page as written in", || {
            self.try_page_done(owner, work)
        })
        .await
    }

    async fn page_later(
        &self,
        owner: &str,
        work: &PageWork,
        at: DateTime<Utc>,
        why: Option<&str>,
    ) -> Result<(), PortError> {
        self.attempt("put off a page in", || async {
            let mut tx = self.begin().await?;
            held(&mut tx, owner, work).await?;
            tx.exec_drop(
                "UPDATE page_queue SET owner = NULL, due_at = ?, error = ?, attempts = attempts - ?
                 WHERE page_key = ?",
                (at.naive_utc(), why, why.is_none(), work.key.stored()),
            )
            .await?;
            commit(tx).await
        })
        .await
    }

    async fn next_titles(&self, now: DateTime<Utc>, limit: u32) -> Result<Vec<String>, PortError> {
        self.attempt("look which pages come next in", || async {
            // In the order of claims, whose conditions need not be met: these are read, not taken.
            let found: Vec<(String,)> = rows(
                &mut self.conn().await?,
                "SELECT p.title FROM page_queue q FORCE INDEX (turn)
                 JOIN pages p ON p.page_key = q.page_key
                 WHERE q.due_at <= ? ORDER BY q.seen_only, q.since LIMIT ?",
                (now.naive_utc(), limit),
            )
            .await?;
            Ok(found.into_iter().map(|(title,)| title).collect())
        })
        .await
    }

    async fn hasten(&self) -> Result<(), PortError> {
        self.attempt("have pages tried again in", || async {
            let now = Utc::now().naive_utc();
            Ok(self
                .conn()
                .await?
                .exec_drop(
                    "UPDATE page_queue SET due_at = ?
                     WHERE owner IS NULL AND error IS NOT NULL AND due_at > ?",
                    (now, now),
                )
                .await?)
        })
        .await
    }

    async fn queued(&self) -> Result<Vec<Waiting>, PortError> {
        self.attempt("list waiting pages of", || async {
            let found: Vec<(String, NaiveDateTime, u32, Option<String>)> = rows(
                &mut self.conn().await?,
                "SELECT page, since, attempts, error FROM page_queue ORDER BY since",
                (),
            )
            .await?;
            let waiting = found.into_iter().map(|(page, since, attempts, error)| {
                Ok(Waiting {
                    key: decode("page key", &page)?,
                    since: since.and_utc(),
                    attempts,
                    error,
                })
            });
            waiting.collect()
        })
        .await
    }

    async fn backlog(&self) -> Result<(u64, Option<DateTime<Utc>>), PortError> {
        self.attempt("count waiting pages in", || async {
            let row: Option<(u64, Option<NaiveDateTime>)> = first(
                &mut self.conn().await?,
                "SELECT COUNT(*), MIN(since) FROM page_queue",
                (),
            )
            .await?;
            let (count, since) = row.unwrap_or_default();
            Ok((count, since.map(|at| at.and_utc())))
        })
        .await
    }

    async fn page(&self, key: &PageKey) -> Result<Option<PageRecord>, PortError> {
        self.attempt("read a page's record from", || async {
            let row: Option<(String, Option<u64>, u64)> = first(
                &mut self.conn().await?,
                "SELECT title, page_id, revision FROM pages WHERE page_key = ?",
                (key.stored(),),
            )
            .await?;
            Ok(row.map(|(title, page_id, revision)| PageRecord {
                title,
                page_id,
                revision,
            }))
        })
        .await
    }

    async fn instance_titles(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, String>, PortError> {
        self.attempt("read titles from", || self.try_titles(region, ids))
            .await
    }

    async fn records(&self, keys: &[PageKey]) -> Result<BTreeMap<PageKey, PageRecord>, PortError> {
        self.records_of(keys).await
    }

    async fn reserve_title(&self, key: &PageKey, title: &str) -> Result<bool, PortError> {
        self.attempt("reserve a title in", || self.try_reserve(key, title))
            .await
    }

    async fn page_written(&self, key: &PageKey, record: &PageRecord) -> Result<(), PortError> {
        self.attempt("remember a written page in", || {
            self.try_written(key, record)
        })
        .await
    }
}

/// So many keys go into one query.
pub(super) const BATCH: usize = 1000;

impl Store {
    async fn try_due(&self, due: &PageDue) -> Result<(), Failure> {
        let mut tx = self.begin().await?;
        add_due(&mut tx, due).await?;
        commit(tx).await
    }

    async fn try_claim_page(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<PageWork>, Failure> {
        let mut tx = self.begin().await?;
        // In the index's order, so that no row but the one taken stays locked.
        let row: Option<(String, String, u32, NaiveDateTime)> = first(
            &mut tx,
            "SELECT page_key, page, attempts, since FROM page_queue FORCE INDEX (turn)
             WHERE due_at <= ? AND NOT EXISTS (SELECT 1 FROM holds WHERE read_through_at IS NULL)
             ORDER BY seen_only, since LIMIT 1 FOR UPDATE SKIP LOCKED",
            (now.naive_utc(),),
        )
        .await?;
        let Some((key, page, attempts, since)) = row else {
            tx.rollback().await?;
            return Ok(None);
        };
        tx.exec_drop(
            "UPDATE page_queue SET owner = ?, due_at = ?, attempts = attempts + 1
             WHERE page_key = ? AND due_at <= ?",
            (owner, lease_end(now, lease), &key, now.naive_utc()),
        )
        .await?;
        if tx.affected_rows() == 0 {
            return Err(Failure::Raced);
        }
        commit(tx).await?;
        // What cannot be read stays claimed until its lease ends, and so does not block the others.
        let key: PageKey = decode("page key", &page)?;
        Ok(Some(PageWork {
            reasons: reasons(&mut self.conn().await?, &key).await?,
            key,
            attempts,
            since: since.and_utc(),
        }))
    }

    /// Reasons that came while the page was held stay, for the next claim.
    async fn try_page_done(&self, owner: &str, work: &PageWork) -> Result<(), Failure> {
        let key = work.key.stored();
        let mut tx = self.begin().await?;
        held(&mut tx, owner, work).await?;
        for batch in work.reasons.chunks(BATCH) {
            let ids: Vec<Value> = batch.iter().map(|(id, _)| (*id).into()).collect();
            let sql = format!(
                "DELETE FROM page_reasons WHERE id IN ({})",
                marks(ids.len())
            );
            tx.exec_drop(sql, ids).await?;
        }
        let left: Option<(Option<NaiveDateTime>, Option<bool>)> = first(
            &mut tx,
            "SELECT MIN(at), MIN(wiki_user_id IS NULL) FROM page_reasons WHERE page_key = ?",
            (&key,),
        )
        .await?;
        if let Some((Some(since), Some(seen_only))) = left {
            tx.exec_drop(
                "UPDATE page_queue SET owner = NULL, due_at = ?, since = ?, seen_only = ?,
                   attempts = 0, error = NULL
                 WHERE page_key = ?",
                (since + work.key.gathers(), since, seen_only, &key),
            )
            .await?;
        } else {
            tx.exec_drop("DELETE FROM page_queue WHERE page_key = ?", (&key,))
                .await?;
        }
        commit(tx).await
    }

    async fn try_titles(
        &self,
        region: &Region,
        ids: &[InstanceId],
    ) -> Result<BTreeMap<InstanceId, String>, Failure> {
        let mut conn = self.conn().await?;
        let mut titles = BTreeMap::new();
        for batch in ids.chunks(BATCH) {
            let by_key: BTreeMap<String, InstanceId> = batch
                .iter()
                .map(|id| {
                    let region = region.clone();
                    (PageKey::Instance { region, id: *id }.stored(), *id)
                })
                .collect();
            let sql = format!(
                "SELECT page_key, title FROM pages WHERE page_key IN ({})",
                marks(by_key.len())
            );
            let keys: Vec<Value> = by_key.keys().map(Value::from).collect();
            for (key, title) in rows::<(String, String)>(&mut conn, &sql, keys).await? {
                if let Some(id) = by_key.get(&key) {
                    titles.insert(*id, title);
                }
            }
        }
        Ok(titles)
    }

    /// A key that has another title so far gets this one, if it is free.
    async fn try_reserve(&self, key: &PageKey, title: &str) -> Result<bool, Failure> {
        let key = key.stored();
        let mut tx = self.begin().await?;
        let has: Option<(String,)> = first(
            &mut tx,
            "SELECT title FROM pages WHERE page_key = ? FOR UPDATE",
            (&key,),
        )
        .await?;
        let reserved =
            match has {
                Some((has,)) if has == title => true,
                Some(_) => put(
                    &mut tx,
                    "UPDATE pages SET title = ?, page_id = NULL, revision = 0 WHERE page_key = ?",
                    (title, &key),
                )
                .await?,
                None => {
                    put(
                        &mut tx,
                        "INSERT INTO pages (page_key, title) VALUES (?, ?)",
                        (&key, title),
                    )
                    .await?
                }
            };
        commit(tx).await?;
        Ok(reserved)
    }

    async fn try_written(&self, key: &PageKey, record: &PageRecord) -> Result<(), Failure> {
        let key = key.stored();
        let mut tx = self.begin().await?;
        let values = (&record.title, record.page_id, record.revision, &key);
        let known: Option<(String,)> = first(
            &mut tx,
            "SELECT title FROM pages WHERE page_key = ? FOR UPDATE",
            (&key,),
        )
        .await?;
        // People can move a page to where another one of ours has its title: then each keeps the one it has,
        // and is found by its id.
        let sql = match known {
            Some(_) => "UPDATE pages SET title = ?, page_id = ?, revision = ? WHERE page_key = ?",
            None => "INSERT INTO pages (title, page_id, revision, page_key) VALUES (?, ?, ?, ?)",
        };
        if !put(&mut tx, sql, values).await? {
            let values = (record.page_id, record.revision, &key);
            let sql = "UPDATE pages SET page_id = ?, revision = ? WHERE page_key = ?";
            tx.exec_drop(sql, values).await?;
        }
        commit(tx).await
    }
}

/// Adds a reason. The page's row comes first: its lock keeps order with [`Store::try_page_done`].
pub(super) async fn add_due(tx: &mut Transaction<'_>, due: &PageDue) -> Result<(), Failure> {
    let key = due.key.stored();
    let now = Utc::now().naive_utc();
    tx.exec_drop(
        "INSERT INTO page_queue (page_key, page, seen_only, since, due_at)
         VALUES (:key, :page, :seen_only, :now, :due)
         ON DUPLICATE KEY UPDATE seen_only = LEAST(seen_only, :seen_only)",
        params! {
            "key" => &key,
            "page" => encode("page key", &due.key)?,
            "seen_only" => due.by.is_none(),
            "now" => now,
            "due" => now + due.key.gathers(),
        },
    )
    .await?;
    tx.exec_drop(
        "INSERT INTO page_reasons
           (page_key, wiki_user_id, wiki_user_name, operation_id, what, at)
         VALUES (?, ?, ?, ?, ?, ?)",
        (
            &key,
            due.by,
            &due.by_name,
            due.operation.as_ref().map(OperationId::as_str),
            &due.what,
            now,
        ),
    )
    .await?;
    Ok(())
}
