//! What LDAP's entries of instances say, put into our copy of the cloud.

use super::{OVERLAP, Observer};
use crate::telemetry::metrics;
use chrono::{DateTime, Utc};
use osm_core::pages::summary;
use osm_core::ports::{InstanceFilter, PageDue, PageKey, PortError, Seen};
use osm_core::puppet::{Hosts, Puppet};
use tracing::warn;

impl Observer {
    /// Looks at what changed since the last look that was answered, or at all entries. LDAP being away keeps
    /// nobody from Nova's news, and takes nothing off a page.
    pub(super) async fn look_at_hosts(
        &self,
        all: bool,
        looked: &mut Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) {
        let since = looked.filter(|_| !all).map(|at| at - OVERLAP);
        match self.put_down_hosts(since).await {
            Ok(()) => *looked = Some(now),
            Err(error) => {
                warn!(%error, "what Puppet does with instances cannot be read; what was read last stands");
                metrics::backend_error(&error);
            }
        }
    }

    async fn put_down_hosts(&self, since: Option<DateTime<Utc>>) -> Result<(), PortError> {
        let found = self.directory.hosts(since).await?;
        // No entry at all is a word about nobody: a wrong base, or a right that was taken from us, looks the same.
        if found.is_empty() {
            return Ok(());
        }
        let hosts = Hosts::new(found);
        let all = InstanceFilter {
            limit: u32::MAX,
            ..InstanceFilter::default()
        };
        for Seen {
            instance, puppet, ..
        } in self.index.list(&all).await?
        {
            let says = match hosts.of(&self.settings.host_names(&instance)) {
                Some(says) => says.clone(),
                // Among all entries there is none for it.
                None if since.is_none() => Puppet::default(),
                None => continue,
            };
            if says == puppet {
                continue;
            }
            let due = PageDue {
                key: PageKey::Instance {
                    region: instance.region.clone(),
                    id: instance.id,
                },
                by: None,
                by_name: None,
                operation: None,
                what: summary::puppet(&instance.name),
            };
            self.index
                .note_puppet(&instance.region, instance.id, &says, &due)
                .await?;
        }
        self.page_bell.notify_one();
        Ok(())
    }
}
