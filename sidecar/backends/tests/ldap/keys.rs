//! Reading and writing people's SSH keys.

use crate::leave::May;
use crate::membership::INSUFFICIENT_ACCESS;
use crate::tree::*;
use ldap3::Mod;
use osm_backends::ldap::Ldap;
use osm_core::ids::EntryUuid;
use osm_core::keys::Held;
use osm_core::ports::{Directory, DirectoryWrite, Kind};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

const FIRST: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxIGT0cRUoSYtnk51TnKt/9EzfjLedV2HDBSNJJSFcl first";

async fn fill(tree: &mut Tree) {
    for (number, odd) in ODD.iter().enumerate() {
        tree.person(odd, &format!("{odd} {number}")).await;
    }
    tree.person("bystander", "Bystander").await;
}

async fn held(directory: &Ldap, uid: &str, line: &str) -> Held {
    let person = directory.person_by_uid(uid).await.unwrap().expect(uid);
    Held {
        person: person.entry,
        uid: person.uid,
        line: line.to_owned(),
    }
}

async fn keys(directory: &Ldap, of: &Held) -> BTreeSet<String> {
    let keys = directory.keys(&of.person).await.unwrap().unwrap();
    keys.into_iter().collect()
}

fn set<const N: usize>(lines: [&str; N]) -> BTreeSet<String> {
    lines.map(str::to_owned).into()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_key_is_added_and_removed_and_twice_is_once() {
    below(fill, |directory, base| async move {
        let bystanders = held(&directory, "bystander", FIRST).await;
        assert!(
            directory
                .set_key(&bystanders, true, &May(true))
                .await
                .unwrap()
        );
        for uid in ODD {
            // The first brings the class that allows them, the second finds it there.
            for line in [FIRST, "any text, *()\\ even with a\nbreak "] {
                let key = held(&directory, uid, line).await;
                let before = keys(&directory, &key).await;
                let late = directory.set_key(&key, true, &May(false)).await;
                assert_eq!(late.unwrap_err().kind, Kind::Conflict);
                assert_eq!(keys(&directory, &key).await, before, "{uid}");
                for first in [true, false] {
                    let changed = directory.set_key(&key, true, &May(true)).await.unwrap();
                    assert_eq!(changed, first, "{uid}");
                    assert!(keys(&directory, &key).await.contains(line), "{uid}");
                }
            }
            let key = held(&directory, uid, FIRST).await;
            for first in [true, false] {
                let changed = directory.set_key(&key, false, &May(true)).await.unwrap();
                assert_eq!(changed, first, "{uid}");
            }
            assert_eq!(keys(&directory, &key).await.len(), 1, "{uid}");
        }
        assert_eq!(keys(&directory, &bystanders).await, set([FIRST]));
        // Nothing else of a person's is ours to write, not even another class.
        let mut ours = bound(MANAGER, &secret("ldap-openstackmanager")).await;
        let dn = format!("uid=bystander,ou=people,{base}");
        for (attribute, value) in [("objectClass", "extensibleObject"), ("mail", "a@b")] {
            let change = vec![Mod::Add(attribute, HashSet::from([value]))];
            let answer = ours.modify(&dn, change).await.unwrap();
            assert_eq!(answer.rc, INSUFFICIENT_ACCESS, "{attribute}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn the_first_keys_of_somebody_may_come_at_once() {
    with_tree(fill, |directory| async move {
        let directory = Arc::new(directory);
        let mut wanted = BTreeSet::new();
        let mut adding = Vec::new();
        for nth in 0..20 {
            let key = held(&directory, "bystander", &format!("{FIRST} {nth}")).await;
            wanted.insert(key.line.clone());
            let directory = Arc::clone(&directory);
            adding.push(tokio::spawn(async move {
                directory.set_key(&key, true, &May(true)).await.unwrap()
            }));
        }
        for one in adding {
            assert!(one.await.unwrap());
        }
        let any = held(&directory, "bystander", "").await;
        assert_eq!(keys(&directory, &any).await, wanted);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn who_is_gone_has_no_keys() {
    let nobody = Held {
        person: EntryUuid::trusted("00000000-0000-0000-0000-000000000000"),
        uid: "nobody".to_owned(),
        line: FIRST.to_owned(),
    };
    let directory = demo();
    assert_eq!(directory.keys(&nobody.person).await.unwrap(), None);
    assert!(!directory.set_key(&nobody, false, &May(true)).await.unwrap());
    let error = directory
        .set_key(&nobody, true, &May(true))
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
}
