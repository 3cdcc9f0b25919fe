//! What the services write into their notifications, and how it becomes ours. Only the fields that are used.

use super::state;
use chrono::{DateTime, NaiveDateTime, Utc};
use osm_core::ids::{InstanceId, ProjectId};
use osm_core::instance::Flavor;
use osm_core::ports::{Content, Event, Initiator, Notice};
use osm_core::told::Told;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;
use uuid::Uuid;

/// A kind is told of no longer than this.
const LONGEST: usize = 80;

/// The content of a message's body, which came from this exchange.
pub fn decode(exchange: &str, body: &[u8]) -> Content {
    let unreadable = |kind: &str, why: serde_json::Error| Content::Malformed {
        kind: format!("{exchange} {kind}").chars().take(LONGEST).collect(),
        why: place(&why),
    };
    let message = match serde_json::from_slice::<Envelope>(body)
        .and_then(|outer| serde_json::from_str::<Message>(&outer.message))
    {
        Ok(message) => message,
        Err(error) => return unreadable("envelope", error),
    };
    let kind = message.event_type.clone();
    let event = match exchange {
        "nova" => nova(&message),
        "neutron" => neutron(&message),
        "keystone" => Ok(keystone(&message)),
        _ => Ok(None),
    };
    match (event, told_at(&message.timestamp)) {
        (Ok(None), _) => Content::Nothing,
        (Ok(Some(event)), Some(at)) => Content::Notice(Box::new(Notice {
            event,
            at,
            by: message.initiator(),
        })),
        (Ok(Some(_)), None) => Content::Malformed {
            kind: format!("{exchange} {kind}"),
            why: "its timestamp is none".to_owned(),
        },
        (Err(error), _) => unreadable(&kind, error),
    }
}

/// What serde says, without the words that it quotes from the message.
fn place(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "it has another shape than is known",
        _ => "it is no JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "oslo.message")]
    message: String,
}

#[derive(Deserialize)]
struct Message {
    event_type: String,
    timestamp: String,
    #[serde(default)]
    payload: Value,
    #[serde(rename = "_context_user_id")]
    user_id: Option<String>,
    #[serde(rename = "_context_user_name")]
    user_name: Option<String>,
    /// An id.
    #[serde(rename = "_context_user_domain")]
    user_domain: Option<String>,
    #[serde(rename = "_context_project_id")]
    project_id: Option<String>,
    #[serde(rename = "_context_request_id")]
    request_id: Option<String>,
    /// The request to another service that led to this one.
    #[serde(rename = "_context_global_request_id")]
    global_request_id: Option<String>,
}

impl Message {
    fn initiator(&self) -> Option<Initiator> {
        Some(Initiator {
            user_id: self.user_id.clone()?,
            user_name: self.user_name.clone()?,
            domain_id: self.user_domain.clone()?,
            project_id: self.project_id.clone(),
            request_id: self
                .global_request_id
                .clone()
                .or_else(|| self.request_id.clone()),
        })
    }

    fn payload<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        T::deserialize(&self.payload)
    }
}

/// oslo.messaging writes UTC without saying so.
fn told_at(text: &str) -> Option<DateTime<Utc>> {
    ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|at| at.and_utc())
}

// Nova

/// Nova's way to write an object with a version.
#[derive(Deserialize)]
struct Versioned<T> {
    #[serde(rename = "nova_object.data")]
    data: T,
}

/// What all instance payloads hold.
#[derive(Deserialize)]
struct Which {
    uuid: Uuid,
    tenant_id: String,
    terminated_at: Option<DateTime<Utc>>,
    deleted_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Server {
    display_name: String,
    state: String,
    task_state: Option<String>,
    created_at: Option<DateTime<Utc>>,
    launched_at: Option<DateTime<Utc>>,
    updated_at: Option<DateTime<Utc>>,
    host: Option<String>,
    availability_zone: Option<String>,
    flavor: Versioned<ServerFlavor>,
    image_uuid: Option<String>,
    ip_addresses: Vec<Versioned<Ip>>,
    metadata: BTreeMap<String, String>,
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct ServerFlavor {
    name: String,
    vcpus: u32,
    memory_mb: u64,
    root_gb: u64,
    ephemeral_gb: u64,
}

#[derive(Deserialize)]
struct Ip {
    address: IpAddr,
}

fn nova(message: &Message) -> serde_json::Result<Option<Event>> {
    let kind = message.event_type.as_str();
    // `exists` is an account of the past, told every hour of every server.
    if !kind.starts_with("instance.") || kind == "instance.exists" {
        return Ok(None);
    }
    // Unversioned payloads do not come: nothing is bound for them.
    let which: Versioned<Which> = message.payload()?;
    let Which {
        uuid,
        tenant_id,
        terminated_at,
        deleted_at,
    } = which.data;
    let (id, project_id) = (InstanceId(uuid), ProjectId::trusted(tenant_id));
    let ended = terminated_at.or(deleted_at);
    if kind == "instance.delete.end" {
        return Ok(Some(Event::Gone {
            id,
            project_id,
            ended,
        }));
    }
    // A payload of another version than is known is still a reason to ask Nova.
    let told = message
        .payload::<Versioned<Server>>()
        .ok()
        .and_then(|server| told(id, &project_id, ended, server.data));
    Ok(Some(match told {
        Some(told) if !kind.ends_with(".error") => Event::Server(Box::new(told)),
        _ => Event::Look {
            id,
            project_id,
            early: false,
        },
    }))
}

/// `None` where Nova's API would call the state by a name that is not known here.
fn told(
    id: InstanceId,
    project_id: &ProjectId,
    ended: Option<DateTime<Utc>>,
    server: Server,
) -> Option<Told> {
    let flavor = server.flavor.data;
    Some(Told {
        id,
        project_id: project_id.clone(),
        name: server.display_name,
        status: state::status(&server.state, server.task_state.as_deref())?.to_owned(),
        task_state: server.task_state,
        created: server.created_at,
        launched: server.launched_at,
        updated: server.updated_at,
        ended,
        host: server.host.filter(|host| !host.is_empty()),
        availability_zone: server.availability_zone.filter(|zone| !zone.is_empty()),
        flavor: Flavor {
            id: None,
            name: flavor.name,
            vcpus: flavor.vcpus,
            ram_mb: flavor.memory_mb,
            disk_gb: flavor.root_gb,
            ephemeral_gb: flavor.ephemeral_gb,
        },
        image: server.image_uuid.filter(|image| !image.is_empty()),
        addresses: server
            .ip_addresses
            .into_iter()
            .map(|ip| ip.data.address)
            .collect(),
        metadata: server.metadata,
        tags: server.tags,
    })
}

// Neutron

#[derive(Deserialize)]
struct PortPayload {
    port: Port,
}

#[derive(Deserialize)]
struct Port {
    project_id: String,
    /// A server's UUID, or the name of something else that has a port.
    device_id: String,
}

#[derive(Deserialize)]
struct FloatingIpPayload {
    floatingip: FloatingIp,
}

#[derive(Deserialize)]
struct FloatingIp {
    project_id: String,
    port_details: Option<PortDetails>,
}

#[derive(Deserialize)]
struct PortDetails {
    device_id: String,
}

#[derive(Deserialize)]
struct GroupPayload {
    security_group: Group,
}

#[derive(Deserialize)]
struct Group {
    project_id: String,
}

fn neutron(message: &Message) -> serde_json::Result<Option<Event>> {
    // What begins has changed nothing yet; a new group is nobody's, and one in use cannot be deleted.
    let (project_id, device) = match message.event_type.as_str() {
        "port.create.end" | "port.update.end" | "port.delete.end" => {
            let PortPayload { port } = message.payload()?;
            // A port of a router, or of nobody.
            let Ok(device) = Uuid::parse_str(&port.device_id) else {
                return Ok(None);
            };
            (port.project_id, Some(device))
        }
        "floatingip.create.end" | "floatingip.update.end" | "floatingip.delete.end" => {
            let FloatingIpPayload { floatingip } = message.payload()?;
            let device = floatingip.port_details.map(|port| port.device_id);
            let device = device.and_then(|device| Uuid::parse_str(&device).ok());
            (floatingip.project_id, device)
        }
        "security_group.update.end" => {
            let GroupPayload { security_group } = message.payload()?;
            (security_group.project_id, None)
        }
        _ => return Ok(None),
    };
    let project_id = ProjectId::trusted(project_id);
    Ok(Some(match device {
        Some(device) => Event::Look {
            id: InstanceId(device),
            project_id,
            early: true,
        },
        None => Event::LookAtProject(project_id),
    }))
}

// Keystone

fn keystone(message: &Message) -> Option<Event> {
    let kind = message.event_type.as_str();
    ["identity.project.", "identity.role_assignment."]
        .iter()
        .any(|about| kind.starts_with(about))
        .then_some(Event::Projects)
}
