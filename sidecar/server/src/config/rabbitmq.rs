//! The section `[rabbitmq]`, which may be left out.

use super::Config;
use osm_core::ids::Region;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use url::Url;

/// Where OpenStack's services tell of what they do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RabbitMq {
    /// The nodes of one cluster, tried in this order; each ends in the virtual host.
    pub urls: Vec<Url>,
    pub username: String,
    pub password_file: Option<PathBuf>,
    /// The region whose services speak there; may be left out where there is only one.
    pub region: Option<Region>,
    #[serde(default = "our_name")]
    pub queue: String,
    #[serde(default = "queue_length")]
    pub queue_length: u32,
    #[serde(default = "queue_hours")]
    pub queue_hours: u32,
}

impl Config {
    /// The region whose services speak to RabbitMQ, where that is configured.
    pub fn heard_region(&self) -> Option<Region> {
        let named = self.rabbitmq.as_ref()?.region.clone();
        named.or_else(|| match self.regions.as_slice() {
            [only] => Some(only.name.clone()),
            _ => None,
        })
    }
}

fn our_name() -> String {
    "openstackmanager".to_owned()
}
fn queue_length() -> u32 {
    100_000
}
fn queue_hours() -> u32 {
    24
}
