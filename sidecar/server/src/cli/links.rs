//! An operator's links between wiki users and LDAP entries.

use super::{Failure, operator, say};
use osm_core::actor::Person;
use osm_core::ports::{Directory, Links, WikiRead};
use std::sync::Arc;

/// What is needed to find both sides of a link.
pub struct People {
    /// The rows.
    pub links: Arc<dyn Links>,
    /// LDAP.
    pub directory: Arc<dyn Directory>,
    /// MediaWiki.
    pub wiki: Arc<dyn WikiRead>,
}

impl People {
    pub(super) async fn link(&self, name: &str, uid: &str) -> Result<(), Failure> {
        let user = self.user(name).await?;
        let person = self.person(uid).await?;
        let linked = self
            .links
            .link(user, &person.entry, "operator", &operator())
            .await?;
        if !linked {
            return Err(Failure::Refused(format!(
                "{name} or {uid} is linked to another already; `openstackmanager links` shows which, \
                 `openstackmanager link --unlink` takes a link away"
            )));
        }
        say(format_args!(
            "wiki user {name} (id {user}) is linked to uid {uid} (entry {})",
            person.entry
        ));
        Ok(())
    }

    pub(super) async fn unlink(&self, name: &str, uid: Option<&str>) -> Result<(), Failure> {
        let user = self.user(name).await?;
        let linked = self.links.link_of(user).await?;
        if let Some(uid) = uid
            && linked != Some(self.person(uid).await?.entry)
        {
            return Err(Failure::Refused(format!("{name} is not linked to {uid}")));
        }
        if !self.links.unlink(user).await? {
            return Err(Failure::Refused(format!("{name} is not linked")));
        }
        say(format_args!(
            "wiki user {name} (id {user}) is not linked any more"
        ));
        Ok(())
    }

    pub(super) async fn list(&self) -> Result<(), Failure> {
        let links = self.links.links().await?;
        let users: Vec<u64> = links.values().copied().collect();
        let names = self.wiki.user_names(&users).await?;
        for (entry, user) in links {
            let person = self.directory.person(&entry).await?;
            say(format_args!(
                "{} (id {user})\t{} (entry {entry})",
                names.get(&user).map_or("no such wiki user", String::as_str),
                person.map_or("no such LDAP entry".to_owned(), |p| p.uid),
            ));
        }
        Ok(())
    }

    async fn user(&self, name: &str) -> Result<u64, Failure> {
        let found = self.wiki.user_id(name).await?;
        found.ok_or_else(|| Failure::Refused(format!("the wiki has no user {name}")))
    }

    async fn person(&self, uid: &str) -> Result<Person, Failure> {
        let found = self.directory.person_by_uid(uid).await?;
        found.ok_or_else(|| {
            Failure::Refused(format!(
                "LDAP has no entry with uid {uid} below ldap.people_base"
            ))
        })
    }
}
