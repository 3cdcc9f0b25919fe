//! Facts to page text, as whole pages. `OSM_WRITE_GOLDEN=1 cargo test -p osm-core --test pages` writes the
//! files anew; read the diff.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

use chrono::{DateTime, Utc};
use osm_core::ids::OperationId;
use osm_core::ids::{EntryUuid, InstanceId, ProjectId, ProjectName, Region};
use osm_core::instance::{Address, Flavor, Image, Instance};
use osm_core::pages::instance::InstancePage;
use osm_core::pages::project::{Listed, ProjectPage};
use osm_core::pages::summary::{self, Reason};
use osm_core::pages::{encode, redirect, title};
use osm_core::project::{ManagedProject, Member, Project, WikiNames};
use osm_core::puppet::Puppet;
use osm_core::quota::Limits;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const HOSTILE: &str = "x]]{{Delete}}<script>";
const HOSTILE_TEXT: &str = "a|b=c ~~~~ [[Category:Pwned]] {{subst:x}} '''b''' __NOTOC__ &amp; </nowiki>\n== h ==\nhttps://e.org ISBN 0306406152";

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(format!("{name}.wikitext"));
    if std::env::var_os("OSM_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, format!("{text}\n")).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(format!("{text}\n"), wanted, "{name}");
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn instance() -> Instance {
    let address = |ip: &str, floating| Address {
        network: "lan".to_owned(),
        ip: ip.parse().unwrap(),
        floating,
    };
    Instance {
        region: Region::trusted("RegionOne"),
        id: InstanceId::parse("3f9a2c1e-7d54-4f0e-9b7a-0c1d2e3f4a5b").unwrap(),
        project_id: ProjectId::trusted("5e1f"),
        project: ProjectName::trusted("bots"),
        name: "tools-web-01".to_owned(),
        status: "ACTIVE".to_owned(),
        task_state: None,
        created: at("2026-11-23T12:00:00Z"),
        launched: Some(at("2026-11-23T12:00:31.5Z")),
        updated: at("2026-11-23T12:00:32Z"),
        deleted: None,
        host: Some("compute1".to_owned()),
        availability_zone: Some("nova".to_owned()),
        flavor: Flavor {
            id: Some("1".to_owned()),
            name: "m1.small".to_owned(),
            vcpus: 2,
            ram_mb: 2048,
            disk_gb: 20,
            ephemeral_gb: 5,
        },
        image: Some(Image {
            id: "0af1".to_owned(),
            name: Some("debian-12".to_owned()),
            default: false,
            min_ram_mb: 0,
            min_disk_gb: 0,
        }),
        addresses: vec![
            address("10.0.0.9", false),
            address("10.0.0.10", false),
            address("192.0.2.7", true),
        ],
        security_groups: vec!["web".to_owned(), "default".to_owned(), "web".to_owned()],
        metadata: BTreeMap::from([("secret".to_owned(), "not for pages".to_owned())]),
        tags: vec!["not-for-pages".to_owned()],
        fault: None,
    }
}

fn hostile_instance() -> Instance {
    Instance {
        name: HOSTILE.to_owned(),
        status: "ERROR".to_owned(),
        fault: Some(HOSTILE_TEXT.to_owned()),
        security_groups: vec!["a, b".to_owned(), "c&#44; d".to_owned(), "e;f|g".to_owned()],
        launched: None,
        host: None,
        image: None,
        addresses: Vec::new(),
        ..instance()
    }
}

static NO_PUPPET: Puppet = Puppet {
    classes: BTreeSet::new(),
    vars: BTreeSet::new(),
};

fn page(instance: &Instance) -> InstancePage<'_> {
    InstancePage {
        instance,
        last_reboot: None,
        created_by: Some("Volunteer"),
        fqdn: None,
        puppet: &NO_PUPPET,
    }
}

#[test]
fn instance_pages() {
    let living = instance();
    let puppet = Puppet {
        classes: ["role::web", "base"].map(str::to_owned).into(),
        vars: ["storage_server=true", "a=b, {{c}}|d"]
            .map(str::to_owned)
            .into(),
    };
    let full = InstancePage {
        last_reboot: Some(at("2026-11-23T13:00:00Z")),
        fqdn: Some("tools-web-01.bots.regionone.example"),
        puppet: &puppet,
        ..page(&living)
    };
    golden("instance", &full.compose("", true));
    let hostile = hostile_instance();
    golden("instance-hostile", &page(&hostile).compose("", false));
    let deleted = Instance {
        status: "DELETED".to_owned(),
        deleted: Some(at("2026-11-24T08:00:00Z")),
        ..instance()
    };
    let old = full
        .compose("", true)
        .replace("<!-- Yours", "Our web server.\n<!-- Yours");
    golden("instance-deleted", &page(&deleted).compose(&old, true));
}

fn project(description: &str) -> ManagedProject {
    let member = |entry: &str, uid: &str, cn: &str, roles: &[&str]| Member {
        entry: EntryUuid::trusted(entry),
        uid: uid.to_owned(),
        cn: cn.to_owned(),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
    };
    ManagedProject {
        project: Project {
            name: ProjectName::trusted("bots"),
            entry: EntryUuid::trusted("e-bots"),
            description: Some(description.to_owned()),
            members: vec![
                member("e-2", "volunteer", "Vera Volunteer", &[]),
                member("e-1", "operator", "Olga Operator", &["projectadmin"]),
                member("e-3", "nobody", "Not {{Linked}}, yet", &[]),
            ],
        },
        project_id: ProjectId::trusted("5e1f"),
    }
}

fn wiki_names() -> WikiNames {
    WikiNames::from([
        (EntryUuid::trusted("e-1"), "Operator".to_owned()),
        (
            EntryUuid::trusted("e-2"),
            "O'Brien the Volunteer".to_owned(),
        ),
    ])
}

fn listed(name: &str, title: &str) -> Listed {
    Listed {
        title: title.to_owned(),
        name: name.to_owned(),
        region: Region::trusted("RegionOne"),
    }
}

#[test]
fn project_pages() {
    let instances = [
        listed("tools-web-01", "Nova Resource:I-3f9a2c1e"),
        listed(HOSTILE, "Nova Resource:I-11111111"),
    ];
    let names = wiki_names();
    let plain = project("Robots that keep the wiki tidy");
    let limits = Limits {
        instances: Some(20),
        cores: Some(40),
        ram: None,
    };
    let page = ProjectPage {
        project: &plain,
        wiki_names: &names,
        instances: Some(&instances),
        quotas: &[(Region::trusted("RegionOne"), limits)],
    };
    golden("project", &page.compose("", true));
    let hostile = project(HOSTILE_TEXT);
    let page = ProjectPage {
        project: &hostile,
        wiki_names: &WikiNames::new(),
        instances: Some(&[]),
        quotas: &[(Region::trusted(HOSTILE), limits)],
    };
    golden("project-hostile", &page.compose("", false));
}

#[test]
fn a_projects_list_of_instances_is_bounded() {
    let many: Vec<Listed> = (0..2000)
        .map(|n| listed(&format!("n{n:04}"), &format!("Nova Resource:I-{n:08x}")))
        .collect();
    let names = wiki_names();
    let project = project("d");
    let page = ProjectPage {
        project: &project,
        wiki_names: &names,
        instances: Some(&many),
        quotas: &[],
    };
    let text = page.machine();
    assert!(text.contains("|Number of Instances=2000"));
    assert_eq!(
        text.matches("\n* [[").count(),
        osm_core::pages::project::LISTED
    );
    assert_eq!(
        page.compose(&page.compose("", false), false),
        page.compose("", false)
    );
}

#[test]
fn redirects() {
    let project = ProjectName::trusted("bots");
    let region = Region::trusted("RegionOne");
    let target = "Nova Resource:I-3f9a2c1e";
    let used = redirect::in_use("", target);
    golden("redirect", &used);
    let unused = redirect::no_longer_in_use(&used, "tools-web-01", &project, &region, target);
    golden("redirect-unused", &unused);
    assert_eq!(redirect::in_use(&unused, target), used);
    assert_eq!(redirect::in_use(&used, target), used);
    let noted = format!("{used}\n\nA note of mine.");
    let unused = redirect::no_longer_in_use(&noted, "tools-web-01", &project, &region, target);
    let again = redirect::in_use(&unused, target);
    assert!(unused.contains("A note of mine.") && again.contains("A note of mine."));
    assert!(!unused.contains("#REDIRECT") && again.starts_with("#REDIRECT"));
}

#[test]
fn titles() {
    let id = instance().id;
    assert_eq!(title::instance_title(id, 8), "Nova Resource:I-3f9a2c1e");
    assert_eq!(
        title::instance_title(id, 12),
        "Nova Resource:I-3f9a2c1e7d54"
    );
    let bots = ProjectName::trusted("bots");
    assert_eq!(title::project_title(&bots), "Nova Resource:Bots");
    assert!(title::is_resource("Nova Resource:Bots"));
    for other in [
        "Bots",
        "Nova Resource talk:Bots",
        "Nova Resources:Bots",
        "Nova Resource",
    ] {
        assert!(!title::is_resource(other), "{other}");
    }
    let region = Region::trusted("RegionOne");
    let made = |name: &str| title::redirect_title(name, &bots, &region);
    assert_eq!(
        made("tools-web-01").unwrap(),
        "Nova Resource:Tools-web-01.bots.RegionOne"
    );
    assert_eq!(
        made("grün 2").unwrap(),
        "Nova Resource:Grün 2.bots.RegionOne"
    );
    let long = "x".repeat(250);
    for bad in [
        "",
        "a|b",
        "a[b",
        "a#b",
        "<b",
        "a_b",
        " a",
        "a  b",
        "a%41",
        "a&amp;b",
        "~~~",
        ":a",
        "../a",
        "a\u{200e}b",
        "a\nb",
        "u\u{308}",
        HOSTILE,
        &long,
    ] {
        assert_eq!(made(bad), None, "{bad:?}");
    }
    for (a, b, same) in [
        ("Nova Resource:bots", "nova_Resource: Bots ", true),
        ("Nova Resource:I-3f9a", "Nova Resource:i-3f9a", true),
        ("Nova Resource:I-3f9a", "Nova Resource:I-3F9a", false),
        ("Nova Resource:u\u{308}x", "Nova Resource:Üx", true),
        ("Nova Resource:ßa", "Nova Resource:SSa", false),
    ] {
        assert_eq!(title::same_title(a, b), same, "{a} {b}");
    }
}

#[test]
fn summaries() {
    let bots = ProjectName::trusted("bots");
    let id = OperationId::trusted("01JDA");
    let created = summary::created("tools-web-01", &bots);
    let reason = |what, operation| Reason { what, operation };
    assert_eq!(
        summary::of(&[reason(&created, Some(&id))]),
        "created instance tools-web-01 in project bots (operation 01JDA)"
    );
    let running = summary::state("tools-web-01", "ACTIVE");
    let seen = summary::of(&[reason(&running, None), reason(&running, None)]);
    assert_eq!(
        seen,
        "instance tools-web-01 is ACTIVE (seen, not done through the wiki)"
    );
    assert_eq!(
        summary::on_behalf("Volunteer", &created),
        "for [[User:Volunteer]]: created instance tools-web-01 in project bots"
    );
    let hostile = summary::deleted("x]] [[User:A]] {{b}} /* c */ <b>\n", &bots);
    assert_eq!(
        hostile,
        "deleted instance x&#93;&#93; &#91;\u{2060}&#91;User:A&#93;&#93; &#123;&#123;b&#125;&#125; /\u{2060}* c */ &#60;b&#62; in project bots"
    );
    let name = "[".repeat(200);
    let long = summary::created(&name, &ProjectName::trusted(name.as_str()));
    for text in [
        summary::of(&[reason(&long, Some(&id)); 9]),
        summary::on_behalf("Volunteer", &long),
    ] {
        assert!(text.chars().count() <= 500, "{text}");
        assert!(!text.contains('[') || text.starts_with("for [[User:Volunteer]]"));
        assert!(
            !text.trim_end_matches('…').ends_with("&#"),
            "no half an entity: {text}"
        );
    }
}

/// That these are right, MediaWiki's own parser says in the tests of the backends.
#[test]
fn encoders() {
    for (value, argument) in [
        ("tools-web-01", "tools-web-01"),
        ("R&D <a> it's", "R&#38;D &#60;a&#62; it&#39;s"),
        ("a|b=c", "a{{!}}b=c"),
        ("{|}}}", "{<!---->{{!}}<!---->}<!---->}<!---->}"),
        ("-{x}-", "-<!---->{x}<!---->-"),
        ("[[a]] ~~~", "[<!---->[a]<!---->] ~<!---->~<!---->~"),
        (" a\n b\tc ", "a b c"),
        ("\u{0}\u{7f}", "\u{fffd}\u{fffd}"),
        ("u\u{308}", "ü"),
    ] {
        assert_eq!(encode::argument(value), argument, "{value:?}");
    }
    assert_eq!(
        encode::arguments(["a, b", "", "c&#44; d"]),
        "a, b&#44; c&#38;#44; d"
    );
    assert_eq!(
        encode::plain("[[a]] ISBN 1 --"),
        "&#91;&#91;a&#93;&#93; ISBN&#32;1 -&#45;"
    );
    assert_eq!(encode::label(""), "&#32;");
}
