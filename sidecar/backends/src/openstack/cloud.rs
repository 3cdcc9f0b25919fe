//! A call as our account in a project: token, address, version, pages.

use super::OpenStackConfig;
use super::auth::{Session, Sessions};
use super::http::{Http, Reply};
use super::microversion::{Microversion, VersionReply};
use super::names::Names;
use super::request::{Request, Scope, Service};
use osm_core::ids::Region;
use osm_core::ports::{Kind, PortError};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A list that goes on for longer than this makes no sense.
const MAX_PAGES: usize = 1000;

pub(super) struct Cloud {
    pub regions: Vec<Region>,
    pub project_names: Names<()>,
    pub image_names: Names<Region>,
    http: Http,
    sessions: Sessions,
    versions: Mutex<HashMap<Region, Microversion>>,
    told_no_grant: AtomicBool,
}

impl Cloud {
    pub fn new(config: OpenStackConfig, timeout: Duration) -> Result<Self, PortError> {
        Ok(Self {
            regions: config.regions.clone(),
            project_names: Names::default(),
            image_names: Names::default(),
            http: Http::new(timeout)?,
            sessions: Sessions::new(config)?,
            versions: Mutex::default(),
            told_no_grant: AtomicBool::new(false),
        })
    }

    /// Asks a service of a region.
    pub async fn call(
        &self,
        scope: &Scope,
        region: &Region,
        request: &Request,
    ) -> Result<Reply, PortError> {
        let version = match request.service {
            Service::Compute => Some(self.version(scope, region).await?),
            _ => None,
        };
        let outcome = self.ask(scope, Some(region), request, version).await?;
        if outcome.0.status.as_u16() == 406 {
            // Nova speaks other versions than it did: ask it again next time.
            self.versions().remove(region);
        }
        outcome.0.accept(request, &outcome.1.token)
    }

    /// Asks Keystone itself.
    pub async fn keystone(&self, request: &Request) -> Result<(Reply, Arc<Session>), PortError> {
        let (reply, session) = self.ask(&Scope::Reader, None, request, None).await?;
        Ok((reply.accept(request, &session.token)?, session))
    }

    /// All pages of a list.
    pub async fn list<T: DeserializeOwned>(
        &self,
        scope: &Scope,
        region: &Region,
        request: Request,
        key: &str,
    ) -> Result<Vec<T>, PortError> {
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = match &marker {
                Some(marker) => request.clone().query("marker", marker),
                None => request.clone(),
            };
            let reply = self.call(scope, region, &page).await?;
            let mut body: Value = reply.json(&page)?;
            let Some(Value::Array(rows)) = body.get_mut(key).map(Value::take) else {
                return Err(reply.nonsense(&page, format!("it has no list \"{key}\"")));
            };
            let last = rows.last().and_then(|row| row.get("id")?.as_str());
            let next = last.map(str::to_owned);
            for row in rows {
                let row = serde_json::from_value(row).map_err(|e| reply.nonsense(&page, e))?;
                found.push(row);
            }
            if !goes_on(&body, key) {
                return Ok(found);
            }
            if next.is_none() || next == marker {
                return Err(reply.nonsense(&page, "its next page has no beginning"));
            }
            marker = next;
        }
        Err(request.error(Kind::Protocol, format!("{MAX_PAGES} pages and no end")))
    }

    /// Keystone's id of our account.
    pub async fn user_id(&self) -> Result<Option<String>, PortError> {
        let session = self.sessions.get(&self.http, &Scope::Reader).await?;
        Ok(session.user_id.clone())
    }

    /// Whether each region in use has the services we need; says the first thing missing.
    pub async fn check_catalogue(&self) -> Result<(), PortError> {
        let session = self.sessions.get(&self.http, &Scope::Reader).await?;
        for region in &self.regions {
            for service in [Service::Compute, Service::Image, Service::Network] {
                let request = Request::get(service, "find", region, "");
                self.sessions.address(&session, Some(region), &request)?;
            }
        }
        Ok(())
    }

    /// Says once, not at each poll, that a list takes as many calls as there are projects.
    pub fn tell_no_grant(&self, region: &Region, error: &PortError) {
        if !self.told_no_grant.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %region,
                %error,
                "our account may not list all projects' servers: listing project by project; \
                 the policy line that grants it is in docs/INSTALL.md"
            );
        }
    }

    /// One answer; a token that is refused is renewed once.
    async fn ask(
        &self,
        scope: &Scope,
        region: Option<&Region>,
        request: &Request,
        version: Option<Microversion>,
    ) -> Result<(Reply, Arc<Session>), PortError> {
        let mut renewed = false;
        loop {
            let session = self.sessions.get(&self.http, scope).await?;
            let url = self.sessions.address(&session, region, request)?;
            let token = Some(&session.token);
            let reply = self.http.send(request, &url, token, version).await?;
            if reply.status.as_u16() != 401 || renewed {
                return Ok((reply, session));
            }
            self.sessions.forget(scope, &session).await;
            renewed = true;
        }
    }

    async fn version(&self, scope: &Scope, region: &Region) -> Result<Microversion, PortError> {
        if let Some(version) = self.versions().get(region) {
            return Ok(*version);
        }
        let request = Request::get(Service::ComputeVersion, "ask version in", region, "/");
        let (reply, session) = self.ask(scope, Some(region), &request, None).await?;
        let reply = reply.accept(&request, &session.token)?;
        let offered: VersionReply = reply.json(&request)?;
        let version = offered
            .choose()
            .map_err(|why| request.error(Kind::Rejected, why))?;
        self.versions().insert(region.clone(), version);
        Ok(version)
    }

    fn versions(&self) -> std::sync::MutexGuard<'_, HashMap<Region, Microversion>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nova and Neutron link to the next page as `servers_links` and the like, Glance as `next`.
fn goes_on(body: &Value, key: &str) -> bool {
    let links = body.get(format!("{key}_links")).and_then(Value::as_array);
    let linked =
        links.is_some_and(|l| l.iter().any(|link| link.get("rel") == Some(&"next".into())));
    linked || body.get("next").is_some_and(Value::is_string)
}
