//! Others over HTTP: a sidecar on another machine, where a script logs by a token; addresses that are told of the
//! log ([`Webhook`], [`Mastodon`]).

// The error that all ports share tells a lot, and is returned seldom.
#![allow(clippy::result_large_err)]

mod hook;
mod mastodon;

pub use hook::Webhook;
pub use mastodon::Mastodon;

use crate::http::{causes, client};
use crate::secret::Secret;
use osm_core::log::token::{Logged, Sent};
use osm_core::ports::{Kind, PortError};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// Longer than the sidecar takes.
const CALL: Duration = Duration::from_secs(20);
/// Pauses before further tries, in seconds: a restart is outlasted.
const PAUSES: [u64; 5] = [1, 2, 4, 8, 16];

/// Sends a message, again where it is not known to be logged. It has a key, so it is logged once.
pub async fn log(url: &Url, token: &Secret, sent: &Sent) -> Result<Logged, PortError> {
    let failed = |kind, detail| PortError::new("sidecar", "log at", url.as_str(), kind, detail);
    let client = client(CALL)
        .build()
        .map_err(|error| failed(Kind::Rejected, error.to_string()))?;
    let route = url
        .join("v1/log")
        .map_err(|error| failed(Kind::Rejected, error.to_string()))?;
    let mut pauses = PAUSES.iter();
    loop {
        let outcome = once(&client, &route, token, sent).await;
        match (outcome, pauses.next()) {
            (Err((kind, _)), Some(pause)) if may_pass(kind) => {
                tokio::time::sleep(Duration::from_secs(*pause)).await;
            }
            (outcome, _) => return outcome.map_err(|(kind, detail)| failed(kind, detail)),
        }
    }
}

fn may_pass(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Unavailable | Kind::Timeout | Kind::RateLimited(_)
    )
}

async fn once(
    client: &Client,
    route: &Url,
    token: &Secret,
    sent: &Sent,
) -> Result<Logged, (Kind, String)> {
    let request = client
        .post(route.clone())
        .bearer_auth(token.expose())
        .json(sent);
    let response = request.send().await.map_err(broken)?;
    let status = response.status();
    let body = response.bytes().await.map_err(broken)?;
    if status.is_success() {
        let nonsense = |_| (Kind::Protocol, "an answer that makes no sense".to_owned());
        return serde_json::from_slice(&body).map_err(nonsense);
    }
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => Kind::RateLimited(None),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Kind::Denied,
        status if status.is_server_error() => Kind::Unavailable,
        _ => Kind::Rejected,
    };
    let told = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let told = told.pointer("/error/message").and_then(Value::as_str);
    let detail = told.map_or_else(|| format!("status {status}"), str::to_owned);
    Err((kind, detail))
}

/// The whole chain of what went wrong; the token is in none of it.
fn broken(error: reqwest::Error) -> (Kind, String) {
    let kind = if error.is_timeout() {
        Kind::Timeout
    } else {
        Kind::Unavailable
    };
    (kind, causes(&error.without_url()))
}
