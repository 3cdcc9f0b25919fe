//! Pages that tell of many things: what they list, how long they get, what people keep on them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

use chrono::{TimeDelta, Utc};
use osm_core::ids::{EntryUuid, InstanceId, ProjectId, ProjectName, Region};
use osm_core::instance::{Address, Flavor, Instance};
use osm_core::pages::overview::{self, Shown};
use osm_core::pages::project::LISTED;
use osm_core::pages::{noisy, touched};
use osm_core::ports::PageKey;
use osm_core::project::{Member, Project};
use std::collections::BTreeMap;
use uuid::Uuid;

const HOSTILE: &str = "</td></tr>|x={{Delete}}[[A]]";

fn instance(number: u32) -> Instance {
    let now = "2026-11-27T09:00:00Z"
        .parse::<chrono::DateTime<Utc>>()
        .unwrap();
    Instance {
        region: Region::trusted("RegionOne"),
        id: InstanceId(Uuid::from_u128(number.into())),
        project_id: ProjectId::trusted("5e1f"),
        project: ProjectName::trusted("ci"),
        name: format!("ci-{number:03}"),
        status: "ACTIVE".to_owned(),
        task_state: None,
        created: now + TimeDelta::minutes(number.into()),
        launched: None,
        updated: now,
        deleted: None,
        host: None,
        availability_zone: None,
        flavor: Flavor {
            id: None,
            name: "m1.tiny".to_owned(),
            vcpus: 2,
            ram_mb: 512,
            disk_gb: 10,
            ephemeral_gb: 1,
        },
        image: None,
        addresses: vec![Address {
            network: "lan".to_owned(),
            ip: "10.0.0.9".parse().unwrap(),
            floating: false,
        }],
        security_groups: Vec::new(),
        metadata: BTreeMap::new(),
        tags: Vec::new(),
        fault: None,
    }
}

fn project(name: &str, description: &str) -> Project {
    Project {
        name: ProjectName::trusted(name),
        entry: EntryUuid::trusted(name),
        description: Some(description.to_owned()),
        members: vec![Member {
            entry: EntryUuid::trusted("e-1"),
            uid: "volunteer".to_owned(),
            cn: "Vera Volunteer".to_owned(),
            roles: Vec::new(),
        }],
    }
}

fn listed(number: u32) -> (Shown, String) {
    let title = format!("Nova Resource:I-{number:08x}");
    (Shown::of(&instance(number)), title)
}

#[test]
fn the_overview_of_projects() {
    let projects = [project("tools", HOSTILE), project("bots", "Robots")];
    let page = overview::projects("Words of mine.", &projects);
    assert!(
        page.contains(
            "|Resource Type=all projects\n|Project List=\n\
             <tr class=\"nova-row\"><td>[[Nova Resource:Bots|bots]]</td><td>1</td><td>Robots</td></tr>\n\
             <tr class=\"nova-row\"><td>[[Nova Resource:Tools|tools]]</td><td>1</td><td>&#60;/td&#62;&#60;/tr&#62;\
             &#124;x&#61;&#123;&#123;Delete&#125;&#125;&#91;&#91;A&#93;&#93;</td></tr>\n}}"
        ),
        "{page}"
    );
    assert_eq!(overview::projects(&page, &projects), page);
    // A row of ours that is left over where the marks are gone is known by its form.
    let torn = page
        .lines()
        .filter(|line| !line.starts_with("<!--"))
        .collect::<Vec<_>>();
    let mended = overview::projects(&torn.join("\n"), &projects[1..]);
    assert_eq!(mended.matches("<tr ").count(), 1, "{mended}");
    assert!(mended.contains("Words of mine."));
}

#[test]
fn the_overview_of_instances_is_bounded_and_leaves_noisy_projects_out() {
    let few = [listed(2), listed(1)];
    let page = overview::instances("", &few, &[ProjectName::trusted("ci")]);
    let first = "<tr class=\"nova-row\"><td>[[Nova Resource:I-00000001|ci-001]]</td><td>ci</td><td>RegionOne</td>\
                 <td>m1.tiny</td><td>10.0.0.9</td></tr>\n<tr class=\"nova-row\"><td>[[Nova Resource:I-00000002";
    assert!(page.contains(first), "{page}");
    assert!(page.contains(
        "|Summary List=\n<tr class=\"nova-row\"><td>[[Nova Resource:Ci/Instances|ci]]</td></tr>"
    ));
    assert!(!page.contains("List Bound"));
    let many: Vec<_> = (0..2000).map(listed).collect();
    let page = overview::instances("", &many, &[]);
    assert_eq!(page.matches("<tr ").count(), LISTED);
    assert!(page.contains(&format!("|List Bound={LISTED}\n")) && page.len() < 100_000);
    assert_eq!(overview::instances(&page, &many, &[]), page);
}

#[test]
fn a_noisy_project_is_summed_up() {
    let mut instances: Vec<_> = (1..=20).map(instance).collect();
    instances[3].status = "ERROR".to_owned();
    let ci = ProjectName::trusted("ci");
    let page = noisy::summed_up("", &ci, &instances);
    for line in [
        "|Number of Instances=20",
        "|Number of CPUs=40",
        "|RAM Size=10240",
        "|Amount of Storage=220",
        "|State Counts=ACTIVE: 19&#44; ERROR: 1",
        "|Type Counts=m1.tiny: 20",
        "|Latest Instances=ci-020 (ACTIVE, 2026-11-27 09:20 UTC)&#44; ci-019",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
    let quiet = noisy::no_longer(&format!("{page}\nNoted."), &ci);
    assert!(quiet.ends_with("\nNoted.") && !quiet.contains("Number of"));
}

#[test]
fn pages_are_due_where_what_they_show_has_changed() {
    let (old, kind) = (instance(1), |key: &PageKey| {
        key.stored().split('/').next().unwrap().to_owned()
    });
    let due = |old: Option<&Instance>, new: &Instance, noisy| -> Vec<String> {
        let pages = touched::by_change(old, new, noisy);
        pages.iter().map(kind).collect()
    };
    let everywhere = ["instance", "project", "redirect", "instances"];
    assert_eq!(due(None, &old, false), everywhere);
    let off = Instance {
        status: "SHUTOFF".to_owned(),
        ..instance(1)
    };
    assert_eq!(due(Some(&old), &off, false), ["instance"]);
    assert_eq!(due(Some(&old), &off, true), ["instance", "summary"]);
    let moved = Instance {
        addresses: Vec::new(),
        ..instance(1)
    };
    assert_eq!(due(Some(&old), &moved, false), ["instance", "instances"]);
    let renamed = Instance {
        name: "other".to_owned(),
        ..instance(1)
    };
    assert_eq!(
        due(Some(&old), &renamed, false),
        ["instance", "project", "redirect", "redirect", "instances"]
    );
    let gone = Instance {
        deleted: Some(old.updated),
        ..instance(1)
    };
    assert_eq!(due(Some(&old), &gone, false), everywhere);
    assert_eq!(
        due(Some(&old), &gone, true),
        ["instance", "summary", "redirect"]
    );
}
