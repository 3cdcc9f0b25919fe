//! Role assignments against the lab's Keystone, by the account that may do nothing else.

use crate::leave::May;
use osm_backends::openstack::{Assigner, OpenStack, OpenStackConfig};
use osm_backends::secret::Secret;
use osm_core::ids::{OperationId, ProjectId, ProjectName};
use osm_core::ports::{Assignment, Identity, IdentityWrite, Kind};
use std::path::PathBuf;
use uuid::Uuid;

const DOMAIN: &str = "people";
const MEMBER: &str = "member";

pub fn account(name: &str, secret: &str, domain: &str, project: &str) -> OpenStackConfig {
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

fn assigner_of(people: &str) -> Assigner {
    assigner_as(keeper(), people)
}

pub fn assigner_as(account: OpenStackConfig, people: &str) -> Assigner {
    let worker = ("openstackmanager".to_owned(), "Default".to_owned());
    Assigner::new(account, people.to_owned(), worker, MEMBER.to_owned()).unwrap()
}

pub fn assigner() -> Assigner {
    assigner_of(DOMAIN)
}

pub async fn tools() -> ProjectId {
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

fn of<'a>(project: &'a ProjectId, uid: &'a str, role: &'a str) -> Assignment<'a> {
    Assignment { project, uid, role }
}

#[tokio::test]
#[ignore = "needs the lab: LAB_DIR"]
async fn assigned_and_taken_away_and_twice_is_once() {
    let (keystone, tools) = (assigner(), tools().await);
    let member = of(&tools, "volunteer", MEMBER);
    keystone.unassign(member, &May(true)).await.unwrap();
    let late = keystone.assign(member, &May(false)).await;
    assert_eq!(late.unwrap_err().kind, Kind::Conflict);
    assert!(!admitted().await);
    for first in [true, false] {
        assert_eq!(keystone.assign(member, &May(true)).await.unwrap(), first);
        assert!(admitted().await);
    }
    assert!(keystone.unassign(member, &May(false)).await.is_err());
    assert!(admitted().await);
    for first in [true, false] {
        assert_eq!(keystone.unassign(member, &May(true)).await.unwrap(), first);
        assert!(!admitted().await);
    }
}

#[tokio::test]
#[ignore = "needs the lab: LAB_DIR"]
async fn what_is_not_there_and_what_is_not_allowed() {
    let (keystone, tools) = (assigner(), tools().await);
    let refused = async |keystone: &Assigner, what| {
        let error = keystone.assign(what, &May(true)).await.unwrap_err();
        (error.kind, format!("{what:?}: {error}"))
    };
    for uid in ["Volunteer", "nobody", "a&name=volunteer", "*"] {
        let (kind, why) = refused(&keystone, of(&tools, uid, MEMBER)).await;
        assert_eq!(kind, Kind::NotFound, "{why}");
        // Who is not there has nothing to lose.
        let lost = keystone.unassign(of(&tools, uid, MEMBER), &May(true)).await;
        assert!(!lost.unwrap());
    }
    let nowhere = ProjectId::trusted("0123456789abcdef0123456789abcdef");
    let elsewhere = assigner_of("no-such-domain");
    for (keystone, what, kind) in [
        (
            &keystone,
            of(&tools, "volunteer", "no-such-role"),
            Kind::NotFound,
        ),
        (&elsewhere, of(&tools, "volunteer", MEMBER), Kind::NotFound),
        // The lab's policy lets the account give and take `member`, and nothing more.
        (&keystone, of(&tools, "volunteer", "admin"), Kind::Denied),
        (&keystone, of(&nowhere, "volunteer", MEMBER), Kind::NotFound),
    ] {
        let (seen, why) = refused(keystone, what).await;
        assert_eq!(seen, kind, "{why}");
    }
}

#[tokio::test]
#[ignore = "needs the lab: LAB_DIR"]
async fn a_project_is_made_once_and_only_its_maker_takes_it_back() {
    let keystone = assigner();
    let name = ProjectName::trusted(format!("a{}", Uuid::new_v4().simple()));
    let (by, other) = (
        OperationId::trusted("01BY"),
        OperationId::trusted("01OTHER"),
    );
    assert!(
        keystone
            .make_project(&name, &by, &May(false))
            .await
            .is_err()
    );
    for first in [true, false] {
        let made = keystone.make_project(&name, &by, &May(true)).await;
        assert_eq!(made.unwrap(), first);
    }
    let taken = keystone.make_project(&name, &other, &May(true)).await;
    assert_eq!(taken.unwrap_err().kind, Kind::Conflict);
    // Our account works in it.
    let ours = OpenStack::new(super::lab::config()).unwrap();
    let there = async || {
        let known = ours.our_projects().await.unwrap();
        known.into_iter().any(|p| p.name == name.as_str())
    };
    assert!(there().await);
    let undone = keystone
        .unmake_project(&name, Err(&other), &May(true))
        .await;
    assert!(!undone.unwrap() && there().await);
    for first in [true, false] {
        let undone = keystone.unmake_project(&name, Err(&by), &May(true)).await;
        assert_eq!(undone.unwrap(), first);
    }
    assert!(!there().await);
}
