//! Neutron's networks and security groups.

use super::OpenStack;
use super::request::{Request, Scope, Service};
use super::wire::NeutronObject;
use osm_core::ids::{ProjectId, Region};
use osm_core::instance::SecurityGroup;
use osm_core::ports::{Kind, PortError};
use uuid::Uuid;

/// Lets Nova choose, or make, the project's network.
pub(super) const AUTO: &str = "auto";

impl OpenStack {
    pub(super) async fn list_security_groups(
        &self,
        region: &Region,
        project: &ProjectId,
    ) -> Result<Vec<SecurityGroup>, PortError> {
        let request = Request::get(
            Service::Network,
            "list security groups of",
            project,
            "/security-groups",
        )
        .query("project_id", project);
        let groups: Vec<NeutronObject> = self
            .cloud
            .list(&Scope::from(project), region, request, "security_groups")
            .await?;
        Ok(groups.into_iter().map(SecurityGroup::from).collect())
    }

    pub(super) async fn find_network(
        &self,
        region: &Region,
        project: &ProjectId,
        name: &str,
    ) -> Result<String, PortError> {
        if name == AUTO {
            return Ok(AUTO.to_owned());
        }
        let request = Request::get(Service::Network, "find network", name, "/networks");
        if Uuid::parse_str(name).is_ok() {
            let by_id = request.clone().query("id", name);
            if let Some(id) = self.one_network(region, project, by_id).await? {
                return Ok(id);
            }
        }
        let by_name = request.clone().query("name", name);
        self.one_network(region, project, by_name)
            .await?
            .ok_or_else(|| {
                let detail = format!(
                    "project {project} sees no network of that name or id in region {region}"
                );
                request.error(Kind::NotFound, detail)
            })
    }

    async fn one_network(
        &self,
        region: &Region,
        project: &ProjectId,
        request: Request,
    ) -> Result<Option<String>, PortError> {
        let scope = Scope::from(project);
        let mut found: Vec<NeutronObject> = self
            .cloud
            .list(&scope, region, request.clone(), "networks")
            .await?;
        match found.len() {
            0 | 1 => Ok(found.pop().map(NeutronObject::into_id)),
            several => Err(request.error(
                Kind::Conflict,
                format!("there are {several} of that name; configure the network by its id"),
            )),
        }
    }
}
