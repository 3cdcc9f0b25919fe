//! The wiki user behind an OpenStack user.

use osm_core::ports::{Directory, Initiator, Links, PortError, WikiRead};
use std::sync::Arc;
use tracing::warn;

/// Finds out who did what was told.
pub struct Who {
    /// LDAP.
    pub directory: Arc<dyn Directory>,
    /// Wiki user ↔ LDAP entry.
    pub links: Arc<dyn Links>,
    /// For the user's name.
    pub wiki: Arc<dyn WikiRead>,
    /// The id of the Keystone domain whose users are LDAP's people, by their `uid`.
    pub people_domain: Option<String>,
}

/// A wiki user whose doing something is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Doer {
    pub wiki_user_id: u64,
    pub name: String,
}

impl Who {
    /// `None` for accounts that are nobody's in the wiki, our own among them. Not to know is no reason to be
    /// late: then it is the system that tells.
    pub(super) async fn is(&self, initiator: Option<&Initiator>) -> Option<Doer> {
        let by = initiator.filter(|by| Some(&by.domain_id) == self.people_domain.as_ref())?;
        self.known(by).await.unwrap_or_else(|error| {
            warn!(%error, user = by.user_name, "who did it cannot be looked up");
            None
        })
    }

    async fn known(&self, by: &Initiator) -> Result<Option<Doer>, PortError> {
        let Some(person) = self.directory.person_by_uid(&by.user_name).await? else {
            return Ok(None);
        };
        let Some(wiki_user_id) = self.links.links().await?.remove(&person.entry) else {
            return Ok(None);
        };
        let mut names = self.wiki.user_names(&[wiki_user_id]).await?;
        Ok(names
            .remove(&wiki_user_id)
            .map(|name| Doer { wiki_user_id, name }))
    }
}
