//! Work that one replica does for all, and who does it.

use super::{Store, lease_end, put};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mysql_async::prelude::Queryable;
use osm_core::ports::{Elections, PortError};
use std::time::Duration;

#[async_trait]
impl Elections for Store {
    async fn elect(
        &self,
        name: &str,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<bool, PortError> {
        self.attempt("be elected in", || async {
            let mut conn = self.conn().await?;
            let (now, until) = (now.naive_utc(), lease_end(now, lease));
            // Written, not only locked: see seals.rs on Galera.
            conn.exec_drop(
                "UPDATE elections SET owner = ?, until = ? WHERE name = ? AND (owner = ? OR until <= ?)",
                (owner, until, name, owner, now),
            )
            .await?;
            if conn.affected_rows() > 0 {
                return Ok(true);
            }
            // Nobody ever was, or somebody is.
            let insert = "INSERT INTO elections (name, owner, until) VALUES (?, ?, ?)";
            put(&mut conn, insert, (name, owner, until)).await
        })
        .await
    }

    async fn resign(&self, name: &str, owner: &str) -> Result<(), PortError> {
        self.attempt("leave an election in", || async {
            let mut conn = self.conn().await?;
            let sql = "UPDATE elections SET owner = '', until = '1970-01-01 00:00:00' WHERE name = ? AND owner = ?";
            Ok(conn.exec_drop(sql, (name, owner)).await?)
        })
        .await
    }
}
