//! Keypairs of the test's own people, in the lab's Nova.

use crate::people::KEY;
use crate::world::World;
use osm_core::actor::Person;
use osm_core::keys::Key;
use osm_core::keys::keypairs::{self, Heard, Keypair, Standing};
use osm_core::plan::{Plan, Step};
use osm_core::ports::{ComputeRead as _, Identity as _};

impl World {
    /// What Nova has of the test's key.
    pub async fn keypairs(&self, person: &Person) -> Vec<Standing> {
        let (region, domain) = (self.region(), &self.config.keystone.people_domain);
        let user = self.cloud.user_id(&person.uid, domain).await.unwrap();
        let user_id = user.expect("Keystone has the people of LDAP");
        let name = keypairs::name(&Key::pasted(KEY).unwrap());
        let found = self.cloud.keypair(&region, &user_id, &name).await;
        let heard = Heard::Has {
            user_id,
            public_key: found.unwrap(),
        };
        vec![Standing { region, heard }]
    }

    /// Whether Nova has it.
    pub async fn has_keypair(&self, keypair: &Keypair) -> bool {
        let Keypair {
            region,
            user_id,
            name,
            ..
        } = keypair;
        let found = self.cloud.keypair(region, user_id, name).await.unwrap();
        found.as_deref() == Some(keypair.public_key.as_str())
    }
}

/// A plan for a key is one for its keypair as well.
pub fn with_keypair(plan: Plan) -> Plan {
    let keypair = |step: &Step| matches!(step, Step::Keypair { .. });
    assert!(plan.steps.iter().any(|planned| keypair(&planned.step)));
    plan
}
