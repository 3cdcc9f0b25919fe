//! Which accounts of chat networks are whose.

use super::{Store, commit, first, rows};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mysql_async::prelude::Queryable;
use osm_core::ports::{PortError, Speakers};

#[async_trait]
impl Speakers for Store {
    async fn offer(
        &self,
        code_hash: &str,
        by: (u64, &str),
        until: DateTime<Utc>,
    ) -> Result<(), PortError> {
        self.attempt("remember a code in", || async {
            let sql = "REPLACE INTO speaker_codes (wiki_user_id, wiki_user_name, code_hash, until) VALUES (?, ?, ?, ?)";
            let values = (by.0, by.1, code_hash, until.naive_utc());
            Ok(self.conn().await?.exec_drop(sql, values).await?)
        })
        .await
    }

    async fn redeem(
        &self,
        code_hash: &str,
        network: &str,
        account: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(u64, String)>, PortError> {
        self.attempt("redeem a code in", || async {
            let mut tx = self.begin().await?;
            let found: Option<(u64, String)> = first(
                &mut tx,
                "SELECT wiki_user_id, wiki_user_name FROM speaker_codes
                 WHERE code_hash = ? AND until > ? FOR UPDATE",
                (code_hash, now.naive_utc()),
            )
            .await?;
            let Some((user, name)) = found else {
                tx.rollback().await?;
                return Ok(None);
            };
            tx.exec_drop("DELETE FROM speaker_codes WHERE wiki_user_id = ?", (user,))
                .await?;
            tx.exec_drop(
                "REPLACE INTO speakers (network, account, wiki_user_id, wiki_user_name, made_at)
                 VALUES (?, ?, ?, ?, ?)",
                (network, account, user, &name, now.naive_utc()),
            )
            .await?;
            commit(tx).await?;
            Ok(Some((user, name)))
        })
        .await
    }

    async fn burn(&self, code_hash: &str) -> Result<bool, PortError> {
        self.attempt("burn a code in", || async {
            let mut conn = self.conn().await?;
            let sql = "DELETE FROM speaker_codes WHERE code_hash = ?";
            conn.exec_drop(sql, (code_hash,)).await?;
            Ok(conn.affected_rows() > 0)
        })
        .await
    }

    async fn speaker(
        &self,
        network: &str,
        account: &str,
    ) -> Result<Option<(u64, String)>, PortError> {
        self.attempt("read whose account it is from", || async {
            first(
                &mut self.conn().await?,
                "SELECT wiki_user_id, wiki_user_name FROM speakers WHERE network = ? AND account = ?",
                (network, account),
            )
            .await
        })
        .await
    }

    async fn accounts(&self, wiki_user_id: u64) -> Result<Vec<(String, String)>, PortError> {
        self.attempt("list somebody's accounts from", || async {
            rows(
                &mut self.conn().await?,
                "SELECT network, account FROM speakers WHERE wiki_user_id = ? ORDER BY network, account",
                (wiki_user_id,),
            )
            .await
        })
        .await
    }

    async fn forget(
        &self,
        wiki_user_id: u64,
        network: &str,
        account: &str,
    ) -> Result<(), PortError> {
        self.attempt("forget an account in", || async {
            let sql = "DELETE FROM speakers WHERE wiki_user_id = ? AND network = ? AND account = ?";
            let values = (wiki_user_id, network, account);
            Ok(self.conn().await?.exec_drop(sql, values).await?)
        })
        .await
    }
}
