//! Schema changes: numbered, forward only, each applied once.

use super::failure::Failure;
use super::{RETRIES, Store, first, put};
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use osm_core::ports::PortError;

/// A file of `migrations/`; its number is its place in the list, from 1.
const MIGRATIONS: [(&str, &str); 13] = [
    ("store", include_str!("migrations/0001_store.sql")),
    (
        "cancellations",
        include_str!("migrations/0002_cancellations.sql"),
    ),
    ("step times", include_str!("migrations/0003_step_times.sql")),
    (
        "audit chain",
        include_str!("migrations/0004_audit_chain.sql"),
    ),
    ("holds", include_str!("migrations/0005_holds.sql")),
    ("puppet", include_str!("migrations/0006_puppet.sql")),
    ("log", include_str!("migrations/0007_log.sql")),
    ("log tokens", include_str!("migrations/0008_log_tokens.sql")),
    ("log posts", include_str!("migrations/0009_log_posts.sql")),
    ("projects", include_str!("migrations/0010_projects.sql")),
    (
        "suspensions",
        include_str!("migrations/0011_suspensions.sql"),
    ),
    ("requests", include_str!("migrations/0012_requests.sql")),
    ("quotas", include_str!("migrations/0013_quotas.sql")),
];

/// So long does one replica wait for another that is migrating.
const LOCK_SECONDS: u32 = 60;

/// One lock a database; a lock's name is bounded, so the database's name is hashed.
const LOCK_NAME: &str = "SHA1(CONCAT('openstackmanager migrate ', DATABASE()))";

impl Store {
    /// Brings the schema up to what this version knows; a newer schema is left as it is.
    /// Says the names of what was applied.
    pub async fn migrate(&self) -> Result<Vec<&'static str>, PortError> {
        // DDL may take long: no time limit here.
        self.try_migrate()
            .await
            .map_err(|failure| failure.port_error("migrate the schema of", &self.target))
    }

    async fn try_migrate(&self) -> Result<Vec<&'static str>, Failure> {
        let mut conn = self.conn().await?;
        let sql = format!("SELECT GET_LOCK({LOCK_NAME}, ?)");
        let locked: Option<(Option<u8>,)> = first(&mut conn, &sql, (LOCK_SECONDS,)).await?;
        if locked != Some((Some(1),)) {
            return Err(Failure::Conflict(
                "another replica has been migrating for a minute".to_owned(),
            ));
        }
        let mut applied = apply(&mut conn).await;
        for _ in 0..RETRIES {
            if !applied.as_ref().is_err_and(Failure::lost_race) {
                break;
            }
            applied = apply(&mut conn).await;
        }
        // Closing the connection gives the lock back, whatever happened.
        conn.disconnect().await?;
        applied
    }

    /// The schema's version there, and the one this version knows.
    pub async fn schema(&self) -> Result<(u32, u32), PortError> {
        self.attempt("read the schema's version of", || async {
            let stands = match version(&mut self.conn().await?).await {
                Err(failure) if failure.no_table() => 0,
                outcome => outcome?,
            };
            Ok((stands, known()))
        })
        .await
    }
}

async fn apply(conn: &mut Conn) -> Result<Vec<&'static str>, Failure> {
    conn.query_drop(
        "CREATE TABLE IF NOT EXISTS schema_version (
           version INT UNSIGNED NOT NULL PRIMARY KEY,
           name VARCHAR(64) NOT NULL,
           applied_at DATETIME(6) NOT NULL
         ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    )
    .await?;
    let done = version(conn).await?;
    let mut applied = Vec::new();
    for (number, (name, sql)) in (1..).zip(MIGRATIONS) {
        if number > done {
            conn.query_drop(sql).await?;
            // On a Galera cluster the lock holds back only those who migrate on the same node.
            let first = put(
                conn,
                "INSERT INTO schema_version (version, name, applied_at)
                 VALUES (?, ?, UTC_TIMESTAMP(6))",
                (number, name),
            )
            .await?;
            if first {
                applied.push(name);
            }
        }
    }
    Ok(applied)
}

async fn version(conn: &mut Conn) -> Result<u32, Failure> {
    let row: Option<(Option<u32>,)> =
        first(conn, "SELECT MAX(version) FROM schema_version", ()).await?;
    Ok(row.and_then(|(version,)| version).unwrap_or(0))
}

fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}
