//! Plans that give a wiki user a shell account.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use chrono::{DateTime, TimeDelta, Utc};
use osm_core::accounts::{AccountFacts, Newcomers, plan_create_account};
use osm_core::action::Action;
use osm_core::actor::{Actor, Person, WikiUser};
use osm_core::authz::{Permit, Policy, Target, authorise};
use osm_core::ids::EntryUuid;
use osm_core::plan::{Plan, Step};
use osm_core::refusal::Refusal;
use std::collections::BTreeMap;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn user() -> WikiUser {
    WikiUser {
        wiki_user_id: 7,
        name: "Zoë Müller".to_owned(),
        rights: ["loginviashell".to_owned()].into(),
        ..Actor::system().user
    }
}

fn permit(user: WikiUser, person: Option<Person>) -> Permit {
    let policy = Policy {
        accounts: true,
        ..Policy::default()
    };
    let target = Target::User(user.wiki_user_id);
    let actor = Actor { user, person };
    authorise(&policy, &actor, Action::AccountCreate, &target).unwrap()
}

fn facts(asked: &str) -> AccountFacts {
    AccountFacts {
        asked: asked.to_owned(),
        taken: false,
        namesake: false,
        rule: Newcomers {
            reserved: ["boss".to_owned()].into(),
            ..Newcomers::default()
        },
        now: now(),
    }
}

/// The refusal's field and its message.
fn refused(planned: Result<Plan, Refusal>) -> (String, String) {
    let refusal = planned.unwrap_err();
    let code = refusal.code().replace("openstackmanager-", "");
    (refusal.field.unwrap_or_default(), code)
}

#[test]
fn it_is_made_and_connected() {
    let plan = plan_create_account(&permit(user(), None), &facts(" zoe-2 ")).unwrap();
    assert_eq!(
        (plan.name.as_str(), plan.target()),
        ("zoe-2", Target::User(7))
    );
    let Step::Person {
        account,
        there: true,
    } = &plan.steps[0].step
    else {
        panic!("{plan:?}")
    };
    assert_eq!(
        (account.uid.as_str(), account.name.as_str()),
        ("zoe-2", "Zoë Müller")
    );
    assert!(matches!(plan.steps[1].step, Step::Link { there: true, .. }));
    assert!(plan.steps.iter().all(|step| step.has_undo()));
}

#[test]
fn names_that_nobody_gets() {
    let long = "a".repeat(33);
    let huge = "a".repeat(65_536);
    let bad = [
        "",
        " ",
        "A",
        "9lives",
        "-a",
        "a-",
        "a_b",
        "a.b",
        "a b",
        "a\0b",
        "a\nb",
        "ä",
        "a*",
        "a)(uid=*",
        "a,b",
        "a=b",
        "\u{202e}abc",
        &long,
        &huge,
    ];
    for name in bad {
        let why = refused(plan_create_account(&permit(user(), None), &facts(name)));
        assert_eq!(
            why,
            ("shellname".to_owned(), "shellname-bad".to_owned()),
            "{name:?}"
        );
    }
    for name in ["root", "www-data", "project-bots", "systemd-x", "boss"] {
        let why = refused(plan_create_account(&permit(user(), None), &facts(name)));
        assert_eq!(
            why,
            ("shellname".to_owned(), "shellname-reserved".to_owned()),
            "{name}"
        );
    }
    assert!(plan_create_account(&permit(user(), None), &facts(&long[1..])).is_ok());
}

#[test]
fn people_who_get_none() {
    let strict = |user: WikiUser| {
        let facts = AccountFacts {
            rule: Newcomers {
                confirmed_email: true,
                days: 4,
                ..Newcomers::default()
            },
            ..facts("zoe")
        };
        plan_create_account(&permit(user, None), &facts)
    };
    assert_eq!(refused(strict(user())).1, "account-email");
    let confirmed = |days| WikiUser {
        email_confirmed: true,
        registered: Some(now() - TimeDelta::days(days)),
        ..user()
    };
    assert_eq!(refused(strict(confirmed(3))).1, "account-young");
    assert!(strict(confirmed(4)).is_ok());
    let very_old = WikiUser {
        registered: None,
        ..confirmed(0)
    };
    assert!(strict(very_old).is_ok());

    let plan = |facts| plan_create_account(&permit(user(), None), &facts);
    let taken = AccountFacts {
        taken: true,
        ..facts("zoe")
    };
    assert_eq!(
        refused(plan(taken)),
        ("shellname".to_owned(), "shellname-taken".to_owned())
    );
    let namesake = AccountFacts {
        namesake: true,
        ..facts("zoe")
    };
    assert_eq!(refused(plan(namesake)).1, "account-namesake");
    let zoe = Person {
        entry: EntryUuid::trusted("entry of zoe"),
        uid: "zoe".to_owned(),
        cn: "Zoë Müller".to_owned(),
        projects: BTreeMap::new(),
    };
    let second = plan_create_account(&permit(user(), Some(zoe)), &facts("zoe2"));
    assert_eq!(refused(second).1, "linked");
}
