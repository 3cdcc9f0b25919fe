//! Plan = effect, for every action: what a dry run shows is what changes, and what fails leaves all as it
//! was. The real planners and the real runner, on twins of the cloud and the store in memory.

// Clippy takes helpers of tests for no tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

#[path = "twins/mod.rs"]
mod twins;

use chrono::TimeDelta;
use openstackmanager::faults::Points;
use osm_core::accounts::{AccountFacts, Newcomers, plan_create_account};
use osm_core::action::Action;
use osm_core::actor::{Actor, WikiUser};
use osm_core::authz::{PROJECTADMIN, Permit, Policy, Target, authorise, authorise_own};
use osm_core::drift::{Difference, plan_repair};
use osm_core::founding::{
    DeletionFacts, FoundingFacts, plan_configure_project, plan_create_project, plan_delete_project,
};
use osm_core::ids::{ProjectName, Region};
use osm_core::instance::{
    CreateFacts, CreateRequest, plan_configure, plan_create, plan_delete, plan_reboot,
    plan_remove_stray,
};
use osm_core::keys::{Key, hash, plan_add_key, plan_remove_key};
use osm_core::membership::{
    MembershipFacts, plan_add_member, plan_add_role, plan_remove_member, plan_remove_role,
};
use osm_core::plan::{Change, Plan};
use osm_core::ports::{Kind, OperationState, PortError};
use osm_core::probe::plan_probe;
use osm_core::project::ManagedProject;
use osm_core::quota::{QuotaRequest, plan_quota};
use osm_core::sudo::{plan_create_rule, plan_delete_rule, plan_modify_rule};
use osm_core::suspension::{plan_reinstate, plan_suspend};
use proptest::prelude::*;
use std::collections::BTreeSet;
use twins::{
    Cloud, GROUPS, Twin, flavor, groups_on_offer, image, people, project, project_id, region,
};

fn permit(action: Action) -> Permit {
    permit_to(action, Target::Project(region(), project()))
}

fn permit_to(action: Action, target: Target) -> Permit {
    let own = [
        Action::InstanceRemoveStray,
        Action::PersonSuspend,
        Action::PersonReinstate,
    ];
    if own.contains(&action) {
        return authorise_own(&Policy::default(), action, &target).unwrap();
    }
    let mut user = WikiUser {
        wiki_user_id: 7,
        rights: ["listall", "manageproject", "loginviashell"]
            .map(str::to_owned)
            .into(),
        ..Actor::system().user
    };
    let mut person = None;
    if action == Action::MemberRemove {
        // A cloud admin may do what a project's admin may not: that is the more interesting one.
        user.rights.clear();
        let mut ann = people::person("ann");
        let roles = BTreeSet::from([PROJECTADMIN.to_owned()]);
        ann.projects.insert(project(), roles);
        person = Some(ann);
    }
    if let Target::Own(entry) = &target {
        let mut all = people::NAMES.into_iter().map(people::person);
        person = all.find(|person| person.entry == *entry);
    }
    let admin = Actor { user, person };
    let policy = Policy {
        accounts: true,
        ..Policy::default()
    };
    authorise(&policy, &admin, action, &target).unwrap()
}

/// Any plan that can be made for an action in this cloud; `None` where there is nothing to plan.
fn planned(action: Action, cloud: &Cloud, pick: usize, groups: &BTreeSet<String>) -> Option<Plan> {
    let permit = permit(action);
    let wanted: Vec<String> = groups.iter().cloned().collect();
    let servers: Vec<_> = cloud.servers.keys().copied().collect();
    let server = || Some(cloud.instance(*servers.get(pick % servers.len().max(1))?));
    match action {
        Action::OperationProbe => Some(plan_probe(&permit, "probe")),
        Action::InstanceCreate => {
            let facts = CreateFacts {
                project_id: project_id(),
                flavors: vec![flavor()],
                images: vec![image()],
                security_groups: groups_on_offer(),
                headroom: Default::default(),
                network: "net".to_owned(),
                names: Vec::new(),
            };
            let request = CreateRequest {
                name: "fresh".to_owned(),
                flavor: flavor().name,
                image: image().id,
                security_groups: wanted,
            };
            plan_create(&permit, &facts, &request).ok()
        }
        Action::MemberAdd => plan_add_member(&permit, &facts_of(&cloud.places, pick)).ok(),
        Action::KeyAdd | Action::KeyRemove => {
            let uid = people::NAMES[pick % people::NAMES.len()];
            let key = twins::keys::key_of(uid, 1).line;
            let facts = twins::keys::key_facts(&cloud.places, uid);
            let permit = permit_to(action, Target::Own(facts.person.entry.clone()));
            match action {
                Action::KeyAdd => plan_add_key(&permit, &facts, &Key::pasted(&key).unwrap()),
                _ => plan_remove_key(&permit, &facts, &hash(&key)),
            }
            .ok()
            .map(|planned| planned.plan)
        }
        Action::AccountCreate => {
            let facts = AccountFacts {
                asked: "fresh".to_owned(),
                taken: false,
                namesake: false,
                rule: Newcomers::default(),
                now: twins::now(),
            };
            plan_create_account(&permit_to(action, Target::User(7)), &facts).ok()
        }
        Action::MemberRemove => plan_remove_member(&permit, &facts_of(&cloud.places, pick)).ok(),
        Action::ProjectCreate => {
            let person = |nth: usize| people::person(people::NAMES[nth % people::NAMES.len()]);
            let facts = FoundingFacts {
                name: ProjectName::trusted("fresh"),
                description: wanted.join(" "),
                founders: (0..pick % 3 + 1).map(person).collect(),
                roles: vec![PROJECTADMIN.to_owned()],
                cloud_role: Some(people::CLOUD_ROLE.to_owned()),
                taken: None,
            };
            plan_create_project(&permit, &facts).ok()
        }
        Action::ProjectConfigure => {
            plan_configure_project(&permit, &managed(cloud), &wanted.join(" ")).ok()
        }
        Action::ProjectQuota => {
            let facts = twins::admin::quota_facts(managed(cloud), cloud.limits);
            let request = QuotaRequest {
                instances: (pick + 8).to_string(),
                ram: (1024 * wanted.len()).to_string(),
                ..QuotaRequest::default()
            };
            plan_quota(&permit, &facts, &request).ok()
        }
        Action::ProjectDelete => {
            let facts = DeletionFacts {
                managed: managed(cloud),
                held: people::held(&cloud.places),
                instances: Vec::new(),
                below: Vec::new(),
                founder: true,
            };
            plan_delete_project(&permit, &facts).ok()
        }
        Action::PersonSuspend | Action::PersonReinstate => {
            let uid = people::NAMES[pick % people::NAMES.len()];
            let (has, has_not) = people::of(&cloud.places, uid);
            let target = Target::Person(project(), people::person(uid).entry);
            let (permit, managed) = (permit_to(action, target), managed(cloud));
            match action {
                Action::PersonSuspend => plan_suspend(&permit, &managed, &has, "Op").ok(),
                _ => plan_reinstate(&permit, &managed, &has_not, "Op").ok(),
            }
        }
        Action::RoleAdd | Action::RoleRemove => {
            let target = Target::Role(project(), PROJECTADMIN.to_owned(), None);
            let (permit, facts) = (permit_to(action, target), facts_of(&cloud.places, pick));
            match action {
                Action::RoleAdd => plan_add_role(&permit, &facts).ok(),
                _ => plan_remove_role(&permit, &facts).ok(),
            }
        }
        Action::SudoCreate | Action::SudoModify | Action::SudoDelete => {
            let facts = twins::sudo::sudo_facts(&cloud.places);
            let wanted = twins::sudo::wanted(&cloud.places, pick);
            let permit = permit_to(action, Target::Project(Region::trusted(""), project()));
            match action {
                Action::SudoCreate => plan_create_rule(&permit, &facts, "fresh", &wanted).ok(),
                Action::SudoModify => plan_modify_rule(&permit, &facts, "web", &wanted).ok(),
                _ => plan_delete_rule(&permit, &facts, "web").ok(),
            }
        }
        Action::InstanceReboot => plan_reboot(&permit, &server()?).ok(),
        Action::InstanceDelete => plan_delete(&permit, &server()?).ok(),
        Action::InstanceRemoveStray => plan_remove_stray(&permit, &server()?, false).ok(),
        Action::InstanceConfigure => {
            plan_configure(&permit, &server()?, &groups_on_offer(), &wanted).ok()
        }
        Action::DriftRepair => {
            let (grant, has) = people::in_group(&cloud.places, pick);
            let difference = Difference::Place {
                grant,
                project_id: project_id(),
                has,
            };
            let permit = permit_to(action, difference.target());
            plan_repair(&permit, &difference, &project_id()).ok()
        }
        _ => None,
    }
}

fn managed(cloud: &Cloud) -> ManagedProject {
    ManagedProject {
        project: people::bots(&cloud.places),
        project_id: project_id(),
    }
}

fn facts_of(places: &people::Places, pick: usize) -> MembershipFacts {
    people::membership_facts(places, people::NAMES[pick % people::NAMES.len()])
}

/// Actions that plan. A new one that is missing here fails `every_action_is_tried`.
fn actions() -> Vec<Action> {
    Action::ALL.into_iter().filter(|a| a.plans()).collect()
}

fn clouds() -> impl Strategy<Value = Cloud> {
    let groups = || prop::collection::btree_set(prop::sample::select(GROUPS.to_vec()), 0..4);
    // In the project or not, and an admin of it or not; with a key or not; in a sudo rule or not.
    let people = prop::array::uniform4(any::<(Option<bool>, Option<bool>)>());
    let users = prop::array::uniform4(any::<bool>());
    // With a keypair of that name or not, ours or their own.
    let keypairs = prop::array::uniform4(any::<Option<bool>>());
    let servers = prop::collection::vec(groups(), 1..4);
    (servers, people, users, keypairs).prop_map(|(servers, people, users, keypairs)| {
        let named = people::NAMES.into_iter().zip(people);
        let members = named
            .clone()
            .filter_map(|(uid, (admin, _))| Some((uid, admin?)));
        let keys = named.filter_map(|(uid, (_, key))| Some((uid, u8::from(key?))));
        let keypairs = people::NAMES.into_iter().zip(keypairs);
        let keypairs = keypairs.filter_map(|(uid, ours)| Some((uid, ours?)));
        let servers = servers.into_iter();
        Cloud {
            places: people::places(members)
                .into_iter()
                .chain(twins::keys::keys(keys))
                .chain(twins::keys::keypairs(keypairs))
                .chain(twins::sudo::rules(twins::sudo::users(users)))
                .collect(),
            ..Cloud::with(servers.map(|set| set.into_iter().map(str::to_owned).collect()))
        }
    })
}

fn wanted() -> impl Strategy<Value = BTreeSet<String>> {
    let group = prop::sample::select(GROUPS.to_vec()).prop_map(str::to_owned);
    prop::collection::btree_set(group, 0..4)
}

/// The changes sorted, as a set: their order is the steps'.
fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by(|a, b| a.resource.cmp(&b.resource));
    changes
}

fn refused(name: &str) -> PortError {
    PortError::new("nova", "be tested", name, Kind::Denied, "made for the test")
}

proptest! {
    #[test]
    fn what_is_planned_is_what_happens(
        cloud in clouds(), pick in 0_usize..8, wanted in wanted()
    ) {
        for action in actions() {
            let Some(plan) = planned(action, &cloud, pick, &wanted) else { continue };
            let twin = Twin::new(cloud.clone());
            let over = twin.carry_out(&plan, Points::default());
            prop_assert_eq!(over.state, OperationState::Done, "{}", action);
            let promised = sorted(plan.changes(over.instance));
            prop_assert_eq!(sorted(twin.changed_since(&cloud)), promised.clone(), "{}", action);
            // The audit says the same.
            prop_assert_eq!(sorted(twin.noted()), promised, "{}", action);
        }
    }

    #[test]
    fn what_fails_leaves_all_as_it_was(
        cloud in clouds(), pick in 0_usize..8, wanted in wanted(), at in 0_usize..6, lost in any::<bool>()
    ) {
        for action in actions() {
            let Some(plan) = planned(action, &cloud, pick, &wanted) else { continue };
            let at = at % plan.steps.len();
            let phase = if lost { "sent" } else { "noted" };
            let point = move |name: &str| {
                name.starts_with(&format!("{action}/{at}-"))
                    && name.ends_with(phase)
                    && !name.contains("-undo-")
            };
            let points = Points::watched(move |name| {
                let error = point(name).then(|| refused(name));
                Box::pin(async move { error })
            });
            let twin = Twin::new(cloud.clone());
            let over = twin.carry_out(&plan, points);
            let undone = [OperationState::Failed, OperationState::Undone];
            if undone.contains(&over.state) {
                let changed = twin.changed_since(&cloud);
                // Refused means not done: an effect that a lie hid stays, where nothing takes it back.
                if !(lost && plan.steps[at].irrevocable()) {
                    prop_assert_eq!(changed, Vec::new(), "{} {}", action, at);
                }
            } else {
                prop_assert_eq!(over.state, OperationState::Parked, "{}", action);
                let before = &plan.steps[..at];
                prop_assert!(before.iter().any(|step| step.irrevocable()), "{}", action);
            }
        }
    }
}

#[test]
fn every_action_is_tried() {
    let groups: BTreeSet<String> = ["default", "web"].map(str::to_owned).into();
    let cloud = Cloud::with([["default".to_owned()].into()].into_iter());
    for action in actions() {
        let some = (0..people::NAMES.len()).any(|n| planned(action, &cloud, n, &groups).is_some());
        assert!(some, "{action}");
    }
}

/// Two admins take each other out: whoever finds that nobody would be left stays, however late they find it.
#[test]
fn the_last_admin_stays() {
    let both = people::places([("ann", true), ("bob", true)]);
    let one = people::places([("ann", false), ("bob", true)]);
    let permit = permit(Action::MemberRemove);
    let plan = plan_remove_member(&permit, &people::membership_facts(&both, "bob")).unwrap();
    // The other has gone before the step, or goes while it takes the role away.
    for (start, meanwhile) in [(&one, false), (&both, true)] {
        let twin = Twin::new(Cloud {
            places: start.clone(),
            ..Cloud::default()
        });
        if meanwhile {
            twin.loses_role_meanwhile("ann");
        }
        let over = twin.carry_out(&plan, Points::default());
        let undone = [OperationState::Failed, OperationState::Undone];
        assert!(undone.contains(&over.state), "{over:?}");
        let why = over.error.unwrap().key;
        assert_eq!(why, "openstackmanager-lastprojectadmin");
        assert_eq!(twin.places(), one, "{meanwhile}");
    }
}

/// Waiting until what was made is gone has a time of its own, however long the operation had taken before.
#[test]
fn an_undo_late_in_the_day_is_given_its_time() {
    let cloud = Cloud::default();
    let groups = BTreeSet::from(["default".to_owned()]);
    let plan = planned(Action::InstanceCreate, &cloud, 0, &groups).unwrap();
    let points = Points::watched(|name| {
        let error = (name == "instance-create/1-await-server.noted").then(|| {
            twins::pass(TimeDelta::hours(1));
            refused(name)
        });
        Box::pin(async move { error })
    });
    let twin = Twin::new(cloud.clone());
    let over = twin.carry_out(&plan, points);
    assert_eq!(over.state, OperationState::Undone, "{over:?}");
    assert_eq!(twin.changed_since(&cloud), Vec::new());
}
