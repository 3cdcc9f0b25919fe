//! What webhooks are still to be told.

use super::logs::{ENTRY, Stored};
use super::{Store, first};
use async_trait::async_trait;
use mysql_async::params;
use mysql_async::prelude::Queryable;
use osm_core::log::{Entry, LogName};
use osm_core::ports::{HookProgress, PortError};

#[async_trait]
impl HookProgress for Store {
    async fn begin_hook(&self, hook: &str) -> Result<(), PortError> {
        self.attempt("begin to post the log in", || async {
            let mut conn = self.conn().await?;
            let begun = "SELECT 1 FROM log_posts WHERE hook = ? AND log = ''";
            let begun: Option<(u8,)> = first(&mut conn, begun, (hook,)).await?;
            if begun.is_some() {
                return Ok(());
            }
            let sql = "INSERT IGNORE INTO log_posts (hook, log, posted_seq)
                       SELECT :hook, log, last_seq FROM logs UNION ALL SELECT :hook, '', 0";
            Ok(conn.exec_drop(sql, params! {"hook" => hook}).await?)
        })
        .await
    }

    async fn next_for_hook(&self, hook: &str) -> Result<Option<Entry>, PortError> {
        self.attempt("look for what is to be posted in", || async {
            let columns: Vec<String> = ENTRY.split(", ").map(|c| format!("e.{c}")).collect();
            let sql = format!(
                "SELECT {} FROM logs l LEFT JOIN log_posts p ON p.hook = ? AND p.log = l.log
                 JOIN log_entries e ON e.log = l.log AND e.seq = COALESCE(p.posted_seq, 0) + 1
                 ORDER BY e.id LIMIT 1",
                columns.join(", ")
            );
            let found: Option<Stored> = first(&mut self.conn().await?, &sql, (hook,)).await?;
            Ok(found.map(|stored| stored.entry().1))
        })
        .await
    }

    async fn posted_to_hook(&self, hook: &str, log: &LogName, seq: u64) -> Result<(), PortError> {
        self.attempt("note what was posted in", || async {
            let sql = "INSERT INTO log_posts (hook, log, posted_seq) VALUES (?, ?, ?)
                       ON DUPLICATE KEY UPDATE posted_seq = GREATEST(posted_seq, VALUES(posted_seq))";
            let values = (hook, log.to_string(), seq);
            Ok(self.conn().await?.exec_drop(sql, values).await?)
        })
        .await
    }
}
