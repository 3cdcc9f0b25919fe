//! Notifications, where it is said where they are.

use super::App;
use crate::config::{Config, Secrets};
use crate::observe::{Listener, Observer, Who};
use osm_backends::rabbitmq::{RabbitMq, RabbitMqConfig};
use osm_core::ports::PortError;
use std::sync::Arc;
use std::time::Duration;
use tracing::info;

impl App {
    /// Who listens to them.
    pub(super) fn hears(
        &self,
        config: &Config,
        secrets: &Secrets,
        observer: &Arc<Observer>,
    ) -> Result<Option<Arc<Listener>>, PortError> {
        let (Some(feed), Some(region)) = (rabbitmq(config, secrets)?, config.heard_region()) else {
            info!("notifications are not listened to: there is no [rabbitmq] in the configuration");
            return Ok(None);
        };
        Ok(Some(Arc::new(Listener {
            observer: observer.clone(),
            feed: Arc::new(feed),
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

/// The broker.
pub(super) fn rabbitmq(config: &Config, secrets: &Secrets) -> Result<Option<RabbitMq>, PortError> {
    let (Some(rabbitmq), Some(password)) = (&config.rabbitmq, &secrets.rabbitmq_password) else {
        return Ok(None);
    };
    RabbitMq::new(RabbitMqConfig {
        urls: rabbitmq.urls.iter().map(ToString::to_string).collect(),
        username: rabbitmq.username.clone(),
        password: password.clone(),
        queue: rabbitmq.queue.clone(),
        queue_length: rabbitmq.queue_length,
        queue_expires: Duration::from_secs(3600 * u64::from(rabbitmq.queue_hours)),
    })
    .map(Some)
}
