//! What a notification tells of a server, and what may be concluded from it.
//!
//! It is less than Nova's own answer: no security groups, no floating addresses, no image name; and it may
//! come late, twice or out of order. Where it does not tell enough, Nova is asked.

use crate::ids::{InstanceId, ProjectId};
use crate::instance::{Flavor, Instance, host_of};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A server, as one of Nova's notifications tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Told {
    pub id: InstanceId,
    pub project_id: ProjectId,
    pub name: String,
    /// As Nova's API would say it.
    pub status: String,
    pub task_state: Option<String>,
    pub created: Option<DateTime<Utc>>,
    pub launched: Option<DateTime<Utc>>,
    /// Often that of the change before: Nova tells before it looks at what it has written.
    pub updated: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    pub host: Option<String>,
    pub availability_zone: Option<String>,
    pub flavor: Flavor,
    pub image: Option<String>,
    /// Its own addresses, without floating ones.
    pub addresses: BTreeSet<IpAddr>,
    pub metadata: BTreeMap<String, String>,
    /// Some notifications tell none, which is not the same as that there are none.
    pub tags: Option<Vec<String>>,
}

impl Told {
    /// What is known of the server now; `None` where what was told does not say it all.
    pub fn onto(&self, known: &Instance) -> Option<Instance> {
        let own: BTreeSet<IpAddr> = known
            .addresses
            .iter()
            .filter(|address| !address.floating)
            .map(|address| address.ip)
            .collect();
        let same_server = known.id == self.id && known.project_id == self.project_id;
        // Ports and with them security groups and addresses come while it is built, faults with an error;
        // whether it is deleted is not concluded from a state.
        let whole = same_server
            && known.deleted.is_none()
            && known.status != "BUILD"
            && !matches!(
                self.status.as_str(),
                "BUILD" | "ERROR" | "DELETED" | "SOFT_DELETED"
            )
            && known.fault.is_none()
            && own == self.addresses
            && known.image.as_ref().map(|image| &image.id) == self.image.as_ref();
        whole.then(|| Instance {
            name: self.name.clone(),
            status: self.status.clone(),
            task_state: self.task_state.clone(),
            launched: self.launched.or(known.launched),
            updated: self.updated.unwrap_or(known.updated).max(known.updated),
            host: host_of(&self.status, self.host.as_ref(), known.host.as_ref()),
            availability_zone: self
                .availability_zone
                .clone()
                .or_else(|| known.availability_zone.clone()),
            flavor: self.flavor.clone(),
            metadata: self.metadata.clone(),
            tags: self.tags.clone().unwrap_or_else(|| known.tags.clone()),
            ..known.clone()
        })
    }
}
