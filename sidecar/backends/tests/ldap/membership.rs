//! Writing who is in a project, its group and its roles.

use crate::leave::May;
use crate::tree::*;
use ldap3::Mod;
use osm_backends::ldap::Ldap;
use osm_core::actor::Person;
use osm_core::ids::{EntryUuid, ProjectName};
use osm_core::membership::{Grant, Place};
use osm_core::ports::{Directory, DirectoryWrite, Kind};
use osm_core::project::Project;
use std::collections::HashSet;
use std::sync::Arc;

/// So many come at once.
const CROWD: usize = 20;
pub const INSUFFICIENT_ACCESS: u32 = 50;

async fn project(directory: &Ldap, name: &str) -> Project {
    let name = ProjectName::parse(name).unwrap();
    directory.project(&name).await.unwrap().unwrap()
}

async fn person(directory: &Ldap, uid: &str) -> Person {
    directory.person_by_uid(uid).await.unwrap().expect(uid)
}

fn places() -> [Place; 3] {
    let role = "projectadmin".to_owned();
    [Place::Project, Place::Group, Place::Role { role }]
}

/// Project `odd` with its group and a role, a bystander in all of them, and people with odd names in none.
async fn fill(tree: &mut Tree) {
    for (number, odd) in ODD.iter().enumerate() {
        tree.person(odd, &format!("{odd} {number}")).await;
    }
    let bystander = tree.person("bystander", "Bystander").await;
    tree.project("odd", &[&bystander]).await;
    tree.group("odd", &[&bystander]).await;
    tree.role("odd", "projectadmin", &[&bystander]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn one_is_put_in_and_taken_out_and_twice_is_once() {
    with_tree(fill, |directory| async move {
        let odd = project(&directory, "odd").await;
        for uid in ODD {
            let person = person(&directory, uid).await;
            for place in places() {
                let grant = Grant::of(&person, &odd, place);
                let holds = async || directory.holds(&grant).await.unwrap();
                assert_eq!(holds().await, Some(false), "{uid} {:?}", grant.place);
                let late = directory.give(&grant, &May(false)).await;
                assert_eq!(late.unwrap_err().kind, Kind::Conflict);
                assert_eq!(holds().await, Some(false), "{uid} {:?}", grant.place);
                for first in [true, false] {
                    let changed = directory.give(&grant, &May(true)).await.unwrap();
                    assert_eq!(changed, first);
                    assert_eq!(holds().await, Some(true), "{uid} {:?}", grant.place);
                }
            }
            let now = project(&directory, "odd").await;
            let member = now.member(&person.entry).expect(uid);
            assert!(member.holds("projectadmin"), "{uid}");
            assert_eq!(now.members.len(), 2, "{uid}");
            for place in places() {
                let grant = Grant::of(&person, &odd, place);
                assert!(directory.take(&grant, &May(false)).await.is_err());
                assert_eq!(directory.holds(&grant).await.unwrap(), Some(true));
                for first in [true, false] {
                    let changed = directory.take(&grant, &May(true)).await.unwrap();
                    assert_eq!(changed, first);
                    let holds = directory.holds(&grant).await.unwrap();
                    assert_eq!(holds, Some(false), "{uid} {:?}", grant.place);
                }
            }
        }
        // Nobody else noticed.
        assert_eq!(project(&directory, "odd").await, odd);
        let bystander = person(&directory, "bystander").await;
        for place in places() {
            let grant = Grant::of(&bystander, &odd, place);
            assert_eq!(directory.holds(&grant).await.unwrap(), Some(true));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn twenty_at_once_lose_nothing() {
    let fill = async |tree: &mut Tree| {
        for number in 0..CROWD {
            let name = format!("p{number}");
            tree.person(&name, &name).await;
        }
        tree.project("crowd", &[]).await;
        tree.group("crowd", &[]).await;
        tree.role("crowd", "projectadmin", &[]).await;
    };
    with_tree(fill, |directory| async move {
        let directory = Arc::new(directory);
        let crowd = project(&directory, "crowd").await;
        let mut grants = Vec::new();
        for number in 0..CROWD {
            let person = person(&directory, &format!("p{number}")).await;
            grants.extend(places().map(|place| Grant::of(&person, &crowd, place)));
        }
        let all = async |give: bool| {
            let changes = grants.iter().cloned().map(|grant| {
                let directory = Arc::clone(&directory);
                tokio::spawn(async move {
                    let done = match give {
                        true => directory.give(&grant, &May(true)).await,
                        false => directory.take(&grant, &May(true)).await,
                    };
                    done.unwrap();
                })
            });
            for change in changes.collect::<Vec<_>>() {
                change.await.unwrap();
            }
            for grant in &grants {
                assert_eq!(directory.holds(grant).await.unwrap(), Some(give));
            }
        };
        all(true).await;
        let full = project(&directory, "crowd").await;
        assert_eq!(full.members.len(), CROWD);
        assert!(full.members.iter().all(|m| m.holds("projectadmin")));
        all(false).await;
        assert!(project(&directory, "crowd").await.members.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn who_is_renamed_meanwhile_is_still_who_was_meant() {
    below(fill, |directory, base| async move {
        let odd = project(&directory, "odd").await;
        let before = person(&directory, "under_score").await;
        let dn = format!("uid=under_score,ou=people,{base}");
        let renamed = admin().await.modifydn(&dn, "uid=renamed", true, None).await;
        renamed.unwrap().success().unwrap();
        let grant = Grant::of(&before, &odd, Place::Project);
        directory.give(&grant, &May(true)).await.unwrap();
        let now = project(&directory, "odd").await;
        assert_eq!(now.member(&before.entry).unwrap().uid, "renamed");
        directory.take(&grant, &May(true)).await.unwrap();
        assert_eq!(project(&directory, "odd").await, odd);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn what_is_not_there_is_said() {
    let fill = async |tree: &mut Tree| {
        let last = tree.person("last", "Last").await;
        tree.project("bare", &[]).await;
        // Made by hand, without the service account.
        let attributes = [("cn", vec!["seedless"]), ("member", vec![last.as_str()])];
        tree.add("cn=seedless,ou=projects,", "groupOfNames", &attributes)
            .await;
    };
    with_tree(fill, |directory| async move {
        let bare = project(&directory, "bare").await;
        let last = person(&directory, "last").await;
        let missing = async |grant: &Grant| {
            assert_ne!(directory.holds(grant).await.unwrap(), Some(true));
            let error = directory.give(grant, &May(true)).await.unwrap_err();
            assert_eq!(error.kind, Kind::NotFound, "{error}");
            error.to_string()
        };
        let [_, group, role] = places();
        for (place, word) in [(group, "posix group"), (role, "role")] {
            let grant = Grant::of(&last, &bare, place);
            assert_eq!(directory.holds(&grant).await.unwrap(), None);
            assert!(missing(&grant).await.contains(word));
        }
        let gone = EntryUuid::trusted("00000000-0000-0000-0000-000000000000");
        let nobody = Grant {
            person: gone.clone(),
            ..Grant::of(&last, &bare, Place::Project)
        };
        assert!(missing(&nobody).await.contains("person"));
        let nowhere = Grant {
            project_entry: gone,
            ..Grant::of(&last, &bare, Place::Project)
        };
        assert!(missing(&nowhere).await.contains("project"));
        // A group is never emptied: the server will not, and what to do is said.
        let seedless = project(&directory, "seedless").await;
        let only = Grant::of(&last, &seedless, Place::Project);
        let error = directory.take(&only, &May(true)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Rejected);
        assert!(error.detail.contains("service account"), "{error}");
        assert_eq!(directory.holds(&only).await.unwrap(), Some(true));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn of_people_the_account_writes_no_more_than_their_keys() {
    below(fill, |_, base| async move {
        let mut ours = bound(MANAGER, &secret("ldap-openstackmanager")).await;
        let set = |value: &'static str| HashSet::from([value]);
        for (rdns, attribute) in [
            ("uid=bystander,ou=people,", "sn"),
            ("uid=bystander,ou=people,", "uidNumber"),
            ("uid=bystander,ou=people,", "userPassword"),
        ] {
            let change = vec![Mod::Replace(attribute, set("4711"))];
            let dn = format!("{rdns}{base}");
            let answer = ours.modify(&dn, change).await.unwrap();
            assert_eq!(answer.rc, INSUFFICIENT_ACCESS, "{dn} {attribute}");
        }
        let dn = format!("uid=bystander,ou=people,{base}");
        let answer = ours.delete(&dn).await.unwrap();
        assert_eq!(answer.rc, INSUFFICIENT_ACCESS, "a person was deleted");
        let fresh = vec![
            ("objectClass", set("person")),
            ("sn", set("fresh")),
            ("cn", set("fresh")),
        ];
        let dn = format!("cn=fresh,ou=people,{base}");
        let answer = ours.add(&dn, fresh).await.unwrap();
        assert_eq!(answer.rc, INSUFFICIENT_ACCESS, "a person was made");
    })
    .await;
}
