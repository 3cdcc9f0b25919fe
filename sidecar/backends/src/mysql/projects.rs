//! Projects that were deleted through us, and numbers that are given once.

use super::failure::Failure;
use super::{Store, first};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use mysql_async::prelude::Queryable;
use osm_core::ids::ProjectName;
use osm_core::ports::{Numbers, PortError};

impl Store {
    pub(super) async fn forget_pin(
        &self,
        name: &ProjectName,
        at: DateTime<Utc>,
    ) -> Result<(), PortError> {
        self.attempt("forget a project in", || async {
            let mut tx = self.begin().await?;
            tx.exec_drop("DELETE FROM pins WHERE name = ?", (name.as_str(),))
                .await?;
            tx.exec_drop(
                "REPLACE INTO deleted_projects (name, deleted_at) VALUES (?, ?)",
                (name.as_str(), at.naive_utc()),
            )
            .await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    pub(super) async fn deletion_of(
        &self,
        name: &ProjectName,
    ) -> Result<Option<DateTime<Utc>>, PortError> {
        self.attempt("read deleted projects from", || async {
            let row: Option<(NaiveDateTime,)> = first(
                &mut self.conn().await?,
                "SELECT deleted_at FROM deleted_projects
                 WHERE name = ? AND name NOT IN (SELECT name FROM pins)",
                (name.as_str(),),
            )
            .await?;
            Ok(row.map(|(at,)| at.and_utc()))
        })
        .await
    }
}

#[async_trait]
impl Numbers for Store {
    async fn next(&self, kind: &str, from: u32) -> Result<u32, PortError> {
        self.attempt("take a number from", || async {
            let mut conn = self.conn().await?;
            // The row is locked from here on: who asks at the same time gets another.
            conn.exec_drop(
                "INSERT INTO numbers (kind, next) VALUES (?, LAST_INSERT_ID(?) + 1)
                 ON DUPLICATE KEY UPDATE next = LAST_INSERT_ID(GREATEST(next, ?)) + 1",
                (kind, from, from),
            )
            .await?;
            let row: Option<(u64,)> = first(&mut conn, "SELECT LAST_INSERT_ID()", ()).await?;
            let taken = row.and_then(|(number,)| u32::try_from(number).ok());
            taken.ok_or_else(|| Failure::Stored {
                what: "number",
                why: "it is none".to_owned(),
            })
        })
        .await
    }
}
