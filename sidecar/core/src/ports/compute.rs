//! Nova, with what Glance and Neutron add to it.

use super::{Leave, PortError};
use crate::ids::{InstanceId, OperationId, ProjectId, Region};
use crate::instance::{Flavor, Image, Instance, SecurityGroup, ServerRequest};
use crate::keys::keypairs::Keypair;
use crate::quota::{Quota, QuotaChange};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// Which servers a list is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// All that live.
    Everything,
    /// Those changed since, deleted ones among them.
    Changed(DateTime<Utc>),
}

/// What the runner writes onto a server to know it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// The operation, as tag and as metadata.
    pub operation: OperationId,
    /// More metadata: who asked.
    pub metadata: BTreeMap<String, String>,
}

/// Something that was done with a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What, by Nova's word for it.
    pub action: String,
    /// Our own account did it.
    pub ours: bool,
    /// When it began, by Nova's clock.
    pub at: DateTime<Utc>,
}

/// Reading the cloud.
///
/// `Instance::project` is set to the Keystone id's name where the backend knows it, else to the id;
/// the caller knows the pinned pairs and puts the name right.
#[async_trait]
pub trait ComputeRead: Send + Sync {
    /// All servers of all projects in a region that we may see, all pages.
    async fn servers(&self, region: &Region, since: Since) -> Result<Vec<Instance>, PortError>;
    /// One server; `None` only on Nova's word that there is none.
    async fn server(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<Option<Instance>, PortError>;
    /// Servers made by an operation (by tag).
    async fn servers_of_operation(
        &self,
        region: &Region,
        project: &ProjectId,
        operation: &OperationId,
    ) -> Result<Vec<InstanceId>, PortError>;
    /// Flavours open to the project.
    async fn flavors(&self, region: &Region, project: &ProjectId)
    -> Result<Vec<Flavor>, PortError>;
    /// Active images open to the project.
    async fn images(&self, region: &Region, project: &ProjectId) -> Result<Vec<Image>, PortError>;
    /// The project's security groups.
    async fn security_groups(
        &self,
        region: &Region,
        project: &ProjectId,
    ) -> Result<Vec<SecurityGroup>, PortError>;
    /// What the project may use, and what it uses.
    async fn quota(&self, region: &Region, project: &ProjectId) -> Result<Quota, PortError>;
    /// The key of a user's keypair of that name.
    async fn keypair(
        &self,
        region: &Region,
        user_id: &str,
        name: &str,
    ) -> Result<Option<String>, PortError>;
    /// The id of a network given by name or id; `auto` stays.
    async fn network(
        &self,
        region: &Region,
        project: &ProjectId,
        name: &str,
    ) -> Result<String, PortError>;
    /// What was done with a server since it was made.
    async fn deeds(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<Vec<Deed>, PortError>;
    /// Whether our own account made a server that lives; nobody can change who made it.
    async fn ours(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<bool, PortError>;
    /// The end of the console's log.
    async fn console_output(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<String, PortError>;
}

/// Changing the cloud.
#[async_trait]
pub trait ComputeWrite: Send + Sync {
    /// Starts a server.
    async fn create_server(
        &self,
        region: &Region,
        project: &ProjectId,
        request: &ServerRequest,
        tagged: &Tagged,
    ) -> Result<InstanceId, PortError>;
    /// Soft reboot.
    async fn reboot_server(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<(), PortError>;
    /// Deletes; a server that is not there is deleted already.
    async fn delete_server(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
    ) -> Result<(), PortError>;
    /// Puts a server into a security group, or takes it out.
    async fn change_security_group(
        &self,
        region: &Region,
        project: &ProjectId,
        id: InstanceId,
        group: &str,
        within: bool,
    ) -> Result<(), PortError>;
}

/// Changing what is above projects, with the account that may.
#[async_trait]
pub trait ComputeAdmin: Send + Sync {
    /// Has a project's quota say otherwise, where the change does.
    async fn set_quota(
        &self,
        region: &Region,
        project: &ProjectId,
        change: &QuotaChange,
        leave: &dyn Leave,
    ) -> Result<(), PortError>;
    /// Makes a user's keypair, or deletes it; what is not there is deleted already.
    async fn set_keypair(
        &self,
        keypair: &Keypair,
        there: bool,
        leave: &dyn Leave,
    ) -> Result<(), PortError>;
}
