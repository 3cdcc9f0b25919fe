//! Nova's replies (recorded from the lab, shortened) become instances; lists have pages and fall back.

use crate::stub::{Answer, Stub, bots, region};
use osm_core::ids::{InstanceId, OperationId};
use osm_core::instance::Instance;
use osm_core::ports::{ComputeRead, Kind, PortError, Since};
use serde_json::{Value, json};
use std::slice;

const RECORDED: &str = include_str!("servers.json");
const LIST: &str = "GET /v2.1/servers/detail?";

fn recorded() -> Vec<Value> {
    let body: Value = serde_json::from_str(RECORDED).unwrap();
    body["servers"].as_array().unwrap().clone()
}

fn page(servers: &[Value], more: bool) -> Answer {
    let next = json!([{"rel": "next", "href": "http://127.0.0.1:9/never-followed"}]);
    let links = if more { next } else { json!([]) };
    Answer::json(200, &json!({"servers": servers, "servers_links": links}))
}

/// What becomes of these servers, listed with Glance knowing one public and one private image.
async fn listed(servers: Vec<Value>) -> Result<Vec<Instance>, PortError> {
    let stub = Stub::new(move |seen, _| match seen.line.as_str() {
        line if line.starts_with(LIST) => Some(page(&servers, false)),
        line if line.starts_with("GET /v2/images?") => Some(Answer::json(
            200,
            &json!({"images": [{"id": "33f9b61d-ca03-49f1-82da-d04f7fc340c8", "name": "debian-12"}]}),
        )),
        "GET /v2/images/2eb95b31-6507-4ed3-a4b7-c9e286bdfab3" => Some(Answer::json(
            200,
            &json!({"id": "2eb95b31-6507-4ed3-a4b7-c9e286bdfab3", "name": "private"}),
        )),
        _ => None,
    })
    .await;
    stub.cloud.servers(&region(), Since::Everything).await
}

/// What a test looks at, in one line.
fn facts(i: &Instance) -> String {
    let time = |t: Option<chrono::DateTime<chrono::Utc>>| t.map(|t| t.format("%T").to_string());
    let image = i.image.as_ref().map(|image| image.name.as_deref());
    let addresses: Vec<_> = i.addresses.iter().map(|a| (&a.ip, a.floating)).collect();
    format!(
        "{} {} {}/{} task {:?} launched {:?} deleted {:?} host {:?} zone {:?} flavour {} image {:?} \
         addresses {:?} groups {:?} fault {:?}",
        i.name,
        i.status,
        i.project,
        i.project_id,
        i.task_state,
        time(i.launched),
        time(i.deleted),
        i.host,
        i.availability_zone,
        i.flavor.name,
        image,
        addresses,
        i.security_groups,
        i.fault
    )
}

#[tokio::test]
async fn recorded_servers() {
    let expected = [
        "recorded BUILD bots/b075 task Some(\"scheduling\") launched None deleted None host None zone None \
         flavour m1.tiny image Some(Some(\"debian-12\")) addresses [] groups [] fault None",
        "recorded ACTIVE bots/b075 task None launched Some(\"12:31:59\") deleted None host Some(\"nova-compute1\") \
         zone Some(\"nova\") flavour m1.tiny image Some(Some(\"debian-12\")) addresses [(172.16.2.120, false)] \
         groups [\"default\", \"web\"] fault None",
        "nohost ERROR tools/7001 task None launched None deleted None host None zone None flavour m1.nohost \
         image Some(Some(\"private\")) addresses [] groups [] fault Some(\"No valid host was found.\")",
        // Of a deleted server the address, groups and metadata are gone; this one's project is not ours.
        "recorded DELETED 0dead/0dead task None launched Some(\"12:31:59\") deleted Some(\"12:32:02\") \
         host Some(\"nova-compute1\") zone Some(\"nova\") flavour m1.tiny image None addresses [] groups [] fault None",
    ];
    let instances = listed(recorded()).await.unwrap();
    let got: Vec<String> = instances.iter().map(facts).collect();
    assert_eq!(got, expected);
    assert_eq!(instances[1].tags, ["osm-operation-01JXPROBE"]);
    assert_eq!(instances[1].metadata["openstackmanager_user"], "Volunteer");
}

/// One row changed, and what the whole list becomes: never a list that lacks the row.
#[tokio::test]
async fn odd_servers() {
    let fixed = json!({"addr": "10.0.0.5", "version": 4, "OS-EXT-IPS:type": "fixed"});
    let floating = json!({"addr": "192.0.2.7", "version": 4, "OS-EXT-IPS:type": "floating"});
    let plain = json!({"addr": "2001:db8::1", "version": 6});
    let cases = [
        ("/addresses", json!({"lan": [fixed, floating, plain]}), None),
        (
            "/security_groups",
            json!([{"name": "web"}, {"name": "web"}]),
            None,
        ),
        ("/image", json!({"id": "no-such-image"}), None),
        // A cell that is down.
        ("/flavor", Value::Null, Some(Kind::Unavailable)),
        ("/name", Value::Null, Some(Kind::Unavailable)),
        ("/id", json!("no-uuid"), Some(Kind::Protocol)),
        ("/status", json!(7), Some(Kind::Protocol)),
        ("/created", json!("yesterday"), Some(Kind::Protocol)),
        (
            "/addresses",
            json!({"lan": [{"addr": "<b>"}]}),
            Some(Kind::Protocol),
        ),
    ];
    for (place, value, wrong) in cases {
        let mut servers = recorded();
        *servers[1].pointer_mut(place).unwrap() = value.clone();
        let outcome = listed(servers).await;
        assert_eq!(
            outcome.as_ref().err().map(|e| e.kind),
            wrong,
            "{place} {value}"
        );
        let Ok(instances) = outcome else { continue };
        assert_eq!(instances.len(), 4);
        match place {
            "/addresses" => assert!(
                facts(&instances[1])
                    .contains("[(10.0.0.5, false), (192.0.2.7, true), (2001:db8::1, false)]")
            ),
            "/security_groups" => assert_eq!(instances[1].security_groups, ["web"]),
            _ => assert_eq!(instances[1].image.as_ref().unwrap().name, None),
        }
    }
}

fn server(digit: u8) -> (Value, InstanceId) {
    let id = format!("{digit:08}-0000-4000-8000-000000000000");
    let mut server = recorded()[1].clone();
    server["id"] = json!(id);
    (server, InstanceId::parse(&id).unwrap())
}

#[tokio::test]
async fn all_pages_are_read_and_a_lost_marker_begins_anew() {
    let ((one, id1), (two, id2)) = (server(1), server(2));
    let (first, last) = (one.clone(), two.clone());
    let stub = Stub::new(move |seen, nth| {
        let marked = seen.line.contains(&format!("marker={id1}"));
        let gone = json!({"badRequest": {"message": format!("marker [{id1}] not found")}});
        match seen.line.starts_with(LIST) {
            true if marked && nth == 0 => Some(Answer::json(400, &gone)),
            true if marked => Some(page(slice::from_ref(&last), false)),
            true => Some(page(slice::from_ref(&first), true)),
            false => None,
        }
    })
    .await;
    let since = Since::Changed("2026-11-23T12:00:00.5Z".parse().unwrap());
    let found = stub.cloud.servers(&region(), since).await.unwrap();
    let ids: Vec<_> = found.iter().map(|i| i.id).collect();
    assert_eq!(ids, [id1, id2]);
    let asked = stub.seen(LIST);
    assert_eq!(asked.len(), 4);
    for seen in asked {
        let line = seen.line;
        assert!(line.contains("all_tenants=1"), "{line}");
        assert!(
            line.contains("changes-since=2026-11-23t12%3a00%3a00z"),
            "{line}"
        );
    }

    // A server that says there is more and never gives it.
    let stub = Stub::new(move |seen, _| {
        let same = || page(slice::from_ref(&one), true);
        seen.line.starts_with(LIST).then(same)
    })
    .await;
    let error = stub.cloud.servers(&region(), since).await.unwrap_err();
    assert_eq!(error.kind, Kind::Protocol);
}

#[tokio::test]
async fn without_the_grant_our_projects_are_listed() {
    let ((one, id1), (two, id2)) = (server(1), server(2));
    let stub = Stub::new(move |seen, nth| {
        let refused = json!({"forbidden": {"message": "Policy doesn't allow it"}});
        match seen.line.starts_with(LIST) {
            true if seen.line.contains("all_tenants") => Some(Answer::json(403, &refused)),
            true if nth == 0 => Some(page(slice::from_ref(&one), false)),
            true => Some(page(slice::from_ref(&two), false)),
            false => None,
        }
    })
    .await;
    let mut found: Vec<_> = stub
        .cloud
        .servers(&region(), Since::Everything)
        .await
        .unwrap()
        .into_iter()
        .map(|i| i.id)
        .collect();
    found.sort();
    assert_eq!(found, [id1, id2]);
    // A login for reading and one for each project of our domain.
    let logins = stub.seen("POST /v3/auth/tokens");
    let into = |id: &str| {
        let scope = json!({"id": id}).to_string();
        logins.iter().filter(|s| s.body.contains(&scope)).count()
    };
    assert_eq!((logins.len(), into("b075"), into("7001")), (3, 1, 1));
}

/// A cloud that ignores the filter must not give another's server to an undo, nor must who writes the tag.
#[tokio::test]
async fn only_servers_of_ours_that_carry_the_tag_are_the_operations() {
    let ((mut mine, id), (mut other, _), (mut forged, _)) = (server(1), server(2), server(3));
    for server in [&mut mine, &mut forged] {
        server["tags"] = json!(["osm-operation-01JMINE"]);
    }
    (mine["user_id"], other["user_id"]) = (json!("us"), json!("us"));
    forged["user_id"] = json!("a member");
    let stub = Stub::new(move |seen, _| {
        let all = || page(&[mine.clone(), other.clone(), forged.clone()], false);
        seen.line.starts_with(LIST).then(all)
    })
    .await;
    let operation = OperationId::trusted("01JMINE");
    let found = stub
        .cloud
        .servers_of_operation(&region(), &bots(), &operation)
        .await
        .unwrap();
    assert_eq!(found, [id]);
    assert!(
        stub.seen(LIST)[0]
            .line
            .contains("tags=osm-operation-01jmine")
    );
}

#[tokio::test]
async fn a_network_name_that_is_not_one_network_is_refused() {
    for (networks, kind) in [
        (json!([]), Kind::NotFound),
        (
            json!([{"id": "1", "name": "lan"}, {"id": "2", "name": "lan"}]),
            Kind::Conflict,
        ),
    ] {
        let body = json!({"networks": networks});
        let stub = Stub::new(move |seen, _| {
            let wanted = seen.line == "GET /v2.0/networks?name=lan";
            wanted.then(|| Answer::json(200, &body))
        })
        .await;
        let (region, bots) = (region(), bots());
        let network = stub.cloud.network(&region, &bots, "lan").await;
        assert_eq!(network.unwrap_err().kind, kind);
        let auto = stub.cloud.network(&region, &bots, "auto").await;
        assert_eq!(auto.unwrap(), "auto");
    }
}
