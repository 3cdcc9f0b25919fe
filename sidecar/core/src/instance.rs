//! Instances: their facts, what may be asked of them, and the plans that follow.

use crate::action::Action;
use crate::authz::{Permit, Target};
use crate::ids::{InstanceId, InstanceName, ProjectId, ProjectName, Region};
use crate::message::Msg;
use crate::plan::{Facts, Goal, Plan, PlannedStep, Step, Undo};
use crate::refusal::{Refusal, RefusalKind};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of an instance: Nova's word, and what we remember of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Where it runs.
    pub region: Region,
    /// The server's UUID.
    pub id: InstanceId,
    /// Its Keystone project.
    pub project_id: ProjectId,
    /// Its project's name.
    pub project: ProjectName,
    /// The name a person gave it; not necessarily one of ours, so not an [`InstanceName`].
    pub name: String,
    /// Nova's status: `BUILD`, `ACTIVE`, `ERROR`, … `DELETED`.
    pub status: String,
    /// What Nova is doing with it.
    pub task_state: Option<String>,
    /// When it was asked for.
    pub created: DateTime<Utc>,
    /// When it first ran.
    pub launched: Option<DateTime<Utc>>,
    /// When Nova last changed it.
    pub updated: DateTime<Utc>,
    /// When it ended.
    pub deleted: Option<DateTime<Utc>>,
    /// The hypervisor, where the cloud says so.
    pub host: Option<String>,
    /// Availability zone.
    pub availability_zone: Option<String>,
    /// Flavour.
    pub flavor: Flavor,
    /// Image id and, where known, name; none when booted from a volume.
    pub image: Option<Image>,
    /// Addresses.
    pub addresses: Vec<Address>,
    /// Names of security groups.
    pub security_groups: Vec<String>,
    /// Server metadata.
    pub metadata: BTreeMap<String, String>,
    /// Server tags.
    pub tags: Vec<String>,
    /// Nova's reason for `ERROR`.
    pub fault: Option<String>,
}

/// Metadata key under which the server carries the wiki user who asked for it.
pub const META_CREATOR: &str = "openstackmanager_user";
/// Metadata key of the operation that made the server.
pub const META_OPERATION: &str = "openstackmanager_operation";
/// Prefix of the server tag that names the operation: the search key before a retry.
pub const TAG_OPERATION: &str = "osm-operation-";

impl Instance {
    /// This view of a server after an older one. Not every view shows all (a member's has no host, a deleted
    /// server's no addresses), and what it does not show has not changed; a deletion happens once.
    #[must_use]
    pub fn following(self, old: &Self) -> Self {
        if let Some(deleted) = self.deleted {
            return Self {
                status: "DELETED".to_owned(),
                task_state: None,
                updated: self.updated,
                deleted: Some(old.deleted.unwrap_or(deleted)),
                fault: self.fault.or_else(|| old.fault.clone()),
                ..old.clone()
            };
        }
        let image = self.image.map(|new| {
            let known = old.image.as_ref().filter(|i| i.id == new.id);
            Image {
                name: new.name.or_else(|| known.and_then(|i| i.name.clone())),
                ..new
            }
        });
        Self {
            host: host_of(&self.status, self.host.as_ref(), old.host.as_ref()),
            image,
            ..self
        }
    }

    /// Nothing about it is in motion.
    pub fn settled(&self) -> bool {
        self.task_state.is_none() && !matches!(self.status.as_str(), "BUILD" | "REBOOT")
    }
}

/// The host that a server is on: as is said now, else as was said before.
pub fn host_of(status: &str, said: Option<&String>, before: Option<&String>) -> Option<String> {
    // What is shelved is on none until it is unshelved.
    let before = before.filter(|_| status != "SHELVED_OFFLOADED");
    said.or(before).cloned()
}

/// A size of server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flavor {
    /// Id; absent in a server's own reply, which carries the flavour by value.
    pub id: Option<String>,
    /// Name.
    pub name: String,
    /// CPUs.
    pub vcpus: u32,
    /// Memory, MiB.
    pub ram_mb: u64,
    /// Root disk, GiB.
    pub disk_gb: u64,
    /// Extra disk, GiB.
    pub ephemeral_gb: u64,
}

/// An image to start from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Id.
    pub id: String,
    /// Name, where known.
    pub name: Option<String>,
    /// Offered first in the form.
    #[serde(default)]
    pub default: bool,
    /// Least memory it needs, MiB.
    #[serde(default)]
    pub min_ram_mb: u64,
    /// Least disk it needs, GiB.
    #[serde(default)]
    pub min_disk_gb: u64,
}

/// One address of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// Network name.
    pub network: String,
    /// The address.
    pub ip: std::net::IpAddr,
    /// Public address mapped onto the server's own.
    pub floating: bool,
}

/// A security group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
}

/// What the project may still use; `None` is without limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Headroom {
    pub instances: Option<i64>,
    pub cores: Option<i64>,
    pub ram_mb: Option<i64>,
}

/// A request as it came from a form or an API call, nothing believed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct CreateRequest {
    pub name: String,
    /// Flavour id or name.
    pub flavor: String,
    /// Image id or name.
    pub image: String,
    pub security_groups: Vec<String>,
}

/// What is read before a create is planned.
#[derive(Clone, Debug)]
pub struct CreateFacts {
    /// The project's Keystone id.
    pub project_id: ProjectId,
    /// Flavours on offer.
    pub flavors: Vec<Flavor>,
    /// Images on offer.
    pub images: Vec<Image>,
    /// The project's security groups.
    pub security_groups: Vec<SecurityGroup>,
    /// What quota leaves.
    pub headroom: Headroom,
    /// Network id or `auto`.
    pub network: String,
    /// Names in use in this project and region.
    pub names: Vec<String>,
}

/// The body of the create call, apart from what the runner adds (operation tag and metadata).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ServerRequest {
    pub name: InstanceName,
    pub flavor_id: String,
    pub flavor_name: String,
    pub image_id: String,
    pub image_name: String,
    pub network: String,
    pub security_groups: Vec<String>,
}

/// Plans the start of an instance; all that is wrong is told at once, each at its field.
pub fn plan_create(
    permit: &Permit,
    facts: &CreateFacts,
    request: &CreateRequest,
) -> Result<Plan, Vec<Refusal>> {
    let Target::Project(region, project) = permit.target() else {
        return Err(vec![Refusal::new(
            RefusalKind::Invalid,
            Msg::new("needproject"),
        )]);
    };
    let mut wrong = Vec::new();
    let mut note = |r: Refusal| wrong.push(r);

    let name = InstanceName::parse(&request.name).map_err(&mut note).ok();
    if let Some(name) = &name
        && facts.names.iter().any(|n| n == name.as_str())
    {
        note(Refusal {
            kind: RefusalKind::Conflict,
            ..Refusal::field(
                "instancename",
                Msg::new("nametaken")
                    .with(name.as_str())
                    .with(project.as_str()),
            )
        });
    }
    let flavor = facts
        .flavors
        .iter()
        .find(|f| f.id.as_deref() == Some(&request.flavor) || f.name == request.flavor);
    if flavor.is_none() {
        note(Refusal::field(
            "instanceType",
            Msg::new("badinstancetype").with(request.flavor.as_str()),
        ));
    }
    let image = facts
        .images
        .iter()
        .find(|i| i.id == request.image || i.name.as_deref() == Some(&request.image));
    if image.is_none() {
        note(Refusal::field(
            "imageType",
            Msg::new("badimage").with(request.image.as_str()),
        ));
    }
    for group in &request.security_groups {
        if !facts.security_groups.iter().any(|g| g.name == *group) {
            note(Refusal::field(
                "groups",
                Msg::new("badsecuritygroup")
                    .with(group.as_str())
                    .with(project.as_str()),
            ));
        }
    }
    if let (Some(flavor), Some(image)) = (flavor, image)
        && (flavor.ram_mb < image.min_ram_mb || flavor.disk_gb < image.min_disk_gb)
    {
        note(Refusal::field(
            "instanceType",
            Msg::new("flavortoosmall")
                .with(flavor.name.as_str())
                .with(image.name.clone().unwrap_or_else(|| image.id.clone())),
        ));
    }
    if let Some(flavor) = flavor {
        quota(&facts.headroom, flavor, project)
            .into_iter()
            .for_each(&mut note);
    }
    match (name, flavor, image) {
        (Some(name), Some(flavor), Some(image)) if wrong.is_empty() => {
            let server = ServerRequest {
                name: name.clone(),
                flavor_id: flavor.id.clone().unwrap_or_else(|| flavor.name.clone()),
                flavor_name: flavor.name.clone(),
                image_id: image.id.clone(),
                image_name: image.name.clone().unwrap_or_else(|| image.id.clone()),
                network: facts.network.clone(),
                security_groups: request.security_groups.clone(),
            };
            Ok(Plan {
                version: Plan::VERSION,
                action: Action::InstanceCreate,
                region: region.clone(),
                project: project.clone(),
                project_id: facts.project_id.clone(),
                instance: None,
                name: name.to_string(),
                facts: create_facts(facts, flavor, image, request),
                steps: vec![
                    PlannedStep {
                        step: Step::CreateServer { server },
                        undo: Undo::DeleteServer,
                    },
                    awaited(Goal::Active),
                ],
            })
        }
        _ => Err(wrong),
    }
}

fn quota(headroom: &Headroom, flavor: &Flavor, project: &ProjectName) -> Vec<Refusal> {
    let ram = i64::try_from(flavor.ram_mb).unwrap_or(i64::MAX);
    [
        ("instances", headroom.instances, 1, "instancename"),
        (
            "cores",
            headroom.cores,
            i64::from(flavor.vcpus),
            "instanceType",
        ),
        ("ram", headroom.ram_mb, ram, "instanceType"),
    ]
    .into_iter()
    .filter_map(|(what, left, wanted, field)| {
        let left = left?;
        (left < wanted).then(|| {
            Refusal::field(
                field,
                Msg::new(&format!("noquota-{what}"))
                    .with(project.as_str())
                    .with(left.max(0))
                    .with(wanted),
            )
        })
    })
    .collect()
}

/// Plans a soft reboot.
pub fn plan_reboot(permit: &Permit, instance: &Instance) -> Result<Plan, Refusal> {
    refuse_unless_reachable(permit, instance)?;
    if instance.status != "ACTIVE" || instance.task_state.is_some() {
        return Err(Refusal::new(
            RefusalKind::Conflict,
            Msg::new("notrebootable")
                .with(instance.name.as_str())
                .with(state_text(instance)),
        ));
    }
    Ok(plan_for(
        permit.action(),
        instance,
        vec![
            PlannedStep::for_good(Step::RebootServer, "a reboot cannot be taken back"),
            awaited(Goal::Active),
        ],
    ))
}

/// Plans the security groups of an instance to be these; what is so already is left alone.
pub fn plan_configure(
    permit: &Permit,
    instance: &Instance,
    on_offer: &[SecurityGroup],
    wanted: &[String],
) -> Result<Plan, Refusal> {
    refuse_unless_reachable(permit, instance)?;
    let has: BTreeSet<&String> = instance.security_groups.iter().collect();
    let wanted: BTreeSet<&String> = wanted.iter().collect();
    let unknown = wanted
        .difference(&has)
        .find(|name| !on_offer.iter().any(|g| g.name == ***name));
    if let Some(name) = unknown {
        return Err(Refusal::field(
            "groups",
            Msg::new("badsecuritygroup")
                .with(name.as_str())
                .with(instance.project.as_str()),
        ));
    }
    let add = |name: &&String| Step::AddSecurityGroup {
        group: (*name).clone(),
    };
    let remove = |name: &&String| Step::RemoveSecurityGroup {
        group: (*name).clone(),
    };
    // Added first: a server without any group would be open or closed to all in between.
    let added = wanted.difference(&has);
    let removed = has.difference(&wanted);
    let steps: Vec<PlannedStep> = added
        .map(|name| PlannedStep::undone_by(add(name), remove(name)))
        .chain(removed.map(|name| PlannedStep::undone_by(remove(name), add(name))))
        .collect();
    if steps.is_empty() {
        let already = Msg::new("nothingtochange").with(instance.name.as_str());
        return Err(Refusal::new(RefusalKind::Conflict, already));
    }
    Ok(plan_for(permit.action(), instance, steps))
}

/// Plans the removal of a server that no operation stands for any more: the second of one, or one that came
/// after its operation was taken back. `used`: a person has done something with it.
pub fn plan_remove_stray(
    permit: &Permit,
    instance: &Instance,
    used: bool,
) -> Result<Plan, Refusal> {
    if used {
        return Err(Refusal::new(
            RefusalKind::Conflict,
            Msg::new("strayinuse").with(instance.name.as_str()),
        ));
    }
    plan_delete(permit, instance)
}

/// Plans a delete.
pub fn plan_delete(permit: &Permit, instance: &Instance) -> Result<Plan, Refusal> {
    refuse_unless_reachable(permit, instance)?;
    Ok(plan_for(
        permit.action(),
        instance,
        vec![
            PlannedStep::for_good(Step::DeleteServer, "what was on its disk is gone"),
            awaited(Goal::Gone),
        ],
    ))
}

/// A permit is for one project in one region: the instance must be there, and still be.
fn refuse_unless_reachable(permit: &Permit, instance: &Instance) -> Result<(), Refusal> {
    let here = Target::Project(instance.region.clone(), instance.project.clone());
    if *permit.target() != here {
        return Err(Refusal::new(
            RefusalKind::Forbidden,
            Msg::new("noaccount").with(instance.project.as_str()),
        ));
    }
    if instance.deleted.is_some() {
        return Err(Refusal::new(
            RefusalKind::NotFound,
            Msg::new("instancegone").with(instance.name.as_str()),
        ));
    }
    Ok(())
}

fn plan_for(action: Action, instance: &Instance, steps: Vec<PlannedStep>) -> Plan {
    Plan {
        version: Plan::VERSION,
        action,
        region: instance.region.clone(),
        project: instance.project.clone(),
        project_id: instance.project_id.clone(),
        instance: Some(instance.id),
        name: instance.name.clone(),
        steps,
        facts: instance_facts(instance, action),
    }
}

fn awaited(goal: Goal) -> PlannedStep {
    PlannedStep::for_good(Step::AwaitServer { goal }, "waiting changes nothing")
}

/// What a plan for an instance depends on. Any state will do for a delete.
pub fn instance_facts(instance: &Instance, action: Action) -> Facts {
    let mut facts = Facts::default();
    facts.note("instance", instance.id.to_string());
    facts.note("name", instance.name.as_str());
    facts.note("project", instance.project_id.as_str());
    match action {
        Action::InstanceReboot => facts.note("state", state_text(instance)),
        Action::InstanceConfigure => {
            facts.note("security groups", instance.security_groups.join(", "));
        }
        _ => {}
    }
    facts
}

/// What a plan for a new instance depends on: what was chosen, not all that was on offer.
fn create_facts(
    read: &CreateFacts,
    flavor: &Flavor,
    image: &Image,
    asked: &CreateRequest,
) -> Facts {
    let mut facts = Facts::default();
    facts.note("project", read.project_id.as_str());
    facts.note(
        format!("flavor {}", flavor.name),
        format!(
            "{} CPUs, {} MB, {} GB",
            flavor.vcpus, flavor.ram_mb, flavor.disk_gb
        ),
    );
    let name = image.name.as_ref().unwrap_or(&image.id);
    facts.note(format!("image {name}"), image.id.as_str());
    facts.note("network", read.network.as_str());
    for group in &read.security_groups {
        if asked.security_groups.contains(&group.name) {
            facts.note(format!("security group {}", group.name), group.id.as_str());
        }
    }
    facts
}

/// `STATE (task_state)`, as lists show it.
pub fn state_text(instance: &Instance) -> String {
    match &instance.task_state {
        Some(task) => format!("{} ({task})", instance.status),
        None => instance.status.clone(),
    }
}
