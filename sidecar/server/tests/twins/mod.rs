//! Twins in memory: a cloud that does what Nova's API promises, people, and a store that keeps one operation.

pub mod admin;
mod clock;
pub mod keys;
mod links;
mod offer;
pub mod people;
mod store;
pub mod sudo;

pub use clock::{now, pass};
pub use offer::{GROUPS, LIMITS, flavor, groups_on_offer, image};

use async_trait::async_trait;
use chrono::DateTime;
use openstackmanager::faults::Points;
use openstackmanager::operations::{Effects, Founding, Patience, Runner};
use osm_core::ids::{InstanceId, OperationId, ProjectId, ProjectName, Region};
use osm_core::instance::{Flavor, Image, Instance, SecurityGroup, ServerRequest, TAG_OPERATION};
use osm_core::plan::{Change, Plan};
use osm_core::ports::*;
use osm_core::quota::{Limits, Quota, Used};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

pub fn region() -> Region {
    Region::trusted("R")
}

pub fn project() -> ProjectName {
    ProjectName::trusted("bots")
}

pub fn project_id() -> ProjectId {
    ProjectId::trusted("p1")
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Server {
    name: String,
    groups: BTreeSet<String>,
    tags: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cloud {
    pub servers: BTreeMap<Uuid, Server>,
    pub places: people::Places,
    pub limits: Limits,
}

impl Cloud {
    pub fn with(groups: impl Iterator<Item = BTreeSet<String>>) -> Self {
        let servers = groups.enumerate().map(|(n, groups)| {
            let server = Server {
                name: format!("old-{n}"),
                groups,
                tags: Vec::new(),
            };
            (Uuid::from_u128(n as u128 + 1), server)
        });
        Self {
            servers: servers.collect(),
            places: keys::start(),
            limits: LIMITS,
        }
    }

    pub fn instance(&self, id: Uuid) -> Instance {
        let server = &self.servers[&id];
        Instance {
            region: region(),
            id: InstanceId(id),
            project_id: project_id(),
            project: project(),
            name: server.name.clone(),
            status: "ACTIVE".to_owned(),
            task_state: None,
            created: DateTime::UNIX_EPOCH,
            launched: None,
            updated: DateTime::UNIX_EPOCH,
            deleted: None,
            host: None,
            availability_zone: None,
            flavor: flavor(),
            image: None,
            addresses: Vec::new(),
            security_groups: server.groups.iter().cloned().collect(),
            metadata: BTreeMap::new(),
            tags: server.tags.clone(),
            fault: None,
        }
    }

    /// Everything there is, named as plans name it. A server's groups when made are part of the server.
    fn resources(&self, known: &Self) -> BTreeMap<String, Json> {
        let mut all = self.places.clone();
        all.insert("R/quota/bots".to_owned(), json!(self.limits));
        for (id, server) in &self.servers {
            let facts = json!({"name": server.name, "project": "bots"});
            all.insert(format!("R/instance/{id}"), facts);
            if known.servers.contains_key(id) {
                for group in &server.groups {
                    let name = format!("R/instance/{id}/security-group/{group}");
                    all.insert(name, json!(true));
                }
            }
        }
        all
    }
}

/// One operation, and the cloud it is carried out in.
#[derive(Clone)]
pub struct Twin(Arc<Mutex<State>>);

struct State {
    cloud: Cloud,
    operation: Option<Operation>,
    noted: Vec<Change>,
    held: bool,
    /// A place that somebody else takes away.
    meanwhile: Option<String>,
}

impl Twin {
    pub fn new(cloud: Cloud) -> Self {
        Self(Arc::new(Mutex::new(State {
            cloud,
            operation: None,
            noted: Vec::new(),
            held: false,
            meanwhile: None,
        })))
    }

    /// Has the real runner carry a plan out; gives back how it ended.
    pub fn carry_out(&self, plan: &Plan, points: Points) -> Operation {
        self.0.lock().unwrap().operation = Some(Operation {
            id: OperationId::trusted("01TEST"),
            plan: plan.clone(),
            state: OperationState::Queued,
            steps: (0_u32..)
                .zip(&plan.steps)
                .map(|(index, planned)| StepRecord {
                    index,
                    name: planned.step.name().to_owned(),
                    state: StepState::Waiting,
                    attempts: 0,
                    error: None,
                    started: None,
                    ended: None,
                })
                .collect(),
            instance: plan.instance,
            wiki_user_id: 7,
            wiki_user_name: "Volunteer".to_owned(),
            request_id: "r".to_owned(),
            error: None,
            cancelled: false,
            created: now(),
            finished: None,
            generation: 1,
        });
        let runner = Arc::new(Runner {
            loggers: osm_core::log::deeds::Loggers::default(),
            work: Arc::new(self.clone()),
            index: Arc::new(self.clone()),
            compute: Arc::new(self.clone()),
            directory: Arc::new(self.clone()),
            effects: Effects::new(
                Arc::new(self.clone()),
                Arc::new(self.clone()),
                Some(Arc::new(self.clone())),
            ),
            founding: Founding {
                pins: Arc::new(self.clone()),
                links: Arc::new(self.clone()),
                numbers: Arc::new(self.clone()),
                identity: Arc::new(self.clone()),
                first_gid: 1,
                first_uid: 1,
            },
            work_bell: Arc::new(Notify::new()),
            page_bell: Arc::new(Notify::new()),
            owner: "twin".to_owned(),
            traced: |_, work| work,
            clock: now,
            patience: Patience {
                pause: Duration::ZERO,
                quiet: Duration::ZERO,
                tries: 3,
                ..Patience::default()
            },
            points,
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (stop, stopped) = watch::channel(false);
            let running = tokio::spawn(runner.run(stopped));
            while !self.over() {
                tokio::task::yield_now().await;
            }
            stop.send(true).unwrap();
            running.await.unwrap();
        });
        self.0.lock().unwrap().operation.clone().unwrap()
    }

    fn over(&self) -> bool {
        let state = self.0.lock().unwrap();
        state.operation.as_ref().unwrap().state.over()
    }

    /// How the cloud differs from what it was.
    pub fn changed_since(&self, before: &Cloud) -> Vec<Change> {
        let now = &self.0.lock().unwrap().cloud;
        let mut kept = before.clone();
        kept.servers.retain(|id, _| now.servers.contains_key(id));
        let (old, new) = (before.resources(&kept), now.resources(before));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        names
            .into_iter()
            .filter(|name| old.get(*name) != new.get(*name))
            .map(|name| Change {
                resource: name.clone(),
                before: old.get(name).cloned(),
                after: new.get(name).cloned(),
            })
            .collect()
    }

    /// What the audit was told.
    pub fn noted(&self) -> Vec<Change> {
        self.0.lock().unwrap().noted.clone()
    }

    fn change(&self, id: InstanceId, change: impl FnOnce(&mut Server)) -> Result<(), PortError> {
        match self.0.lock().unwrap().cloud.servers.get_mut(&id.0) {
            Some(server) => {
                change(server);
                Ok(())
            }
            None => Err(PortError::new(
                "nova",
                "change",
                "it",
                Kind::NotFound,
                "gone",
            )),
        }
    }
}

#[async_trait]
impl ComputeWrite for Twin {
    async fn create_server(
        &self,
        _: &Region,
        _: &ProjectId,
        request: &ServerRequest,
        tagged: &Tagged,
    ) -> Result<InstanceId, PortError> {
        let id = Uuid::new_v4();
        let server = Server {
            name: request.name.to_string(),
            groups: request.security_groups.iter().cloned().collect(),
            tags: vec![format!("{TAG_OPERATION}{}", tagged.operation)],
        };
        self.0.lock().unwrap().cloud.servers.insert(id, server);
        Ok(InstanceId(id))
    }
    async fn reboot_server(
        &self,
        _: &Region,
        _: &ProjectId,
        id: InstanceId,
    ) -> Result<(), PortError> {
        self.change(id, |_| ())
    }
    async fn delete_server(
        &self,
        _: &Region,
        _: &ProjectId,
        id: InstanceId,
    ) -> Result<(), PortError> {
        self.0.lock().unwrap().cloud.servers.remove(&id.0);
        Ok(())
    }
    async fn change_security_group(
        &self,
        _: &Region,
        _: &ProjectId,
        id: InstanceId,
        group: &str,
        within: bool,
    ) -> Result<(), PortError> {
        self.change(id, |server| match within {
            true => server.groups.extend([group.to_owned()]),
            false => server.groups.retain(|g| g != group),
        })
    }
}

#[async_trait]
impl ComputeRead for Twin {
    async fn servers(&self, _: &Region, _: Since) -> Result<Vec<Instance>, PortError> {
        let cloud = self.0.lock().unwrap().cloud.clone();
        Ok(cloud.servers.keys().map(|id| cloud.instance(*id)).collect())
    }
    async fn server(
        &self,
        _: &Region,
        _: &ProjectId,
        id: InstanceId,
    ) -> Result<Option<Instance>, PortError> {
        let cloud = &self.0.lock().unwrap().cloud;
        Ok(cloud
            .servers
            .contains_key(&id.0)
            .then(|| cloud.instance(id.0)))
    }
    async fn servers_of_operation(
        &self,
        _: &Region,
        _: &ProjectId,
        operation: &OperationId,
    ) -> Result<Vec<InstanceId>, PortError> {
        let tag = format!("{TAG_OPERATION}{operation}");
        let cloud = &self.0.lock().unwrap().cloud;
        let made = cloud.servers.iter().filter(|(_, s)| s.tags.contains(&tag));
        Ok(made.map(|(id, _)| InstanceId(*id)).collect())
    }
    async fn ours(&self, _: &Region, _: &ProjectId, _: InstanceId) -> Result<bool, PortError> {
        Ok(true)
    }
    async fn flavors(&self, _: &Region, _: &ProjectId) -> Result<Vec<Flavor>, PortError> {
        Ok(vec![flavor()])
    }
    async fn images(&self, _: &Region, _: &ProjectId) -> Result<Vec<Image>, PortError> {
        Ok(vec![image()])
    }
    async fn security_groups(
        &self,
        _: &Region,
        _: &ProjectId,
    ) -> Result<Vec<SecurityGroup>, PortError> {
        Ok(groups_on_offer())
    }
    async fn quota(&self, _: &Region, _: &ProjectId) -> Result<Quota, PortError> {
        Ok(Quota {
            limits: self.0.lock().unwrap().cloud.limits,
            used: Used::default(),
        })
    }
    async fn keypair(
        &self,
        region: &Region,
        user: &str,
        name: &str,
    ) -> Result<Option<String>, PortError> {
        let cloud = &self.0.lock().unwrap().cloud;
        Ok(admin::keypair(&cloud.places, region, user, name))
    }
    async fn network(&self, _: &Region, _: &ProjectId, name: &str) -> Result<String, PortError> {
        Ok(name.to_owned())
    }
    async fn deeds(
        &self,
        _: &Region,
        _: &ProjectId,
        _: InstanceId,
    ) -> Result<Vec<Deed>, PortError> {
        Ok(Vec::new())
    }
    async fn console_output(
        &self,
        _: &Region,
        _: &ProjectId,
        _: InstanceId,
    ) -> Result<String, PortError> {
        Ok(String::new())
    }
}
