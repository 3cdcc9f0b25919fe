//! The connection to the server: made when needed, kept, made anew when lost.

use super::LdapConfig;
use super::entry::Entry;
use super::failure::Failure;
use crate::secret::Secret;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::controls::Assertion;
use ldap3::{Ldap as Handle, LdapConnAsync, LdapConnSettings, Mod, Scope};
use osm_core::ports::{Kind, PortError};
use osm_core::sudo::{Octets, Values};
use std::collections::HashSet;
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex;

/// For a connection with its TLS and bind.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// For one answer of the server.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// For a whole search, all its pages.
const SEARCH_LIMIT: Duration = Duration::from_secs(30);
/// Entries asked for at a time (RFC 2696): servers bound what they give at once.
const PAGE_SIZE: i32 = 500;

const NO_SUCH_ATTRIBUTE: u32 = 16;
const ATTRIBUTE_OR_VALUE_EXISTS: u32 = 20;
const NO_SUCH_OBJECT: u32 = 32;
const ENTRY_ALREADY_EXISTS: u32 = 68;
const ASSERTION_FAILED: u32 = 122;
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
    pub(super) attributes: &'a [&'a str],
}

/// One value of an attribute, to be there or not.
#[derive(Clone)]
pub(super) struct Change<'a> {
    pub(super) attribute: &'static str,
    pub(super) value: &'a str,
    pub(super) there: bool,
}

/// Attributes with their values.
pub(super) type Attributes<'a> = Vec<(&'a str, HashSet<&'a str>)>;

/// What is written to one entry. Each says by which result code it is so already.
enum Write<'a> {
    Values(&'a [Change<'a>]),
    /// One value for another: only where the old one still stands.
    Exchange(&'static str, Option<&'a str>, Option<&'a str>),
    /// These values for those: only where all of those still stand and none of these does.
    Swap(&'a Values, &'a Values),
    Add(Attributes<'a>),
    AddValues(&'a Values),
    Delete,
    /// Only where a filter still fits.
    DeleteWhere(&'a str),
}

impl Write<'_> {
    fn told(&self) -> &'static str {
        match self {
            Self::Values([Change { there: true, .. }, ..]) => "add a value to",
            Self::Values(_) => "take a value out of",
            Self::Exchange(..) => "exchange a value of",
            Self::Swap(..) => "exchange values of",
            Self::Add(_) | Self::AddValues(_) => "add",
            Self::Delete | Self::DeleteWhere(_) => "delete",
        }
    }
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
        self.write(dn, &Write::Values(changes)).await
    }

    /// Puts one value of an attribute in the place of another; `false` where that one is not there any more.
    pub(super) async fn exchange(
        &self,
        dn: &str,
        attribute: &'static str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<bool, PortError> {
        self.write(dn, &Write::Exchange(attribute, before, after))
            .await
    }

    /// Puts values in the place of others, all or none; `false` where they are not as expected any more.
    pub(super) async fn swap(
        &self,
        dn: &str,
        out: &Values,
        new: &Values,
    ) -> Result<bool, PortError> {
        self.write(dn, &Write::Swap(out, new)).await
    }

    /// Adds an entry whose values may be anything; `false` where there is one of that name.
    pub(super) async fn add_values(&self, dn: &str, values: &Values) -> Result<bool, PortError> {
        self.write(dn, &Write::AddValues(values)).await
    }

    /// Deletes an entry where a filter still fits it, so far as the server knows how to look (RFC 4528); `false`
    /// where it was gone or does not fit.
    pub(super) async fn delete_where(
        &self,
        dn: &str,
        filter: Option<String>,
    ) -> Result<bool, PortError> {
        match &filter {
            Some(filter) => self.write(dn, &Write::DeleteWhere(filter)).await,
            None => self.delete(dn).await,
        }
    }

    /// Adds an entry; `false` where there is one of that name.
    pub(super) async fn add(
        &self,
        dn: &str,
        attributes: Attributes<'_>,
    ) -> Result<bool, PortError> {
        self.write(dn, &Write::Add(attributes)).await
    }

    /// Deletes an entry that has none below it; `false` where it was gone.
    pub(super) async fn delete(&self, dn: &str) -> Result<bool, PortError> {
        self.write(dn, &Write::Delete).await
    }

    /// `false` where it was so already.
    async fn write(&self, dn: &str, what: &Write<'_>) -> Result<bool, PortError> {
        let (handle, kept) = self.service().await?;
        let mut outcome = written(handle, dn, what).await;
        // What is written here may be written twice.
        if kept && lost(&outcome) {
            self.forget().await;
            outcome = written(self.service().await?.0, dn, what).await;
        }
        if !answered(&outcome) {
            self.forget().await;
        }
        outcome.map_err(|failure| {
            let mut error = failure.port_error(what.told(), dn);
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

async fn written(mut handle: Handle, dn: &str, what: &Write<'_>) -> Result<bool, Failure> {
    let one = |value: &&'_ str| HashSet::from([(*value).to_owned()]);
    within(ANSWER_LIMIT, async {
        let (result, so_already) = match what {
            Write::Values(changes) => {
                let modifications = changes.iter().map(|change| {
                    let (attribute, value) = (change.attribute.to_owned(), one(&change.value));
                    match change.there {
                        true => Mod::Add(attribute, value),
                        false => Mod::Delete(attribute, value),
                    }
                });
                let so_already = match changes.first() {
                    Some(Change { there: true, .. }) => ATTRIBUTE_OR_VALUE_EXISTS,
                    _ => NO_SUCH_ATTRIBUTE,
                };
                (
                    handle.modify(dn, modifications.collect()).await?,
                    so_already,
                )
            }
            Write::Exchange(attribute, before, after) => {
                let old = before
                    .iter()
                    .map(|v| Mod::Delete((*attribute).to_owned(), one(v)));
                let new = after
                    .iter()
                    .map(|v| Mod::Add((*attribute).to_owned(), one(v)));
                let both = old.chain(new).collect();
                (handle.modify(dn, both).await?, NO_SUCH_ATTRIBUTE)
            }
            Write::Add(attributes) => {
                let all = attributes.clone();
                (handle.add(dn, all).await?, ENTRY_ALREADY_EXISTS)
            }
            Write::AddValues(values) => (
                handle.add(dn, octets(values).collect()).await?,
                ENTRY_ALREADY_EXISTS,
            ),
            Write::Swap(out, new) => {
                let old = octets(out).map(|(kind, values)| Mod::Delete(kind, values));
                let new = octets(new).map(|(kind, values)| Mod::Add(kind, values));
                let result = handle.modify(dn, old.chain(new).collect()).await?;
                let so_already = match result.rc {
                    ATTRIBUTE_OR_VALUE_EXISTS => ATTRIBUTE_OR_VALUE_EXISTS,
                    _ => NO_SUCH_ATTRIBUTE,
                };
                (result, so_already)
            }
            Write::Delete => (handle.delete(dn).await?, NO_SUCH_OBJECT),
            Write::DeleteWhere(filter) => {
                let handle = handle.with_controls(Assertion::new(filter));
                let result = handle.delete(dn).await?;
                let so_already = match result.rc {
                    ASSERTION_FAILED => ASSERTION_FAILED,
                    _ => NO_SUCH_OBJECT,
                };
                (result, so_already)
            }
        };
        if result.rc == so_already {
            return Ok(false);
        }
        result.success()?;
        Ok(true)
    })
    .await
}

fn octets(values: &Values) -> impl Iterator<Item = (Vec<u8>, HashSet<Vec<u8>>)> {
    values.0.iter().map(|(kind, values)| {
        let values = values.iter().map(Octets::bytes);
        (kind.clone().into_bytes(), values.collect())
    })
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
