//! Facts and a request in, a plan or everything that is wrong out.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use osm_core::action::Action;
use osm_core::actor::{Actor, WikiUser};
use osm_core::authz::{Permit, Policy, Target, authorise};
use osm_core::ids::{InstanceId, ProjectId, ProjectName, Region};
use osm_core::instance::*;
use osm_core::plan::{Goal, Step, Undo};
use osm_core::refusal::RefusalKind;
use std::collections::BTreeSet;

fn permit(action: Action, project: &str) -> Permit {
    let actor = Actor {
        user: WikiUser {
            wiki_user_id: 7,
            name: "Admin".into(),
            groups: BTreeSet::new(),
            rights: ["listall".to_owned(), "manageproject".to_owned()].into(),
            block: None,
            registered: None,
            email_confirmed: false,
        },
        person: None,
    };
    let target = Target::Project(Region::trusted("RegionOne"), ProjectName::trusted(project));
    authorise(&Policy::default(), &actor, action, &target).unwrap()
}

fn flavor(name: &str, ram_mb: u64) -> Flavor {
    Flavor {
        id: Some(format!("id-{name}")),
        name: name.into(),
        vcpus: 2,
        ram_mb,
        disk_gb: 10,
        ephemeral_gb: 0,
    }
}

fn facts() -> CreateFacts {
    CreateFacts {
        project_id: ProjectId::trusted("p1"),
        flavors: vec![flavor("small", 2048), flavor("tiny", 512)],
        images: vec![Image {
            id: "img".into(),
            name: Some("debian-12".into()),
            default: true,
            min_ram_mb: 1024,
            min_disk_gb: 1,
        }],
        security_groups: vec![SecurityGroup {
            id: "sg".into(),
            name: "default".into(),
        }],
        headroom: Headroom {
            instances: Some(5),
            cores: Some(4),
            ram_mb: None,
        },
        network: "net".into(),
        names: vec!["taken".into()],
    }
}

fn request(name: &str, flavor: &str, image: &str, group: &str) -> CreateRequest {
    CreateRequest {
        name: name.into(),
        flavor: flavor.into(),
        image: image.into(),
        security_groups: vec![group.into()],
    }
}

#[test]
fn a_good_create_is_two_steps_and_can_be_taken_back() {
    let permit = permit(Action::InstanceCreate, "bots");
    for (flavor, image) in [("id-small", "img"), ("small", "debian-12")] {
        let plan = plan_create(
            &permit,
            &facts(),
            &request("web-1", flavor, image, "default"),
        )
        .unwrap();
        assert_eq!(plan.resource(), "RegionOne/name/p1/web-1");
        assert!(matches!(&plan.steps[0].step, Step::CreateServer { server }
            if server.flavor_id == "id-small" && server.image_id == "img" && server.network == "net"));
        assert_eq!(plan.steps[0].undo, Undo::DeleteServer);
        assert_eq!(plan.steps[1].step, Step::AwaitServer { goal: Goal::Active });
        let stored = serde_json::to_string(&plan).unwrap();
        assert_eq!(
            serde_json::from_str::<osm_core::plan::Plan>(&stored).unwrap(),
            plan
        );
    }
}

#[test]
fn all_that_is_wrong_with_a_create_is_told_at_its_field() {
    let permit = permit(Action::InstanceCreate, "bots");
    let none_left = Headroom {
        instances: Some(0),
        cores: Some(1),
        ram_mb: Some(100),
    };
    let full = CreateFacts {
        headroom: none_left,
        ..facts()
    };
    type Case<'a> = (&'a CreateFacts, CreateRequest, &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 7] = [
        (
            &facts(),
            request("Bad name", "small", "img", "default"),
            &[("instancename", "badinstancename")],
        ),
        (
            &facts(),
            request("taken", "small", "img", "default"),
            &[("instancename", "nametaken")],
        ),
        (
            &facts(),
            request("ok", "huge", "img", "default"),
            &[("instanceType", "badinstancetype")],
        ),
        (
            &facts(),
            request("ok", "small", "no", "default"),
            &[("imageType", "badimage")],
        ),
        (
            &facts(),
            request("ok", "small", "img", "web"),
            &[("groups", "badsecuritygroup")],
        ),
        (
            &facts(),
            request("ok", "tiny", "img", "default"),
            &[("instanceType", "flavortoosmall")],
        ),
        (
            &full,
            request("x]]{{Delete}}", "small", "", "default"),
            &[
                ("instancename", "badinstancename"),
                ("imageType", "badimage"),
                ("instancename", "noquota-instances"),
                ("instanceType", "noquota-cores"),
                ("instanceType", "noquota-ram"),
            ],
        ),
    ];
    for (facts, request, expected) in cases {
        let wrong = plan_create(&permit, facts, &request).unwrap_err();
        let found: Vec<(String, String)> = wrong
            .iter()
            .map(|r| {
                (
                    r.field.clone().unwrap(),
                    r.message.key.replace("openstackmanager-", ""),
                )
            })
            .collect();
        let expected: Vec<(String, String)> = expected
            .iter()
            .map(|(f, k)| ((*f).to_owned(), (*k).to_owned()))
            .collect();
        assert_eq!(found, expected, "{request:?}");
    }
}

fn instance(project: &str, status: &str, task: Option<&str>) -> Instance {
    let at = chrono::DateTime::UNIX_EPOCH;
    Instance {
        region: Region::trusted("RegionOne"),
        id: InstanceId::parse("3f9a2c1e-0000-4000-8000-000000000000").unwrap(),
        project_id: ProjectId::trusted("p1"),
        project: ProjectName::trusted(project),
        name: "web-1".into(),
        status: status.into(),
        task_state: task.map(str::to_owned),
        created: at,
        launched: Some(at),
        updated: at,
        deleted: (status == "DELETED").then_some(at),
        host: None,
        availability_zone: None,
        flavor: flavor("small", 2048),
        image: None,
        addresses: vec![],
        security_groups: vec![],
        metadata: [].into(),
        tags: vec![],
        fault: None,
    }
}

#[test]
fn reboot_and_delete_ask_the_instance_itself() {
    type Case<'a> = (Instance, Option<RefusalKind>, Option<RefusalKind>);
    let cases: [Case<'_>; 5] = [
        (instance("bots", "ACTIVE", None), None, None),
        (
            instance("bots", "ACTIVE", Some("rebooting")),
            Some(RefusalKind::Conflict),
            None,
        ),
        (
            instance("bots", "ERROR", None),
            Some(RefusalKind::Conflict),
            None,
        ),
        (
            instance("bots", "DELETED", None),
            Some(RefusalKind::NotFound),
            Some(RefusalKind::NotFound),
        ),
        // A permit for one project opens no other.
        (
            instance("tools", "ACTIVE", None),
            Some(RefusalKind::Forbidden),
            Some(RefusalKind::Forbidden),
        ),
    ];
    for (instance, reboot, delete) in cases {
        let kind = |plan: Result<_, osm_core::refusal::Refusal>| plan.err().map(|r| r.kind);
        assert_eq!(
            kind(plan_reboot(
                &permit(Action::InstanceReboot, "bots"),
                &instance
            )),
            reboot,
            "{instance:?}"
        );
        assert_eq!(
            kind(plan_delete(
                &permit(Action::InstanceDelete, "bots"),
                &instance
            )),
            delete,
            "{instance:?}"
        );
    }
}

#[test]
fn a_view_that_shows_less_takes_nothing_away() {
    let full = Instance {
        host: Some("compute1".into()),
        image: Some(Image {
            name: Some("debian-12".into()),
            ..facts().images.remove(0)
        }),
        security_groups: vec!["web".into()],
        ..instance("bots", "ACTIVE", None)
    };
    let member = Instance {
        host: None,
        image: Some(Image {
            name: None,
            ..facts().images.remove(0)
        }),
        ..full.clone()
    };
    assert_eq!(member.clone().following(&full), full);
    let shelved = Instance {
        status: "SHELVED_OFFLOADED".to_owned(),
        ..member
    };
    assert_eq!(shelved.following(&full).host, None, "it is on no host");

    let later = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(1);
    let gone = Instance {
        security_groups: vec![],
        host: None,
        ..instance("bots", "DELETED", None)
    };
    let gone = gone.following(&full);
    assert_eq!(
        (gone.status.as_str(), gone.deleted.is_some()),
        ("DELETED", true)
    );
    assert_eq!(gone.security_groups, full.security_groups);
    let again = Instance {
        deleted: Some(later),
        ..gone.clone()
    }
    .following(&gone);
    assert_eq!(again, gone, "a deletion happens once");
}
