//! Accounts of chat networks at people's entries.

use super::Ldap;
use super::connection::Search;
use super::directory::{equals, uuid};
use async_trait::async_trait;
use ldap3::Scope;
use osm_core::ids::EntryUuid;
use osm_core::ports::{Accounts, PortError};

#[async_trait]
impl Accounts for Ldap {
    async fn named(&self, attribute: &str, account: &str) -> Result<Vec<EntryUuid>, PortError> {
        if account.is_empty() {
            return Ok(Vec::new());
        }
        let search = Search {
            base: &self.config.people_base,
            scope: Scope::Subtree,
            filter: equals(attribute, account),
            attributes: &["entryUUID", attribute],
        };
        let found = self.connections.search(&search).await?;
        // The server's own rule may take signs for each other that a network tells apart.
        let names = |value: &String| value.eq_ignore_ascii_case(account);
        let found = found
            .iter()
            .filter(|entry| entry.all(attribute).iter().any(names));
        Ok(found.filter_map(uuid).collect())
    }
}
