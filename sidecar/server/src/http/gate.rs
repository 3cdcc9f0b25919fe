//! The signature check: who is not the shim gets no further.

use super::error::Fault;
use crate::telemetry::metrics;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use chrono::{TimeDelta, Utc};
use osm_core::ports::Nonces;
use osm_core::signing::{self, Accepted, Keys, NONCE_LIFETIME, Rejected, Request};
use std::sync::Arc;
use tracing::{error, warn};

/// Headers that carry or are covered by the signature: each must occur once.
const SINGLE: [&str; 6] = [
    "host",
    "content-type",
    "content-digest",
    "osm-request-id",
    "signature-input",
    "signature",
];

/// Checks signatures of the shim.
pub struct Gate {
    keys: Keys,
    authority: String,
    nonces: Arc<dyn Nonces>,
}

/// Why somebody stays outside.
#[derive(Debug, thiserror::Error)]
enum Denied {
    #[error("header {0} occurs more than once or is not plain text")]
    Header(&'static str),
    #[error("sent to {0}, which is not server.public_authority")]
    Authority(String),
    #[error(transparent)]
    Signature(#[from] Rejected),
    #[error("osm-request-id is not 8 to 64 letters, digits and hyphens")]
    RequestId,
    #[error("content-type is not application/json")]
    ContentType,
    #[error("replay: the nonce was used before")]
    Replay,
}

impl Denied {
    /// The label of the metric: a few words that never change.
    fn reason(&self) -> &'static str {
        match self {
            Self::Header(_) => "header",
            Self::Authority(_) => "authority",
            Self::Signature(Rejected::Missing(_)) => "missing",
            Self::Signature(Rejected::Digest) => "digest",
            Self::Signature(Rejected::Profile) => "profile",
            Self::Signature(Rejected::Skew(_)) => "skew",
            Self::Signature(Rejected::UnknownKey(_)) => "unknown-key",
            Self::Signature(Rejected::Signature) => "signature",
            Self::RequestId => "request-id",
            Self::ContentType => "content-type",
            Self::Replay => "replay",
        }
    }
}

impl Gate {
    /// A gate that lets in who signs with one of the keys for this authority.
    pub fn new(keys: Keys, authority: String, nonces: Arc<dyn Nonces>) -> Self {
        Self {
            keys,
            authority,
            nonces,
        }
    }

    /// Looks at a request's head, before its body is waited for. The log says what was wrong.
    pub(super) fn look(&self, parts: &Parts) -> Result<Signed, Fault> {
        let (accepted, request_id) = self.verify(parts).map_err(|why| deny(parts, &why))?;
        Ok(Signed {
            accepted,
            request_id,
        })
    }

    /// Lets a request in and gives its id, or says no.
    pub(super) async fn admit(
        &self,
        parts: &Parts,
        signed: Signed,
        body: &[u8],
    ) -> Result<String, Fault> {
        let Signed {
            accepted,
            request_id,
        } = signed;
        accepted
            .body(body)
            .map_err(|why| deny(parts, &why.into()))?;
        let until = Utc::now() + TimeDelta::seconds(NONCE_LIFETIME);
        match self.nonces.remember(&accepted.nonce, until).await {
            Ok(true) => Ok(request_id),
            Ok(false) => Err(deny(parts, &Denied::Replay)),
            Err(error) => {
                metrics::backend_error(&error);
                error!(
                    request_id,
                    "request refused, as nonces cannot be remembered: {error}"
                );
                Err(Fault::Database)
            }
        }
    }

    fn verify(&self, parts: &Parts) -> Result<(Accepted, String), Denied> {
        let headers = &parts.headers;
        for name in SINGLE {
            single(headers, name).map_err(|()| Denied::Header(name))?;
        }
        let get = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(host) = get(header::HOST.as_str())
            && !host.eq_ignore_ascii_case(&self.authority)
        {
            return Err(Denied::Authority(host.to_owned()));
        }
        let request = Request {
            method: parts.method.as_str(),
            authority: &self.authority,
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            body: &[],
        };
        let now = Utc::now().timestamp();
        let accepted = signing::verify_head(&signing::FROM_SHIM, &self.keys, request, get, now)?;
        // From here on the shim is speaking; what it says wrong is still its mistake.
        if get("content-type") != Some("application/json") {
            return Err(Denied::ContentType);
        }
        let request_id = get("osm-request-id")
            .filter(|id| is_request_id(id))
            .ok_or(Denied::RequestId)?;
        Ok((accepted, request_id.to_owned()))
    }
}

/// A request whose head is rightly signed; its body is yet to come.
pub(super) struct Signed {
    accepted: Accepted,
    request_id: String,
}

fn deny(parts: &Parts, why: &Denied) -> Fault {
    metrics::rejection(why.reason());
    warn!(
        reason = why.reason(),
        path = parts.uri.path(),
        "request refused: {why}"
    );
    Fault::Unauthorized
}

/// At most one, and of visible characters.
fn single(headers: &HeaderMap, name: &str) -> Result<(), ()> {
    let mut values = headers.get_all(name).iter();
    let plain = values.next().is_none_or(|value| value.to_str().is_ok());
    (plain && values.next().is_none()).then_some(()).ok_or(())
}

fn is_request_id(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
