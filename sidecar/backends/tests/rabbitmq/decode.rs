//! What notifications hold.

use super::{body, sample, samples};
use osm_backends::rabbitmq::decode;
use osm_core::ids::InstanceId;
use osm_core::ports::{Content, Event, Initiator, Notice};
use osm_core::told::Told;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const SERVER: &str = "12594adb-07b4-4e1d-b689-7e5796052b03";
const TOOLS: &str = "42192d2c759c4e2e89de261ee0785172";

fn id() -> InstanceId {
    InstanceId(Uuid::parse_str(SERVER).unwrap())
}

fn notice(exchange: &str, message: &Value) -> Notice {
    match decode(exchange, &body(message)) {
        Content::Notice(notice) => *notice,
        other => panic!("{}: {other:?}", message["event_type"]),
    }
}

fn told(message: &Value) -> Told {
    match notice("nova", message).event {
        Event::Server(told) => *told,
        other => panic!("{other:?}"),
    }
}

/// In a few words.
fn gist(content: Content) -> String {
    match content {
        Content::Nothing => "nothing".to_owned(),
        Content::Malformed { kind, .. } => format!("malformed: {kind}"),
        Content::Notice(notice) => match notice.event {
            Event::Server(told) => format!(
                "{} {}{}",
                told.name,
                told.status,
                told.task_state.map(|t| format!(" {t}")).unwrap_or_default()
            ),
            Event::Gone { id, ended, .. } => format!("gone: {id} at {}", ended.unwrap()),
            Event::Look { id, early, .. } => format!("look: {id} early={early}"),
            Event::LookAtProject(project) => format!("look at all of {project}"),
            Event::Projects => "projects".to_owned(),
        },
    }
}

#[test]
fn what_a_real_cloud_tells() {
    let heard: Vec<(String, String)> = samples()
        .iter()
        .map(|(exchange, _, message)| {
            let kind = message["event_type"].as_str().unwrap().to_owned();
            (kind, gist(decode(exchange, &body(message))))
        })
        .collect();
    let look = format!("look: {SERVER} early=true");
    let expected = [
        ("identity.role_assignment.created", "projects"),
        ("scheduler.select_destinations.end", "nothing"),
        ("instance.create.start", "notif-sample BUILD"),
        ("instance.update", "notif-sample BUILD block_device_mapping"),
        ("port.create.start", "nothing"),
        ("port.update.end", &look),
        ("instance.create.end", "notif-sample ACTIVE"),
        ("instance.update", "notif-renamed ACTIVE"),
        ("instance.update", "notif-renamed REBOOT rebooting"),
        ("instance.power_off.end", "notif-renamed SHUTOFF"),
        ("security_group.create.end", "nothing"),
        ("compute_task.migrate_server.error", "nothing"),
        ("instance.delete.start", "notif-renamed ACTIVE deleting"),
        ("port.delete.end", &look),
        (
            "instance.delete.end",
            "gone: 12594adb-07b4-4e1d-b689-7e5796052b03 at 2026-11-24 19:32:46 UTC",
        ),
        ("identity.project.updated", "projects"),
        // Told a quarter of a minute after the end: a state alone deletes nothing.
        ("instance.update", "notif-renamed DELETED"),
    ];
    let heard: Vec<(&str, &str)> = heard
        .iter()
        .map(|(kind, gist)| (kind.as_str(), gist.as_str()))
        .collect();
    assert_eq!(heard, expected);
}

#[test]
fn a_server_with_all_its_facts() {
    let (exchange, _, message) = sample("instance.create.end", 0);
    let heard = notice(&exchange, &message);
    assert_eq!(heard.at.to_string(), "2026-11-24 19:32:31.244049 UTC");
    assert_eq!(
        heard.by,
        Some(Initiator {
            user_id: "8cf8ff55da1749e697a8189532c41dff".to_owned(),
            user_name: "admin".to_owned(),
            domain_id: "default".to_owned(),
            project_id: Some(TOOLS.to_owned()),
            request_id: Some("req-0f02cc85-eaab-404b-ae17-de3b2b82c068".to_owned()),
        })
    );
    let told = told(&message);
    assert_eq!((told.id, told.project_id.as_str()), (id(), TOOLS));
    let times = [told.created, told.launched, told.updated, told.ended];
    assert_eq!(
        times.map(|at| at.map(|at| at.to_rfc3339())),
        [
            Some("2026-11-24T19:32:24+00:00".to_owned()),
            Some("2026-11-24T19:32:31+00:00".to_owned()),
            // Before it was launched: Nova has not read again what it wrote.
            Some("2026-11-24T19:32:26+00:00".to_owned()),
            None,
        ]
    );
    assert_eq!(told.host.as_deref(), Some("nova-compute1"));
    assert_eq!(told.availability_zone.as_deref(), Some("nova"));
    assert_eq!(
        told.image.as_deref(),
        Some("0adebdab-a29b-47c7-84cc-39bf5cc0c44b")
    );
    let flavor = &told.flavor;
    assert_eq!(
        (
            flavor.name.as_str(),
            flavor.vcpus,
            flavor.ram_mb,
            flavor.disk_gb,
            flavor.ephemeral_gb
        ),
        ("m1.tiny", 1, 512, 1, 0)
    );
    assert_eq!(
        told.addresses,
        BTreeSet::from(["172.16.2.122".parse().unwrap()])
    );
    assert_eq!(
        told.metadata,
        BTreeMap::from([("note".to_owned(), "for a test".to_owned())])
    );
    assert_eq!(told.tags, Some(vec!["sample".to_owned()]));
}

#[test]
fn what_nova_has_neutron_do_names_nova_s_request() {
    let [made, bound] = ["instance.create.end", "port.update.end"].map(|kind| {
        let (exchange, _, message) = sample(kind, 0);
        notice(&exchange, &message).by.unwrap()
    });
    assert_eq!(
        [made.user_name.as_str(), &bound.user_name],
        ["admin", "nova"]
    );
    assert_eq!(made.request_id, bound.request_id);
}

#[test]
fn a_payload_without_tags_says_nothing_of_tags() {
    let (_, _, message) = sample("instance.power_off.end", 0);
    assert_eq!(told(&message).tags, None);
}

#[test]
fn what_is_not_whole_is_a_reason_to_ask() {
    let (_, _, good) = sample("instance.create.end", 0);
    let data = |field: &str, value: Value| {
        let mut message = good.clone();
        message["payload"]["nova_object.data"][field] = value;
        gist(decode("nova", &body(&message)))
    };
    let ask = format!("look: {SERVER} early=false");
    assert_eq!(data("state", json!("unheard-of")), ask);
    assert_eq!(data("flavor", Value::Null), ask);
    assert_eq!(data("ip_addresses", json!("none")), ask);
    // Where not even the server is named there is nothing to ask for.
    let kind = "malformed: nova instance.create.end";
    assert_eq!(data("uuid", Value::Null), kind);
    assert_eq!(data("tenant_id", json!(7)), kind);
    let mut failed = good.clone();
    failed["event_type"] = json!("instance.create.error");
    assert_eq!(gist(decode("nova", &body(&failed))), ask);
    let mut counted = good;
    counted["event_type"] = json!("instance.exists");
    assert_eq!(gist(decode("nova", &body(&counted))), "nothing");
}

#[test]
fn floating_addresses_and_groups() {
    let neutron = |kind: &str, payload: Value| {
        let message =
            json!({"event_type": kind, "timestamp": "2026-11-24 19:32:31", "payload": payload});
        gist(decode("neutron", &body(&message)))
    };
    let floating =
        |details: Value| json!({"floatingip": {"project_id": TOOLS, "port_details": details}});
    assert_eq!(
        neutron(
            "floatingip.update.end",
            floating(json!({"device_id": SERVER}))
        ),
        format!("look: {SERVER} early=true")
    );
    // Taken away: from which server is not said any more.
    let all = format!("look at all of {TOOLS}");
    assert_eq!(neutron("floatingip.update.end", floating(Value::Null)), all);
    let group = json!({"security_group": {"project_id": TOOLS, "name": "new name"}});
    assert_eq!(neutron("security_group.update.end", group), all);
    let port = |device: &str| json!({"port": {"project_id": TOOLS, "device_id": device}});
    for nobody in ["", "dhcp-something", "reserved_dhcp_port"] {
        assert_eq!(neutron("port.create.end", port(nobody)), "nothing");
    }
    assert_eq!(
        neutron("port.update.end", json!({})),
        "malformed: neutron port.update.end"
    );
}

#[test]
fn nothing_makes_it_fail_and_no_content_is_repeated() {
    let secret = "gAAAA-a-token";
    let (_, _, good) = sample("instance.create.end", 0);
    let mut without_time = good.clone();
    without_time["timestamp"] = json!(secret);
    let bodies = [
        Vec::new(),
        b"\xff\xfe".to_vec(),
        secret.as_bytes().to_vec(),
        b"[]".to_vec(),
        json!({"oslo.message": {"event_type": secret}})
            .to_string()
            .into_bytes(),
        json!({"oslo.message": secret}).to_string().into_bytes(),
        body(&json!({"event_type": 7, "timestamp": secret})),
        body(&without_time),
    ];
    for bytes in bodies {
        match decode("nova", &bytes) {
            Content::Malformed { kind, why } => {
                assert!(!format!("{kind}{why}").contains(secret), "{kind}: {why}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(decode("somewhere", &body(&good)), Content::Nothing);
}
