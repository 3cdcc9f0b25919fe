//! Mastodon, or whoever speaks its API: each entry is a status of our account.

use super::broken;
use crate::http::client;
use crate::secret::Secret;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use osm_core::log::Entry;
use osm_core::log::post::status;
use osm_core::ports::{Hook, Kind, PortError};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use serde_json::json;
use std::time::Duration;
use url::Url;

/// Less than a poster is elected for.
const CALL: Duration = Duration::from_secs(10);

/// An account on a server.
#[derive(Debug)]
pub struct Mastodon {
    name: String,
    statuses: Url,
    token: Secret,
    visibility: &'static str,
    /// Below which the wiki's pages are.
    articles: Url,
    client: Client,
}

impl Mastodon {
    /// Calls nothing yet. `server` is its address, such as `https://social.example/`.
    pub fn new(
        name: String,
        server: &Url,
        token: Secret,
        visibility: &'static str,
        articles: Url,
    ) -> Result<Self, PortError> {
        let wrong =
            |why: String| PortError::new("mastodon", "prepare", name.as_str(), Kind::Rejected, why);
        let statuses = server.join("/api/v1/statuses");
        let statuses = statuses.map_err(|error| wrong(error.to_string()))?;
        let client = client(CALL).build();
        let client = client.map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            name,
            statuses,
            token,
            visibility,
            articles,
            client,
        })
    }

    fn failed(&self, kind: Kind, detail: impl Into<String>) -> PortError {
        PortError::new("mastodon", "post to", self.name.as_str(), kind, detail)
    }
}

#[async_trait]
impl Hook for Mastodon {
    fn name(&self) -> &str {
        &self.name
    }

    async fn post(&self, entry: &Entry) -> Result<bool, PortError> {
        let sent = json!({
            "status": status(entry, &self.articles),
            "visibility": self.visibility,
        });
        let request = (self.client.post(self.statuses.clone()))
            .bearer_auth(self.token.expose())
            .header(
                "idempotency-key",
                format!("{}/{}", entry.said.log, entry.seq),
            )
            .json(&sent);
        let response = request.send().await.map_err(|error| {
            let (kind, detail) = broken(error);
            self.failed(kind, detail)
        })?;
        match response.status() {
            status if status.is_success() => Ok(true),
            // This entry is not wanted; what follows may be.
            StatusCode::BAD_REQUEST
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => Ok(false),
            StatusCode::TOO_MANY_REQUESTS => {
                let pause = until(response.headers(), Utc::now());
                Err(self.failed(Kind::RateLimited(pause), "too many statuses for now"))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(self.failed(
                Kind::Denied,
                "the token is not taken; it needs the scope write:statuses",
            )),
            status => Err(self.failed(Kind::Unavailable, format!("status {status}"))),
        }
    }
}

/// How long to wait: `Retry-After` in seconds, or Mastodon's own `X-RateLimit-Reset`, an instant.
fn until(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let seconds = || text(RETRY_AFTER.as_str())?.trim().parse().ok();
    let reset = || {
        let at: DateTime<Utc> = text("x-ratelimit-reset")?.trim().parse().ok()?;
        (at - now).to_std().ok()
    };
    seconds().map(Duration::from_secs).or_else(reset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait() {
        let now: DateTime<Utc> = "2026-11-28T12:00:00Z".parse().unwrap();
        for (name, value, wanted) in [
            ("retry-after", "7", Some(7)),
            ("x-ratelimit-reset", "2026-11-28T12:05:00.000Z", Some(300)),
            ("x-ratelimit-reset", "2026-11-28T11:05:00.000Z", None),
            ("x-other", "7", None),
        ] {
            let headers = HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]);
            let wanted = wanted.map(Duration::from_secs);
            assert_eq!(until(&headers, now), wanted, "{name} {value}");
        }
    }
}
