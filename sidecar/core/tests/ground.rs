//! What is explained is what is enforced: the ground of each yes is true of who asks, and without it the answer is
//! another one.

use chrono::{TimeDelta, Utc};
use osm_core::action::Action;
use osm_core::actor::{Actor, Person};
use osm_core::authz::{Founders, Need, PROJECTADMIN, Policy, Target, authorise};
use osm_core::facts::Facts;
use osm_core::ground::{Ground, given};
use osm_core::ids::{EntryUuid, OperationId, ProjectId, ProjectName, Region};
use osm_core::membership::{Grant, Place};
use osm_core::plan::{Plan, PlannedStep, Step};
use osm_core::ports::{Operation, OperationState};
use osm_core::requests::Requests;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const RIGHTS: [&str; 3] = ["listall", "manageproject", "loginviashell"];
const ROLES: [&str; 2] = [PROJECTADMIN, "keeper"];

fn subset(of: &'static [&'static str]) -> impl Strategy<Value = BTreeSet<String>> {
    proptest::sample::subsequence(of, 0..=of.len())
        .prop_map(|some| some.into_iter().map(str::to_owned).collect())
}

prop_compose! {
    fn actors()(
        rights in subset(&RIGHTS),
        linked in any::<bool>(),
        bots in proptest::option::of(subset(&ROLES)),
        tools in proptest::option::of(subset(&ROLES)),
    ) -> Actor {
        let mut actor = Actor::system();
        actor.user.wiki_user_id = 7;
        actor.user.rights = rights;
        let projects = [("bots", bots), ("tools", tools)];
        let projects = projects.into_iter().filter_map(|(name, roles)| {
            roles.map(|roles| (ProjectName::trusted(name), roles))
        });
        actor.person = linked.then(|| Person {
            entry: EntryUuid::trusted("e"),
            uid: "u".to_owned(),
            cn: "U".to_owned(),
            projects: projects.collect(),
        });
        actor
    }
}

prop_compose! {
    fn policies()(
        needs in proptest::collection::btree_map(
            proptest::sample::select(Action::ALL.to_vec()),
            proptest::sample::select(vec![Need::Member, Need::Projectadmin]),
            0..8,
        ),
        founders in proptest::sample::select(vec![
            Founders::Cloudadmin, Founders::Projectadmin, Founders::Anyone,
        ]),
        accounts in any::<bool>(),
        requests in any::<bool>(),
    ) -> Policy {
        let requests = requests.then(Requests::default);
        Policy { needs, founders, accounts, requests, ..Policy::default() }
    }
}

fn targets() -> impl Strategy<Value = Target> {
    let bots = || ProjectName::trusted("bots");
    let entry = || proptest::sample::select(vec!["e", "another"]).prop_map(EntryUuid::trusted);
    prop_oneof![
        Just(Target::Everywhere),
        Just(Target::Project(Region::trusted("R"), bots())),
        entry().prop_map(move |entry| Target::Person(bots(), entry)),
        entry().prop_map(Target::Own),
        proptest::sample::select(vec![7, 8]).prop_map(Target::User),
        (
            proptest::sample::select(ROLES.to_vec()),
            proptest::option::of(entry())
        )
            .prop_map(move |(role, entry)| Target::Role(bots(), role.to_owned(), entry)),
    ]
}

/// Who asks, without that on which a yes rests; `None` where nobody can be without it.
fn without(ground: &Ground, mut actor: Actor) -> Option<Actor> {
    match ground {
        Ground::CloudAdmin => actor.user.rights.remove("manageproject"),
        Ground::SeesAll => actor.user.rights.remove("listall"),
        Ground::MayHaveShell => actor.user.rights.remove("loginviashell"),
        Ground::Linked => actor.person.take().is_some(),
        Ground::Administers(project) => {
            let roles = actor.person.as_mut()?.projects.get_mut(project)?;
            roles.remove(PROJECTADMIN)
        }
        Ground::Member(project) | Ground::Leaving(project) => {
            let projects = &mut actor.person.as_mut()?.projects;
            projects.remove(project).is_some()
        }
        Ground::Role(project, role) => {
            let roles = actor.person.as_mut()?.projects.get_mut(project)?;
            roles.remove(role)
        }
        Ground::Everybody | Ground::Own | Ground::Granted | Ground::System => return None,
    }
    .then_some(actor)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn a_ground_is_true_and_what_decides(
        policy in policies(),
        actor in actors(),
        action in proptest::sample::select(Action::ALL.to_vec()),
        target in targets(),
    ) {
        let Ok(permit) = authorise(&policy, &actor, action, &target) else {
            return Ok(());
        };
        let ground = permit.ground().clone();
        match &ground {
            Ground::Everybody => {
                let other = Actor { person: None, ..actor.clone() };
                prop_assert!(authorise(&policy, &other, action, &target).is_ok());
            }
            Ground::Own => prop_assert!(matches!(target, Target::Own(_) | Target::User(7))),
            Ground::Granted | Ground::System => prop_assert!(false, "nothing was asked for"),
            _ => {
                let other = without(&ground, actor);
                prop_assert!(other.is_some(), "it is not true that they have {ground:?}");
                let answer = authorise(&policy, &other.unwrap(), action, &target);
                prop_assert!(answer.is_err() || *answer.unwrap().ground() != ground);
            }
        }
    }
}

fn operation(action: Action, by: &str, day: i64, steps: Vec<Step>) -> Operation {
    let at = chrono::DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(day);
    let plan = Plan {
        version: Plan::VERSION,
        action,
        region: Region::trusted(""),
        project: ProjectName::trusted("bots"),
        project_id: ProjectId::trusted("p"),
        instance: None,
        name: "u".to_owned(),
        steps: (steps.into_iter())
            .map(|step| PlannedStep::for_good(step, "a test"))
            .collect(),
        facts: Facts(BTreeMap::new()),
    };
    Operation {
        id: OperationId::trusted(day.to_string()),
        plan,
        state: OperationState::Done,
        steps: Vec::new(),
        instance: None,
        wiki_user_id: 1,
        wiki_user_name: by.to_owned(),
        request_id: String::new(),
        error: None,
        cancelled: false,
        created: at,
        finished: Some(at),
        generation: 0,
    }
}

#[test]
fn who_gave_a_place() {
    let grant = |person: &str, place: &Place| Grant {
        project: ProjectName::trusted("bots"),
        project_entry: EntryUuid::trusted("bots"),
        person: EntryUuid::trusted(person),
        uid: "u".to_owned(),
        cn: "U".to_owned(),
        place: place.clone(),
    };
    let member = Place::Project;
    let give = |person: &str, place: &Place| Step::Grant {
        grant: grant(person, place),
    };
    let take = |person: &str, place: &Place| Step::Withdraw {
        grant: grant(person, place),
        unless_last: false,
    };
    let added = operation(Action::MemberAdd, "Ann", 1, vec![give("e", &member)]);
    let removed = operation(Action::MemberRemove, "Bob", 2, vec![take("e", &member)]);
    let again = operation(Action::ProjectCreate, "Cid", 3, vec![give("e", &member)]);
    let another = operation(Action::MemberAdd, "Dan", 4, vec![give("x", &member)]);
    let role = Place::Role {
        role: PROJECTADMIN.to_owned(),
    };
    let promoted = operation(Action::RoleAdd, "Eve", 5, vec![give("e", &role)]);
    let suspended = operation(Action::PersonSuspend, "System", 6, vec![take("e", &member)]);
    let back = operation(
        Action::PersonReinstate,
        "System",
        7,
        vec![give("e", &member)],
    );
    for (done, wanted) in [
        (vec![], None),
        (vec![&added], Some("Ann")),
        (vec![&removed, &added], None),
        (vec![&again, &removed, &added], Some("Cid")),
        (vec![&promoted, &another, &added], Some("Ann")),
        (vec![&another], None),
        (vec![&back, &suspended, &added], Some("Ann")),
    ] {
        let done: Vec<Operation> = done.into_iter().cloned().collect();
        let found = given(&done, &EntryUuid::trusted("e"), &member);
        assert_eq!(found.as_ref().map(|given| given.by.as_str()), wanted);
    }
}
