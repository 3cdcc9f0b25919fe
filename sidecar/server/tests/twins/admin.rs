//! What the twin's cloud lets only one account change: quotas, and people's keypairs.

use super::people::Places;
use super::{Twin, region};
use async_trait::async_trait;
use osm_core::ids::{ProjectId, Region};
use osm_core::keys::keypairs::Keypair;
use osm_core::ports::{ComputeAdmin, Leave, PortError};
use osm_core::project::ManagedProject;
use osm_core::quota::{Limits, Quota, QuotaChange, QuotaFacts, Used};

/// Nothing is in use.
pub fn quota_facts(managed: ManagedProject, limits: Limits) -> QuotaFacts {
    QuotaFacts {
        managed,
        region: region(),
        quota: Quota {
            limits,
            used: Used::default(),
        },
        may_set: true,
    }
}

/// A user's id is the shell name here.
pub fn keypair(places: &Places, region: &Region, user: &str, name: &str) -> Option<String> {
    let found = places.get(&format!("{region}/keypair/{user}/{name}"))?;
    Some(found["public_key"].as_str()?.to_owned())
}

#[async_trait]
impl ComputeAdmin for Twin {
    async fn set_quota(
        &self,
        _: &Region,
        _: &ProjectId,
        change: &QuotaChange,
        _: &dyn Leave,
    ) -> Result<(), PortError> {
        self.0.lock().unwrap().cloud.limits = change.after;
        Ok(())
    }
    async fn set_keypair(
        &self,
        keypair: &Keypair,
        there: bool,
        _: &dyn Leave,
    ) -> Result<(), PortError> {
        let change = keypair.change();
        let places = &mut self.0.lock().unwrap().cloud.places;
        match change.after.filter(|_| there) {
            Some(after) => places.insert(change.resource, after),
            None => places.remove(&change.resource),
        };
        Ok(())
    }
}
