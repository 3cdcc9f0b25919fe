//! Who is blocked on the wiki loses their places, and gets back what was kept.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use chrono::DateTime;
use osm_core::action::Action;
use osm_core::actor::Person;
use osm_core::authz::{PROJECTADMIN, Permit, Policy, Target, authorise_own};
use osm_core::ids::{EntryUuid, OperationId, ProjectId, ProjectName};
use osm_core::membership::{Grant, Place};
use osm_core::pages::summary;
use osm_core::plan::{Plan, PlannedStep, Step};
use osm_core::ports::OperationState as State;
use osm_core::project::{ManagedProject, Project};
use osm_core::suspension::{
    Next, Suspension, blocked_by, kept_with, next, plan_reinstate, plan_suspend,
};
use std::collections::BTreeMap;

fn bots(entry: &str) -> ManagedProject {
    ManagedProject {
        project: Project {
            name: ProjectName::trusted("bots"),
            entry: EntryUuid::trusted(entry),
            description: None,
            members: Vec::new(),
        },
        project_id: ProjectId::trusted("p1"),
    }
}

fn grant(uid: &str, of: &ManagedProject, place: Place) -> Grant {
    let person = Person {
        entry: EntryUuid::trusted(format!("entry of {uid}")),
        uid: uid.to_owned(),
        cn: uid.to_uppercase(),
        projects: BTreeMap::new(),
    };
    Grant::of(&person, &of.project, place)
}

fn all(uid: &str, of: &ManagedProject) -> Vec<Grant> {
    let role = PROJECTADMIN.to_owned();
    let cloud = Place::Cloud {
        role: "member".to_owned(),
    };
    let places = [Place::Group, Place::Project, cloud, Place::Role { role }];
    places.map(|place| grant(uid, of, place)).into()
}

fn permit(action: Action) -> Permit {
    let bob = EntryUuid::trusted("entry of bob");
    let target = Target::Person(ProjectName::trusted("bots"), bob);
    authorise_own(&Policy::default(), action, &target).unwrap()
}

fn steps(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|step| step.step.name()).collect()
}

#[test]
fn what_is_taken_comes_back_in_an_order_that_opens_the_door_last() {
    let bots = bots("e");
    let held = all("bob", &bots);
    let taken = plan_suspend(&permit(Action::PersonSuspend), &bots, &held, "Op").unwrap();
    let out = [
        "withdraw-role",
        "withdraw-project",
        "withdraw-group",
        "withdraw-cloud",
    ];
    assert_eq!(steps(&taken), out);
    // Also of the last project admin.
    let whoever = |step: &Step| matches!(step, Step::Withdraw { unless_last, .. } if !unless_last);
    assert!(taken.steps.iter().all(|planned| whoever(&planned.step)));
    assert_eq!(taken.resource(), "/member/bots/entry of bob");
    assert_eq!(taken.target(), *permit(Action::PersonSuspend).target());
    assert_eq!(blocked_by(&taken), "Op");
    let given = plan_reinstate(&permit(Action::PersonReinstate), &bots, &held, "Op").unwrap();
    let back = ["grant-group", "grant-cloud", "grant-role", "grant-project"];
    assert_eq!(steps(&given), back);
    assert!(given.can_be_taken_back());
    // Whatever fails: who is blocked stays out.
    assert!(taken.steps.iter().all(PlannedStep::irrevocable));
}

#[test]
fn nothing_of_others_or_of_another_project_of_the_name_is_taken_or_given() {
    let (now, before) = (bots("e"), bots("another"));
    let (suspend, reinstate) = (
        permit(Action::PersonSuspend),
        permit(Action::PersonReinstate),
    );
    for held in [all("ann", &now), all("bob", &before), Vec::new()] {
        assert!(plan_suspend(&suspend, &now, &held, "").is_err());
        assert!(plan_reinstate(&reinstate, &now, &held, "").is_err());
    }
    let held = [all("ann", &now), all("bob", &now)].concat();
    assert_eq!(
        plan_suspend(&suspend, &now, &held, "").unwrap().steps.len(),
        4
    );
    // A permit for one is none for the other.
    assert!(plan_suspend(&reinstate, &now, &held, "").is_err());
    assert!(plan_reinstate(&suspend, &now, &held, "").is_err());
}

#[test]
fn the_system_does_of_itself_what_it_is_for() {
    let target = Target::Everywhere;
    let own = [
        Action::InstanceRemoveStray,
        Action::PersonSuspend,
        Action::PersonReinstate,
    ];
    for action in Action::ALL {
        let may = authorise_own(&Policy::default(), action, &target).is_ok();
        assert_eq!(may, own.contains(&action), "{action}");
    }
}

#[test]
fn what_was_given_meanwhile_is_kept_with_the_rest_once() {
    let bots = bots("e");
    let held = all("bob", &bots);
    assert_eq!(kept_with(&held[..2], &held[1..]), held);
    assert_eq!(kept_with(&[], &held), held);
    assert_eq!(kept_with(&held, &[]), held);
}

#[test]
fn what_is_next() {
    let row = |back: bool| Suspension {
        person: EntryUuid::trusted("entry of bob"),
        wiki_user_id: 7,
        project: ProjectName::trusted("bots"),
        project_entry: EntryUuid::trusted("e"),
        kept: all("bob", &bots("e")),
        by: "Op".to_owned(),
        since: DateTime::UNIX_EPOCH,
        latest: OperationId::trusted("o"),
        back,
    };
    let (out, back) = (row(false), row(true));
    let (blocked, free, holds, none, again, once) = (true, false, true, false, true, false);
    for (who, kept, has, how, wanted) in [
        (blocked, None, holds, once, Next::Suspend),
        (blocked, None, none, once, Next::Nothing),
        (free, None, holds, again, Next::Nothing),
        (free, None, none, once, Next::Nothing),
        // Suspended, and all is as it is to be.
        (
            blocked,
            Some((&out, State::Done)),
            none,
            again,
            Next::Nothing,
        ),
        // Somebody gave them a place meanwhile.
        (
            blocked,
            Some((&out, State::Done)),
            holds,
            once,
            Next::Suspend,
        ),
        // It did not work.
        (
            blocked,
            Some((&out, State::Undone)),
            holds,
            once,
            Next::Wait,
        ),
        (
            blocked,
            Some((&out, State::Undone)),
            holds,
            again,
            Next::Suspend,
        ),
        (
            blocked,
            Some((&out, State::Failed)),
            none,
            again,
            Next::Nothing,
        ),
        (
            blocked,
            Some((&out, State::Parked)),
            holds,
            again,
            Next::Wait,
        ),
        // The block has ended: at once, or when what is under way is over.
        (free, Some((&out, State::Done)), none, once, Next::Reinstate),
        (
            free,
            Some((&out, State::Undone)),
            holds,
            once,
            Next::Reinstate,
        ),
        (free, Some((&out, State::Running)), holds, again, Next::Wait),
        (
            free,
            Some((&out, State::Unwinding)),
            holds,
            again,
            Next::Wait,
        ),
        (free, Some((&out, State::Parked)), none, again, Next::Wait),
        // They were given it back, or not.
        (free, Some((&back, State::Done)), holds, once, Next::Forget),
        (free, Some((&back, State::Queued)), none, again, Next::Wait),
        (free, Some((&back, State::Undone)), none, once, Next::Wait),
        (
            free,
            Some((&back, State::Undone)),
            none,
            again,
            Next::Reinstate,
        ),
        (free, Some((&back, State::Parked)), holds, again, Next::Wait),
        // Blocked again before, and after.
        (
            blocked,
            Some((&back, State::Running)),
            holds,
            again,
            Next::Wait,
        ),
        (
            blocked,
            Some((&back, State::Done)),
            holds,
            once,
            Next::Suspend,
        ),
        (
            blocked,
            Some((&back, State::Undone)),
            holds,
            again,
            Next::Suspend,
        ),
        (
            blocked,
            Some((&back, State::Undone)),
            none,
            again,
            Next::Nothing,
        ),
    ] {
        let of = kept.map(|(row, state)| (row.back, state));
        assert_eq!(
            next(who, kept, has, how),
            wanted,
            "{who} {of:?} {has} {how}"
        );
    }
}

#[test]
fn summaries_say_that_it_is_a_block() {
    let bots = ProjectName::trusted("bots");
    let text = summary::suspended("Bob", &bots, "Op");
    assert_eq!(
        text,
        "suspended Bob in project bots: blocked on the wiki by Op"
    );
    let hidden = summary::suspended("Bob", &bots, "");
    assert_eq!(hidden, "suspended Bob in project bots: blocked on the wiki");
    let hostile = summary::suspended("[[Bob]]", &bots, "[[Op]]");
    assert!(!hostile.contains("[["), "{hostile}");
}
