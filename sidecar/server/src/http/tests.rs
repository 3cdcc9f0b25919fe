//! The gate, through the router: who is let in, who is not, and that nothing is done for the latter.

use super::*;
use axum::http::{HeaderName, HeaderValue, Method};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use osm_core::message::Msg;
use osm_core::ports::{Kind, Nonces, PortError};
use osm_core::signing::{self, FROM_SHIM, Keys, TO_WIKI};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tower::ServiceExt as _;

const AUTHORITY: &str = "127.0.0.1:8090";
const FIRST: &str = "first:0101010101010101010101010101010101010101010101010101010101010101";
const SECOND: &str = "second:0202020202020202020202020202020202020202020202020202020202020202";

/// Nonces in memory; `away` plays a database that is down.
#[derive(Default)]
struct Memory {
    seen: Mutex<HashSet<String>>,
    away: bool,
}

#[async_trait]
impl Nonces for Memory {
    async fn remember(&self, nonce: &str, _: DateTime<Utc>) -> Result<bool, PortError> {
        if self.away {
            return Err(PortError::new(
                "mysql",
                "insert",
                "nonces",
                Kind::Unavailable,
                "refused",
            ));
        }
        Ok(self.seen.lock().unwrap().insert(nonce.to_owned()))
    }
}

/// Counts what reaches it, and says back what it was told.
#[derive(Default)]
struct Echo {
    reached: AtomicUsize,
}

#[async_trait]
impl Actions for Echo {
    async fn special(&self, page: &str, caller: &Caller, r: &SpecialRequest) -> Option<View> {
        self.reached.fetch_add(1, Ordering::SeqCst);
        assert_ne!(page, "Panic");
        if page == "Stuck" {
            std::future::pending::<()>().await;
        }
        (page == "NovaInstance").then(|| {
            View::new(
                Msg::new("echo")
                    .with(caller.user.name.as_str())
                    .with(r.form.text("instancename"))
                    .with(r.query.text("action")),
            )
        })
    }
    async fn api(&self, module: &str, _: &Caller, r: &ApiRequest) -> Option<ApiReply> {
        self.reached.fetch_add(1, Ordering::SeqCst);
        match module {
            "novainstance" => Some(ApiReply::Result {
                result: json!({"name": r.params.text("instancename")}),
                cont: None,
            }),
            _ => None,
        }
    }
}

struct Bench {
    router: Router,
    echo: Arc<Echo>,
}

impl Bench {
    fn new(away: bool) -> Self {
        let echo = Arc::new(Echo::default());
        let nonces = Arc::new(Memory {
            away,
            ..Memory::default()
        });
        let keys = Keys::parse(&format!("{FIRST}\n{SECOND}")).unwrap();
        let gate = Gate::new(keys, AUTHORITY.to_owned(), nonces);
        let mut http = Http::new(gate, echo.clone(), health());
        http.time_limit = Duration::from_millis(200);
        let router = router(http);
        Self { router, echo }
    }

    async fn send(&self, request: axum::http::Request<Body>) -> (StatusCode, Value) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

/// The wiki answers, LDAP does not, three pages wait.
fn health() -> Health {
    let wiki: Ask<()> = Box::new(|| async { Ok(()) }.boxed());
    let ldap: Ask<()> = Box::new(|| {
        async {
            Err(PortError::new(
                "ldap",
                "bind",
                "dc=x",
                Kind::Unavailable,
                "refused",
            ))
        }
        .boxed()
    });
    let waiting: Ask<Backlog> = Box::new(|| {
        let pages = 3;
        async move {
            Ok(Backlog {
                pages,
                ..Backlog::default()
            })
        }
        .boxed()
    });
    Health::new(vec![("wiki", wiki), ("ldap", ldap)], waiting)
}

/// A request as the shim makes it; each test spoils one thing.
struct Shim {
    key: &'static str,
    path: &'static str,
    authority: &'static str,
    body: String,
    age: i64,
    request_id: &'static str,
    content_type: &'static str,
    profile: &'static signing::Profile,
}

impl Default for Shim {
    fn default() -> Self {
        Self {
            key: FIRST,
            path: "/v1/special/NovaInstance",
            authority: AUTHORITY,
            body: envelope().to_string(),
            age: 0,
            request_id: "request-0001",
            content_type: "application/json",
            profile: &FROM_SHIM,
        }
    }
}

fn envelope() -> Value {
    json!({
        "v": 1, "request_id": "request-0001",
        "actor": {"wiki_user_id": 12, "name": "Volunteer", "groups": ["user"], "rights": [],
                  "block": null, "registered": null, "email_confirmed": false},
        "lang": "en", "read_only": null, "method": "POST",
        "query": {"action": "create"}, "form": {"instancename": "grün", "groups": ["default", "web"]},
        "idempotency_key": null,
    })
}

impl Shim {
    fn sign(&self) -> axum::http::Request<Body> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let nonce = format!("{:032x}", COUNT.fetch_add(1, Ordering::SeqCst));
        let covered = [
            ("content-type", self.content_type),
            ("osm-request-id", self.request_id),
            ("osm-user", "system"),
            ("osm-parent", "-"),
        ];
        let signed = signing::sign(
            self.profile,
            &Keys::parse(self.key).unwrap(),
            signing::Request {
                method: "POST",
                authority: self.authority,
                path: self.path,
                query: "",
                body: self.body.as_bytes(),
            },
            |name| covered.iter().find(|(n, _)| *n == name).map(|(_, v)| *v),
            Utc::now().timestamp() - self.age,
            &nonce,
        )
        .unwrap();
        axum::http::Request::post(self.path)
            .header("host", self.authority)
            .header("content-type", self.content_type)
            .header("osm-request-id", self.request_id)
            .header("content-digest", signed.content_digest)
            .header("signature-input", signed.signature_input)
            .header("signature", signed.signature)
            .body(Body::from(self.body.clone()))
            .unwrap()
    }
}

#[tokio::test]
async fn the_shim_is_heard() {
    let bench = Bench::new(false);
    for key in [FIRST, SECOND] {
        let (status, view) = bench
            .send(
                Shim {
                    key,
                    ..Shim::default()
                }
                .sign(),
            )
            .await;
        assert_eq!(status, StatusCode::OK);
        let told: Vec<&str> = (0..3)
            .map(|i| view["title"]["params"][i]["v"].as_str().unwrap())
            .collect();
        assert_eq!(told, ["Volunteer", "grün", "create"]);
    }
    let path = "/v1/api/novainstance";
    let (status, reply) = bench
        .send(
            Shim {
                path,
                ..Shim::default()
            }
            .sign(),
        )
        .await;
    assert_eq!(
        (status, reply),
        (StatusCode::OK, json!({"result": {"name": "grün"}}))
    );
    assert_eq!(bench.echo.reached.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nobody_else_is() {
    type Spoil = fn(&mut axum::http::Request<Body>);
    let unsigned: [Spoil; 3] = [
        |r| drop(r.headers_mut().remove("signature")),
        |r| drop(r.headers_mut().remove("signature-input")),
        |r| drop(r.headers_mut().remove("content-digest")),
    ];
    let forged: [Spoil; 6] = [
        |r| *r.body_mut() = Body::from(envelope().to_string().replace("Volunteer", "Operator")),
        |r| *r.uri_mut() = "/v1/special/NovaProject".parse().unwrap(),
        |r| *r.uri_mut() = "/v1/special/NovaInstance?x=1".parse().unwrap(),
        |r| *r.method_mut() = Method::PUT,
        |r| {
            let other = HeaderValue::from_static("request-0002");
            r.headers_mut().insert("osm-request-id", other);
        },
        |r| {
            let other = HeaderValue::from_static("localhost:8090");
            r.headers_mut().insert("host", other);
        },
    ];
    let bench = Bench::new(false);
    for spoil in unsigned.into_iter().chain(forged) {
        let mut request = Shim::default().sign();
        spoil(&mut request);
        let is_put = request.method() == Method::PUT;
        let (status, body) = bench.send(request).await;
        let expected = if is_put {
            StatusCode::METHOD_NOT_ALLOWED
        } else {
            StatusCode::UNAUTHORIZED
        };
        assert_eq!(status, expected);
        assert!(
            !body.to_string().contains("key"),
            "the answer tells no more than no"
        );
    }
    for name in [
        "host",
        "content-type",
        "content-digest",
        "osm-request-id",
        "signature-input",
        "signature",
    ] {
        let mut request = Shim::default().sign();
        let name = HeaderName::from_static(name);
        let same = request.headers()[&name].clone();
        request.headers_mut().append(name, same);
        assert_eq!(bench.send(request).await.0, StatusCode::UNAUTHORIZED);
    }
    let bad = [
        Shim {
            age: 31,
            ..Shim::default()
        },
        Shim {
            age: -31,
            ..Shim::default()
        },
        Shim {
            key: "first:0303030303030303030303030303030303030303030303030303030303030303",
            ..Shim::default()
        },
        Shim {
            key: "third:0101010101010101010101010101010101010101010101010101010101010101",
            ..Shim::default()
        },
        Shim {
            authority: "10.0.0.1:8090",
            ..Shim::default()
        },
        Shim {
            content_type: "application/json; charset=utf-8",
            ..Shim::default()
        },
        Shim {
            request_id: "short",
            ..Shim::default()
        },
        // A message of ours to the wiki, sent back to us.
        Shim {
            profile: &TO_WIKI,
            ..Shim::default()
        },
    ];
    for shim in bad {
        assert_eq!(bench.send(shim.sign()).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(bench.echo.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_replay_is_refused() {
    let bench = Bench::new(false);
    let request = Shim::default().sign();
    let (parts, _) = request.into_parts();
    let copy = || axum::http::Request::from_parts(parts.clone(), Body::from(Shim::default().body));
    assert_eq!(bench.send(copy()).await.0, StatusCode::OK);
    assert_eq!(bench.send(copy()).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(bench.echo.reached.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_a_database_nothing_is_done() {
    let bench = Bench::new(true);
    let (status, body) = bench.send(Shim::default().sign()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["error"]["code"], "database");
    assert_eq!(bench.echo.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_is_signed_must_still_make_sense() {
    let bench = Bench::new(false);
    let with = |key: &str, value: Value| {
        let mut changed = envelope();
        changed[key] = value;
        changed.to_string()
    };
    let mut without = envelope();
    without.as_object_mut().unwrap().remove("actor");
    for (body, complaint) in [
        (String::new(), "EOF"),
        ("[]".to_owned(), "invalid"),
        (with("v", json!(2)), "version 1"),
        (with("request_id", json!("request-0002")), "header"),
        (with("surprise", json!(1)), "surprise"),
        (with("query", json!([])), "query"),
        (with("form", json!({"a": {"b": "c"}})), "form.a"),
        (with("method", json!("DELETE")), "method"),
        (with("method", json!("GET")), "form"),
        (with("lang", json!("../../etc")), "lang"),
        (
            with("actor", json!({"wiki_user_id": 0, "name": "Somebody"})),
            "actor",
        ),
        (
            with("actor", json!({"wiki_user_id": -1, "name": "Somebody"})),
            "wiki_user_id",
        ),
        (without.to_string(), "actor"),
        (envelope().to_string() + "{}", "more"),
    ] {
        let (status, answer) = bench
            .send(
                Shim {
                    body,
                    ..Shim::default()
                }
                .sign(),
            )
            .await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{complaint}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            message.contains(complaint),
            "{message:?} should mention {complaint:?}"
        );
    }
    let body = "x".repeat(BODY_LIMIT + 1);
    let (status, _) = bench
        .send(
            Shim {
                body,
                ..Shim::default()
            }
            .sign(),
        )
        .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(bench.echo.reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn the_rest_of_the_table() {
    let bench = Bench::new(false);
    for (path, expected) in [
        ("/v1/special/NovaNothing", StatusCode::NOT_FOUND),
        ("/v1/api/nothing", StatusCode::NOT_FOUND),
        ("/v1/elsewhere", StatusCode::NOT_FOUND),
        ("/v1/special/Panic", StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        let (status, body) = bench
            .send(
                Shim {
                    path,
                    ..Shim::default()
                }
                .sign(),
            )
            .await;
        assert_eq!(status, expected, "{path}");
        assert!(body["error"]["message"].is_string(), "{path}");
    }
    let get = |path: &str| axum::http::Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(bench.send(get("/healthz")).await.0, StatusCode::OK);
    let (status, report) = bench.send(get("/readyz")).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(report["neighbours"]["wiki"]["ok"], true);
    assert_eq!(report["neighbours"]["ldap"]["ok"], false);
    let metrics = bench.router.clone().oneshot(get("/metrics")).await.unwrap();
    let text = axum::body::to_bytes(metrics.into_body(), 1 << 20)
        .await
        .unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    for line in [
        "openstackmanager_requests_total{route=\"special\",status=\"404\"}",
        "openstackmanager_backend_errors_total{system=\"ldap\",kind=\"unavailable\"}",
        "openstackmanager_pages_waiting 3",
    ] {
        assert!(text.contains(line), "{line} is missing in {text}");
    }
}

#[tokio::test]
async fn what_takes_too_long_is_given_up_and_its_place_is_free_again() {
    let bench = Bench::new(false);
    let stuck = || {
        let shim = Shim {
            path: "/v1/special/Stuck",
            ..Shim::default()
        };
        bench.send(shim.sign())
    };
    for round in 0..2 {
        let answers = futures_util::future::join_all((0..=PLACES).map(|_| stuck())).await;
        let count = |wanted| {
            answers
                .iter()
                .filter(|(status, _)| *status == wanted)
                .count()
        };
        let (late, busy) = (
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        );
        assert_eq!((count(late), count(busy)), (PLACES, 1), "round {round}");
    }
    assert_eq!(bench.send(Shim::default().sign()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn whoever_has_no_key_holds_no_place() {
    let bench = Bench::new(false);
    // Their bodies never come; a signature that was altered is as good as none.
    let slow = |spoil: bool| {
        let mut request = Shim::default().sign().map(|_| {
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>())
        });
        let other = HeaderValue::from_static("request-0002");
        request.headers_mut().insert("osm-request-id", other);
        if spoil {
            request.headers_mut().remove("signature");
        }
        bench.send(request)
    };
    let answers = futures_util::future::join_all((0..2 * PLACES).map(|n| slow(n % 2 == 0))).await;
    assert!(
        answers
            .iter()
            .all(|(status, _)| *status == StatusCode::UNAUTHORIZED)
    );
}
