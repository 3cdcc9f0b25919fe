//! Plans for keys, with Nova's keypairs that follow them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use osm_core::action::Action;
use osm_core::actor::{Actor, Person, WikiUser};
use osm_core::authz::{Permit, Policy, Target, authorise};
use osm_core::ids::{EntryUuid, Region};
use osm_core::keys::keypairs::{Heard, Keypair, Standing, name, public_key};
use osm_core::keys::{Key, KeyFacts, KeyPlan, plan_add_key, plan_remove_key};
use osm_core::plan::{PlannedStep, Step};
use std::collections::BTreeMap;

const ED: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxIGT0cRUoSYtnk51TnKt/9EzfjLedV2HDBSNJJSFcl ann@laptop";
const NAME: &str = "SHA256-1cF-WzQRsAWTvGMI96NTgzu8H1uW0kBS855GW3ihlqo";

fn key() -> Key {
    Key::pasted(ED).unwrap()
}

fn ours() -> String {
    ED.replace("ann@laptop", "openstackmanager")
}

fn ann() -> Person {
    Person {
        entry: EntryUuid::trusted("entry of ann"),
        uid: "ann".to_owned(),
        cn: "Ann".to_owned(),
        projects: BTreeMap::new(),
    }
}

fn permit(action: Action) -> Permit {
    let user = WikiUser {
        wiki_user_id: 7,
        ..Actor::system().user
    };
    let (person, target) = (Some(ann()), Target::Own(ann().entry));
    authorise(&Policy::default(), &Actor { user, person }, action, &target).unwrap()
}

fn has(public_key: Option<&str>) -> Heard {
    Heard::Has {
        user_id: "id of ann".to_owned(),
        public_key: public_key.map(str::to_owned),
    }
}

/// In as many regions as there are words of them.
fn planned(heard: &[Heard], key: &Key, add: bool) -> KeyPlan {
    let standing = heard.iter().enumerate().map(|(nth, heard)| Standing {
        region: Region::trusted(format!("R{nth}")),
        heard: heard.clone(),
    });
    let facts = KeyFacts {
        person: ann(),
        held: if add { vec![] } else { vec![key.line.clone()] },
        keypairs: standing.collect(),
    };
    match add {
        true => plan_add_key(&permit(Action::KeyAdd), &facts, key),
        false => plan_remove_key(&permit(Action::KeyRemove), &facts, &key.fingerprint),
    }
    .unwrap()
}

fn without(planned: &KeyPlan) -> Vec<String> {
    let keys = planned.without.iter().map(|why| why.key.clone());
    keys.map(|key| key.trim_start_matches("openstackmanager-").to_owned())
        .collect()
}

#[test]
fn it_is_called_by_what_it_is_in_characters_that_nova_takes() {
    assert_eq!(name(&key()), NAME);
    assert_eq!(public_key(&key()), Some(ours()));
    let safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    for nth in 0..=255_u8 {
        let blob = [b"\0\0\0\x0bssh-ed25519\0\0\0\x20".as_slice(), &[nth; 32]].concat();
        let blob = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, blob);
        // What a comment says is no part of a name.
        let key = Key::pasted(&format!("ssh-ed25519 {blob} ../../x?y=z {nth}")).unwrap();
        assert!(name(&key).chars().all(safe), "{}", name(&key));
        assert_eq!(public_key(&key).unwrap().split(' ').count(), 3);
    }
}

#[test]
fn in_each_region_behind_ldap_and_back() {
    let there = ours();
    for (add, before) in [(true, None), (false, Some(there.as_str()))] {
        let KeyPlan { plan, without } = planned(&[has(before), has(before)], &key(), add);
        assert_eq!(without, []);
        // What counts is first, and says whose it is and what is worked on.
        assert_eq!(plan.target(), Target::Own(ann().entry));
        assert!(plan.resource().starts_with("/key/"), "{}", plan.resource());
        assert_eq!(plan.steps.len(), 3);
        for (nth, planned) in plan.steps[1..].iter().enumerate() {
            let keypair = Keypair {
                region: Region::trusted(format!("R{nth}")),
                user_id: "id of ann".to_owned(),
                person: ann().entry,
                uid: "ann".to_owned(),
                name: NAME.to_owned(),
                public_key: ours(),
            };
            let step = |there| Step::Keypair {
                keypair: keypair.clone(),
                there,
            };
            assert_eq!(*planned, PlannedStep::undone_by(step(add), step(!add)));
        }
    }
}

#[test]
fn what_is_not_ours_or_is_so_already_is_left_alone() {
    let theirs = has(Some(ED));
    let there = has(Some(&format!("{}\n", ours())));
    for (heard, add, why) in [
        (theirs.clone(), true, Some("keypair-taken")),
        (theirs, false, Some("keypair-taken")),
        (there, true, None),
        (has(None), false, None),
        (Heard::Nobody, true, Some("keypair-nobody")),
        (Heard::Nobody, false, Some("keypair-nobody")),
        (Heard::Nothing, true, Some("keypair-away")),
        (Heard::Nothing, false, Some("keypair-away")),
    ] {
        let planned = planned(std::slice::from_ref(&heard), &key(), add);
        assert_eq!(planned.plan.steps.len(), 1, "{heard:?} {add}");
        assert_eq!(without(&planned), Vec::from_iter(why), "{heard:?} {add}");
    }
    // Where none is asked for there is nothing to say.
    let planned = planned(&[], &key(), true);
    assert_eq!((planned.plan.steps.len(), without(&planned)), (1, vec![]));
}

#[test]
fn who_saw_it_otherwise_is_told() {
    let before = planned(&[has(None)], &key(), true).plan.facts;
    let theirs = planned(&[has(Some(ED))], &key(), true).plan.facts;
    let why = theirs.refuse_unless(&before).unwrap_err();
    assert!(format!("{:?}", why.message).contains("keypair in R0"));
}

#[test]
fn a_key_of_a_security_token_is_left_out_and_that_is_said() {
    let mut blob = b"\0\0\0\x1ask-ssh-ed25519@openssh.com\0\0\0\x20".to_vec();
    blob.extend([7; 32]);
    blob.extend(b"\0\0\0\x04ssh:");
    let blob = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, blob);
    let token = Key::pasted(&format!("sk-ssh-ed25519@openssh.com {blob} token")).unwrap();
    let planned = planned(&[has(None)], &token, true);
    assert_eq!(planned.plan.steps.len(), 1);
    assert_eq!(without(&planned), ["keypair-kind"]);
}
