//! One signed exchange with api.php.

use super::WikiConfig;
use super::fault::Failure;
use crate::http::{causes, client};
use chrono::Utc;
use osm_core::ports::{EditAs, Kind, PortError};
use osm_core::signing::{Keys, Request, TO_WIKI, sign};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response};
use serde_json::Value;
use std::time::{Duration, Instant};
use url::Url;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

/// MediaWiki cuts its answers at 8 MiB of text, which JSON can double.
const MAX_BODY: usize = 32 << 20;
const FORM: &str = "application/x-www-form-urlencoded";

/// What is asked, and in whose name.
pub(super) struct Exchange<'a> {
    pub operation: &'static str,
    pub target: &'a str,
    pub by: &'a EditAs,
    /// The revision an edit starts from.
    pub parent: Option<u64>,
    pub parameters: &'a [(&'a str, &'a str)],
}

pub(super) struct Http {
    client: Client,
    url: Url,
    authority: String,
    keys: Keys,
}

impl Http {
    pub fn new(config: WikiConfig) -> Result<Self, PortError> {
        let wrong = |detail: String| {
            PortError::new(
                "wiki",
                "prepare",
                config.api_url.as_str(),
                Kind::Rejected,
                detail,
            )
        };
        let host = config
            .api_url
            .host_str()
            .ok_or_else(|| wrong("this URL has no host".to_owned()))?;
        // As in the Host header: the scheme's own port is left out.
        let authority = match config.api_url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let client = client(config.timeout)
            // The wiki is a neighbour: a proxy that the environment names is for elsewhere.
            .no_proxy()
            .build()
            .map_err(|e| wrong(causes(&e)))?;
        Ok(Self {
            client,
            url: config.api_url.clone(),
            authority,
            keys: config.keys,
        })
    }

    /// MediaWiki's answer, if it is not an error.
    pub async fn exchange(&self, exchange: &Exchange<'_>) -> Result<Value, Failure> {
        let request_id = Uuid::new_v4().to_string();
        let begun = Instant::now();
        let outcome = match self.send(exchange, &request_id).await {
            Ok(response) => read(response).await,
            Err(failure) => Err(failure),
        };
        tracing::debug!(
            operation = exchange.operation,
            on = exchange.target,
            by = user(exchange.by),
            milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id,
            error = outcome.as_ref().err().map(tracing::field::display),
            "called the wiki"
        );
        outcome.map_err(|failure| failure.of_request(request_id))
    }

    async fn send(&self, exchange: &Exchange<'_>, request_id: &str) -> Result<Response, Failure> {
        let body = Serializer::new(String::new())
            .extend_pairs([
                ("format", "json"),
                ("formatversion", "2"),
                ("errorformat", "plaintext"),
            ])
            .extend_pairs(exchange.parameters)
            .finish();
        let user = user(exchange.by);
        let parent = exchange.parent.map_or("-".to_owned(), |p| p.to_string());
        let header = |name: &str| match name {
            "content-type" => Some(FORM),
            "osm-request-id" => Some(request_id),
            "osm-user" => Some(user.as_str()),
            "osm-parent" => Some(parent.as_str()),
            _ => None,
        };
        let signed = sign(
            &TO_WIKI,
            &self.keys,
            Request {
                method: "POST",
                authority: &self.authority,
                path: self.url.path(),
                query: self.url.query().unwrap_or_default(),
                body: body.as_bytes(),
            },
            header,
            Utc::now().timestamp(),
            &Uuid::new_v4().simple().to_string(),
        )
        .map_err(|e| Failure::exchange(Kind::Rejected, format!("cannot be signed: {e}")))?;
        self.client
            .post(self.url.clone())
            .header(CONTENT_TYPE, FORM)
            .header("OSM-Request-Id", request_id)
            .header("OSM-User", &user)
            .header("OSM-Parent", &parent)
            .header("Content-Digest", signed.content_digest)
            .header("Signature-Input", signed.signature_input)
            .header("Signature", signed.signature)
            .body(body)
            .send()
            .await
            .map_err(transport)
    }
}

/// `OSM-User`.
fn user(by: &EditAs) -> String {
    match by {
        EditAs::User(id) => format!("id:{id}"),
        EditAs::System { .. } => "system".to_owned(),
    }
}

async fn read(mut response: Response) -> Result<Value, Failure> {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Failure::exchange(
                Kind::Protocol,
                "an answer of more than 32 MiB".to_owned(),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(reply) => match Failure::told(&reply, retry_after) {
            Some(failure) => Err(failure),
            None if status.is_success() => Ok(reply),
            None => Err(Failure::status(status.as_u16(), retry_after)),
        },
        Err(_) if !status.is_success() => Err(Failure::status(status.as_u16(), retry_after)),
        Err(e) => Err(Failure::exchange(
            Kind::Protocol,
            format!("the answer is not JSON ({e})"),
        )),
    }
}

fn transport(error: reqwest::Error) -> Failure {
    let detail = causes(&error);
    if error.is_connect() {
        Failure::not_sent(detail)
    } else if error.is_timeout() {
        Failure::exchange(Kind::Timeout, "no answer in time".to_owned())
    } else {
        Failure::exchange(Kind::Unavailable, detail)
    }
}
