//! MySQL/MariaDB: what we remember ourselves.
//!
//! Reading order: `migrations/` (the tables) → [`Store`] → `links` (links, pins, nonces), `projects` →
//! `operations` (submitting, reading) → `work` (what the runner does) → `pages` → `instances` →
//! `audit` (writing it), `seals` (its chain) and `trail` (reading it) → `holds` (all writing held after a restore) → `suspensions`
//! (what is kept of who is blocked) → `logs`
//! and `log_work` (the Server Admin Log) with `speakers`, `log_tokens` and `log_posts`, and `elections`.

mod audit;
mod elections;
mod ended;
mod failure;
mod holds;
mod instances;
mod links;
mod log_posts;
mod log_tokens;
mod log_work;
mod logs;
mod migrate;
mod operations;
mod overtaken;
mod page_claims;
mod pages;
mod projects;
mod records;
mod requests;
mod seals;
mod speakers;
mod stored;
mod suspensions;
mod trail;
mod wishes;
mod work;

use crate::secret::Secret;
use chrono::{DateTime, NaiveDateTime, Utc};
use failure::Failure;
use mysql_async::consts::StatusFlags;
use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{
    Conn, OkPacket, OptsBuilder, Params, Pool, PoolConstraints, PoolOpts, Row, Transaction, TxOpts,
};
use osm_core::ports::PortError;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

/// No attempt takes longer, waiting for a connection included.
const ATTEMPT_LIMIT: Duration = Duration::from_secs(10);
/// So often is a transaction that lost against another run again.
const RETRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const MAX_CONNECTIONS: usize = 20;
/// So many seconds does the server wait for the next word within a connection. The rows that a process has locked
/// when it falls asleep, or when its machine vanishes, are free for the others after it.
const ASLEEP: usize = 10;
/// So many seconds is an idle connection kept: well below, so that none is used that the server has closed.
const IDLE: usize = 5;

/// Where the database is.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct StoreConfig {
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: Secret,
    /// The database's name.
    pub name: String,
}

/// The store: one pool of connections, shared by its clones.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    /// `host:port/name`, for errors.
    target: Arc<str>,
    /// When nonces were last pruned, in Unix seconds.
    pruned: Arc<AtomicI64>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Makes the pool and proves with one connection that the account may enter.
    pub async fn connect(config: StoreConfig) -> Result<Self, PortError> {
        let target = format!("{}:{}/{}", config.host, config.port, config.name);
        let connections = PoolConstraints::new(1, MAX_CONNECTIONS).unwrap_or_default();
        let options = OptsBuilder::default()
            .ip_or_hostname(config.host)
            .tcp_port(config.port)
            .user(Some(config.user))
            .pass(Some(config.password.expose()))
            .db_name(Some(config.name))
            .tcp_nodelay(true)
            // An UPDATE that changes nothing still says that the row is there.
            .client_found_rows(true)
            .setup(vec![
                "SET NAMES utf8mb4".to_owned(),
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned(),
                format!(
                    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
                     time_zone = '+00:00', innodb_lock_wait_timeout = 5, wait_timeout = {ASLEEP}"
                ),
            ])
            .wait_timeout(Some(IDLE))
            // No session state of ours outlives its use, so there is nothing to reset.
            .pool_opts(
                PoolOpts::default()
                    .with_constraints(connections)
                    .with_inactive_connection_ttl(Duration::from_secs(IDLE as u64))
                    .with_reset_connection(false),
            );
        let store = Self {
            pool: Pool::new(options),
            target: target.into(),
            pruned: Arc::default(),
        };
        store.ping().await?;
        Ok(store)
    }

    /// For health checks: one round trip.
    pub async fn ping(&self) -> Result<(), PortError> {
        self.attempt("reach the database", || async {
            Ok(self.conn().await?.ping().await?)
        })
        .await
    }

    /// Closes all connections.
    pub async fn disconnect(self) -> Result<(), PortError> {
        let target = self.target.clone();
        (self.pool.disconnect().await)
            .map_err(|error| Failure::from(error).port_error("close", &target))
    }

    /// Runs something that is one transaction, again where it lost a race, within bounds.
    async fn attempt<T, F>(
        &self,
        operation: &str,
        mut once: impl FnMut() -> F + Send,
    ) -> Result<T, PortError>
    where
        F: Future<Output = Result<T, Failure>> + Send,
    {
        let mut pause = FIRST_PAUSE;
        for retries_left in (0..=RETRIES).rev() {
            let outcome = tokio::time::timeout(ATTEMPT_LIMIT, once())
                .await
                .unwrap_or(Err(Failure::Slow(ATTEMPT_LIMIT)));
            match outcome {
                Err(failure) if failure.lost_race() && retries_left > 0 => {
                    tracing::debug!(operation, %failure, "lost a race in the database; again");
                    tokio::time::sleep(pause).await;
                    pause *= 3;
                }
                outcome => {
                    return outcome.map_err(|failure| failure.port_error(operation, &self.target));
                }
            }
        }
        // The last round returns: it has no retries left.
        Err(Failure::Slow(ATTEMPT_LIMIT).port_error(operation, &self.target))
    }

    async fn conn(&self) -> Result<Conn, Failure> {
        Ok(self.pool.get_conn().await?)
    }

    /// A transaction; dropped without a commit, it is rolled back.
    async fn begin(&self) -> Result<Transaction<'static>, Failure> {
        Ok(self.pool.start_transaction(TxOpts::default()).await?)
    }
}

/// Commits. A Galera node rolls a transaction back where another node was faster, and does not say so where that
/// happens while a statement is prepared: what follows runs outside of any transaction, and COMMIT succeeds. The
/// server's word on the last statement shows it.
async fn commit(tx: Transaction<'_>) -> Result<(), Failure> {
    // After an error there is no such word; an error is the caller's to see.
    let outside = |ok: &OkPacket<'_>| {
        !ok.status_flags()
            .contains(StatusFlags::SERVER_STATUS_IN_TRANS)
    };
    if tx.last_ok_packet().is_some_and(outside) {
        tx.rollback().await?;
        return Err(Failure::Raced);
    }
    Ok(tx.commit().await?)
}

/// All rows of a query.
async fn rows<T: FromRow + Send + 'static>(
    on: &mut impl Queryable,
    sql: &str,
    params: impl Into<Params> + Send,
) -> Result<Vec<T>, Failure> {
    let rows: Vec<Row> = on.exec(sql, params.into()).await?;
    rows.into_iter()
        .map(|row| mysql_async::from_row_opt(row).map_err(Failure::from))
        .collect()
}

/// The first row of a query.
async fn first<T: FromRow + Send + 'static>(
    on: &mut impl Queryable,
    sql: &str,
    params: impl Into<Params> + Send,
) -> Result<Option<T>, Failure> {
    let row: Option<Row> = on.exec_first(sql, params.into()).await?;
    row.map(|row| mysql_async::from_row_opt(row).map_err(Failure::from))
        .transpose()
}

/// Runs a statement; `false` where a unique key says that there is such a row already.
async fn put(
    on: &mut impl Queryable,
    sql: &str,
    params: impl Into<Params> + Send,
) -> Result<bool, Failure> {
    match on
        .exec_drop(sql, params.into())
        .await
        .map_err(Failure::from)
    {
        Ok(()) => Ok(true),
        Err(failure) if failure.duplicate() => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// `?,?,?` for so many values.
fn marks(count: usize) -> String {
    vec!["?"; count].join(",")
}

/// The end of a lease.
fn lease_end(now: DateTime<Utc>, lease: Duration) -> NaiveDateTime {
    chrono::Duration::from_std(lease)
        .ok()
        .and_then(|lease| now.checked_add_signed(lease))
        .unwrap_or(now)
        .naive_utc()
}
