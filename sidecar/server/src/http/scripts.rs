//! What scripts speak to: `POST /v1/log`, with a project's token instead of the shim's signature.
//!
//! Nothing but this route is for others than the wiki and the operators' probes.

use crate::actions::Context;
use crate::telemetry::metrics;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http_body_util::{BodyExt as _, Limited};
use osm_core::log::token::{Logged, NotLogged, Sent};
use osm_core::ports::LogToken;
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// The largest body taken: a message of a thousand characters, each written as an escape.
const BODY_LIMIT: usize = 16 * 1024;
/// How many scripts may be spoken with at once; the next is told to come back.
const PLACES: usize = 16;
/// How many of these one token may hold.
const EACH: usize = 4;
/// How many tokens are looked for at once; the next waits.
const LOOKS: usize = 4;
/// How long a script may take for its body.
const BODY_TIME: Duration = Duration::from_secs(5);
const TIME_LIMIT: Duration = Duration::from_secs(18);

/// What stands behind.
#[async_trait]
pub trait Scripts: Send + Sync + 'static {
    /// The token that a script comes with.
    async fn token(&self, token: &str) -> Result<LogToken, NotLogged>;
    /// Logs what it sends.
    async fn log(&self, token: &LogToken, sent: &Sent) -> Result<Logged, NotLogged>;
}

#[async_trait]
impl Scripts for Context {
    async fn token(&self, token: &str) -> Result<LogToken, NotLogged> {
        self.log_token(token).await
    }

    async fn log(&self, token: &LogToken, sent: &Sent) -> Result<Logged, NotLogged> {
        self.log_by_token(token, sent).await
    }
}

struct Door {
    scripts: Arc<dyn Scripts>,
    places: Semaphore,
    /// By token; there are few.
    each: Mutex<HashMap<u64, Arc<Semaphore>>>,
    looks: Semaphore,
}

/// The route.
pub fn router(scripts: Arc<dyn Scripts>) -> Router {
    let door = Door {
        scripts,
        places: Semaphore::new(PLACES),
        each: Mutex::default(),
        looks: Semaphore::new(LOOKS),
    };
    Router::new()
        .route("/v1/log", post(answer))
        .with_state(Arc::new(door))
}

async fn answer(State(door): State<Arc<Door>>, request: Request) -> Response {
    let begun = Instant::now();
    let answered = tokio::time::timeout(TIME_LIMIT, door.call(request)).await;
    let response = match answered {
        Ok(Ok(logged)) => axum::Json(logged).into_response(),
        Ok(Err(no)) => no.response(),
        Err(_) => No::Rule(NotLogged::Away).response(),
    };
    metrics::request("log", response.status().as_u16(), begun.elapsed());
    response
}

impl Door {
    async fn call(&self, request: Request) -> Result<Logged, No> {
        let (parts, body) = request.into_parts();
        let token = token(&parts.headers).ok_or(No::Rule(NotLogged::NoToken))?;
        // First, so that nobody without a good token holds a place; few at once, so that the database has other
        // things to do. Whoever has one sends the body soon, or makes room for the others.
        let looking = self.looks.acquire().await.map_err(|_| No::Busy)?;
        let token = self.scripts.token(token).await.map_err(No::Rule)?;
        drop(looking);
        let _own = self
            .own(token.id)
            .try_acquire_owned()
            .map_err(|_| No::Busy)?;
        let _place = self.places.try_acquire().map_err(|_| No::Busy)?;
        let sent = tokio::time::timeout(BODY_TIME, read(body)).await;
        let sent = sent.map_err(|_| No::Slow)??;
        self.scripts.log(&token, &sent).await.map_err(No::Rule)
    }

    /// The places of a token.
    fn own(&self, token: u64) -> Arc<Semaphore> {
        let mut each = self.each.lock().unwrap_or_else(PoisonError::into_inner);
        let own = each
            .entry(token)
            .or_insert_with(|| Arc::new(Semaphore::new(EACH)));
        Arc::clone(own)
    }
}

/// `Authorization: Bearer …`.
fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let whole = scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty();
    whole.then_some(token.trim())
}

async fn read(body: Body) -> Result<Sent, No> {
    let whole = Limited::new(body, BODY_LIMIT).collect().await;
    let whole = whole.map_err(|_| No::TooLarge)?.to_bytes();
    serde_json::from_slice(&whole).map_err(|_| No::Malformed)
}

/// Why nothing was logged.
enum No {
    TooLarge,
    Malformed,
    Slow,
    Busy,
    Rule(NotLogged),
}

impl No {
    fn response(&self) -> Response {
        let (status, code, message) = match self {
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "toolarge",
                "The body broke off or is larger than 16 KiB.".to_owned(),
            ),
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "malformed",
                r#"The body must be {"project": "…", "message": "…"}, with "key" if you like, in UTF-8."#.to_owned(),
            ),
            Self::Slow => (
                StatusCode::REQUEST_TIMEOUT,
                "slow",
                "The body did not come within five seconds.".to_owned(),
            ),
            Self::Busy => (
                StatusCode::TOO_MANY_REQUESTS,
                "busy",
                "Too many requests are under way; try again in a second.".to_owned(),
            ),
            Self::Rule(why) => {
                let status = match why {
                    NotLogged::NoToken => StatusCode::UNAUTHORIZED,
                    NotLogged::Elsewhere(_) => StatusCode::FORBIDDEN,
                    NotLogged::NoProject(_) => StatusCode::NOT_FOUND,
                    NotLogged::NoMessage | NotLogged::TooLong | NotLogged::BadKey => {
                        StatusCode::BAD_REQUEST
                    }
                    NotLogged::OtherSaying => StatusCode::CONFLICT,
                    NotLogged::TooMany => StatusCode::TOO_MANY_REQUESTS,
                    NotLogged::Away => StatusCode::SERVICE_UNAVAILABLE,
                };
                (status, why.code(), why.to_string())
            }
        };
        let body = axum::Json(json!({"error": {"code": code, "message": message}}));
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use osm_core::ids::ProjectName;
    use tower::ServiceExt as _;

    struct Echo;

    #[async_trait]
    impl Scripts for Echo {
        async fn token(&self, token: &str) -> Result<LogToken, NotLogged> {
            let good = LogToken {
                id: token.len() as u64,
                project: ProjectName::trusted("bots"),
                name: "backup".to_owned(),
                made_at: DateTime::UNIX_EPOCH,
                made_by: "Ada".to_owned(),
                used_at: None,
            };
            Some(good)
                .filter(|_| token.starts_with("good"))
                .ok_or(NotLogged::NoToken)
        }

        async fn log(&self, _: &LogToken, sent: &Sent) -> Result<Logged, NotLogged> {
            match sent.message.as_str() {
                "too many" => Err(NotLogged::TooMany),
                _ => Ok(Logged {
                    log: sent.project.clone(),
                    entry: 7,
                    page: "Nova Resource:Bots/SAL".to_owned(),
                }),
            }
        }
    }

    async fn send(authorization: Option<&str>, body: String) -> (u16, String) {
        let mut request = axum::http::Request::post("/v1/log");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = router(Arc::new(Echo)).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn request(authorization: &str, body: Body) -> Request {
        let request = axum::http::Request::post("/v1/log").header("authorization", authorization);
        request.body(body).unwrap()
    }

    /// A body that never comes.
    fn stuck() -> Body {
        Body::from_stream(futures_util::stream::pending::<std::io::Result<Vec<u8>>>())
    }

    #[tokio::test(start_paused = true)]
    async fn places_are_for_good_tokens_and_not_for_long() {
        let door = router(Arc::new(Echo));
        let ask = |authorization: &str, body: Body| {
            let (door, request) = (door.clone(), request(authorization, body));
            tokio::spawn(async move { door.oneshot(request).await.unwrap().status().as_u16() })
        };
        let said = || Body::from(json!({"project": "bots", "message": "x"}).to_string());
        let fake: Vec<_> = (0..100).map(|_| ask("Bearer fake", stuck())).collect();
        for each in fake {
            assert_eq!(each.await.unwrap(), 401);
        }
        // One token leaves places to the others.
        let mut slow: Vec<_> = (0..EACH).map(|_| ask("Bearer good", stuck())).collect();
        tokio::task::yield_now().await;
        assert_eq!(ask("Bearer good", said()).await.unwrap(), 429);
        assert_eq!(ask("Bearer good1", said()).await.unwrap(), 200);
        for token in ["good1", "good22", "good333"] {
            slow.extend((0..EACH).map(|_| ask(&format!("Bearer {token}"), stuck())));
        }
        tokio::task::yield_now().await;
        assert_eq!(ask("Bearer good4444", said()).await.unwrap(), 429);
        for each in slow {
            assert_eq!(each.await.unwrap(), 408);
        }
        assert_eq!(ask("Bearer good", said()).await.unwrap(), 200);
    }

    #[tokio::test]
    async fn scripts() {
        let said = |message: &str| json!({"project": "bots", "message": message}).to_string();
        let long = said(&"x".repeat(BODY_LIMIT));
        for (authorization, body, wanted, word) in [
            (Some("Bearer good"), said("x"), 200, r#""entry":7"#),
            (Some("bearer good"), said("x"), 200, r#""entry":7"#),
            (Some("Bearer other"), said("x"), 401, "notoken"),
            (Some("Basic good"), said("x"), 401, "notoken"),
            (Some("Bearer "), said("x"), 401, "notoken"),
            (None, said("x"), 401, "notoken"),
            (Some("Bearer good"), said("too many"), 429, "toomany"),
            (Some("Bearer good"), long, 413, "toolarge"),
            (Some("Bearer good"), "{}".to_owned(), 400, "malformed"),
            (
                Some("Bearer good"),
                said("x").replace('}', r#","more":1}"#),
                400,
                "malformed",
            ),
        ] {
            let (status, answer) = send(authorization, body).await;
            assert_eq!(status, wanted, "{authorization:?} {answer}");
            assert!(answer.contains(word), "{answer}");
        }
    }
}
