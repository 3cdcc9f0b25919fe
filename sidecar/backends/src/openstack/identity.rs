//! Keystone's projects.

use super::OpenStack;
use super::names::ById;
use super::request::{Request, Service};
use super::wire::ProjectsReply;
use async_trait::async_trait;
use osm_core::ids::ProjectId;
use osm_core::ports::{Identity, KeystoneProject, PortError};

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
