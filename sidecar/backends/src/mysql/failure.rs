//! What goes wrong with the database, before it becomes a [`PortError`].

use mysql_async::{DriverError, Error, FromRowError};
use osm_core::ports::{Kind, PortError};
use std::time::Duration;

/// The part's name in errors.
const SYSTEM: &str = "mysql";
/// The server's words are cut to so many characters.
const DETAIL_LIMIT: usize = 300;

const DUPLICATE: u16 = 1062;
const NO_SUCH_TABLE: u16 = 1146;
const LOCK_TIMEOUT: u16 = 1205;
/// Also what Galera says when a transaction fails certification.
const DEADLOCK: u16 = 1213;

/// A failed attempt at something.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Sql(#[from] mysql_async::Error),
    #[error("no answer within {0:?}")]
    Slow(Duration),
    /// Somebody else holds it, or it is not as the caller believes.
    #[error("{0}")]
    Conflict(String),
    /// What was looked at changed meanwhile: nothing was done, and it is to be run again.
    #[error("others were faster each time")]
    Raced,
    /// A row that this version cannot read.
    #[error("a stored {what} cannot be read: {why}")]
    Stored { what: &'static str, why: String },
}

impl From<FromRowError> for Failure {
    fn from(error: FromRowError) -> Self {
        Self::Stored {
            what: "row",
            why: error.to_string(),
        }
    }
}

impl Failure {
    fn code(&self) -> Option<u16> {
        match self {
            Self::Sql(Error::Server(error)) => Some(error.code),
            _ => None,
        }
    }

    /// A unique key says that there is one already.
    pub(super) fn duplicate(&self) -> bool {
        self.code() == Some(DUPLICATE)
    }

    /// The schema is not there, or an older one.
    pub(super) fn no_table(&self) -> bool {
        self.code() == Some(NO_SUCH_TABLE)
    }

    /// The transaction lost against another and was not done: to be run again from its start.
    pub(super) fn lost_race(&self) -> bool {
        matches!(self, Self::Raced) || matches!(self.code(), Some(DEADLOCK | LOCK_TIMEOUT))
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Conflict(_) => Kind::Conflict,
            Self::Raced => Kind::Unavailable,
            Self::Slow(_) => Kind::Timeout,
            Self::Stored { .. } => Kind::Protocol,
            Self::Sql(Error::Server(error)) => kind_of_code(error.code),
            Self::Sql(Error::Io(_)) => Kind::Unavailable,
            Self::Sql(Error::Driver(
                DriverError::ConnectionClosed | DriverError::PoolDisconnected,
            )) => Kind::Unavailable,
            Self::Sql(_) => Kind::Protocol,
        }
    }

    pub(super) fn port_error(&self, operation: &str, target: &str) -> PortError {
        let mut detail: String = self.to_string().chars().take(DETAIL_LIMIT).collect();
        if let Some(hint) = self.code().and_then(hint) {
            detail.push_str("; ");
            detail.push_str(hint);
        }
        PortError::new(SYSTEM, operation, target, self.kind(), detail)
    }
}

/// The server's error numbers that mean something other than "this statement is wrong".
fn kind_of_code(code: u16) -> Kind {
    match code {
        DUPLICATE => Kind::Conflict,
        // access denied: to the database, with this password, to the table, to the column, by plugin
        1044 | 1045 | 1142 | 1143 | 1227 | 1698 => Kind::Denied,
        // data too long, packet too large
        1406 | 1153 => Kind::TooLarge,
        // a statement's time limit, in MySQL and in MariaDB
        3024 | 1969 => Kind::Timeout,
        // disk full, too many connections, Galera not ready, shutdown, table full, not committed, lock timeout,
        // deadlock, read-only, killed, read-only mode
        1021 | 1040 | 1047 | 1053 | 1114 | 1180 | LOCK_TIMEOUT | DEADLOCK | 1290 | 1317 | 1836
        | 1927 => Kind::Unavailable,
        _ => Kind::Rejected,
    }
}

fn hint(code: u16) -> Option<&'static str> {
    match code {
        1044 | 1045 | 1142 | 1143 | 1227 | 1698 => {
            Some("compare [database] user and password with the account's grants")
        }
        1049 => Some("create the database that [database] name says"),
        1054 | NO_SUCH_TABLE => Some("run `openstackmanager migrate`"),
        1021 | 1114 => Some("make room on the database's disk"),
        _ => None,
    }
}
