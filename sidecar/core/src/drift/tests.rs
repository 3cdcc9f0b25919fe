use super::*;
use crate::action::Action;
use crate::actor::{Actor, WikiUser};
use crate::authz::{Policy, authorise};
use crate::instance::Flavor;
use crate::plan::Step;
use crate::project::Member;
use uuid::Uuid;

const ID: InstanceId = InstanceId(Uuid::from_u128(7));

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn bots() -> ProjectName {
    ProjectName::trusted("bots")
}

fn region() -> Region {
    Region::trusted("R")
}

fn entry(uid: &str) -> EntryUuid {
    EntryUuid::trusted(format!("entry-of-{uid}"))
}

fn place(uid: &str, place: Place) -> Grant {
    Grant {
        project: bots(),
        project_entry: entry("bots"),
        person: entry(uid),
        uid: uid.to_owned(),
        cn: uid.to_uppercase(),
        place,
    }
}

fn server() -> Instance {
    Instance {
        region: region(),
        id: ID,
        project_id: ProjectId::trusted("p"),
        project: bots(),
        name: "web".to_owned(),
        status: "ACTIVE".to_owned(),
        task_state: None,
        created: at(-1000),
        launched: Some(at(-990)),
        updated: at(-900),
        deleted: None,
        host: Some("host1".to_owned()),
        availability_zone: None,
        flavor: Flavor {
            id: None,
            name: "m1.tiny".to_owned(),
            vcpus: 1,
            ram_mb: 512,
            disk_gb: 1,
            ephemeral_gb: 0,
        },
        image: None,
        addresses: Vec::new(),
        security_groups: vec!["default".to_owned()],
        metadata: BTreeMap::new(),
        tags: Vec::new(),
        fault: None,
    }
}

fn seen(instance: Instance) -> Seen {
    Seen {
        instance,
        as_of: at(-10),
        last_reboot: None,
        created_by: None,
        puppet: crate::puppet::Puppet::default(),
    }
}

fn page(key: PageKey, as_composed: bool) -> Found {
    Found {
        key,
        title: "Nova Resource:X".to_owned(),
        project: Some(bots()),
        revision: 3,
        as_composed,
    }
}

fn its_page() -> PageKey {
    PageKey::Instance {
        region: region(),
        id: ID,
    }
}

/// Ann is a member with all that goes with it, and administers the project; bob is nobody.
fn at_rest() -> World {
    let people = ["ann", "bob"].map(|uid| (uid.to_owned(), (entry(uid), uid.to_uppercase())));
    let role = "projectadmin".to_owned();
    World {
        ldap: Some(LdapWorld {
            projects: vec![Project {
                name: bots(),
                entry: entry("bots"),
                description: None,
                members: vec![Member {
                    entry: entry("ann"),
                    uid: "ann".to_owned(),
                    cn: "ANN".to_owned(),
                    roles: vec![role.clone()],
                }],
            }],
            places: Places {
                held: vec![
                    place("ann", Place::Group),
                    place("ann", Place::Role { role }),
                ],
                groups: [bots()].into(),
                people: people.into(),
            },
        }),
        keystone: Some(vec![KeystoneProject {
            id: ProjectId::trusted("p"),
            name: "bots".to_owned(),
            enabled: true,
        }]),
        assigned: Some(("member".to_owned(), vec![assigned("ann")])),
        servers: [(region(), (at(-5), vec![server()]))].into(),
        pins: vec![Pin {
            name: bots(),
            entry: entry("bots"),
            project_id: ProjectId::trusted("p"),
        }],
        index: vec![seen(server())],
        pages: vec![page(its_page(), true)],
        ..World::default()
    }
}

fn assigned(user: &str) -> Assigned {
    Assigned {
        project: ProjectId::trusted("p"),
        user: user.to_owned(),
    }
}

/// The kinds of what is found in the world at rest with something otherwise.
fn found(change: impl FnOnce(&mut World)) -> Vec<&'static str> {
    let mut world = at_rest();
    change(&mut world);
    let found = compare(&world, at(0));
    found.iter().map(Difference::kind).collect()
}

/// Something made otherwise.
type Otherwise = Box<dyn FnOnce(&mut World)>;

fn ldap(world: &mut World) -> &mut LdapWorld {
    world.ldap.as_mut().unwrap()
}

#[test]
fn at_rest_there_is_nothing() {
    assert_eq!(found(|_| {}), Vec::<&str>::new());
}

#[test]
fn each_difference_is_found_alone() {
    let strangers_role = Place::Role {
        role: "projectadmin".to_owned(),
    };
    let cases: Vec<(&str, Otherwise)> = vec![
        ("onlyinldap", Box::new(|w| w.keystone = Some(Vec::new()))),
        (
            "onlyinldap",
            Box::new(|w| w.keystone.as_mut().unwrap()[0].enabled = false),
        ),
        (
            "onlyinkeystone",
            Box::new(|w| {
                let mut other = w.keystone.as_ref().unwrap()[0].clone();
                other.name = "other".to_owned();
                w.keystone.as_mut().unwrap().push(other);
            }),
        ),
        (
            "pairbroken",
            Box::new(|w| w.keystone.as_mut().unwrap()[0].id = ProjectId::trusted("q")),
        ),
        (
            "nogroup",
            Box::new(|w| ldap(w).places.held.retain(|g| g.place != Place::Group)),
        ),
        (
            "strangeringroup",
            Box::new(|w| ldap(w).places.held.push(place("bob", Place::Group))),
        ),
        (
            "strangersrole",
            Box::new(|w| ldap(w).places.held.push(place("bob", strangers_role))),
        ),
        (
            "notassigned",
            Box::new(|w| w.assigned.as_mut().unwrap().1.clear()),
        ),
        (
            "strangerassigned",
            Box::new(|w| w.assigned.as_mut().unwrap().1.push(assigned("bob"))),
        ),
        (
            "unknownassigned",
            Box::new(|w| w.assigned.as_mut().unwrap().1.push(assigned("x"))),
        ),
        ("serverunknown", Box::new(|w| w.index.clear())),
        (
            "servergone",
            Box::new(|w| {
                w.servers.get_mut(&region()).unwrap().1.clear();
                w.gone.insert(ID);
            }),
        ),
        (
            "serverdiffers",
            Box::new(|w| w.index[0].instance.status = "SHUTOFF".to_owned()),
        ),
        ("stray", Box::new(|w| w.strays.extend([(ID, false)]))),
        ("pagediffers", Box::new(|w| w.pages[0].as_composed = false)),
        (
            "nopage",
            Box::new(|w| (w.pages[0].as_composed, w.pages[0].revision) = (false, 0)),
        ),
        (
            "notmarkeddeleted",
            Box::new(|w| {
                w.servers.get_mut(&region()).unwrap().1.clear();
                w.index[0].instance.deleted = Some(at(-500));
                w.pages[0].as_composed = false;
            }),
        ),
        (
            "stuck",
            Box::new(|w| {
                w.waiting.push(Waiting {
                    key: its_page(),
                    since: at(-5),
                    attempts: STUCK_TRIES,
                    error: None,
                });
            }),
        ),
    ];
    for (kind, change) in cases {
        assert_eq!(found(change), vec![kind]);
    }
}

#[test]
fn who_does_not_answer_differs_in_nothing() {
    assert!(found(|w| w.ldap = None).is_empty());
    assert!(found(|w| w.keystone = None).is_empty());
    assert!(found(|w| w.assigned = None).is_empty());
    assert!(found(|w| w.servers.clear()).is_empty());
    assert!(found(|w| w.pages.clear()).is_empty());
    // An empty list is not Nova's word on any of them.
    assert!(found(|w| w.servers.get_mut(&region()).unwrap().1.clear()).is_empty());
}

#[test]
fn what_is_under_way_differs_in_nothing() {
    let member = |w: &mut World| {
        w.busy.insert(place("bob", Place::Group).resource());
        ldap(w).places.held.push(place("bob", Place::Group));
    };
    assert!(found(member).is_empty());
    let server = |w: &mut World| {
        w.busy.insert(format!("{}/instance/{ID}", region()));
        w.index.clear();
        w.pages[0].as_composed = false;
    };
    assert!(found(server).is_empty());
    let made = |w: &mut World| {
        w.busy.insert("op".to_owned());
        w.index.clear();
        let servers = &mut w.servers.get_mut(&region()).unwrap().1;
        let mark = crate::instance::META_OPERATION.to_owned();
        servers[0].metadata.insert(mark, "op".to_owned());
    };
    assert!(found(made).is_empty());
    let changed_now = |w: &mut World| {
        let servers = &mut w.servers.get_mut(&region()).unwrap().1;
        servers[0].status = "SHUTOFF".to_owned();
        servers[0].updated = at(-1);
    };
    assert!(found(changed_now).is_empty());
    let seen_since = |w: &mut World| {
        w.index[0].instance.status = "SHUTOFF".to_owned();
        w.index[0].as_of = at(-1);
    };
    assert!(found(seen_since).is_empty());
    let waits = |w: &mut World| {
        w.pages[0].as_composed = false;
        w.waiting.push(Waiting {
            key: its_page(),
            since: at(-5),
            attempts: 0,
            error: None,
        });
    };
    assert!(found(waits).is_empty());
}

#[test]
fn a_view_that_shows_less_is_no_difference() {
    let hostless = |w: &mut World| w.servers.get_mut(&region()).unwrap().1[0].host = None;
    assert!(found(hostless).is_empty());
    let updated = |w: &mut World| w.servers.get_mut(&region()).unwrap().1[0].updated = at(-800);
    assert!(found(updated).is_empty());
}

fn planned(difference: &Difference) -> Option<crate::plan::Plan> {
    let Repair::Plan(actions) = difference.repair() else {
        return None;
    };
    let user = WikiUser {
        wiki_user_id: 7,
        rights: ["listall", "manageproject"].map(str::to_owned).into(),
        ..Actor::system().user
    };
    let actor = Actor { user, person: None };
    let permit = authorise(&Policy::default(), &actor, actions[0], &difference.target()).unwrap();
    Some(plan_repair(&permit, difference, &ProjectId::trusted("p")).unwrap())
}

#[test]
fn a_repair_is_a_plan_that_rests_on_what_was_seen() {
    let mut world = at_rest();
    ldap(&mut world)
        .places
        .held
        .push(place("bob", Place::Group));
    world.index[0].instance.name = "old".to_owned();
    world.pages[0].as_composed = false;
    let found = compare(&world, at(0));
    let plans: Vec<_> = found.iter().filter_map(planned).collect();
    let steps: Vec<Vec<&str>> = plans
        .iter()
        .map(|plan| plan.steps.iter().map(|s| s.step.name()).collect())
        .collect();
    let wanted = [
        vec!["withdraw-group"],
        vec!["read-server", "write-page"],
        vec!["write-page"],
    ];
    assert_eq!(steps, wanted);
    for plan in &plans {
        assert_eq!(plan.action, Action::DriftRepair);
        assert!(!plan.facts.is_empty());
    }
    // The same page edited once more is another fact.
    world.pages[0].revision += 1;
    let again = compare(&world, at(0));
    let again = again.iter().filter_map(planned).next_back().unwrap();
    assert_eq!(again.steps, plans[2].steps);
    assert!(again.facts.refuse_unless(&plans[2].facts).is_err());
    assert!(matches!(plans[1].steps[0].step, Step::ReadServer));
}

#[test]
fn what_only_an_operator_can_judge_is_never_planned() {
    let mut world = at_rest();
    world.keystone = Some(Vec::new());
    world.strays.insert(ID, true);
    world.assigned.as_mut().unwrap().1.push(assigned("x"));
    let found = compare(&world, at(0));
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|found| planned(found).is_none()));
}
