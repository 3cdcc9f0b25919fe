//! Who is behind a wiki account, among the twin's places.

use super::Twin;
use super::people::person;
use async_trait::async_trait;
use osm_core::ids::EntryUuid;
use osm_core::ports::{Links, PortError};
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
