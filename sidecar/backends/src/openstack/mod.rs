//! OpenStack: Keystone, Nova, Glance, Neutron.
//!
//! Reading order: `request` (what is asked) → `http` (one exchange, repeated where that is harmless) →
//! `fault` (a service's "no" in our terms) → `auth` (tokens and catalogue) → `cloud` (a call as our
//! account in a project) → `compute`, `image`, `network`, `identity`, `roles`, `keypairs`, `admin` (the ports) → `wire` (their words).

// The error that all ports share tells a lot, and is returned seldom.
#![allow(clippy::result_large_err)]

mod admin;
mod auth;
mod cloud;
mod compute;
mod fault;
mod http;
mod identity;
mod image;
mod keypairs;
mod microversion;
mod names;
mod network;
mod projects;
mod request;
mod request_id;
mod roles;
mod wire;

use crate::secret::Secret;
use osm_core::ids::Region;
use osm_core::ports::PortError;
use std::sync::Arc;
use std::time::Duration;

pub use request_id::with_request_id;
pub use roles::Assigner;

/// How our account reaches the cloud.
#[derive(Clone, Debug)]
pub struct OpenStackConfig {
    /// Keystone, with or without `/v3`.
    pub auth_url: String,
    /// The service account.
    pub username: String,
    /// The account's domain, by name.
    pub user_domain: String,
    /// Its password.
    pub password: Secret,
    /// The domain of all projects, by name.
    pub project_domain: String,
    /// The project in which the account may read across projects.
    pub reader_project: String,
    /// Which of the catalogue's interfaces is used: `public`, `internal` or `admin`.
    pub interface: String,
    /// The regions in use.
    pub regions: Vec<Region>,
}

/// The cloud, as our account sees it. A clone shares tokens and caches.
#[derive(Clone)]
pub struct OpenStack {
    cloud: Arc<cloud::Cloud>,
}

impl OpenStack {
    /// How long a call may take, its answer included.
    pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);

    /// Calls nothing yet.
    pub fn new(config: OpenStackConfig) -> Result<Self, PortError> {
        Self::with_timeout(config, Self::CALL_TIMEOUT)
    }

    /// As [`Self::new`], with another bound on each call.
    pub fn with_timeout(config: OpenStackConfig, timeout: Duration) -> Result<Self, PortError> {
        Ok(Self {
            cloud: Arc::new(cloud::Cloud::new(config, timeout)?),
        })
    }
}
