//! What the store remembers of people and projects: who is behind a wiki account, numbers and pairs of ids.

use super::Twin;
use super::people::person;
use async_trait::async_trait;
use osm_core::ids::{EntryUuid, ProjectName};
use osm_core::ports::{Links, Numbers, Pin, Pins, PortError};
use std::collections::BTreeMap;

#[async_trait]
impl Links for Twin {
    async fn link_of(&self, user: u64) -> Result<Option<EntryUuid>, PortError> {
        let places = self.places();
        let linked = places.get(&format!("/link/{user}"));
        let uid = linked.and_then(|link| link["uid"].as_str());
        Ok(uid.map(|uid| person(uid).entry))
    }
    async fn links(&self) -> Result<BTreeMap<EntryUuid, u64>, PortError> {
        Ok(BTreeMap::new())
    }
    async fn link(
        &self,
        user: u64,
        entry: &EntryUuid,
        _: &str,
        _: &str,
    ) -> Result<bool, PortError> {
        let uid = entry.as_str().trim_start_matches("entry of ");
        let places = &mut self.0.lock().unwrap().cloud.places;
        places.insert(format!("/link/{user}"), serde_json::json!({"uid": uid}));
        Ok(true)
    }
    async fn unlink(&self, user: u64) -> Result<bool, PortError> {
        let places = &mut self.0.lock().unwrap().cloud.places;
        Ok(places.remove(&format!("/link/{user}")).is_some())
    }
}

#[async_trait]
impl Numbers for Twin {
    async fn next(&self, _: &str, from: u32) -> Result<u32, PortError> {
        Ok(from)
    }
}

#[async_trait]
impl Pins for Twin {
    async fn pins(&self) -> Result<Vec<Pin>, PortError> {
        Ok(Vec::new())
    }
    async fn pin(&self, pin: &Pin) -> Result<Pin, PortError> {
        Ok(pin.clone())
    }
    async fn forget(
        &self,
        _: &ProjectName,
        _: chrono::DateTime<chrono::Utc>,
    ) -> Result<(), PortError> {
        Ok(())
    }
    async fn deleted(
        &self,
        _: &ProjectName,
    ) -> Result<Option<chrono::DateTime<chrono::Utc>>, PortError> {
        Ok(None)
    }
}
