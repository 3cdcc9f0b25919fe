//! A person's SSH public keys, in LDAP, and as keypairs in Nova.

use super::places::outcome;
use super::steps::{Outcome, StepError};
use super::{Course, Runner};
use osm_core::keys::Held;
use osm_core::keys::keypairs::Keypair;
use osm_core::message::Msg;
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

    /// Has a key as a keypair, or not. What the person has made under that name meanwhile is theirs.
    pub(super) async fn set_keypair(
        &self,
        course: &Course,
        keypair: &Keypair,
        there: bool,
    ) -> Result<Outcome, StepError> {
        let wanted = there.then_some(keypair.public_key.as_str());
        let found = self.keypair(keypair).await?;
        match found.as_deref() {
            found if found == wanted => return Ok(Outcome::Already),
            Some(other) if other != keypair.public_key => {
                let (region, name) = (keypair.region.as_str(), keypair.name.as_str());
                return Err(Msg::new("keypair-taken").with(region).with(name).into());
            }
            _ => {}
        }
        if there {
            // Keystone's id follows from the shell name, which may be another person's by now.
            let person = self.directory.person(&keypair.person).await?;
            if person.is_none_or(|person| person.uid != keypair.uid) {
                return Err(Msg::new("nosuchperson").with(keypair.uid.as_str()).into());
            }
        }
        let admin = self.effects.admin.as_deref();
        let admin = admin.ok_or_else(|| StepError::Final(Msg::new("nokeypairs")))?;
        let claim = self.claim(course);
        admin.set_keypair(keypair, there, &claim).await?;
        if self.keypair(keypair).await?.as_deref() == wanted {
            return Ok(Outcome::Done);
        }
        let detail = "Nova said that it was done, and does not show it";
        let target = format!("the keypair {} of {}", keypair.name, keypair.uid);
        let error = PortError::new("nova", "change", target, Kind::Protocol, detail);
        Err(StepError::Retry(error))
    }

    async fn keypair(&self, keypair: &Keypair) -> Result<Option<String>, PortError> {
        let Keypair {
            region,
            user_id,
            name,
            ..
        } = keypair;
        let found = self.compute.keypair(region, user_id, name).await?;
        Ok(found.map(|key| key.trim().to_owned()))
    }
}
