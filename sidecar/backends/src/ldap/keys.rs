//! SSH public keys of people, as sshd on the instances reads them: values of `sshPublicKey`, which the class
//! `ldapPublicKey` lets an entry have.

use super::Ldap;
use super::connection::Change;
use super::directory::{equals, is};
use super::entry::Entry;
use osm_core::ids::EntryUuid;
use osm_core::keys::Held;
use osm_core::ports::{Kind, Leave, PortError};

const KEYS: &[&str] = &["entryUUID", "objectClass", VALUE];
const VALUE: &str = "sshPublicKey";
const CLASS: &str = "ldapPublicKey";

impl Ldap {
    pub(super) async fn keys_of(
        &self,
        entry: &EntryUuid,
    ) -> Result<Option<Vec<String>>, PortError> {
        let found = self.keyholder(entry).await?;
        Ok(found.map(|entry| entry.all(VALUE).to_vec()))
    }

    pub(super) async fn change_key(
        &self,
        key: &Held,
        there: bool,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        let Some(entry) = self.keyholder(&key.person).await? else {
            if !there {
                return Ok(false);
            }
            let why = "LDAP has no such entry";
            let (operation, target) = ("find the person", key.uid.as_str());
            return Err(PortError::new(
                "ldap",
                operation,
                target,
                Kind::NotFound,
                why,
            ));
        };
        let value = Change {
            attribute: VALUE,
            value: &key.line,
            there,
        };
        let has_class = |name: &String| name.eq_ignore_ascii_case(CLASS);
        if there && !entry.all("objectClass").iter().any(has_class) {
            let class = Change {
                attribute: "objectClass",
                value: CLASS,
                there,
            };
            leave.still().await?;
            // Together, since in some schemas the class demands a key.
            let both = [class, value.clone()];
            if self.connections.change_all(&entry.dn, &both).await? {
                return Ok(true);
            }
            // The class has come meanwhile, with another key.
        }
        leave.still().await?;
        self.connections.change(&entry.dn, &value).await
    }

    async fn keyholder(&self, entry: &EntryUuid) -> Result<Option<Entry>, PortError> {
        let filter = equals("entryUUID", entry.as_str());
        let found = self.below(&self.config.people_base, filter, KEYS).await?;
        Ok(found.into_iter().find(|found| is(found, entry)))
    }
}
