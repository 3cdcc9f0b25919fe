//! Entries of hosts, as Puppet's LDAP node terminus and the DNS read them: a `puppetClient` anywhere below the
//! base, called by `dc`, `cn` or an `associatedDomain`.

use super::Ldap;
use super::entry::Entry;
use chrono::{DateTime, Utc};
use osm_core::ports::PortError;
use osm_core::puppet::{Host, Puppet};

const HOST: &[&str] = &["dc", "cn", "associatedDomain", "puppetClass", "puppetVar"];
const NAMES: [&str; 3] = ["dc", "cn", "associatedDomain"];

impl Ldap {
    pub(super) async fn all_hosts(
        &self,
        since: Option<DateTime<Utc>>,
    ) -> Result<Vec<Host>, PortError> {
        let Some(base) = &self.config.hosts_base else {
            return Ok(Vec::new());
        };
        let filter = match since {
            None => "(objectClass=puppetClient)".to_owned(),
            Some(at) => format!(
                "(&(objectClass=puppetClient)(modifyTimestamp>={}))",
                at.format("%Y%m%d%H%M%SZ")
            ),
        };
        let found = self.below(base, filter, HOST).await?;
        Ok(found.iter().map(|entry| self.host(entry)).collect())
    }

    fn host(&self, entry: &Entry) -> Host {
        let names = NAMES.iter().flat_map(|name| entry.all(name));
        let vars = entry.all("puppetVar").iter().filter(|var| {
            let name = var.split('=').next().unwrap_or_default().trim();
            !self.config.hidden_vars.contains(name)
        });
        Host {
            names: names.cloned().collect(),
            puppet: Puppet {
                classes: entry.all("puppetClass").iter().cloned().collect(),
                vars: vars.cloned().collect(),
            },
        }
    }
}
