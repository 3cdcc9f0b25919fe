//! Reading the audit and its chain, as stored: what stands there may have been changed, and is to be told.

use super::failure::Failure;
use super::stored::decode;
use super::{Store, commit, first, put, rows};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use mysql_async::prelude::{FromValue, Queryable};
use osm_core::audit::{Anchor, Row, Seal};
use osm_core::plan::Change;
use osm_core::ports::{AuditTrail, Coverage, PortError};
use osm_core::replay::Effect;
use serde::Deserialize;

/// The columns of a [`Row`], in the order of [`row_of`]. A time that is none is NULL.
pub(super) const ROW: &str = "audit.id, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', audit.at),
    audit.event, audit.operation_id, audit.region, audit.project, audit.wiki_user_id,
    audit.wiki_user_name, audit.request_id, audit.detail";

#[async_trait]
impl AuditTrail for Store {
    async fn seals(&self, after: u64, limit: u32) -> Result<Vec<(Seal, Option<Row>)>, PortError> {
        self.attempt("read the audit's chain from", || async {
            let sql = format!(
                "SELECT audit_seals.seq, audit_seals.audit_id, audit_seals.hash,
                   TIMESTAMPDIFF(MICROSECOND, '1970-01-01', audit_seals.sealed_at), {ROW}
                 FROM audit_seals LEFT JOIN audit ON audit.id = audit_seals.audit_id
                 WHERE audit_seals.seq > ? ORDER BY audit_seals.seq LIMIT ?"
            );
            let found: Vec<mysql_async::Row> = self.conn().await?.exec(sql, (after, limit)).await?;
            found.into_iter().map(sealed_row).collect()
        })
        .await
    }

    async fn coverage(&self, after: u64, limit: u32) -> Result<Vec<Coverage>, PortError> {
        self.attempt("read the audit from", || async {
            let found: Vec<(u64, bool, bool)> = rows(
                &mut self.conn().await?,
                "SELECT audit.id, audit_seals.seq IS NOT NULL, audit_unsealed.audit_id IS NOT NULL
                 FROM audit LEFT JOIN audit_seals ON audit_seals.audit_id = audit.id
                   LEFT JOIN audit_unsealed ON audit_unsealed.audit_id = audit.id
                 WHERE audit.id > ? ORDER BY audit.id LIMIT ?",
                (after, limit),
            )
            .await?;
            let coverage = |(id, sealed, waiting)| Coverage {
                id,
                sealed,
                waiting,
            };
            Ok(found.into_iter().map(coverage).collect())
        })
        .await
    }

    async fn waiting(&self, after: u64, limit: u32) -> Result<Vec<(u64, bool)>, PortError> {
        self.attempt("read what waits to be sealed from", || async {
            rows(
                &mut self.conn().await?,
                "SELECT audit_unsealed.audit_id, audit.id IS NOT NULL
                 FROM audit_unsealed LEFT JOIN audit ON audit.id = audit_unsealed.audit_id
                 WHERE audit_unsealed.audit_id > ? ORDER BY audit_unsealed.audit_id LIMIT ?",
                (after, limit),
            )
            .await
        })
        .await
    }

    async fn untold(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<(Vec<String>, Option<String>), PortError> {
        self.attempt("compare operations and audit in", || async {
            let found: Vec<(String, bool)> = rows(
                &mut self.conn().await?,
                "SELECT id, EXISTS (SELECT 1 FROM audit
                   WHERE audit.operation_id = operations.id AND audit.event = 'submitted')
                 FROM operations WHERE id > ? ORDER BY id LIMIT ?",
                (after, limit),
            )
            .await?;
            let next = found.last().map(|(id, _)| id.clone());
            let untold = found.into_iter().filter(|(_, told)| !told);
            Ok((untold.map(|(id, _)| id).collect(), next))
        })
        .await
    }

    async fn anchors(&self, limit: u32) -> Result<Vec<Anchor>, PortError> {
        self.attempt("read the audit's anchors from", || async {
            let found: Vec<(NaiveDate, u64, Vec<u8>)> = rows(
                &mut self.conn().await?,
                "SELECT day, seq, hash FROM audit_anchors ORDER BY day DESC LIMIT ?",
                (limit,),
            )
            .await?;
            let anchor = |(day, seq, hash)| Anchor {
                day,
                seq,
                hash: hash_of(hash),
            };
            Ok(found.into_iter().map(anchor).collect())
        })
        .await
    }

    async fn effects(
        &self,
        after: u64,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<(Vec<Effect>, Option<u64>), PortError> {
        self.attempt("read changes from", || async {
            let found: Vec<(u64, Option<i64>, Option<String>, String, Option<String>)> = rows(
                &mut self.conn().await?,
                "SELECT id, TIMESTAMPDIFF(MICROSECOND, '1970-01-01', at), operation_id,
                   wiki_user_name, IF(event = 'changed' AND at <= ?, detail, NULL)
                 FROM audit WHERE id > ? ORDER BY id LIMIT ?",
                (until.naive_utc(), after, limit),
            )
            .await?;
            let next = found.last().map(|(id, ..)| *id);
            let mut effects = Vec::new();
            for (audit_id, at, operation, person, detail) in found {
                let at = at.and_then(DateTime::from_timestamp_micros);
                if let (Some(at), Some(detail)) = (at, detail) {
                    effects.push(Effect {
                        audit_id,
                        at,
                        operation: operation.unwrap_or_default(),
                        person,
                        change: change_of(audit_id, &detail)?,
                    });
                }
            }
            Ok((effects, next))
        })
        .await
    }

    async fn adopt(&self, ids: &[u64]) -> Result<Vec<u64>, PortError> {
        self.attempt("have rows sealed in", || async {
            let mut tx = self.begin().await?;
            let mut adopted = Vec::new();
            for id in ids {
                let stray: Option<(u8,)> = first(
                    &mut tx,
                    "SELECT 1 FROM audit LEFT JOIN audit_seals ON audit_seals.audit_id = audit.id
                     WHERE audit.id = ? AND audit_seals.seq IS NULL",
                    (id,),
                )
                .await?;
                let insert = "INSERT INTO audit_unsealed (audit_id) VALUES (?)";
                if stray.is_some() && put(&mut tx, insert, (id,)).await? {
                    adopted.push(*id);
                }
            }
            commit(tx).await?;
            Ok(adopted)
        })
        .await
    }
}

fn change_of(audit_id: u64, detail: &str) -> Result<Change, Failure> {
    #[derive(Deserialize)]
    struct Changed {
        change: Change,
    }
    let changed: Changed = decode("audit row", detail).map_err(|failure| Failure::Stored {
        what: "audit row",
        why: format!("{audit_id}: {failure}"),
    })?;
    Ok(changed.change)
}

fn sealed_row(mut row: mysql_async::Row) -> Result<(Seal, Option<Row>), Failure> {
    let seal = Seal {
        seq: column(&mut row, 0)?,
        audit_id: column(&mut row, 1)?,
        hash: hash_of(column(&mut row, 2)?),
        sealed_at: column(&mut row, 3)?,
    };
    let there: Option<u64> = column(&mut row, 4)?;
    let audit = there.map(|_| row_of(&mut row, 4)).transpose()?;
    Ok((seal, audit))
}

/// A row from the columns [`ROW`], of which the first stands at `from`.
pub(super) fn row_of(row: &mut mysql_async::Row, from: usize) -> Result<Row, Failure> {
    Ok(Row {
        id: column(row, from)?,
        at: column(row, from + 1)?,
        event: column(row, from + 2)?,
        operation: column(row, from + 3)?,
        region: column(row, from + 4)?,
        project: column(row, from + 5)?,
        wiki_user_id: column(row, from + 6)?,
        wiki_user_name: column(row, from + 7)?,
        request_id: column(row, from + 8)?,
        detail: column(row, from + 9)?,
    })
}

/// A column of a row.
fn column<T: FromValue>(row: &mut mysql_async::Row, index: usize) -> Result<T, Failure> {
    let value: mysql_async::Value = row
        .as_ref(index)
        .cloned()
        .unwrap_or(mysql_async::Value::NULL);
    mysql_async::from_value_opt(value).map_err(|error| Failure::Stored {
        what: "audit row",
        why: format!("column {index}: {error}"),
    })
}

/// A hash as text; what is none stays unlike every hash.
pub(super) fn hash_of(octets: Vec<u8>) -> String {
    String::from_utf8_lossy(&octets).into_owned()
}
