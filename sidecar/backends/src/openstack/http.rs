//! One exchange with a service: bounded in time, size and number of tries.

use super::fault;
use super::microversion::Microversion;
use super::request::Request;
use super::request_id;
use crate::http::client;
use crate::secret::Secret;
use osm_core::ports::{Kind, PortError};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use std::error::Error;
use std::time::{Duration, Instant};

/// A thousand servers are some 2 MB.
const MAX_BODY: usize = 32 << 20;
/// Of a refusal only its message is wanted.
const MAX_REFUSAL: usize = 64 << 10;
/// How long to pause before each repetition.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];
/// A longer `Retry-After` is the caller's business.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// A service's answer, whatever it says.
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

pub(super) struct Http {
    client: Client,
}

impl Http {
    pub fn new(timeout: Duration) -> Result<Self, PortError> {
        let client = client(timeout)
            // The cloud's own network: a proxy that the environment names is for elsewhere.
            .no_proxy()
            .build()
            .map_err(|e| {
                PortError::new(
                    "openstack",
                    "prepare",
                    "HTTP client",
                    Kind::Unavailable,
                    causes(&e),
                )
            })?;
        Ok(Self { client })
    }

    /// Asks, and asks again after a pause where the request may be repeated and that may help.
    pub async fn send(
        &self,
        request: &Request,
        url: &Url,
        token: Option<&Secret>,
        version: Option<Microversion>,
    ) -> Result<Reply, PortError> {
        let mut pauses = PAUSES.iter();
        loop {
            let outcome = self.exchange(request, url, token, version).await;
            let asked_for = match &outcome {
                Ok(reply) if busy(reply.status) => reply.retry_after(),
                Err(error) if error.kind == Kind::Unavailable => None,
                _ => return outcome,
            };
            let pause = pauses.next().map(|p| asked_for.unwrap_or(*p));
            match pause {
                Some(pause) if request.repeatable && pause <= LONGEST_PAUSE => {
                    tokio::time::sleep(pause).await;
                }
                _ => return outcome,
            }
        }
    }

    async fn exchange(
        &self,
        request: &Request,
        url: &Url,
        token: Option<&Secret>,
        version: Option<Microversion>,
    ) -> Result<Reply, PortError> {
        let global_id = request_id::current();
        let mut builder = self
            .client
            .request(request.method.clone(), url.clone())
            .header(ACCEPT, "application/json")
            .header("X-OpenStack-Request-ID", &global_id);
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        if let Some(token) = token {
            builder = builder.header("X-Auth-Token", sensitive(request, token)?);
        }
        if let Some(version) = version {
            builder = builder.header("OpenStack-API-Version", format!("compute {version}"));
        }
        let begun = Instant::now();
        let outcome = match builder.send().await {
            Ok(response) => read(request, response).await,
            Err(e) => Err(transport(request, e)),
        };
        let (status, service_id) = match &outcome {
            Ok(reply) => (Some(reply.status.as_u16()), reply.request_id()),
            Err(_) => (None, None),
        };
        tracing::debug!(
            system = request.service.system(),
            operation = request.operation,
            on = request.target,
            method = %request.method,
            path = url.path(),
            status,
            milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            request_id = global_id,
            service_request_id = service_id,
            error = outcome.as_ref().err().map(|e| e.detail.as_str()),
            "called OpenStack"
        );
        outcome
    }
}

impl Reply {
    /// A refusal becomes an error; `secret` is kept out of its text.
    pub fn accept(self, request: &Request, secret: &Secret) -> Result<Self, PortError> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(fault::error(request, &self, secret))
        }
    }

    /// The body, in the shape expected.
    pub fn json<T: DeserializeOwned>(&self, request: &Request) -> Result<T, PortError> {
        serde_json::from_slice(&self.body).map_err(|e| self.nonsense(request, e))
    }

    /// An answer that cannot be understood.
    pub fn nonsense(&self, request: &Request, why: impl ToString) -> PortError {
        let mut error = request.error(
            Kind::Protocol,
            format!(
                "its answer (HTTP {}) cannot be understood: {}",
                self.status.as_u16(),
                fault::shorten(&why.to_string())
            ),
        );
        error.request_id = self.request_id();
        error
    }

    /// The service's own id of the request.
    pub fn request_id(&self) -> Option<String> {
        ["x-openstack-request-id", "x-compute-request-id"]
            .iter()
            .find_map(|name| self.headers.get(*name)?.to_str().ok())
            .map(|id| id.chars().take(64).collect())
    }

    /// Seconds; the form with a date is rare and means as much as none.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        seconds.trim().parse().ok().map(Duration::from_secs)
    }
}

/// Away for the moment, nothing done.
fn busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

fn sensitive(request: &Request, token: &Secret) -> Result<HeaderValue, PortError> {
    let mut value = HeaderValue::from_str(token.expose()).map_err(|_| {
        request.error(
            Kind::Protocol,
            "Keystone's token cannot be sent in a header",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

async fn read(request: &Request, mut response: Response) -> Result<Reply, PortError> {
    let status = response.status();
    let headers = response.headers().clone();
    let limit = if status.is_success() {
        MAX_BODY
    } else {
        MAX_REFUSAL
    };
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= limit => body.extend_from_slice(&chunk),
            Ok(None) => break,
            // What the status says stands, whatever becomes of the words.
            _ if !status.is_success() => break,
            Ok(Some(_)) => {
                let detail = format!("its answer is larger than {limit} bytes");
                return Err(request.error(Kind::Protocol, detail));
            }
            Err(e) if e.is_timeout() => return Err(transport(request, e)),
            Err(e) => {
                let detail = format!("its answer was cut: {}", causes(&e.without_url()));
                return Err(request.error(Kind::Protocol, detail));
            }
        }
    }
    Ok(Reply {
        status,
        headers,
        body,
    })
}

fn transport(request: &Request, error: reqwest::Error) -> PortError {
    let kind = if error.is_timeout() && !error.is_connect() {
        Kind::Timeout
    } else {
        Kind::Unavailable
    };
    request.error(kind, causes(&error.without_url()))
}

fn causes(error: &dyn Error) -> String {
    fault::shorten(&crate::http::causes(error))
}
