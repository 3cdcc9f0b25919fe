//! What an action may ask and these tests do not: who is late, and what differs.

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use openstackmanager::drift::{Compares, Drift, Latest};
use openstackmanager::late::Late;
use osm_backends::ldap::Ldap;
use osm_backends::mysql::Store;
use osm_backends::openstack::OpenStack;
use osm_core::drift::Found;
use osm_core::ids::ProjectName;
use osm_core::ports::{PageKey, PortError};
use std::sync::Arc;

struct NoPages;

#[async_trait]
impl Compares for NoPages {
    async fn stand(&self, _: Vec<(PageKey, Option<ProjectName>)>) -> Result<Vec<Found>, PortError> {
        Ok(Vec::new())
    }
}

pub fn late(store: &Arc<Store>) -> Arc<Late> {
    let nothing = (Vec::new(), TimeDelta::MAX);
    let late = Late::new(Vec::new(), store.clone(), store.clone(), nothing, Utc::now);
    Arc::new(late)
}

pub fn drift(store: &Arc<Store>, cloud: &Arc<OpenStack>, directory: &Arc<Ldap>) -> Arc<Latest> {
    Latest::new(Drift {
        compute: cloud.clone(),
        directory: directory.clone(),
        identity: cloud.clone(),
        pins: store.clone(),
        index: store.clone(),
        operations: store.clone(),
        pages: store.clone(),
        wiki: Arc::new(NoPages),
        settings: Arc::default(),
        clock: Utc::now,
    })
}
