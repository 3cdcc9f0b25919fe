//! The volunteer's keypairs in the lab's Nova, by the accounts that may read and change them.

use super::assign::{account, assigner, assigner_as};
use crate::leave::May;
use osm_backends::openstack::OpenStack;
use osm_core::ids::{EntryUuid, Region};
use osm_core::keys::keypairs::Keypair;
use osm_core::ports::{ComputeAdmin, ComputeRead, Identity, Kind};
use uuid::Uuid;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxIGT0cRUoSYtnk51TnKt/9EzfjLedV2HDBSNJJSFcl openstackmanager";

fn keypair(region: &Region, user_id: &str, public_key: &str) -> Keypair {
    Keypair {
        region: region.clone(),
        user_id: user_id.to_owned(),
        person: EntryUuid::trusted("entry"),
        uid: "volunteer".to_owned(),
        name: format!("SHA256-{}_-", Uuid::new_v4().simple()),
        public_key: public_key.to_owned(),
    }
}

#[tokio::test]
#[ignore = "needs the lab: LAB_DIR"]
async fn made_for_another_once_and_deleted_once() {
    let config = super::lab::config();
    let region = config.regions[0].clone();
    let (worker, admin) = (assigner_as(config.clone(), "people"), assigner());
    let cloud = OpenStack::new(config).unwrap();
    let user = cloud.user_id("volunteer", "people").await.unwrap().unwrap();
    for (name, domain) in [
        ("Volunteer", "people"),
        ("*", "people"),
        ("volunteer", "Default"),
    ] {
        assert_eq!(
            cloud.user_id(name, domain).await.unwrap(),
            None,
            "{name} {domain}"
        );
    }
    assert!(cloud.user_id("volunteer", "nowhere").await.is_err());
    let pair = keypair(&region, &user, KEY);
    let found = async || cloud.keypair(&region, &user, &pair.name).await.unwrap();

    let error = worker.set_keypair(&pair, true, &May(true)).await;
    assert_eq!(error.unwrap_err().kind, Kind::Denied);
    assert!(admin.set_keypair(&pair, true, &May(false)).await.is_err());
    assert_eq!(found().await, None);
    admin.set_keypair(&pair, true, &May(true)).await.unwrap();
    assert_eq!(found().await.as_deref(), Some(KEY));
    // It is the person's, and nobody else's.
    let theirs = account("volunteer", "ldap-volunteer", "people", "bots");
    let theirs = OpenStack::new(theirs).unwrap();
    let seen = theirs.keypair(&region, &user, &pair.name).await;
    assert_eq!(seen.unwrap().as_deref(), Some(KEY));
    let outsider = cloud.user_id("outsider", "people").await.unwrap().unwrap();
    assert_eq!(
        cloud.keypair(&region, &outsider, &pair.name).await.unwrap(),
        None
    );
    // Nova does not make it twice; whoever asks looks first.
    let again = admin.set_keypair(&pair, true, &May(true)).await;
    assert_eq!(again.unwrap_err().kind, Kind::Conflict);
    let error = worker.set_keypair(&pair, false, &May(true)).await;
    assert_eq!(error.unwrap_err().kind, Kind::Denied);
    for _ in 0..2 {
        admin.set_keypair(&pair, false, &May(true)).await.unwrap();
        assert_eq!(found().await, None);
    }
    let broken = keypair(&region, &user, "ssh-ed25519 AAAA nothing");
    let error = admin.set_keypair(&broken, true, &May(true)).await;
    assert_eq!(error.unwrap_err().kind, Kind::Rejected);
}
