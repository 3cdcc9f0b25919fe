//! What the adapter makes of services in trouble.

use crate::stub::{Answer, PASSWORD, Seen, Stub, TOKEN, bots, login, region};
use futures_util::future::join_all;
use osm_backends::openstack::with_request_id;
use osm_core::ids::{InstanceId, InstanceName, OperationId};
use osm_core::instance::ServerRequest;
use osm_core::ports::{ComputeRead, ComputeWrite, Identity, Kind, PortError, Tagged};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

const CREATE: &str = "POST /v2.1/servers";
const LIMITS: &str = "GET /v2.1/limits";

async fn create(stub: &Stub) -> Result<InstanceId, PortError> {
    let request = ServerRequest {
        name: InstanceName::parse("web").unwrap(),
        flavor_id: "1".to_owned(),
        flavor_name: "m1.tiny".to_owned(),
        image_id: "2".to_owned(),
        image_name: "debian".to_owned(),
        network: "auto".to_owned(),
        security_groups: vec!["default".to_owned()],
    };
    let tagged = Tagged {
        operation: OperationId::trusted("01J"),
        metadata: BTreeMap::new(),
    };
    stub.cloud
        .create_server(&region(), &bots(), &request, &tagged)
        .await
}

fn limits() -> Answer {
    Answer::json(
        200,
        &json!({"limits": {"absolute": {
            "maxTotalInstances": 10, "totalInstancesUsed": 3, "maxTotalCores": -1, "totalCoresUsed": 3,
            "maxTotalRAMSize": 512, "totalRAMUsed": 1024,
        }}}),
    )
}

/// Each canned answer to a create, the kind of error it is, and a part of what the error says.
#[tokio::test]
async fn every_answer_has_its_kind() {
    let id = "015515f9-908d-4882-b705-960067776070";
    let said = |status, headers: &str, key: &str, message: &str| {
        let body = json!({key: {"code": status, "message": message}});
        Answer::text(status, headers, &body.to_string())
    };
    let html = "<html><head><title>oh</title></head><body>oh</body></html>";
    let long = "x".repeat(5000);
    let bytes = |text: &str| Answer::Bytes(text.as_bytes().to_vec());
    let cases = [
        (
            said(400, "", "badRequest", "Invalid image"),
            Kind::Rejected,
            "Invalid image",
        ),
        (said(400, "", "badRequest", &long), Kind::Rejected, "xxx…"),
        (
            said(401, "", "error", "Requires authentication"),
            Kind::Denied,
            "Requires",
        ),
        (
            said(403, "", "forbidden", "Policy doesn't allow it"),
            Kind::Denied,
            "Policy",
        ),
        (
            said(
                403,
                "",
                "forbidden",
                "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances",
            ),
            Kind::Quota,
            "10 of 10",
        ),
        (
            said(403, "", "forbidden", "Maximum number of ports exceeded"),
            Kind::Quota,
            "ports",
        ),
        (
            said(
                409,
                "",
                "NeutronError",
                "Quota exceeded for resources: ['port'].",
            ),
            Kind::Quota,
            "port",
        ),
        (
            said(404, "", "itemNotFound", "Not there"),
            Kind::NotFound,
            "Not there",
        ),
        (Answer::text(404, "", html), Kind::Protocol, "catalogue"),
        (
            Answer::text(
                404,
                "",
                r#"{"message": "The resource could not be found.<br /><br />\n"}"#,
            ),
            Kind::Protocol,
            "could not be found. (HTTP 404)",
        ),
        (
            said(409, "", "conflictingRequest", "Clash"),
            Kind::Conflict,
            "Clash",
        ),
        (
            said(413, "", "overLimit", "Too big"),
            Kind::TooLarge,
            "Too big",
        ),
        (
            said(413, "Retry-After: 7\r\n", "overLimit", "Slower"),
            Kind::RateLimited(Some(Duration::from_secs(7))),
            "Slower",
        ),
        (
            said(429, "Retry-After: 5\r\n", "overLimit", "Slower"),
            Kind::RateLimited(Some(Duration::from_secs(5))),
            "Slower",
        ),
        (
            Answer::text(429, "", ""),
            Kind::RateLimited(None),
            "HTTP 429",
        ),
        (
            said(500, "", "computeFault", "Unexpected API Error"),
            Kind::Unavailable,
            "Unexpected",
        ),
        (Answer::text(502, "", html), Kind::Unavailable, "HTTP 502"),
        (
            Answer::text(503, "", &format!(r#"{{"message": "{html}"}}"#)),
            Kind::Unavailable,
            "HTTP 503",
        ),
        (Answer::text(504, "", ""), Kind::Unavailable, "HTTP 504"),
        (
            Answer::text(302, "Location: http://127.0.0.1:9/\r\n", ""),
            Kind::Protocol,
            "HTTP 302",
        ),
        (
            Answer::text(202, "", "nonsense"),
            Kind::Protocol,
            "cannot be understood",
        ),
        (
            Answer::text(202, "", ""),
            Kind::Protocol,
            "cannot be understood",
        ),
        (
            Answer::text(202, "", html),
            Kind::Protocol,
            "cannot be understood",
        ),
        (
            Answer::json(200, &json!({"server": {"id": "no-uuid"}})),
            Kind::Protocol,
            "cannot be understood",
        ),
        (
            Answer::json(200, &json!({"servers": []})),
            Kind::Protocol,
            "cannot be understood",
        ),
        (
            bytes(&format!(
                "HTTP/1.1 202 OK\r\nContent-Length: 900\r\n\r\n{{\"server\": {{\"id\": \"{id}\""
            )),
            Kind::Protocol,
            "cut",
        ),
        (
            bytes("HTTP/1.1 202 OK\r\nContent-Length: 99999999\r\n\r\n"),
            Kind::Protocol,
            "",
        ),
        (
            bytes("HTTP/1.1 500 No\r\nContent-Length: 900\r\n\r\n{\"computeF"),
            Kind::Unavailable,
            "HTTP 500",
        ),
        (bytes("HTTP/1.1 20"), Kind::Unavailable, ""),
        (bytes(""), Kind::Unavailable, ""),
        (bytes("SSH-2.0-OpenSSH\r\n"), Kind::Unavailable, ""),
        (Answer::Hang, Kind::Timeout, ""),
    ];
    for (nth, (answer, kind, part)) in cases.into_iter().enumerate() {
        let patience = answer.patience();
        let script = move |seen: &Seen, _| (seen.line == CREATE).then(|| answer.clone());
        let stub = Stub::patient(patience, script).await;
        let error = create(&stub).await.unwrap_err();
        assert_eq!((error.system, error.kind), ("nova", kind), "{nth}: {error}");
        assert!(error.detail.contains(part), "{nth}: {error}");
        assert!(error.detail.chars().count() < 400, "{nth}: {error}");
        assert!(!error.detail.contains("<html"), "{nth}: {error}");
        // A change is asked for once; after a refused token, which did nothing, once more.
        let asked = if kind == Kind::Denied && part == "Requires" {
            2
        } else {
            1
        };
        assert_eq!(stub.seen(CREATE).len(), asked, "{nth}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let stub = Stub::new(|seen, _| {
        let body = || vec![b' '; 33 << 20];
        (seen.line == LIMITS)
            .then(|| Answer::Bytes([b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), body()].concat()))
    })
    .await;
    let error = stub.cloud.quota(&region(), &bots()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Protocol, "{error}");
    assert!(error.detail.contains("larger"), "{error}");
}

#[tokio::test]
async fn reads_are_tried_again() {
    let cut = || Answer::Bytes(Vec::new());
    for (first, tries) in [
        (Answer::text(503, "", ""), 2),
        (Answer::text(502, "", ""), 2),
        (Answer::text(429, "Retry-After: 0\r\n", ""), 2),
        (cut(), 2),
        // Longer than anybody waits here; wrong for good; likely to hang again.
        (Answer::text(429, "Retry-After: 3600\r\n", ""), 1),
        (Answer::text(500, "", ""), 1),
        (Answer::Hang, 1),
    ] {
        let stub = Stub::patient(first.patience(), move |seen, nth| {
            (seen.line == LIMITS).then(|| if nth == 0 { first.clone() } else { limits() })
        })
        .await;
        let outcome = stub.cloud.quota(&region(), &bots()).await;
        assert_eq!(outcome.is_ok(), tries > 1, "{outcome:?}");
        assert_eq!(stub.seen(LIMITS).len(), tries, "{outcome:?}");
        if let Ok(left) = outcome.map(|quota| quota.headroom()) {
            assert_eq!(
                (left.instances, left.cores, left.ram_mb),
                (Some(7), None, Some(-512))
            );
        }
    }
    let stub = Stub::new(|seen, _| (seen.line == LIMITS).then(|| Answer::text(503, "", ""))).await;
    let error = stub.cloud.quota(&region(), &bots()).await.unwrap_err();
    assert_eq!(
        (error.kind, stub.seen(LIMITS).len()),
        (Kind::Unavailable, 3)
    );
}

const LOGIN: &str = "POST /v3/auth/tokens";

fn refused() -> Answer {
    Answer::json(401, &json!({"error": {"message": "no"}}))
}

#[tokio::test]
async fn many_calls_share_one_login() {
    let stub = Stub::new(|seen, _| (seen.line == LIMITS).then(limits)).await;
    let (region, bots) = (region(), bots());
    let calls = (0..20).map(|_| stub.cloud.quota(&region, &bots));
    for outcome in join_all(calls).await {
        outcome.unwrap();
    }
    assert_eq!(stub.seen(LOGIN).len(), 1);
    // A failed login is not tried by each who waited for it, but is by who comes later.
    let stub = Stub::new(|seen, _| (seen.line == LOGIN).then(refused)).await;
    let calls = (0..20).map(|_| stub.cloud.quota(&region, &bots));
    for outcome in join_all(calls).await {
        assert_eq!(outcome.unwrap_err().kind, Kind::Denied);
    }
    assert_eq!(stub.seen(LOGIN).len(), 1);
    stub.cloud.quota(&region, &bots).await.unwrap_err();
    assert_eq!(stub.seen(LOGIN).len(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_when_refused_or_old() {
    let stub = Stub::new(|seen, nth| {
        (seen.line == LIMITS).then(|| if nth == 0 { refused() } else { limits() })
    })
    .await;
    stub.cloud.quota(&region(), &bots()).await.unwrap();
    assert_eq!((stub.seen(LOGIN).len(), stub.seen(LIMITS).len()), (2, 2));

    let stub = Stub::new(|seen, _| (seen.line == LIMITS).then(refused)).await;
    let error = stub.cloud.quota(&region(), &bots()).await.unwrap_err();
    assert_eq!((error.system, error.kind), ("nova", Kind::Denied));
    assert_eq!((stub.seen(LOGIN).len(), stub.seen(LIMITS).len()), (2, 2));

    let stub = Stub::new(|seen, _| match seen.line.as_str() {
        LOGIN => {
            let host = seen.head.split("host: ").nth(1)?.lines().next()?.trim();
            Some(login(&format!("http://{host}"), "2099-01-01T00:00:00Z"))
        }
        LIMITS => Some(limits()),
        _ => None,
    })
    .await;
    stub.cloud.quota(&region(), &bots()).await.unwrap();
    let before = stub.seen(LOGIN).len();
    stub.cloud.quota(&region(), &bots()).await.unwrap();
    assert!(stub.seen(LOGIN).len() > before);
}

#[tokio::test]
async fn keystone_in_trouble() {
    let headless = Answer::json(201, &json!({"token": {}}));
    for (answer, kind) in [
        (Answer::text(500, "", ""), Kind::Unavailable),
        (Answer::text(503, "", ""), Kind::Unavailable),
        (Answer::text(201, "", "nonsense"), Kind::Protocol),
        (
            Answer::text(201, "X-Subject-Token: t\r\n", "nonsense"),
            Kind::Protocol,
        ),
        (headless, Kind::Protocol),
        (Answer::Hang, Kind::Timeout),
    ] {
        let patience = answer.patience();
        let script = move |seen: &Seen, _| (seen.line == LOGIN).then(|| answer.clone());
        let stub = Stub::patient(patience, script).await;
        let error = stub.cloud.ping().await.unwrap_err();
        assert_eq!((error.system, error.kind), ("keystone", kind), "{error}");
    }
}

/// Only Nova's own word makes a server gone.
#[tokio::test]
async fn not_found_is_a_positive_word() {
    let id = InstanceId::parse("015515f9-908d-4882-b705-960067776070").unwrap();
    for (answer, gone) in [
        (json!({"itemNotFound": {"message": "gone"}}), true),
        (
            json!({"message": "The resource could not be found."}),
            false,
        ),
        (json!("proxy"), false),
    ] {
        let stub = Stub::new(move |seen, _| {
            seen.line
                .contains("/servers/")
                .then(|| Answer::json(404, &answer))
        })
        .await;
        let found = stub.cloud.server(&region(), &bots(), id).await;
        assert_eq!(found.is_ok_and(|found| found.is_none()), gone);
        let deleted = stub.cloud.delete_server(&region(), &bots(), id).await;
        assert_eq!(deleted.is_ok(), gone);
        let console = stub.cloud.console_output(&region(), &bots(), id).await;
        assert_eq!(console.unwrap_err().kind == Kind::NotFound, gone);
    }
}

/// A service that says back what it was given: neither password nor token comes out.
#[tokio::test]
async fn secrets_stay_inside() {
    let echo = |seen: &Seen| {
        Answer::json(
            400,
            &json!({"error": {"message": format!("{} {}", seen.head, seen.body)}}),
        )
    };
    let stub = Stub::new(move |seen, _| (seen.line == LOGIN).then(|| echo(seen))).await;
    let login = stub.cloud.ping().await.unwrap_err();
    assert!(stub.seen(LOGIN)[0].body.contains(PASSWORD));
    let stub = Stub::new(move |seen, _| (seen.line == LIMITS).then(|| echo(seen))).await;
    let call = stub.cloud.quota(&region(), &bots()).await.unwrap_err();
    assert!(stub.seen(LIMITS)[0].head.contains(TOKEN));
    for error in [login, call] {
        let shown = format!("{error} {error:?} {:?}", error.refusal());
        assert!(
            !shown.contains(PASSWORD) && !shown.contains(TOKEN),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn every_call_carries_the_request_id_and_the_version() {
    let stub = Stub::new(|seen, _| (seen.line == LIMITS).then(limits)).await;
    let id = "0b1c2d3e-0000-4000-8000-123456789abc";
    with_request_id(id, stub.cloud.quota(&region(), &bots()))
        .await
        .unwrap();
    let header = format!("x-openstack-request-id: req-{id}");
    for line in [LOGIN, "GET /v2.1/", LIMITS] {
        assert!(stub.seen(line)[0].head.contains(&header), "{line}");
    }
    let version = "openstack-api-version: compute 2.90";
    assert!(stub.seen(LIMITS)[0].head.contains(version));
}

#[tokio::test]
async fn an_old_nova_and_an_unknown_region_are_named() {
    let stub = Stub::new(|seen, _| {
        let old = json!({"version": {"version": "2.42", "min_version": "2.1"}});
        (seen.line == "GET /v2.1/").then(|| Answer::json(200, &old))
    })
    .await;
    let error = create(&stub).await.unwrap_err();
    assert_eq!(error.kind, Kind::Rejected);
    assert!(
        error.detail.contains("2.42") && error.detail.contains("2.52"),
        "{error}"
    );
    let nowhere = osm_core::ids::Region::trusted("Nowhere");
    let error = stub.cloud.flavors(&nowhere, &bots()).await.unwrap_err();
    assert!(error.detail.contains("Nowhere"), "{error}");
}
