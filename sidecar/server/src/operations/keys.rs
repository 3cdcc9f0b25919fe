//! A person's SSH public keys, in LDAP.

use super::places::outcome;
use super::steps::{Outcome, StepError};
use super::{Course, Runner};
use osm_core::keys::Held;
use osm_core::ports::{Kind, PortError};

impl Runner {
    /// Has a key at its person's entry, or not there. LDAP's success is believed only once it shows it.
    pub(super) async fn set_key(
        &self,
        course: &Course,
        key: &Held,
        there: bool,
    ) -> Result<Outcome, StepError> {
        let claim = self.claim(course);
        let changed = self.effects.directory.set_key(key, there, &claim).await?;
        let held = self.directory.keys(&key.person).await?.unwrap_or_default();
        if held.contains(&key.line) == there {
            return Ok(outcome(changed));
        }
        let detail = "LDAP said that it was done, and does not show it";
        let target = format!("the keys of {}", key.uid);
        let error = PortError::new("ldap", "change", target, Kind::Protocol, detail);
        Err(StepError::Retry(error))
    }
}
