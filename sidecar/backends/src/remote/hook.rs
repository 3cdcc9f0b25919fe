//! Somebody else's address at which the log is told.

use super::broken;
use crate::http::client;
use crate::secret::Secret;
use async_trait::async_trait;
use osm_core::log::Entry;
use osm_core::log::post::{signature, told};
use osm_core::ports::{Hook, Kind, PortError};
use reqwest::{Client, StatusCode};
use std::time::Duration;
use url::Url;

/// Less than a poster is elected for.
const CALL: Duration = Duration::from_secs(10);

/// A webhook.
#[derive(Debug)]
pub struct Webhook {
    name: String,
    url: Url,
    secret: Secret,
    client: Client,
}

impl Webhook {
    /// Calls nothing yet.
    pub fn new(name: String, url: Url, secret: Secret) -> Result<Self, PortError> {
        let client = client(CALL).build().map_err(|error| {
            PortError::new(
                "webhook",
                "prepare",
                name.as_str(),
                Kind::Rejected,
                error.to_string(),
            )
        })?;
        Ok(Self {
            name,
            url,
            secret,
            client,
        })
    }

    /// An address may hold a secret of the receiver's: the name stands for it.
    fn failed(&self, kind: Kind, detail: impl Into<String>) -> PortError {
        PortError::new("webhook", "post to", self.name.as_str(), kind, detail)
    }
}

#[async_trait]
impl Hook for Webhook {
    fn name(&self) -> &str {
        &self.name
    }

    async fn post(&self, entry: &Entry) -> Result<bool, PortError> {
        let body = told(entry).to_string();
        let signed = signature(self.secret.expose(), body.as_bytes())
            .ok_or_else(|| self.failed(Kind::Rejected, "its secret cannot be used"))?;
        let request = (self.client.post(self.url.clone()))
            .header("content-type", "application/json")
            .header("osm-delivery", format!("{}/{}", entry.said.log, entry.seq))
            .header("osm-signature-256", signed)
            .body(body);
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
            status => Err(self.failed(Kind::Unavailable, format!("status {status}"))),
        }
    }
}
