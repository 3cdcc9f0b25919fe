//! Plans that add SSH public keys and remove them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use osm_core::action::Action;
use osm_core::actor::{Actor, Person, WikiUser};
use osm_core::authz::{Permit, Policy, Target, authorise};
use osm_core::ids::EntryUuid;
use osm_core::keys::{Key, KeyFacts, MOST, hash, plan_add_key, plan_remove_key};
use osm_core::plan::{Step, Undo};
use osm_core::refusal::{Refusal, RefusalKind};
use std::collections::BTreeMap;

const ED: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJxIGT0cRUoSYtnk51TnKt/9EzfjLedV2HDBSNJJSFcl ann@laptop";
const RSA: &str = "ssh-rsa AAAA some other";

fn code(refusal: &Refusal) -> &str {
    refusal.code().strip_prefix("openstackmanager-").unwrap()
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
    let person = Some(ann());
    let target = Target::Own(ann().entry);
    authorise(&Policy::default(), &Actor { user, person }, action, &target).unwrap()
}

fn facts(held: &[&str]) -> KeyFacts {
    KeyFacts {
        person: ann(),
        held: held.iter().map(|line| (*line).to_owned()).collect(),
        keypairs: Vec::new(),
    }
}

#[test]
fn a_key_is_added_once_and_removed_with_all_its_comments() {
    let key = Key::pasted(ED).unwrap();
    let plan = plan_add_key(&permit(Action::KeyAdd), &facts(&[]), &key)
        .unwrap()
        .plan;
    assert_eq!(plan.name, key.fingerprint);
    assert_eq!(plan.target(), Target::Own(ann().entry));
    assert!(plan.project.as_str().is_empty() && plan.region.as_str().is_empty());
    let Step::AddKey { key: held } = &plan.steps[0].step else {
        panic!("{plan:?}")
    };
    assert_eq!(held.line, ED);
    let back = Step::RemoveKey { key: held.clone() };
    assert_eq!(
        plan.steps[0].undo,
        Undo::Do {
            step: Box::new(back)
        }
    );
    assert!(plan.resource().ends_with(&key.fingerprint));

    let renamed = format!("{ED} again");
    let there = [
        ED.to_owned(),
        renamed.clone(),
        RSA.to_owned(),
        "odd".to_owned(),
    ];
    let there: Vec<&str> = there.iter().map(String::as_str).collect();
    let no = plan_add_key(&permit(Action::KeyAdd), &facts(&there), &key).unwrap_err();
    assert_eq!((code(&no), no.kind), ("key-there", RefusalKind::Conflict));

    let permit_remove = permit(Action::KeyRemove);
    let plan = plan_remove_key(&permit_remove, &facts(&there), &key.fingerprint)
        .unwrap()
        .plan;
    let lines: Vec<_> = plan
        .changes(None)
        .into_iter()
        .map(|c| c.before.unwrap()["key"].clone())
        .collect();
    assert_eq!(lines, [ED.to_owned(), renamed]);
    // What is no key goes by its name too, to the letter.
    let plan = plan_remove_key(&permit_remove, &facts(&there), &hash("odd"))
        .unwrap()
        .plan;
    assert_eq!(plan.changes(None)[0].before.as_ref().unwrap()["key"], "odd");
    for gone in [
        "",
        "SHA256:",
        "*",
        "1cF+WzQRsAWTvGMI96NTgzu8H1uW0kBS855GW3ihlqo",
    ] {
        let no = plan_remove_key(&permit_remove, &facts(&there), gone).unwrap_err();
        assert_eq!((code(&no), no.status()), ("key-gone", 404), "{gone}");
    }
}

#[test]
fn there_is_a_bound_and_nobody_elses_are_touched() {
    let key = Key::pasted(ED).unwrap();
    let full: Vec<String> = (0..MOST).map(|n| format!("key {n}")).collect();
    let full: Vec<&str> = full.iter().map(String::as_str).collect();
    let no = plan_add_key(&permit(Action::KeyAdd), &facts(&full), &key).unwrap_err();
    assert_eq!(code(&no), "key-toomany");
    assert!(plan_add_key(&permit(Action::KeyAdd), &facts(&full[1..]), &key).is_ok());

    let mut bobs = facts(&[ED]);
    bobs.person.entry = EntryUuid::trusted("entry of bob");
    for no in [
        plan_remove_key(&permit(Action::KeyRemove), &bobs, &key.fingerprint).unwrap_err(),
        plan_add_key(
            &permit(Action::KeyAdd),
            &KeyFacts {
                held: vec![],
                ..bobs
            },
            &key,
        )
        .unwrap_err(),
    ] {
        assert_eq!((code(&no), no.kind), ("notyours", RefusalKind::Forbidden));
    }
}
