//! The connection to the server: made when needed, kept, made anew when lost.

use super::LdapConfig;
use super::entry::Entry;
use crate::secret::Secret;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Ldap as Handle, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, Mod, Scope};
use osm_core::ports::{Kind, PortError};
use std::collections::HashSet;
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex;

/// The part's name in errors.
const SYSTEM: &str = "ldap";
/// For a connection with its TLS and bind.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// For one answer of the server.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// For a whole search, all its pages.
const SEARCH_LIMIT: Duration = Duration::from_secs(30);
/// Entries asked for at a time (RFC 2696): servers bound what they give at once.
const PAGE_SIZE: i32 = 500;
/// The server's words are cut to so many characters.
const DETAIL_LIMIT: usize = 300;

const NO_SUCH_ATTRIBUTE: u32 = 16;
const ATTRIBUTE_OR_VALUE_EXISTS: u32 = 20;
const NO_SUCH_OBJECT: u32 = 32;
const INAPPROPRIATE_AUTHENTICATION: u32 = 48;
const INVALID_CREDENTIALS: u32 = 49;

/// Makes connections, and keeps one bound as the service account.
pub(super) struct Connections {
    url: String,
    starttls: bool,
    bind_dn: String,
    password: Secret,
    kept: Mutex<Option<Handle>>,
}

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections")
            .field("url", &self.url)
            .field("bind_dn", &self.bind_dn)
            .finish_non_exhaustive()
    }
}

/// A search of a subtree or a level.
pub(super) struct Search<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: String,
    pub(super) attributes: &'static [&'static str],
}

/// One value of an attribute, to be there or not.
#[derive(Clone)]
pub(super) struct Change<'a> {
    pub(super) attribute: &'static str,
    pub(super) value: &'a str,
    pub(super) there: bool,
}

impl Connections {
    pub(super) fn new(config: &LdapConfig) -> Self {
        Self {
            url: config.url.clone(),
            starttls: config.starttls,
            bind_dn: config.bind_dn.clone(),
            password: config.password.clone(),
            kept: Mutex::new(None),
        }
    }

    /// All entries that a search finds.
    pub(super) async fn search(&self, search: &Search<'_>) -> Result<Vec<Entry>, PortError> {
        let (handle, kept) = self.service().await?;
        let mut outcome = run(handle, search).await;
        // One that turns out to be dead is replaced once: what is asked here may be asked twice.
        if kept && lost(&outcome) {
            self.forget().await;
            outcome = run(self.service().await?.0, search).await;
        }
        if !answered(&outcome) {
            self.forget().await;
        }
        outcome.map_err(|failure| failure.port_error("search", search.base))
    }

    /// Adds one value to an entry, or takes one out, and leaves all others alone, whoever else writes. It is done
    /// as well where it was so already: `false` then.
    pub(super) async fn change(&self, dn: &str, change: &Change<'_>) -> Result<bool, PortError> {
        self.change_all(dn, std::slice::from_ref(change)).await
    }

    /// Several at once, all the same way and all or none: `false` where one of them was so already.
    pub(super) async fn change_all(
        &self,
        dn: &str,
        changes: &[Change<'_>],
    ) -> Result<bool, PortError> {
        let (handle, kept) = self.service().await?;
        let mut outcome = modify(handle, dn, changes).await;
        if kept && lost(&outcome) {
            self.forget().await;
            outcome = modify(self.service().await?.0, dn, changes).await;
        }
        if !answered(&outcome) {
            self.forget().await;
        }
        outcome.map_err(|failure| {
            let operation = match changes.iter().any(|change| change.there) {
                true => "add a value to",
                false => "take a value out of",
            };
            let mut error = failure.port_error(operation, dn);
            if failure.code() == Some(NO_SUCH_OBJECT) {
                // It was there a moment ago: who tries again looks for it by what no rename changes.
                error.kind = Kind::Unavailable;
            }
            error
        })
    }

    /// Whether a bind of an entry's own succeeds; on a connection of its own, closed after it.
    pub(super) async fn proves(&self, dn: &str, password: &str) -> Result<bool, PortError> {
        // A bind with a name and no password is an anonymous one, and "succeeds" (RFC 4513, 5.1.2).
        if dn.is_empty() || password.is_empty() {
            return Ok(false);
        }
        let bound = within(CONNECT_LIMIT, async {
            let mut handle = self.open().await?;
            let result = handle.simple_bind(dn, password).await?;
            // Nothing depends on how the farewell is taken.
            let _ = handle.unbind().await;
            Ok(result)
        })
        .await
        .map_err(|failure| failure.port_error("check a password with", &self.url))?;
        match bound.rc {
            0 => Ok(true),
            INVALID_CREDENTIALS | INAPPROPRIATE_AUTHENTICATION => Ok(false),
            _ => Err(Failure::from(bound).port_error("check a password with", &self.url)),
        }
    }

    /// The kept connection, and whether it was there already.
    async fn service(&self) -> Result<(Handle, bool), PortError> {
        let mut kept = self.kept.lock().await;
        if let Some(handle) = kept.as_mut()
            && !handle.is_closed()
        {
            return Ok((handle.clone(), true));
        }
        let handle = within(CONNECT_LIMIT, async {
            let mut handle = self.open().await?;
            let bound = handle
                .simple_bind(&self.bind_dn, self.password.expose())
                .await?;
            bound.success()?;
            Ok(handle)
        })
        .await
        .map_err(|failure| failure.port_error("connect to", &self.url))?;
        *kept = Some(handle.clone());
        Ok((handle, false))
    }

    async fn forget(&self) {
        *self.kept.lock().await = None;
    }

    async fn open(&self) -> Result<Handle, Failure> {
        let settings = LdapConnSettings::new()
            .set_conn_timeout(CONNECT_LIMIT)
            .set_starttls(self.starttls);
        let (connection, handle) = LdapConnAsync::with_settings(settings, &self.url).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.drive().await {
                tracing::debug!(%error, "LDAP connection ended");
            }
        });
        Ok(handle)
    }
}

async fn run(mut handle: Handle, search: &Search<'_>) -> Result<Vec<Entry>, Failure> {
    within(SEARCH_LIMIT, async {
        let adapters: Vec<Box<dyn Adapter<'_, &str, &[&str]>>> = vec![
            Box::new(EntriesOnly::new()),
            Box::new(PagedResults::new(PAGE_SIZE)),
        ];
        let mut found = handle
            .with_timeout(ANSWER_LIMIT)
            .streaming_search_with(
                adapters,
                search.base,
                search.scope,
                &search.filter,
                search.attributes,
            )
            .await?;
        let mut entries = Vec::new();
        while let Some(result) = found.next().await? {
            entries.push(Entry::of(result).ok_or(Failure::Nonsense)?);
        }
        // A list that was cut short is a failure, never a short list.
        found.finish().await.success()?;
        Ok(entries)
    })
    .await
}

async fn modify(mut handle: Handle, dn: &str, changes: &[Change<'_>]) -> Result<bool, Failure> {
    let modifications = changes.iter().map(|change| {
        let values = HashSet::from([change.value]);
        match change.there {
            true => Mod::Add(change.attribute, values),
            false => Mod::Delete(change.attribute, values),
        }
    });
    within(ANSWER_LIMIT, async {
        let result = handle.modify(dn, modifications.collect()).await?;
        if [ATTRIBUTE_OR_VALUE_EXISTS, NO_SUCH_ATTRIBUTE].contains(&result.rc) {
            return Ok(false);
        }
        result.success()?;
        Ok(true)
    })
    .await
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or(Err(Failure::Slow(limit)))
}

fn lost<T>(outcome: &Result<T, Failure>) -> bool {
    outcome.as_ref().err().is_some_and(Failure::connection_lost)
}

/// The connection is in order.
fn answered<T>(outcome: &Result<T, Failure>) -> bool {
    outcome.as_ref().err().is_none_or(Failure::answered)
}

/// Why the server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Ldap(#[from] LdapError),
    #[error("no answer within {0:?}")]
    Slow(Duration),
    #[error("an entry that makes no sense")]
    Nonsense,
}

impl From<LdapResult> for Failure {
    fn from(result: LdapResult) -> Self {
        Self::Ldap(LdapError::LdapResult { result })
    }
}

impl Failure {
    /// The server took the request and said no; the connection is in order.
    fn answered(&self) -> bool {
        matches!(self, Self::Ldap(LdapError::LdapResult { .. }))
    }

    /// The result code of its no.
    fn code(&self) -> Option<u32> {
        match self {
            Self::Ldap(LdapError::LdapResult { result }) => Some(result.rc),
            _ => None,
        }
    }

    /// The connection broke, at the latest while we waited.
    fn connection_lost(&self) -> bool {
        matches!(
            self,
            Self::Ldap(
                LdapError::Io { .. }
                    | LdapError::OpSend { .. }
                    | LdapError::ResultRecv { .. }
                    | LdapError::IdScrubSend { .. }
                    | LdapError::EndOfStream
            )
        )
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Slow(_) | Self::Ldap(LdapError::Timeout { .. }) => Kind::Timeout,
            Self::Nonsense => Kind::Protocol,
            Self::Ldap(LdapError::LdapResult { result }) => kind_of_code(result.rc),
            Self::Ldap(
                LdapError::UnknownScheme(_)
                | LdapError::UrlParsing { .. }
                | LdapError::FilterParsing,
            ) => Kind::Rejected,
            Self::Ldap(_) => Kind::Unavailable,
        }
    }

    fn port_error(&self, operation: &str, target: &str) -> PortError {
        let detail = match self {
            Self::Ldap(LdapError::LdapResult { result }) => {
                let hint = hint(result.rc).map_or_else(String::new, |hint| format!("; {hint}"));
                let words: String = result.text.chars().take(DETAIL_LIMIT).collect();
                format!("result code {} {words}{hint}", result.rc)
            }
            other => other.to_string().chars().take(DETAIL_LIMIT).collect(),
        };
        PortError::new(SYSTEM, operation, target, self.kind(), detail)
    }
}

/// RFC 4511, appendix A. "No such object" is not `NotFound`: it is the base of a search that is
/// missing or hidden from us, which says nothing about the person or project looked for.
fn kind_of_code(code: u32) -> Kind {
    match code {
        3 => Kind::Timeout,
        4 | 11 => Kind::TooLarge,
        8 | 13 | 48 | 49 | 50 => Kind::Denied,
        51 | 52 | 80 => Kind::Unavailable,
        _ => Kind::Rejected,
    }
}

fn hint(code: u32) -> Option<&'static str> {
    match code {
        8 | 13 => Some("the server wants TLS: set [ldap] starttls"),
        32 => Some("compare the bases in [ldap] with the tree, and what the account may read"),
        50 => Some("what the account must be allowed to do is in docs/INSTALL.md"),
        65 => Some("a group keeps one member: let the service account be in it"),
        48 | 49 => Some("compare [ldap] bind_dn and password with the entry"),
        _ => None,
    }
}
