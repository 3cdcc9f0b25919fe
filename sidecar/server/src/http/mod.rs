//! What the shim and the operators' probes speak to.
//!
//! A request of the shim passes, in this order: the signature over its head, a place among those under way,
//! the size of its body, the signed digest over exactly the received bytes, the nonce, the envelope. Only then
//! an action is called. Scripts come in by a door of their own: [`scripts`].

mod envelope;
mod error;
mod gate;
mod health;
pub mod scripts;

pub use gate::Gate;
pub use health::{Ask, Backlog, Health};

use crate::actions::{ApiReply, ApiRequest, Caller, Context, SpecialRequest};
use crate::telemetry::metrics;
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use envelope::Envelope;
use error::Fault;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use osm_core::view::View;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument as _, error, info, info_span};

/// The largest body taken.
const BODY_LIMIT: usize = 1024 * 1024;
/// How many requests of the shim may be under way; the next is told to come back.
const PLACES: usize = 64;
/// Shorter than the shim waits, so that it hears a reason.
const TIME_LIMIT: Duration = Duration::from_secs(18);

/// What stands behind the gate.
#[async_trait]
pub trait Actions: Send + Sync + 'static {
    /// A special page; `None` where there is none of that name.
    async fn special(&self, page: &str, caller: &Caller, request: &SpecialRequest) -> Option<View>;
    /// An API module; `None` where there is none of that name.
    async fn api(&self, module: &str, caller: &Caller, request: &ApiRequest) -> Option<ApiReply>;
}

#[async_trait]
impl Actions for Context {
    async fn special(&self, page: &str, caller: &Caller, request: &SpecialRequest) -> Option<View> {
        Context::special(self, page, caller, request).await
    }
    async fn api(&self, module: &str, caller: &Caller, request: &ApiRequest) -> Option<ApiReply> {
        Context::api(self, module, caller, request).await
    }
}

/// The HTTP side of the process.
pub struct Http {
    gate: Gate,
    actions: Arc<dyn Actions>,
    health: Health,
    places: Semaphore,
    time_limit: Duration,
}

impl Http {
    /// Puts a gate in front of actions.
    pub fn new(gate: Gate, actions: Arc<dyn Actions>, health: Health) -> Self {
        Self {
            gate,
            actions,
            health,
            places: Semaphore::new(PLACES),
            time_limit: TIME_LIMIT,
        }
    }
}

/// All routes.
pub fn router(http: Http) -> Router {
    Router::new()
        .route("/v1/special/{page}", post(special))
        .route("/v1/api/{module}", post(api))
        .route("/healthz", get(async || "alive\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(scrape))
        .fallback(async || Fault::NoSuchRoute)
        .method_not_allowed_fallback(async || Fault::Method)
        .layer(CatchPanicLayer::custom(|_| {
            // The panic hook has written where it was; what it said may quote a request.
            error!("a request's handler panicked");
            Fault::Internal.into_response()
        }))
        .with_state(Arc::new(http))
}

/// The status that the wiki's page has, of an answer that is always 200: for log and metrics.
#[derive(Clone, Copy)]
struct ViewStatus(u16);

/// Which kind of thing is called.
#[derive(Clone, Copy)]
enum Door {
    Special,
    Api,
}

async fn special(
    State(http): State<Arc<Http>>,
    Path(page): Path<String>,
    request: Request,
) -> Response {
    http.answer(Door::Special, &page, request).await
}

async fn api(
    State(http): State<Arc<Http>>,
    Path(module): Path<String>,
    request: Request,
) -> Response {
    http.answer(Door::Api, &module, request).await
}

async fn readyz(State(http): State<Arc<Http>>) -> Response {
    let (ready, report) = http.health.report().await;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, axum::Json(report)).into_response()
}

async fn scrape(State(http): State<Arc<Http>>) -> Response {
    http.health.measure().await;
    let kind = [("content-type", metrics::CONTENT_TYPE)];
    (kind, metrics::text()).into_response()
}

impl Http {
    async fn answer(&self, door: Door, name: &str, request: Request) -> Response {
        let begun = Instant::now();
        let answered = tokio::time::timeout(self.time_limit, self.call(door, name, request)).await;
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(fault)) => fault.into_response(),
            Err(_) => {
                error!(name, "no answer within {:?}", self.time_limit);
                Fault::Timeout.into_response()
            }
        };
        // Any name can be asked for; only those that exist become a label.
        let route = match (door, response.status()) {
            (_, StatusCode::OK) => name,
            (Door::Special, _) => "special",
            (Door::Api, _) => "api",
        };
        let status = response.extensions().get::<ViewStatus>();
        let status = status.map_or(response.status().as_u16(), |view| view.0);
        metrics::request(route, status, begun.elapsed());
        response
    }

    async fn call(&self, door: Door, name: &str, request: Request) -> Result<Response, Fault> {
        let (parts, body) = request.into_parts();
        // First, so that nobody without a key holds a place by sending a body slowly.
        let signed = self.gate.look(&parts)?;
        let _place = self.places.try_acquire().map_err(|_| Fault::Busy)?;
        let body = read(body).await?;
        let request_id = self.gate.admit(&parts, signed, &body).await?;
        let envelope = Envelope::parse(&body, &request_id)?;
        let span = info_span!(
            "request",
            request_id,
            user = envelope.user_id(),
            page = name,
            post = envelope.post()
        );
        let begun = Instant::now();
        async {
            let response = match door {
                Door::Special => self.special(name, envelope).await,
                Door::Api => self.api(name, envelope).await,
            };
            let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let view = response.as_ref().ok();
            let status = view.and_then(|r| r.extensions().get::<ViewStatus>());
            info!(
                found = view.is_some(),
                status = status.map(|s| s.0),
                ms,
                "answered"
            );
            response
        }
        .instrument(span)
        .await
    }

    async fn special(&self, page: &str, envelope: Envelope) -> Result<Response, Fault> {
        let (caller, request) = envelope.into_special();
        let view = self.actions.special(page, &caller, &request).await;
        let view = view.ok_or(Fault::NoSuchName)?;
        let status = ViewStatus(view.status);
        let mut response = axum::Json(view).into_response();
        response.extensions_mut().insert(status);
        Ok(response)
    }

    async fn api(&self, module: &str, envelope: Envelope) -> Result<Response, Fault> {
        let (caller, request) = envelope.into_api();
        let reply = self.actions.api(module, &caller, &request).await;
        reply
            .map(|reply| axum::Json(reply).into_response())
            .ok_or(Fault::NoSuchName)
    }
}

async fn read(body: Body) -> Result<Bytes, Fault> {
    match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Fault::TooLarge),
        Err(_) => Err(Fault::Malformed("the body broke off".to_owned())),
    }
}

#[cfg(test)]
mod tests;
