//! Making and deleting Keystone's projects, by the account that assigns roles.

use super::request::{Request, Service};
use super::roles::Assigner;
use osm_core::ids::{OperationId, ProjectId, ProjectName};
use osm_core::ports::{Assignment, Kind, Leave, PortError};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct ListReply {
    projects: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    name: String,
    #[serde(default)]
    tags: Vec<String>,
}

/// What a project says of who made it. Only who may change projects can write it.
fn mark(by: &OperationId) -> String {
    format!("openstackmanager-{by}")
}

impl Assigner {
    pub(super) async fn created(
        &self,
        name: &ProjectName,
        by: &OperationId,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        let (domain, rows) = self.projects_named(name).await?;
        let mut made = false;
        if rows.is_empty() {
            let body = json!({"project": {
                "name": name, "domain_id": domain, "enabled": true, "tags": [mark(by)],
                "description": format!("Made by OpenStackManager for the project {name}"),
            }});
            leave.still().await?;
            let path = "/projects".to_owned();
            let request = Request::change(
                Method::POST,
                Service::Identity,
                "make the project",
                name,
                path,
                Some(body),
            );
            self.ask(&request).await?;
            made = true;
        }
        // Also where an earlier try has made it, or its answer was lost.
        let (_, rows) = self.projects_named(name).await?;
        let ours = rows.into_iter().find(|row| row.tags.contains(&mark(by)));
        let Some(row) = ours else {
            let why = "Keystone has a project of that name, which this operation has not made";
            return Err(PortError::new(
                "keystone",
                "make the project",
                name.as_str(),
                Kind::Conflict,
                why,
            ));
        };
        let (account, domain) = &self.worker;
        let project = ProjectId::trusted(row.id);
        let what = Assignment {
            project: &project,
            uid: account,
            role: &self.member_role,
        };
        let worker = self.find_in(domain, what).await?.ok_or_else(|| {
            let why = "Keystone has no such user in the domain [keystone] user_domain";
            PortError::new(
                "keystone",
                "find the account",
                account.as_str(),
                Kind::NotFound,
                why,
            )
        })?;
        Ok(made | self.change(Method::PUT, &worker, leave).await?)
    }

    pub(super) async fn deleted(
        &self,
        name: &ProjectName,
        which: Result<&ProjectId, &OperationId>,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        let (_, rows) = self.projects_named(name).await?;
        let meant = |row: &Row| match which {
            Ok(id) => row.id == id.as_str(),
            Err(by) => row.tags.contains(&mark(by)),
        };
        let Some(row) = rows.into_iter().find(meant) else {
            return Ok(false);
        };
        leave.still().await?;
        let path = format!("/projects/{}", row.id);
        let request = Request::change(
            Method::DELETE,
            Service::Identity,
            "delete the project",
            name,
            path,
            None,
        );
        match self.ask(&request).await {
            Err(error) if error.kind == Kind::NotFound => Ok(false),
            outcome => outcome.map(|_| true),
        }
    }

    /// The id of the projects' domain, and the projects of this very name in it.
    async fn projects_named(&self, name: &ProjectName) -> Result<(String, Vec<Row>), PortError> {
        let get = |what, target: &str, path| Request::get(Service::Identity, what, target, path);
        let named = &self.project_domain;
        let domain = self
            .needed(get("find the domain", named, "/domains"), named)
            .await?;
        let request = get("look for the project", name.as_str(), "/projects")
            .query("domain_id", &domain)
            .query("name", name.as_str());
        let ListReply { projects } = self.ask(&request).await?.json(&request)?;
        let same = projects.into_iter().filter(|row| row.name == name.as_str());
        Ok((domain, same.collect()))
    }
}
