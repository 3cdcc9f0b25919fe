//! Keystone's role assignments, by the account that may make them and does nothing else.

use super::cloud::Cloud;
use super::http::Reply;
use super::request::{Request, Service};
use super::{OpenStack, OpenStackConfig};
use async_trait::async_trait;
use osm_core::ids::{OperationId, ProjectId, ProjectName};
use osm_core::ports::{Assignment, IdentityWrite, Kind, Leave, PortError};
use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// Assigns roles to the people of one domain.
pub struct Assigner {
    pub(super) cloud: Cloud,
    pub(super) people_domain: String,
    /// The account that works in projects, which is not this one, and its domain.
    pub(super) worker: (String, String),
    /// What it is assigned in a new project.
    pub(super) member_role: String,
    /// The domain of all projects.
    pub(super) project_domain: String,
}

/// A list of things with names, under whatever key.
#[derive(Deserialize)]
struct Listed {
    #[serde(flatten)]
    lists: HashMap<String, Value>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    name: String,
}

/// An assignment, by the ids in its path.
pub(super) struct Found<'a> {
    project: &'a ProjectId,
    user: String,
    role: String,
    /// In words.
    target: String,
}

impl Assigner {
    /// Calls nothing yet. The account's `reader_project` is the project that it logs in to.
    pub fn new(
        config: OpenStackConfig,
        people_domain: String,
        worker: (String, String),
        member_role: String,
    ) -> Result<Self, PortError> {
        Ok(Self {
            project_domain: config.project_domain.clone(),
            cloud: Cloud::new(config, OpenStack::CALL_TIMEOUT)?,
            people_domain,
            worker,
            member_role,
        })
    }

    pub(super) async fn ask(&self, request: &Request) -> Result<Reply, PortError> {
        Ok(self.cloud.keystone(request).await?.0)
    }

    /// The id of the one thing of this very name; Keystone's own search may know no capitals apart.
    async fn id(&self, request: Request, name: &str) -> Result<Option<String>, PortError> {
        let request = request.query("name", name);
        let reply = self.ask(&request).await?;
        let Listed { mut lists } = reply.json(&request)?;
        let key = request.path.trim_start_matches('/');
        let rows = lists
            .remove(key)
            .ok_or_else(|| reply.nonsense(&request, format!("it has no list \"{key}\"")))?;
        let rows: Vec<Named> =
            serde_json::from_value(rows).map_err(|e| reply.nonsense(&request, e))?;
        Ok(rows
            .into_iter()
            .find(|row| row.name == name)
            .map(|row| row.id))
    }

    pub(super) async fn needed(&self, request: Request, name: &str) -> Result<String, PortError> {
        let missing = request.error(Kind::NotFound, "Keystone has nothing of that name");
        self.id(request, name).await?.ok_or(missing)
    }

    /// `None` where Keystone has no such user, and so nothing is assigned.
    async fn find<'a>(&self, what: Assignment<'a>) -> Result<Option<Found<'a>>, PortError> {
        self.find_in(&self.people_domain, what).await
    }

    pub(super) async fn find_in<'a>(
        &self,
        domain: &str,
        what: Assignment<'a>,
    ) -> Result<Option<Found<'a>>, PortError> {
        let Assignment { project, uid, role } = what;
        let get = |what, target: &str, path| Request::get(Service::Identity, what, target, path);
        let domain = self
            .needed(get("find the domain", domain, "/domains"), domain)
            .await?;
        let user = get("find the user", uid, "/users").query("domain_id", domain);
        let Some(user) = self.id(user, uid).await? else {
            return Ok(None);
        };
        Ok(Some(Found {
            project,
            user,
            role: self
                .needed(get("find the role", role, "/roles"), role)
                .await?,
            target: format!("role {role} of {uid} in project {project}"),
        }))
    }

    pub(super) async fn change(
        &self,
        method: Method,
        at: &Found<'_>,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        let (operation, wanted) = match method {
            Method::PUT => ("assign", true),
            _ => ("take away", false),
        };
        let Found {
            project,
            user,
            role,
            target,
        } = at;
        // What is so already needs no right of ours to change it.
        if self.assigned(at).await? == wanted {
            return Ok(false);
        }
        leave.still().await?;
        let path = format!("/projects/{project}/users/{user}/roles/{role}");
        let request = Request::change(method, Service::Identity, operation, target, path, None);
        match self.ask(&request).await {
            Err(error) if error.kind == Kind::NotFound && !wanted => {}
            outcome => drop(outcome?),
        }
        // What Keystone says was done is believed once its list shows it: it gives rights to log in.
        if self.assigned(at).await? == wanted {
            return Ok(true);
        }
        let detail = "Keystone said that it was done, and its list does not show it";
        Err(request.error(Kind::Protocol, detail))
    }

    async fn assigned(&self, at: &Found<'_>) -> Result<bool, PortError> {
        let path = "/role_assignments";
        let request = Request::get(Service::Identity, "look at", &at.target, path)
            .query("scope.project.id", at.project)
            .query("user.id", &at.user)
            .query("role.id", &at.role);
        let reply = self.ask(&request).await?;
        let body: Value = reply.json(&request)?;
        match body.get("role_assignments").and_then(Value::as_array) {
            Some(rows) => Ok(!rows.is_empty()),
            None => Err(reply.nonsense(&request, "it has no list \"role_assignments\"")),
        }
    }
}

#[async_trait]
impl IdentityWrite for Assigner {
    async fn assign(&self, what: Assignment<'_>, leave: &dyn Leave) -> Result<bool, PortError> {
        let found = self.find(what).await?.ok_or_else(|| {
            let (find, why) = (
                "find the user",
                "Keystone has no such user in the people's domain",
            );
            PortError::new("keystone", find, what.uid, Kind::NotFound, why)
        })?;
        self.change(Method::PUT, &found, leave).await
    }

    async fn unassign(&self, what: Assignment<'_>, leave: &dyn Leave) -> Result<bool, PortError> {
        match self.find(what).await? {
            Some(found) => self.change(Method::DELETE, &found, leave).await,
            None => Ok(false),
        }
    }

    async fn make_project(
        &self,
        name: &ProjectName,
        by: &OperationId,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        self.created(name, by, leave).await
    }

    async fn unmake_project(
        &self,
        name: &ProjectName,
        which: Result<&ProjectId, &OperationId>,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        self.deleted(name, which, leave).await
    }
}
