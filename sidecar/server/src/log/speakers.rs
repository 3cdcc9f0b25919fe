//! Accounts of chat networks, each linked to the wiki user who proved to be both: the wiki shows them a code, and
//! they say it on the network while they are logged in to the account.

use super::Book;
use chrono::TimeDelta;
use osm_core::log::reply::Reply;
use osm_core::log::token::hash;
use osm_core::ports::{Kind, PortError};
use std::sync::PoisonError;
use std::time::Duration;
use tracing::{info, warn};
use ulid::Ulid;

/// How long a code is good.
const GOOD: TimeDelta = TimeDelta::minutes(10);
/// Who speaks waits no longer than this for the wiki.
const SOON: Duration = Duration::from_secs(2);
/// Its digits, of five bits each.
const DIGITS: usize = 12;

impl Book {
    /// A code for a wiki user; it replaces the last one.
    pub async fn code(&self, user: u64, name: &str) -> Result<String, PortError> {
        let ulid = Ulid::generate().to_string();
        // The end is chance, the beginning the time.
        let code = ulid.get(ulid.len() - DIGITS..).unwrap_or_default();
        let until = (self.clock)() + GOOD;
        self.speakers
            .offer(&hash(code), (user, name), until)
            .await?;
        Ok(code.to_owned())
    }

    /// Somebody said a code.
    pub async fn redeem(&self, code: &str, network: &str, account: Option<&str>) -> Reply {
        let Some(account) = account else {
            let why = "the server does not say that you are logged in to an account; log in with NickServ first";
            return Reply::NotLinked { why };
        };
        let code = hash(&code.to_ascii_uppercase());
        let (name, now) = (folded(account), (self.clock)());
        match self.speakers.redeem(&code, network, &name, now).await {
            Ok(Some((id, user))) => {
                info!(network, account, wiki_user = id, "an account is linked");
                Reply::Linked {
                    account: account.to_owned(),
                    user,
                }
            }
            Ok(None) => Reply::NotLinked {
                why: "this is no code, or an old one; Special:NovaLog gives another",
            },
            Err(error) => {
                warn!(%error, "a code cannot be redeemed");
                Reply::NotLinked {
                    why: "our database is away. Please try again later",
                }
            }
        }
    }

    /// Makes a code worthless that was said where others hear it; says whether it was one.
    pub async fn burn(&self, code: &str) -> bool {
        let code = hash(&code.to_ascii_uppercase());
        let burnt = self.speakers.burn(&code).await;
        burnt.unwrap_or_else(|error| {
            warn!(%error, "it cannot be asked whether a code was said in a channel; it may be good for some minutes");
            false
        })
    }

    /// The wiki user of an account: who proved to be both, else whom LDAP's operators say it is.
    pub async fn speaker(
        &self,
        network: &str,
        account: Option<&str>,
    ) -> Result<Option<(u64, String)>, PortError> {
        let Some(account) = account else {
            return Ok(None);
        };
        let proven = self.speakers.speaker(network, &folded(account)).await?;
        match (proven, self.attributes.get(network)) {
            (None, Some(attribute)) => self.named(attribute, account).await,
            (proven, _) => Ok(proven),
        }
    }

    /// Whose account it is by LDAP's word: of the people at whom it stands, the one who is a wiki user. It is nobody's
    /// where two are.
    async fn named(
        &self,
        attribute: &str,
        account: &str,
    ) -> Result<Option<(u64, String)>, PortError> {
        let people = self.accounts.named(attribute, account).await?;
        if people.is_empty() {
            return Ok(None);
        }
        let links = self.links.links().await?;
        let mut users = people.iter().filter_map(|entry| links.get(entry));
        match (users.next(), users.next()) {
            (Some(user), None) => {
                let name = self.name(*user).await?;
                Ok(name.map(|name| (*user, name)))
            }
            (None, _) => Ok(None),
            (Some(_), Some(_)) => {
                warn!(
                    attribute,
                    account, "several linked people have the same account in LDAP: it is nobody's"
                );
                Ok(None)
            }
        }
    }

    /// A wiki user's name, which is only shown. It is asked for once, so that nobody waits while the wiki is away.
    async fn name(&self, user: u64) -> Result<Option<String>, PortError> {
        let lock = || self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = lock().get(&user) {
            return Ok(Some(name.clone()));
        }
        let asked = [user];
        let asking = tokio::time::timeout(SOON, self.wiki.user_names(&asked));
        let names = asking.await.unwrap_or_else(|_| {
            let (of, why) = (format!("user {user}"), "no answer in time");
            Err(PortError::new(
                "wiki",
                "ask for the name of",
                of,
                Kind::Timeout,
                why,
            ))
        });
        let name = names?.remove(&user);
        if let Some(name) = &name {
            lock().insert(user, name.clone());
        }
        Ok(name)
    }
}

/// Services do not tell accounts apart by the case of their letters.
fn folded(account: &str) -> String {
    account.to_lowercase()
}
