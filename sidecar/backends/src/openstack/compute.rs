//! Nova: reading and changing servers.

use super::OpenStack;
use super::request::{Request, Scope, Service};
use super::wire::{
    ActionsReply, ConsoleReply, InstanceAction, LimitsReply, NewServer, NovaFlavor, Server,
    ServerReply, create_body, operation_tag,
};
use async_trait::async_trait;
use chrono::SecondsFormat;
use futures_util::{StreamExt, TryStreamExt, stream};
use osm_core::ids::{InstanceId, OperationId, ProjectId, Region};
use osm_core::instance::{Flavor, Image, Instance, SecurityGroup, ServerRequest};
use osm_core::ports::{ComputeRead, ComputeWrite, Deed, Identity, Kind, PortError, Since, Tagged};
use osm_core::quota::Quota;
use reqwest::Method;
use serde_json::{Value, json};

/// Servers a page: five hundred take Nova some seconds.
const PAGE: usize = 500;
/// How often a list is begun again because its place-marker was deleted meanwhile.
const RESTARTS: usize = 3;
/// Projects listed at a time where Nova does not list all of them at once.
const PROJECTS_AT_A_TIME: usize = 4;
const CONSOLE_LINES: usize = 500;
const CONSOLE_BYTES: usize = 128 << 10;

#[async_trait]
impl ComputeRead for OpenStack {
    async fn servers(&self, region: &Region, since: Since) -> Result<Vec<Instance>, PortError> {
        let everywhere = list_request(region, since).query("all_tenants", 1);
        let servers = match self.server_list(&Scope::Reader, region, everywhere).await {
            Err(error) if error.kind == Kind::Denied => {
                let servers = self.servers_by_project(region, since).await?;
                self.cloud.tell_no_grant(region, &error);
                servers
            }
            outcome => outcome?,
        };
        self.instances(region, servers).await
    }

    async fn server(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<Option<Instance>, PortError> {
        let Some(server) = self.read_server(region, project, id).await? else {
            return Ok(None);
        };
        Ok(self.instances(region, vec![server]).await?.pop())
    }

    async fn servers_of_operation(
        &self,
        region: &Region,
        project: &ProjectId,
        operation: &OperationId,
    ) -> Result<Vec<InstanceId>, PortError> {
        let tag = operation_tag(operation);
        let request = Request::get(
            Service::Compute,
            "find servers of operation",
            operation,
            "/servers/detail",
        )
        .query("tags", &tag);
        let servers: Vec<Server> = self.server_list(&project.into(), region, request).await?;
        let us = self.cloud.user_id().await?;
        // What is found may be deleted as the operation's own: Nova's filter is not enough for that, nor is the
        // tag, which anyone in the project can write.
        let made = servers
            .into_iter()
            .filter(|s| s.tags.contains(&tag) && us.is_some() && s.user_id == us);
        Ok(made.map(|server| InstanceId(server.id)).collect())
    }

    async fn flavors(
        &self,
        region: &Region,
        project: &ProjectId,
    ) -> Result<Vec<Flavor>, PortError> {
        let request = Request::get(
            Service::Compute,
            "list flavours open to",
            project,
            "/flavors/detail",
        );
        let flavors: Vec<NovaFlavor> = self
            .cloud
            .list(&project.into(), region, request, "flavors")
            .await?;
        Ok(flavors.into_iter().map(Flavor::from).collect())
    }

    async fn images(&self, region: &Region, project: &ProjectId) -> Result<Vec<Image>, PortError> {
        self.list_images(region, &project.into()).await
    }

    async fn security_groups(
        &self,
        region: &Region,
        project: &ProjectId,
    ) -> Result<Vec<SecurityGroup>, PortError> {
        self.list_security_groups(region, project).await
    }

    async fn quota(&self, region: &Region, project: &ProjectId) -> Result<Quota, PortError> {
        let request = Request::get(Service::Compute, "read limits of", project, "/limits");
        let reply = self.cloud.call(&project.into(), region, &request).await?;
        Ok(reply.json::<LimitsReply>(&request)?.into())
    }

    async fn keypair(
        &self,
        region: &Region,
        user_id: &str,
        name: &str,
    ) -> Result<Option<String>, PortError> {
        self.find_keypair(region, user_id, name).await
    }

    async fn network(
        &self,
        region: &Region,
        project: &ProjectId,
        name: &str,
    ) -> Result<String, PortError> {
        self.find_network(region, project, name).await
    }

    async fn deeds(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<Vec<Deed>, PortError> {
        let path = format!("/servers/{id}/os-instance-actions");
        let request = Request::get(Service::Compute, "list actions on", id, path);
        let reply = self.cloud.call(&project.into(), region, &request).await?;
        let ActionsReply { actions } = reply.json(&request)?;
        let us = self.cloud.user_id().await?;
        let done = actions.into_iter().filter(|done| done.action != "create");
        let deed = |done: InstanceAction| Deed {
            ours: us.is_some() && done.user_id == us,
            at: done.start_time.and_utc(),
            action: done.action,
        };
        Ok(done.map(deed).collect())
    }

    async fn ours(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<bool, PortError> {
        let Some(server) = self.read_server(region, project, id).await? else {
            return Ok(false);
        };
        let us = self.cloud.user_id().await?;
        Ok(us.is_some() && server.user_id == us)
    }

    async fn console_output(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<String, PortError> {
        let body = json!({"os-getConsoleOutput": {"length": CONSOLE_LINES}});
        let request = action("read console output of", id, body).repeatable();
        let reply = self.cloud.call(&project.into(), region, &request).await?;
        Ok(reply.json::<ConsoleReply>(&request)?.end(CONSOLE_BYTES))
    }
}

#[async_trait]
impl ComputeWrite for OpenStack {
    async fn create_server(
        &self,
        region: &Region,
        project: &ProjectId,
        request: &ServerRequest,
        tagged: &Tagged,
    ) -> Result<InstanceId, PortError> {
        let request = Request::change(
            Method::POST,
            Service::Compute,
            "create server",
            &request.name,
            "/servers",
            Some(create_body(request, tagged)),
        );
        let reply = self.cloud.call(&project.into(), region, &request).await?;
        let made: ServerReply<NewServer> = reply.json(&request)?;
        Ok(InstanceId(made.server.id))
    }

    async fn reboot_server(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<(), PortError> {
        let body = json!({"reboot": {"type": "SOFT"}});
        self.act(region, project, "reboot server", id, body).await
    }

    async fn delete_server(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<(), PortError> {
        let request = Request::change(
            Method::DELETE,
            Service::Compute,
            "delete server",
            id,
            server_path(id),
            None,
        );
        match self.cloud.call(&project.into(), region, &request).await {
            Err(error) if error.kind != Kind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn change_security_group(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
        group: &str,
        within: bool,
    ) -> Result<(), PortError> {
        let (what, key) = match within {
            true => ("add security group to", "addSecurityGroup"),
            false => ("remove security group from", "removeSecurityGroup"),
        };
        let body = json!({key: {"name": group}});
        self.act(region, project, what, id, body).await
    }
}

impl OpenStack {
    /// `None` only on Nova's word that there is no such server.
    async fn read_server(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<Option<Server>, PortError> {
        let request = Request::get(Service::Compute, "read server", id, server_path(id));
        let reply = match self.cloud.call(&project.into(), region, &request).await {
            Err(error) if error.kind == Kind::NotFound => return Ok(None),
            outcome => outcome?,
        };
        let ServerReply { server } = reply.json::<ServerReply<Server>>(&request)?;
        if server.id != id.0 {
            return Err(reply.nonsense(&request, "it is about another server"));
        }
        Ok(Some(server))
    }

    async fn act(
        &self,
        region: &Region,
        project: &ProjectId,
        what: &'static str,
        id: InstanceId,
        body: Value,
    ) -> Result<(), PortError> {
        let request = action(what, id, body);
        let done = self.cloud.call(&project.into(), region, &request).await;
        done.map(drop)
    }

    /// All pages; begun again where the server at a page's end was deleted before the next was asked for.
    async fn server_list(
        &self,
        scope: &Scope,
        region: &Region,
        request: Request,
    ) -> Result<Vec<Server>, PortError> {
        let mut restarts = 0;
        loop {
            let outcome = self
                .cloud
                .list(scope, region, request.clone(), "servers")
                .await;
            match outcome {
                Err(error)
                    if error.kind == Kind::Rejected
                        && error.detail.contains("marker [")
                        && restarts < RESTARTS =>
                {
                    restarts += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn servers_by_project(
        &self,
        region: &Region,
        since: Since,
    ) -> Result<Vec<Server>, PortError> {
        let projects = self.our_projects().await?;
        let lists: Vec<Vec<Server>> = stream::iter(projects)
            .map(|project| async move {
                self.server_list(
                    &Scope::Project(project.id),
                    region,
                    list_request(region, since),
                )
                .await
            })
            .buffer_unordered(PROJECTS_AT_A_TIME)
            .try_collect()
            .await?;
        Ok(lists.into_iter().flatten().collect())
    }

    /// Our form of Nova's servers, with the names of projects and images.
    async fn instances(
        &self,
        region: &Region,
        servers: Vec<Server>,
    ) -> Result<Vec<Instance>, PortError> {
        let projects = self.project_names().await;
        let images = self.image_names(region, &servers).await;
        servers
            .into_iter()
            .map(|server| {
                let id = server.id;
                let project = projects.name(&server.tenant_id);
                let image = server.image_id().and_then(|id| images.name(id));
                // Left out it would look deleted.
                server.into_instance(region, project, image).ok_or_else(|| {
                    PortError::new(
                        "nova",
                        "read server",
                        id.to_string(),
                        Kind::Unavailable,
                        format!("one of Nova's cells in region {region} is down: it tells only part of this server's facts"),
                    )
                })
            })
            .collect()
    }
}

fn list_request(region: &Region, since: Since) -> Request {
    let request = Request::get(
        Service::Compute,
        "list servers in",
        region,
        "/servers/detail",
    )
    .query("limit", PAGE);
    match since {
        Since::Everything => request,
        Since::Changed(at) => request.query(
            "changes-since",
            at.to_rfc3339_opts(SecondsFormat::Secs, true),
        ),
    }
}

fn server_path(id: InstanceId) -> String {
    format!("/servers/{id}")
}

fn action(operation: &'static str, id: InstanceId, body: Value) -> Request {
    Request::change(
        Method::POST,
        Service::Compute,
        operation,
        id,
        format!("/servers/{id}/action"),
        Some(body),
    )
}
