//! Accounts of chat networks, each linked to the wiki user who proved to be both: the wiki shows them a code, and
//! they say it on the network while they are logged in to the account.

use super::Book;
use chrono::TimeDelta;
use osm_core::log::reply::Reply;
use osm_core::log::token::hash;
use osm_core::ports::PortError;
use tracing::{info, warn};
use ulid::Ulid;

/// How long a code is good.
const GOOD: TimeDelta = TimeDelta::minutes(10);
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

    /// The wiki user of an account.
    pub async fn speaker(
        &self,
        network: &str,
        account: Option<&str>,
    ) -> Result<Option<(u64, String)>, PortError> {
        match account {
            Some(account) => self.speakers.speaker(network, &folded(account)).await,
            None => Ok(None),
        }
    }
}

/// Services do not tell accounts apart by the case of their letters.
fn folded(account: &str) -> String {
    account.to_lowercase()
}
