//! The services' words, and how they become ours. Only the fields that are used.

use super::network::AUTO;
use chrono::{DateTime, NaiveDateTime, Utc};
use osm_core::ids::{InstanceId, OperationId, ProjectId, ProjectName, Region};
use osm_core::instance::{
    Address, Flavor, Image, Instance, META_OPERATION, SecurityGroup, ServerRequest, TAG_OPERATION,
};
use osm_core::ports::Tagged;
use osm_core::quota::{Limits, Quota, Used};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use uuid::Uuid;

// Keystone

#[derive(Deserialize)]
pub(super) struct TokenReply {
    pub token: Token,
}

#[derive(Deserialize)]
pub(super) struct Token {
    pub issued_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub project: TokenProject,
    pub user: Option<Id>,
    pub catalog: Vec<CatalogueEntry>,
}

#[derive(Deserialize)]
pub(super) struct TokenProject {
    pub domain: Id,
}

#[derive(Deserialize)]
pub(super) struct Id {
    pub id: String,
}

#[derive(Deserialize)]
pub(super) struct CatalogueEntry {
    #[serde(rename = "type")]
    pub kind: String,
    pub endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
pub(super) struct Endpoint {
    pub interface: String,
    pub region_id: Option<String>,
    pub url: String,
}

#[derive(Deserialize)]
pub(super) struct ProjectsReply {
    pub projects: Vec<Project>,
}

#[derive(Deserialize)]
pub(super) struct Project {
    pub id: String,
    pub name: String,
    pub domain_id: String,
    #[serde(default)]
    pub enabled: bool,
}

// Nova

#[derive(Deserialize)]
pub(super) struct ServerReply<T> {
    pub server: T,
}

#[derive(Deserialize)]
pub(super) struct NewServer {
    pub id: Uuid,
}

/// A server. Of one whose cell is down Nova tells no more than id, project, status and creation.
#[derive(Deserialize)]
pub(super) struct Server {
    pub id: Uuid,
    pub tenant_id: String,
    /// Who made it.
    pub user_id: Option<String>,
    pub status: String,
    pub created: DateTime<Utc>,
    pub name: Option<String>,
    pub updated: Option<DateTime<Utc>>,
    pub flavor: Option<ServerFlavor>,
    /// An object with the image's id, or an empty text where the server was booted from a volume.
    pub image: Option<Value>,
    #[serde(default)]
    pub addresses: BTreeMap<String, Vec<ServerAddress>>,
    #[serde(default)]
    pub security_groups: Vec<Named>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub fault: Option<ServerFault>,
    #[serde(rename = "OS-EXT-STS:task_state")]
    pub task_state: Option<String>,
    #[serde(rename = "OS-SRV-USG:launched_at")]
    pub launched: Option<NaiveDateTime>,
    #[serde(rename = "OS-SRV-USG:terminated_at")]
    pub terminated: Option<NaiveDateTime>,
    #[serde(rename = "OS-EXT-SRV-ATTR:host")]
    pub host: Option<String>,
    #[serde(rename = "OS-EXT-AZ:availability_zone")]
    pub availability_zone: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct ServerFlavor {
    original_name: String,
    vcpus: u32,
    ram: u64,
    disk: u64,
    #[serde(default)]
    ephemeral: u64,
}

#[derive(Deserialize)]
pub(super) struct ServerAddress {
    addr: IpAddr,
    #[serde(rename = "OS-EXT-IPS:type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
}

#[derive(Deserialize)]
pub(super) struct ServerFault {
    message: String,
}

impl Server {
    pub fn image_id(&self) -> Option<&str> {
        self.image.as_ref()?.get("id")?.as_str()
    }

    /// Our form of it; `None` where its cell is down, so that little is known of it.
    pub fn into_instance(
        self,
        region: &Region,
        project: Option<String>,
        image_name: Option<String>,
    ) -> Option<Instance> {
        let image = self.image_id().map(|id| Image {
            id: id.to_owned(),
            name: image_name,
            default: false,
            min_ram_mb: 0,
            min_disk_gb: 0,
        });
        let flavor = self.flavor?;
        let updated = self.updated?;
        let deleted = (self.status == "DELETED")
            .then(|| self.terminated.map_or(updated, |ended| ended.and_utc()));
        // Nova names a group once for each port that has it.
        let groups: BTreeSet<String> = self.security_groups.into_iter().map(|g| g.name).collect();
        let addresses = self.addresses.into_iter().flat_map(|(network, addresses)| {
            addresses.into_iter().map(move |address| Address {
                network: network.clone(),
                ip: address.addr,
                floating: address.kind.as_deref() == Some("floating"),
            })
        });
        Some(Instance {
            region: region.clone(),
            id: InstanceId(self.id),
            project: ProjectName::trusted(project.unwrap_or_else(|| self.tenant_id.clone())),
            project_id: ProjectId::trusted(self.tenant_id),
            name: self.name?,
            status: self.status,
            task_state: self.task_state,
            created: self.created,
            launched: self.launched.map(|at| at.and_utc()),
            updated,
            deleted,
            host: self.host,
            availability_zone: self.availability_zone.filter(|zone| !zone.is_empty()),
            flavor: Flavor {
                id: None,
                name: flavor.original_name,
                vcpus: flavor.vcpus,
                ram_mb: flavor.ram,
                disk_gb: flavor.disk,
                ephemeral_gb: flavor.ephemeral,
            },
            image,
            addresses: addresses.collect(),
            security_groups: groups.into_iter().collect(),
            metadata: self.metadata,
            tags: self.tags,
            fault: self.fault.map(|fault| fault.message.trim().to_owned()),
        })
    }
}

#[derive(Deserialize)]
pub(super) struct NovaFlavor {
    id: String,
    name: String,
    vcpus: u32,
    ram: u64,
    disk: u64,
    #[serde(rename = "OS-FLV-EXT-DATA:ephemeral", default)]
    ephemeral: u64,
}

impl From<NovaFlavor> for Flavor {
    fn from(flavor: NovaFlavor) -> Self {
        Self {
            id: Some(flavor.id),
            name: flavor.name,
            vcpus: flavor.vcpus,
            ram_mb: flavor.ram,
            disk_gb: flavor.disk,
            ephemeral_gb: flavor.ephemeral,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct LimitsReply {
    limits: Reported,
}

#[derive(Deserialize)]
struct Reported {
    absolute: Absolute,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Absolute {
    max_total_instances: i64,
    total_instances_used: i64,
    max_total_cores: i64,
    total_cores_used: i64,
    #[serde(rename = "maxTotalRAMSize")]
    max_total_ram_size: i64,
    #[serde(rename = "totalRAMUsed")]
    total_ram_used: i64,
}

impl From<LimitsReply> for Quota {
    fn from(reply: LimitsReply) -> Self {
        let it = reply.limits.absolute;
        // -1 is without limit.
        let limit = |most: i64| u64::try_from(most).ok();
        let used = |used: i64| u64::try_from(used).unwrap_or(0);
        Self {
            limits: Limits {
                instances: limit(it.max_total_instances),
                cores: limit(it.max_total_cores),
                ram: limit(it.max_total_ram_size),
            },
            used: Used {
                instances: used(it.total_instances_used),
                cores: used(it.total_cores_used),
                ram: used(it.total_ram_used),
            },
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ActionsReply {
    #[serde(rename = "instanceActions")]
    pub actions: Vec<InstanceAction>,
}

#[derive(Deserialize)]
pub(super) struct InstanceAction {
    pub action: String,
    pub user_id: Option<String>,
    pub start_time: NaiveDateTime,
}

#[derive(Deserialize)]
pub(super) struct ConsoleReply {
    output: Option<String>,
}

impl ConsoleReply {
    /// The last part of what the console says.
    pub fn end(self, bytes: usize) -> String {
        end_of(&self.output.unwrap_or_default(), bytes).to_owned()
    }
}

/// The last part of a text, from a line's beginning where that can be.
fn end_of(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let end = text.get(start..).unwrap_or(text);
    match end.split_once('\n') {
        Some((_, rest)) if start > 0 && !rest.is_empty() => rest,
        _ => end,
    }
}

// Glance

#[derive(Deserialize)]
pub(super) struct GlanceImage {
    pub id: String,
    pub name: Option<String>,
    #[serde(default)]
    min_ram: u64,
    #[serde(default)]
    min_disk: u64,
    /// A property of ours, not Glance's: any text but `false` marks the image offered first.
    default: Option<String>,
}

impl From<GlanceImage> for Image {
    fn from(image: GlanceImage) -> Self {
        Self {
            id: image.id,
            name: image.name,
            default: image
                .default
                .is_some_and(|d| !d.eq_ignore_ascii_case("false")),
            min_ram_mb: image.min_ram,
            min_disk_gb: image.min_disk,
        }
    }
}

// Neutron

#[derive(Deserialize)]
pub(super) struct NeutronObject {
    id: String,
    name: String,
}

impl NeutronObject {
    pub fn into_id(self) -> String {
        self.id
    }
}

impl From<NeutronObject> for SecurityGroup {
    fn from(group: NeutronObject) -> Self {
        Self {
            id: group.id,
            name: group.name,
        }
    }
}

/// The tag by which a server of an operation is known.
pub(super) fn operation_tag(operation: &OperationId) -> String {
    format!("{TAG_OPERATION}{operation}")
}

/// What Nova is asked to make.
pub(super) fn create_body(request: &ServerRequest, tagged: &Tagged) -> Value {
    let networks = match request.network.as_str() {
        AUTO => json!(AUTO),
        id => json!([{"uuid": id}]),
    };
    let mut metadata = tagged.metadata.clone();
    metadata.insert(META_OPERATION.to_owned(), tagged.operation.to_string());
    let mut server = json!({
        "name": request.name,
        "flavorRef": request.flavor_id,
        "imageRef": request.image_id,
        "networks": networks,
        "metadata": metadata,
        "tags": [operation_tag(&tagged.operation)],
        "min_count": 1,
        "max_count": 1,
    });
    // Without any the project's `default` group is taken.
    if !request.security_groups.is_empty()
        && let Some(fields) = server.as_object_mut()
    {
        let groups = request.security_groups.iter();
        let groups: Vec<Value> = groups.map(|name| json!({"name": name})).collect();
        fields.insert("security_groups".to_owned(), Value::Array(groups));
    }
    json!({"server": server})
}
