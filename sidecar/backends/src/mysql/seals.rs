//! The audit's chain: one replica seals what waits, in one transaction that holds the election's row.
//!
//! The row is written, not only locked: Galera knows no locks of other nodes and refuses at the commit whoever
//! wrote a row that another has written meanwhile. So the claim, its renewal and the work stand or fall together.

use super::failure::Failure;
use super::pages::add_due;
use super::trail::{ROW, hash_of, row_of};
use super::{Store, commit, first, lease_end, marks};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use mysql_async::prelude::Queryable;
use mysql_async::{Row, Transaction, Value};
use osm_core::audit::{Seal, seal};
use osm_core::pages::summary;
use osm_core::ports::{AuditSeals, PageDue, PageKey, PortError, Sealed};
use std::time::Duration;

/// So many rows are sealed in one transaction.
const BATCH: usize = 500;

/// What can be sealed: a row that waits, is there, and is not sealed.
const WAITING: &str = "audit_unsealed JOIN audit ON audit.id = audit_unsealed.audit_id
    LEFT JOIN audit_seals ON audit_seals.audit_id = audit.id
    WHERE audit_seals.seq IS NULL";

#[async_trait]
impl AuditSeals for Store {
    async fn seal(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Sealed, PortError> {
        self.attempt("seal the audit in", || self.try_seal(owner, now, lease))
            .await
    }
}

impl Store {
    async fn try_seal(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Sealed, Failure> {
        if !something_to_do(&mut self.conn().await?, now).await? {
            return Ok(Sealed::default());
        }
        let mut tx = self.begin().await?;
        tx.exec_drop(
            "UPDATE elections SET owner = ?, until = ?
             WHERE name = 'audit' AND (owner = ? OR until <= ?)",
            (owner, lease_end(now, lease), owner, now.naive_utc()),
        )
        .await?;
        if tx.affected_rows() == 0 {
            tx.rollback().await?;
            return Ok(Sealed::default());
        }
        let (last, hash) = head(&mut tx).await?;
        let sql = format!("SELECT {ROW} FROM {WAITING} ORDER BY audit.id LIMIT {BATCH}");
        let found: Vec<Row> = tx.query(sql).await?;
        let waiting = found
            .into_iter()
            .map(|mut row| row_of(&mut row, 0))
            .collect::<Result<Vec<_>, _>>()?;
        let seals = seal(last, &hash, now, &waiting);
        if !seals.is_empty() {
            put_down(&mut tx, &seals, now).await?;
        }
        let anchored = anchor(&mut tx, now.date_naive()).await?;
        commit(tx).await?;
        Ok(Sealed {
            rows: seals.len(),
            more: seals.len() == BATCH,
            anchored,
        })
    }
}

/// Rows wait, or an anchor is due; asked without a lock, since mostly there is nothing.
async fn something_to_do(on: &mut impl Queryable, now: DateTime<Utc>) -> Result<bool, Failure> {
    let sql = format!("SELECT 1 FROM {WAITING} LIMIT 1");
    let row: Option<(u8,)> = first(on, &sql, ()).await?;
    if row.is_some() {
        return Ok(true);
    }
    let (seq, _) = head(on).await?;
    anchor_is_due(on, seq, now.date_naive()).await
}

/// Place and hash of the last seal.
async fn head(on: &mut impl Queryable) -> Result<(u64, String), Failure> {
    let row: Option<(u64, Vec<u8>)> = first(
        on,
        "SELECT seq, hash FROM audit_seals ORDER BY seq DESC LIMIT 1",
        (),
    )
    .await?;
    Ok(row.map_or((0, String::new()), |(seq, hash)| (seq, hash_of(hash))))
}

async fn put_down(
    tx: &mut Transaction<'_>,
    seals: &[Seal],
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let values: Vec<Value> = seals
        .iter()
        .flat_map(|seal| -> [Value; 4] {
            [
                seal.seq.into(),
                seal.audit_id.into(),
                seal.hash.as_str().into(),
                now.naive_utc().into(),
            ]
        })
        .collect();
    let rows = vec!["(?,?,?,?)"; seals.len()].join(",");
    let sql = format!("INSERT INTO audit_seals (seq, audit_id, hash, sealed_at) VALUES {rows}");
    tx.exec_drop(sql, values).await?;
    let ids: Vec<Value> = seals.iter().map(|seal| seal.audit_id.into()).collect();
    let sql = format!(
        "DELETE FROM audit_unsealed WHERE audit_id IN ({})",
        marks(ids.len())
    );
    Ok(tx.exec_drop(sql, ids).await?)
}

/// Once a day, where the chain has grown since the last anchor.
async fn anchor_is_due(
    on: &mut impl Queryable,
    seq: u64,
    today: NaiveDate,
) -> Result<bool, Failure> {
    let last: Option<(NaiveDate, u64)> = first(
        on,
        "SELECT day, seq FROM audit_anchors ORDER BY day DESC LIMIT 1",
        (),
    )
    .await?;
    Ok(match last {
        Some((day, anchored)) => day < today && anchored != seq,
        None => seq > 0,
    })
}

async fn anchor(tx: &mut Transaction<'_>, today: NaiveDate) -> Result<bool, Failure> {
    let (seq, hash) = head(tx).await?;
    if !anchor_is_due(tx, seq, today).await? {
        return Ok(false);
    }
    tx.exec_drop(
        "INSERT INTO audit_anchors (day, seq, hash) VALUES (?, ?, ?)",
        (today, seq, hash),
    )
    .await?;
    let due = PageDue {
        key: PageKey::Audit,
        by: None,
        by_name: None,
        operation: None,
        what: summary::anchored(seq),
    };
    add_due(tx, &due).await?;
    Ok(true)
}
