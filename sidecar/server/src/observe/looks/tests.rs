use super::*;
use osm_core::ids::{ProjectName, Region};
use osm_core::instance::{Address, Flavor, Image};
use uuid::Uuid;

pub const BOTS: &str = "id-of-bots";

/// So many seconds after the index was last told.
pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn flavor(name: &str) -> Flavor {
    Flavor {
        id: None,
        name: name.to_owned(),
        vcpus: 1,
        ram_mb: 512,
        disk_gb: 1,
        ephemeral_gb: 0,
    }
}

pub const ID: InstanceId = InstanceId(Uuid::from_u128(7));

/// As Nova showed it to us, with what notifications do not tell.
pub fn known() -> Seen {
    let address = |ip: &str, floating| Address {
        network: "lan".to_owned(),
        ip: ip.parse().unwrap(),
        floating,
    };
    Seen {
        instance: Instance {
            region: Region::trusted("RegionOne"),
            id: ID,
            project_id: ProjectId::trusted(BOTS),
            project: ProjectName::trusted("bots"),
            name: "web".to_owned(),
            status: "ACTIVE".to_owned(),
            task_state: None,
            created: at(-100),
            launched: Some(at(-90)),
            updated: at(-90),
            deleted: None,
            host: Some("host1".to_owned()),
            availability_zone: Some("nova".to_owned()),
            flavor: flavor("m1.tiny"),
            image: Some(Image {
                id: "image".to_owned(),
                name: Some("debian-12".to_owned()),
                default: false,
                min_ram_mb: 0,
                min_disk_gb: 0,
            }),
            addresses: vec![address("172.16.0.5", false), address("192.0.2.7", true)],
            security_groups: vec!["default".to_owned(), "web".to_owned()],
            metadata: BTreeMap::new(),
            tags: vec!["a".to_owned()],
            fault: None,
        },
        as_of: at(0),
        last_reboot: None,
        created_by: None,
        puppet: osm_core::puppet::Puppet::default(),
    }
}

/// The same as a notification tells it.
pub fn told() -> Told {
    let known = known().instance;
    Told {
        id: known.id,
        project_id: known.project_id,
        name: known.name,
        status: known.status,
        task_state: None,
        created: Some(known.created),
        launched: known.launched,
        updated: Some(known.updated),
        ended: None,
        host: known.host,
        availability_zone: known.availability_zone,
        flavor: known.flavor,
        image: Some("image".to_owned()),
        addresses: ["172.16.0.5".parse().unwrap()].into(),
        metadata: known.metadata,
        tags: None,
    }
}

pub fn stopped() -> Told {
    Told {
        status: "SHUTOFF".to_owned(),
        ..told()
    }
}

pub fn server(told: Told) -> Event {
    Event::Server(Box::new(told))
}

pub fn gone() -> Event {
    Event::Gone {
        id: ID,
        project_id: ProjectId::trusted(BOTS),
        ended: Some(at(3)),
    }
}

pub fn port() -> Event {
    Event::Look {
        id: ID,
        project_id: ProjectId::trusted("somebody else's"),
        early: true,
    }
}

pub fn user(name: &str) -> Initiator {
    Initiator {
        user_id: format!("id-of-{name}"),
        user_name: name.to_owned(),
        domain_id: "people".to_owned(),
        project_id: None,
        request_id: None,
    }
}

/// The one look that these make, told at these seconds in this order.
fn look(events: &[(i64, Event)]) -> Look {
    let (mut looks, now) = (Looks::default(), Instant::now());
    for (n, (seconds, event)) in (0..).zip(events) {
        let notice = Notice {
            event: event.clone(),
            at: at(*seconds),
            by: None,
        };
        looks.add(notice, Receipt(n), now);
    }
    let mut due = looks.due(now + BURST);
    assert_eq!(due.len(), 1, "a burst is one look");
    let (about, look) = due.remove(0);
    assert_eq!(about, About::Server(ID));
    assert_eq!(look.receipts.len(), events.len());
    look
}

fn judged(events: &[(i64, Event)], known: Option<&Seen>) -> Verdict {
    let documented = |project: &ProjectId| project.as_str() == BOTS;
    look(events).judge(known, documented, at(10))
}

fn is(instance: Instance, as_of: i64) -> Verdict {
    Verdict::Is(Box::new(instance), at(as_of))
}

fn ask() -> Verdict {
    Verdict::Ask(ProjectId::trusted(BOTS))
}

#[test]
fn what_is_told_changes_what_it_tells_of_and_nothing_else() {
    let moved = Told {
        name: "web-2".to_owned(),
        host: Some("host2".to_owned()),
        flavor: flavor("m1.small"),
        metadata: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
        tags: Some(Vec::new()),
        updated: Some(at(4)),
        ..stopped()
    };
    let expected = Instance {
        name: "web-2".to_owned(),
        status: "SHUTOFF".to_owned(),
        host: Some("host2".to_owned()),
        flavor: flavor("m1.small"),
        metadata: moved.metadata.clone(),
        tags: Vec::new(),
        updated: at(4),
        ..known().instance
    };
    assert_eq!(
        judged(&[(5, server(moved))], Some(&known())),
        is(expected, 5)
    );
}

#[test]
fn the_last_told_counts_in_whatever_order_it_comes() {
    let expected = || {
        is(
            Instance {
                status: "SHUTOFF".to_owned(),
                ..known().instance
            },
            5,
        )
    };
    let (older, newer) = ((4, server(told())), (5, server(stopped())));
    for order in [
        vec![older.clone(), newer.clone()],
        vec![newer.clone(), older.clone()],
        vec![newer.clone(), newer.clone(), older],
    ] {
        assert_eq!(judged(&order, Some(&known())), expected());
    }
}

#[test]
fn what_is_old_changes_nothing() {
    assert_eq!(
        judged(&[(-61, server(stopped()))], Some(&known())),
        Verdict::Nothing
    );
    // Clocks differ: which of the two is newer only Nova can say.
    assert_eq!(judged(&[(-1, server(stopped()))], Some(&known())), ask());
    assert_eq!(judged(&[(0, server(stopped()))], Some(&known())), ask());
    assert_eq!(judged(&[(600, server(stopped()))], Some(&known())), ask());
}

#[test]
fn where_less_is_told_than_a_page_needs_nova_is_asked() {
    let with = |change: fn(&mut Told)| {
        let mut told = told();
        change(&mut told);
        judged(&[(5, server(told))], Some(&known()))
    };
    assert_eq!(with(|told| told.status = "BUILD".to_owned()), ask());
    assert_eq!(with(|told| told.status = "ERROR".to_owned()), ask());
    assert_eq!(with(|told| told.addresses.clear()), ask());
    assert_eq!(with(|told| told.image = None), ask());
    // Only the end of a deletion is Nova's word that a server is no more.
    assert_eq!(with(|told| told.status = "DELETED".to_owned()), ask());
    assert_eq!(with(|told| told.status = "SOFT_DELETED".to_owned()), ask());
    let mut building = known();
    building.instance.status = "BUILD".to_owned();
    assert_eq!(judged(&[(5, server(told()))], Some(&building)), ask());
    assert_eq!(judged(&[(5, server(told()))], None), ask());
    // As a member of the server's own project, whose ever the port is.
    assert_eq!(
        judged(&[(5, server(told())), (6, port())], Some(&known())),
        ask()
    );
    assert_eq!(judged(&[(6, port())], None), Verdict::Nothing);
}

#[test]
fn an_end_is_an_end_whenever_it_is_told() {
    let ended = || {
        is(
            Instance {
                status: "DELETED".to_owned(),
                deleted: Some(at(3)),
                ..known().instance
            },
            10,
        )
    };
    for order in [
        vec![(3, gone())],
        vec![(3, gone()), (4, server(told()))],
        vec![(2, server(told())), (3, gone())],
        vec![(-600, gone())],
    ] {
        assert_eq!(judged(&order, Some(&known())), ended());
    }
    assert_eq!(judged(&[(3, gone())], None), Verdict::Nothing);
    let mut over = known();
    over.instance.deleted = Some(at(-5));
    assert_eq!(judged(&[(3, gone())], Some(&over)), Verdict::Nothing);
    // Facts from before the end do not bring it back.
    assert_eq!(
        judged(&[(-3, server(told()))], Some(&over)),
        Verdict::Nothing
    );
    assert_eq!(judged(&[(3, server(told()))], Some(&over)), ask());
}

#[test]
fn other_projects_are_none_of_ours() {
    let foreign = Told {
        project_id: ProjectId::trusted("another"),
        ..told()
    };
    assert_eq!(judged(&[(5, server(foreign))], None), Verdict::Nothing);
    let look = look(&[(5, server(told()))]);
    assert_eq!(
        look.judge(Some(&known()), |_| false, at(10)),
        Verdict::Nothing
    );
}

#[test]
fn nova_answers_for_all_but_the_host() {
    let answered = Instance {
        host: None,
        ..known().instance
    };
    let look = look(&[(5, server(told()))]);
    assert_eq!(look.complete(answered), known().instance);
    let vanished = look.vanished(&known().instance);
    assert_eq!(vanished.deleted, Some(at(5)));
}

#[test]
fn the_last_doer_counts_and_services_do_not_hide_them() {
    let (mut looks, now) = (Looks::default(), Instant::now());
    let mut add = |event: Event, by: Option<&str>| {
        let by = by.map(user);
        looks.add(
            Notice {
                event,
                at: at(1),
                by,
            },
            Receipt(1),
            now,
        );
    };
    add(port(), Some("nova"));
    add(server(told()), Some("volunteer"));
    add(port(), Some("nova"));
    add(server(told()), None);
    let (_, look) = looks.due(now + BURST).remove(0);
    assert_eq!(look.by, Some(user("volunteer")));
}

#[test]
fn what_was_told_early_is_looked_at_once_more_and_keeps_nothing_waiting() {
    let (mut looks, now) = (Looks::default(), Instant::now());
    let notice = |event| Notice {
        event,
        at: at(1),
        by: None,
    };
    looks.add(notice(port()), Receipt(1), now);
    assert_eq!(looks.next(), Some(now + BURST));
    let (about, look) = looks.due(now + BURST).remove(0);
    looks.done(about, &look, now);
    assert_eq!(looks.next(), Some(now + LATER));
    looks.add(notice(server(told())), Receipt(2), now);
    assert_eq!(looks.next(), Some(now + BURST));
    assert_eq!(looks.due(now + BURST).len(), 1);
    let (about, look) = looks.due(now + LATER).remove(0);
    assert_eq!(look.receipts, []);
    looks.done(about, &look, now);
    assert_eq!(looks.next(), None);
}
