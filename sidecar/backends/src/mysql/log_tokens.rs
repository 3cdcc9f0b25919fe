//! Tokens by which scripts log.

use super::logs::text;
use super::{Store, first, put, rows};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use mysql_async::prelude::Queryable;
use osm_core::ids::ProjectName;
use osm_core::ports::{LogToken, LogTokens, PortError};

/// A token that is used all the time is noted as used so often.
const NOTED: TimeDelta = TimeDelta::minutes(1);

const TOKEN: &str = "id, project, name, made_at, made_by, used_at";
type Stored = (
    u64,
    Vec<u8>,
    Vec<u8>,
    NaiveDateTime,
    String,
    Option<NaiveDateTime>,
);

fn token((id, project, name, made_at, made_by, used_at): Stored) -> LogToken {
    LogToken {
        id,
        project: ProjectName::trusted(text(project)),
        name: text(name),
        made_at: made_at.and_utc(),
        made_by,
        used_at: used_at.map(|at| at.and_utc()),
    }
}

#[async_trait]
impl LogTokens for Store {
    async fn make_token(
        &self,
        project: &ProjectName,
        name: &str,
        token_hash: &str,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, PortError> {
        self.attempt("make a log token in", || async {
            let sql = "INSERT INTO log_tokens (project, name, token_hash, made_at, made_by) VALUES (?, ?, ?, ?, ?)";
            let values = (project.as_str(), name, token_hash, at.naive_utc(), by);
            put(&mut self.conn().await?, sql, values).await
        })
        .await
    }

    async fn token_used(
        &self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<LogToken>, PortError> {
        self.attempt("look for a log token in", || async {
            let mut conn = self.conn().await?;
            let sql = format!("SELECT {TOKEN} FROM log_tokens WHERE token_hash = ?");
            let found: Option<Stored> = first(&mut conn, &sql, (token_hash,)).await?;
            let found = found.map(token);
            if let Some(it) = &found
                && it.used_at.is_none_or(|used| used + NOTED < now)
            {
                let sql = "UPDATE log_tokens SET used_at = ? WHERE id = ?";
                conn.exec_drop(sql, (now.naive_utc(), it.id)).await?;
            }
            Ok(found)
        })
        .await
    }

    async fn tokens(&self, project: Option<&ProjectName>) -> Result<Vec<LogToken>, PortError> {
        self.attempt("list log tokens from", || async {
            let sql = format!(
                "SELECT {TOKEN} FROM log_tokens WHERE project = COALESCE(?, project) ORDER BY project, name"
            );
            let values = (project.map(ProjectName::as_str),);
            let found: Vec<Stored> = rows(&mut self.conn().await?, &sql, values).await?;
            Ok(found.into_iter().map(token).collect())
        })
        .await
    }

    async fn revoke_token(&self, project: &ProjectName, name: &str) -> Result<bool, PortError> {
        self.attempt("revoke a log token in", || async {
            let mut conn = self.conn().await?;
            let sql = "DELETE FROM log_tokens WHERE project = ? AND name = ?";
            conn.exec_drop(sql, (project.as_str(), name)).await?;
            Ok(conn.affected_rows() > 0)
        })
        .await
    }
}
