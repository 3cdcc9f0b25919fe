//! Keystone's tokens, one a project, each with the service catalogue that came with it.

use super::OpenStackConfig;
use super::http::{Http, Reply};
use super::request::{Request, Scope, Service};
use super::wire::{CatalogueEntry, TokenReply};
use crate::secret::Secret;
use osm_core::ids::Region;
use osm_core::ports::{Kind, PortError};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A login that worked.
pub(super) struct Session {
    pub token: Secret,
    /// The domain of the project.
    pub domain_id: String,
    /// Our account.
    pub user_id: Option<String>,
    catalogue: Vec<CatalogueEntry>,
    /// By our own clock: Keystone's may differ.
    renew_at: Instant,
}

/// All our logins.
pub(super) struct Sessions {
    config: OpenStackConfig,
    url: Url,
    slots: Mutex<HashMap<Scope, Arc<tokio::sync::Mutex<Slot>>>>,
}

/// Whoever holds a scope's slot is the only one who logs in to it.
#[derive(Default)]
struct Slot {
    session: Option<Arc<Session>>,
    /// So that those who waited for a login that failed do not try one after the other.
    failed: Option<(Instant, PortError)>,
}

impl Sessions {
    pub fn new(config: OpenStackConfig) -> Result<Self, PortError> {
        let url = versioned(&config.auth_url, "/v3").map_err(|why| {
            PortError::new(
                "keystone",
                "read configuration",
                "auth_url",
                Kind::Rejected,
                format!("\"{}\" is no address: {why}", config.auth_url),
            )
        })?;
        Ok(Self {
            config,
            url,
            slots: Mutex::default(),
        })
    }

    /// The token and catalogue for a project.
    pub async fn get(&self, http: &Http, scope: &Scope) -> Result<Arc<Session>, PortError> {
        let asked = Instant::now();
        let slot = self.slot(scope);
        let mut slot = slot.lock().await;
        if let Some(session) = &slot.session
            && Instant::now() < session.renew_at
        {
            return Ok(Arc::clone(session));
        }
        if let Some((at, error)) = &slot.failed
            && *at >= asked
        {
            return Err(error.clone());
        }
        match self.login(http, scope).await {
            Ok(session) => {
                let session = Arc::new(session);
                *slot = Slot {
                    session: Some(Arc::clone(&session)),
                    failed: None,
                };
                Ok(session)
            }
            Err(error) => {
                slot.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Drops a token that a service refused, unless another took its place already.
    pub async fn forget(&self, scope: &Scope, refused: &Arc<Session>) {
        let slot = self.slot(scope);
        let mut slot = slot.lock().await;
        if slot
            .session
            .as_ref()
            .is_some_and(|s| Arc::ptr_eq(s, refused))
        {
            slot.session = None;
        }
    }

    /// Where a request goes.
    pub fn address(
        &self,
        session: &Session,
        region: Option<&Region>,
        request: &Request,
    ) -> Result<Url, PortError> {
        let Some(region) = region else {
            return join(request, self.url.clone());
        };
        let kind = request.service.catalogue_type();
        let interface = self.config.interface.as_str();
        let endpoint = session
            .catalogue
            .iter()
            .filter(|entry| entry.kind == kind)
            .flat_map(|entry| &entry.endpoints)
            .find(|e| e.interface == interface && e.region_id.as_deref() == Some(region.as_str()))
            .ok_or_else(|| {
                request.error(
                    Kind::Unavailable,
                    format!("Keystone's catalogue has no {interface} endpoint of type {kind} in region {region}"),
                )
            })?;
        let base = match request.service {
            Service::Identity | Service::Compute => Url::parse(&endpoint.url),
            Service::ComputeVersion => above_project(&endpoint.url),
            Service::Image => versioned(&endpoint.url, "/v2"),
            Service::Network => versioned(&endpoint.url, "/v2.0"),
        };
        let base = base.map_err(|e| {
            let detail = format!("the catalogue's address \"{}\": {e}", endpoint.url);
            request.error(Kind::Unavailable, detail)
        })?;
        join(request, base)
    }

    async fn login(&self, http: &Http, scope: &Scope) -> Result<Session, PortError> {
        let target = match scope {
            Scope::Reader => format!("project {}", self.config.reader_project),
            Scope::Project(id) => format!("project {id}"),
        };
        let request = Request::change(
            Method::POST,
            Service::Identity,
            "log in to",
            target,
            "/auth/tokens",
            Some(self.credentials(scope)),
        )
        .repeatable();
        let url = join(&request, self.url.clone())?;
        let begun = Instant::now();
        let reply = http
            .send(&request, &url, None, None)
            .await?
            .accept(&request, &self.config.password)?;
        let session = session(&request, &reply, begun)?;
        tracing::debug!(on = request.target, "logged in to Keystone");
        Ok(session)
    }

    fn credentials(&self, scope: &Scope) -> Value {
        let config = &self.config;
        let project = match scope {
            Scope::Reader => {
                json!({"name": config.reader_project, "domain": {"name": config.project_domain}})
            }
            Scope::Project(id) => json!({"id": id}),
        };
        json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": config.username,
                "domain": {"name": config.user_domain},
                "password": config.password.expose(),
            }}},
            "scope": {"project": project},
        }})
    }

    fn slot(&self, scope: &Scope) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(scope.clone()).or_default())
    }
}

fn session(request: &Request, reply: &Reply, begun: Instant) -> Result<Session, PortError> {
    let token = reply
        .headers
        .get("x-subject-token")
        .and_then(|t| t.to_str().ok())
        .ok_or_else(|| reply.nonsense(request, "there is no token in it"))?;
    let TokenReply { token: body } = reply.json(request)?;
    // The last quarter of its life is left for calls under way, within Nova too.
    let life = (body.expires_at - body.issued_at)
        .to_std()
        .unwrap_or(Duration::ZERO);
    Ok(Session {
        token: Secret::new(token),
        domain_id: body.project.domain.id,
        user_id: body.user.map(|user| user.id),
        catalogue: body.catalog,
        renew_at: begun + life.min(Duration::from_secs(86_400)) * 3 / 4,
    })
}

/// The address with a version at its end, put there where the catalogue leaves it out.
fn versioned(address: &str, version: &str) -> Result<Url, url::ParseError> {
    let address = address.trim_end_matches('/');
    let there = address
        .rsplit_once('/')
        .is_some_and(|(_, last)| last.starts_with("v2") || last.starts_with("v3"));
    if there {
        Url::parse(address)
    } else {
        Url::parse(&format!("{address}{version}"))
    }
}

/// Nova's address without the project id that old catalogues append.
fn above_project(address: &str) -> Result<Url, url::ParseError> {
    let mark = "/v2.1";
    let end = address.find(mark).map(|at| at + mark.len());
    Url::parse(end.and_then(|e| address.get(..e)).unwrap_or(address))
}

fn join(request: &Request, base: Url) -> Result<Url, PortError> {
    let text = format!("{}{}", base.as_str().trim_end_matches('/'), request.path);
    Url::parse(&text).map_err(|e| request.error(Kind::Rejected, format!("no address: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (address, version, expected) in [
            ("http://127.0.0.1:9292", "/v2", "http://127.0.0.1:9292/v2"),
            ("http://c/image/", "/v2", "http://c/image/v2"),
            ("http://c/image/v2/", "/v2", "http://c/image/v2"),
            ("http://c:9696/v2.0", "/v2.0", "http://c:9696/v2.0"),
            ("http://c/identity", "/v3", "http://c/identity/v3"),
        ] {
            assert_eq!(versioned(address, version).unwrap().as_str(), expected);
        }
        for address in ["http://c/v2.1", "http://c/v2.1/", "http://c/v2.1/abc123"] {
            assert_eq!(above_project(address).unwrap().as_str(), "http://c/v2.1");
        }
    }
}
