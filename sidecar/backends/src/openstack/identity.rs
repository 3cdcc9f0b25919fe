//! Keystone's projects.

use super::OpenStack;
use super::names::ById;
use super::request::{Request, Service};
use super::wire::ProjectsReply;
use async_trait::async_trait;
use osm_core::drift::Assigned;
use osm_core::ids::ProjectId;
use osm_core::ports::{Identity, KeystoneProject, Kind, PortError};
use serde::Deserialize;

#[derive(Deserialize)]
struct RolesReply {
    roles: Vec<Named>,
}

#[derive(Deserialize)]
struct DomainsReply {
    domains: Vec<Named>,
}

#[derive(Deserialize)]
struct UsersReply {
    users: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct AssignmentsReply {
    role_assignments: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    /// None where it is a group's.
    user: Option<User>,
    scope: Scope,
}

#[derive(Deserialize)]
struct User {
    id: String,
    name: String,
    domain: Named,
}

#[derive(Deserialize)]
struct Scope {
    project: Option<Named>,
}

#[async_trait]
impl Identity for OpenStack {
    async fn our_projects(&self) -> Result<Vec<KeystoneProject>, PortError> {
        let request = Request::get(
            Service::Identity,
            "list projects of",
            "our account",
            "/auth/projects",
        );
        let (reply, session) = self.cloud.keystone(&request).await?;
        let ProjectsReply { projects } = reply.json(&request)?;
        // A name means one project within a domain only.
        let ours = projects
            .into_iter()
            .filter(|project| project.domain_id == session.domain_id)
            .map(|project| KeystoneProject {
                id: ProjectId::trusted(project.id),
                name: project.name,
                enabled: project.enabled,
            });
        Ok(ours.collect())
    }

    async fn assigned(
        &self,
        role: &str,
        domain: &str,
        project: Option<&ProjectId>,
    ) -> Result<Vec<Assigned>, PortError> {
        let get = |what, path| Request::get(Service::Identity, what, role, path);
        let request = get("find the role", "/roles").query("name", role);
        let RolesReply { roles } = self.cloud.keystone(&request).await?.0.json(&request)?;
        // Keystone's own search may know no capitals apart.
        let found = roles.into_iter().find(|found| found.name == role);
        let missing = request.error(Kind::NotFound, "Keystone has no role of that name");
        let id = found.ok_or(missing)?.id;
        let mut request = get("list the assignments of", "/role_assignments")
            .query("role.id", id)
            .query("include_names", "true");
        if let Some(project) = project {
            request = request.query("scope.project.id", project.as_str());
        }
        let reply = self.cloud.keystone(&request).await?.0;
        let AssignmentsReply { role_assignments } = reply.json(&request)?;
        // Groups and whole domains are given nothing by us.
        let people = role_assignments.into_iter().filter_map(|row| {
            let User {
                id,
                name,
                domain: of,
            } = row.user?;
            // Whom Keystone does not find any more has no name and no domain, and the role all the same.
            let user = match name.as_str() {
                "" => id,
                _ if of.name == domain => name,
                _ => return None,
            };
            Some(Assigned {
                project: ProjectId::trusted(row.scope.project?.id),
                user,
            })
        });
        Ok(people.collect())
    }

    async fn user_id(&self, name: &str, domain: &str) -> Result<Option<String>, PortError> {
        let get = |what, target: &str, path| Request::get(Service::Identity, what, target, path);
        let request = get("find the domain", domain, "/domains").query("name", domain);
        let DomainsReply { domains } = self.cloud.keystone(&request).await?.0.json(&request)?;
        let missing = request.error(Kind::NotFound, "Keystone has no domain of that name");
        let of = domains.into_iter().find(|found| found.name == domain);
        let of = of.ok_or(missing)?;
        let request = get("find the user", name, "/users")
            .query("domain_id", of.id)
            .query("name", name);
        let UsersReply { users } = self.cloud.keystone(&request).await?.0.json(&request)?;
        // Keystone's own search may know no capitals apart.
        let found = users.into_iter().find(|found| found.name == name);
        Ok(found.map(|found| found.id))
    }

    async fn ping(&self) -> Result<(), PortError> {
        self.our_projects().await?;
        self.cloud.check_catalogue().await
    }
}

impl OpenStack {
    /// Names of projects by id; without them ids are shown, which is no reason to fail.
    pub(super) async fn project_names(&self) -> ById {
        if let Some(known) = self.cloud.project_names.of(&()) {
            return known;
        }
        match self.our_projects().await {
            Ok(projects) => {
                let names: ById = projects
                    .into_iter()
                    .map(|p| (p.id.as_str().to_owned(), Some(p.name)))
                    .collect();
                self.cloud.project_names.replace(&(), names.clone());
                names
            }
            Err(error) => {
                tracing::warn!(%error, "projects are shown by their ids");
                ById::default()
            }
        }
    }
}
