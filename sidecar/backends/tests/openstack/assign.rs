//! Role assignments against the lab's Keystone, by the account that may do nothing else.

use osm_backends::openstack::{Assigner, OpenStack, OpenStackConfig};
use osm_backends::secret::Secret;
use osm_core::ids::ProjectId;
use osm_core::ports::{Identity, IdentityWrite, Kind};
use std::path::PathBuf;

const DOMAIN: &str = "people";
const MEMBER: &str = "member";

fn account(name: &str, secret: &str, domain: &str, project: &str) -> OpenStackConfig {
    let lab = PathBuf::from(std::env::var("LAB_DIR").unwrap());
    let password = std::fs::read_to_string(lab.join("secrets").join(secret)).unwrap();
    OpenStackConfig {
        username: name.to_owned(),
        password: Secret::new(password),
        user_domain: domain.to_owned(),
        reader_project: project.to_owned(),
        ..super::lab::config()
    }
}

fn keeper() -> OpenStackConfig {
    let name = "openstackmanager-admin";
    account(
        name,
        &format!("keystone-{name}"),
        "Default",
        "openstackmanager",
    )
}

fn assigner() -> Assigner {
    Assigner::new(keeper(), DOMAIN.to_owned()).unwrap()
}

async fn tools() -> ProjectId {
    let ours = OpenStack::new(super::lab::config()).unwrap();
    let projects = ours.our_projects().await.unwrap();
    projects.into_iter().find(|p| p.name == "tools").unwrap().id
}

/// Whether the volunteer can log in to `tools`.
async fn admitted() -> bool {
    let theirs = account("volunteer", "ldap-volunteer", DOMAIN, "tools");
    match OpenStack::new(theirs).unwrap().our_projects().await {
        Ok(projects) => projects.iter().any(|p| p.name == "tools"),
        Err(error) => {
            assert_eq!(error.kind, Kind::Denied, "{error}");
            false
        }
    }
}

#[tokio::test]
#[ignore = "needs the lab: LAB_DIR"]
async fn assigned_and_taken_away_and_twice_is_once() {
    let (keystone, tools) = (assigner(), tools().await);
    keystone
        .unassign(&tools, "volunteer", MEMBER)
        .await
        .unwrap();
    assert!(!admitted().await);
    for _ in 0..2 {
        keystone.assign(&tools, "volunteer", MEMBER).await.unwrap();
        assert!(admitted().await);
    }
    for _ in 0..2 {
        keystone
            .unassign(&tools, "volunteer", MEMBER)
            .await
            .unwrap();
        assert!(!admitted().await);
    }
}

#[tokio::test]
#[ignore = "needs the lab: LAB_DIR"]
async fn what_is_not_there_and_what_is_not_allowed() {
    let (keystone, tools) = (assigner(), tools().await);
    for uid in ["Volunteer", "nobody", "a&name=volunteer", "*"] {
        let error = keystone.assign(&tools, uid, MEMBER).await.unwrap_err();
        assert_eq!(error.kind, Kind::NotFound, "{uid:?}: {error}");
        // Who is not there has nothing to lose.
        keystone.unassign(&tools, uid, MEMBER).await.unwrap();
    }
    let error = keystone.assign(&tools, "volunteer", "no-such-role").await;
    assert_eq!(error.unwrap_err().kind, Kind::NotFound);
    let elsewhere = Assigner::new(keeper(), "no-such-domain".to_owned()).unwrap();
    let error = elsewhere.assign(&tools, "volunteer", MEMBER).await;
    assert_eq!(error.unwrap_err().kind, Kind::NotFound);
    // The lab's policy lets the account give and take `member`, and nothing more.
    let error = keystone.assign(&tools, "volunteer", "admin").await;
    assert_eq!(error.unwrap_err().kind, Kind::Denied);
    let nowhere = ProjectId::trusted("0123456789abcdef0123456789abcdef");
    let error = keystone.assign(&nowhere, "volunteer", MEMBER).await;
    assert_eq!(error.unwrap_err().kind, Kind::NotFound);
}
