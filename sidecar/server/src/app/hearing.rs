//! Notifications, where it is said where they are.

use super::{App, clients};
use crate::config::{Config, Secrets};
use crate::late::Late;
use crate::observe::{Listener, Observer, Who};
use osm_core::ports::PortError;
use std::sync::Arc;
use tracing::info;

impl App {
    /// Who listens to them.
    pub(super) fn hears(
        &self,
        config: &Config,
        secrets: &Secrets,
        observer: &Arc<Observer>,
        late: &Arc<Late>,
    ) -> Result<Option<Arc<Listener>>, PortError> {
        let (Some(feed), Some(region)) =
            (clients::rabbitmq(config, secrets)?, config.heard_region())
        else {
            info!("notifications are not listened to: there is no [rabbitmq] in the configuration");
            return Ok(None);
        };
        Ok(Some(Arc::new(Listener {
            observer: observer.clone(),
            feed: Arc::new(feed),
            late: late.clone(),
            region,
            who: Who {
                directory: self.directory.clone(),
                links: self.store.clone(),
                wiki: self.wiki.clone(),
                people_domain: config.keystone.people_domain_id.clone(),
            },
        })))
    }
}
