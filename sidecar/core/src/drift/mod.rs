//! Where cloud, LDAP and wiki say different things. [`compare`] lists it, [`repair`] says what mends each.
//!
//! What was not heard (a neighbour is away) is never a difference: it is left out of the world compared, and
//! what is under way or waits to be written is no difference either. So at rest the list is empty.

mod compare;
mod people;
mod repair;
mod servers;
#[cfg(test)]
mod tests;

pub use compare::compare;
pub use repair::{Repair, plan_repair};

use crate::ids::{EntryUuid, InstanceId, ProjectId, ProjectName, Region};
use crate::instance::Instance;
use crate::membership::{Grant, Place};
use crate::message::{Msg, Value};
use crate::ports::{KeystoneProject, PageKey, Pin, Places, Seen};
use crate::project::Project;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What changed within this is not looked at: the observer may not have come to it yet.
pub const LATE: TimeDelta = TimeDelta::seconds(30);
/// A page that waits for longer, or was tried more often, does not come by itself.
pub const STUCK_AFTER: TimeDelta = TimeDelta::minutes(10);
/// See [`STUCK_AFTER`].
pub const STUCK_TRIES: u32 = 5;

/// One thing that is said differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Difference {
    /// A project of LDAP that Keystone has not, or has not opened to our account.
    OnlyInLdap { project: ProjectName },
    /// A project open to our account that LDAP has not.
    OnlyInKeystone { name: String, id: ProjectId },
    /// A name stands for other ids than those pinned at first sight.
    PairBroken {
        project: ProjectName,
        pinned: (EntryUuid, ProjectId),
        now: (EntryUuid, ProjectId),
    },
    /// Somebody has a place that goes with membership and is no member, or lacks one and is a member.
    Place {
        grant: Grant,
        project_id: ProjectId,
        has: bool,
    },
    /// Keystone has assigned the members' role to somebody whom LDAP does not know.
    UnknownAssigned { project: ProjectName, user: String },
    /// Our copy differs from Nova.
    Server {
        region: Region,
        id: InstanceId,
        project: ProjectName,
        project_id: ProjectId,
        name: String,
        what: ServerDrift,
    },
    /// A server that no operation stands for. `used`: somebody has done something with it.
    Stray {
        region: Region,
        id: InstanceId,
        project: ProjectName,
        name: String,
        used: bool,
    },
    /// A page is not what the facts make it.
    Page {
        key: PageKey,
        title: String,
        project: Option<ProjectName>,
        what: PageDrift,
        /// As it stands; 0 where there is none.
        revision: u64,
    },
    /// A page waits to be written and is not.
    Stuck {
        key: PageKey,
        project: Option<ProjectName>,
        since: DateTime<Utc>,
        why: String,
    },
}

/// How our copy of a server differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum ServerDrift {
    /// Nova has it, our copy has not.
    Unknown,
    /// Our copy has it as alive, Nova has it not.
    Gone,
    /// What differs, by name: what our copy says and what Nova says.
    Facts {
        /// The names of what differs, with both values.
        differ: BTreeMap<String, (String, String)>,
        /// Its name in our copy.
        old_name: String,
    },
}

/// How a page differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageDrift {
    /// There is none.
    Missing,
    /// Its server is gone, and it does not say so.
    NotMarkedDeleted,
    /// Its machine region is another than the facts make.
    Differs,
}

/// What LDAP says.
#[derive(Clone, Debug, Default)]
pub struct LdapWorld {
    /// Projects with their members.
    pub projects: Vec<Project>,
    /// Who has which place.
    pub places: Places,
}

/// Who is assigned the members' role in Keystone, of the people's domain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Assigned {
    pub project: ProjectId,
    pub user: String,
}

/// A page as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Found {
    pub key: PageKey,
    pub title: String,
    pub project: Option<ProjectName>,
    pub revision: u64,
    /// The text is what the facts make of it.
    pub as_composed: bool,
}

/// A page that waits to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Waiting {
    pub key: PageKey,
    pub since: DateTime<Utc>,
    pub attempts: u32,
    pub error: Option<String>,
}

/// What everybody says. `None`: they did not answer.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// LDAP.
    pub ldap: Option<LdapWorld>,
    /// Keystone's projects that are open to our account and not its own.
    pub keystone: Option<Vec<KeystoneProject>>,
    /// The members' role and who has it; `None` also where we have no say in that.
    pub assigned: Option<(String, Vec<Assigned>)>,
    /// Nova's servers, of the regions that answered, as of when each was begun to be read.
    pub servers: BTreeMap<Region, (DateTime<Utc>, Vec<Instance>)>,
    /// Those that Nova says are no more.
    pub gone: BTreeSet<InstanceId>,
    /// Those that no operation stands for, and whether somebody has used them.
    pub strays: BTreeMap<InstanceId, bool>,
    /// Our pairs of ids.
    pub pins: Vec<Pin>,
    /// Our copy.
    pub index: Vec<Seen>,
    /// Pages, of which those that wait are left out.
    pub pages: Vec<Found>,
    /// Pages that wait.
    pub waiting: Vec<Waiting>,
    /// What operations are at work on: [`crate::plan::Plan::resource`].
    pub busy: BTreeSet<String>,
}

impl World {
    /// The name of a project that we manage.
    fn name(&self, id: &ProjectId) -> Option<&ProjectName> {
        let pin = self.pins.iter().find(|pin| pin.project_id == *id);
        pin.map(|pin| &pin.name)
    }
}

impl Difference {
    /// The same for as long as it is the same difference; found again by it.
    pub fn id(&self) -> String {
        match self {
            Self::OnlyInLdap { project } => format!("only-in-ldap/{project}"),
            Self::OnlyInKeystone { id, .. } => format!("only-in-keystone/{id}"),
            Self::PairBroken { project, .. } => format!("pair/{project}"),
            Self::Place { grant, .. } => format!("place{}", grant.change().resource),
            Self::UnknownAssigned { project, user } => format!("assigned/{project}/{user}"),
            Self::Server { region, id, .. } => format!("server/{region}/{id}"),
            Self::Stray { region, id, .. } => format!("stray/{region}/{id}"),
            Self::Page { key, .. } => format!("page/{}", key.stored()),
            Self::Stuck { key, .. } => format!("stuck/{}", key.stored()),
        }
    }

    /// The project that it is in; `None` for what is of no project.
    pub fn project(&self) -> Option<&ProjectName> {
        match self {
            Self::OnlyInLdap { project }
            | Self::PairBroken { project, .. }
            | Self::UnknownAssigned { project, .. }
            | Self::Server { project, .. }
            | Self::Stray { project, .. } => Some(project),
            Self::Place { grant, .. } => Some(&grant.project),
            Self::Page { project, .. } | Self::Stuck { project, .. } => project.as_ref(),
            Self::OnlyInKeystone { .. } => None,
        }
    }

    /// The kind, as messages name it.
    fn kind(&self) -> &'static str {
        match self {
            Self::OnlyInLdap { .. } => "onlyinldap",
            Self::OnlyInKeystone { .. } => "onlyinkeystone",
            Self::PairBroken { .. } => "pairbroken",
            Self::Place { grant, has, .. } => match (&grant.place, has) {
                (Place::Group, false) => "nogroup",
                (Place::Group, true) => "strangeringroup",
                (Place::Cloud { .. }, false) => "notassigned",
                (Place::Cloud { .. }, true) => "strangerassigned",
                // Roles are had by some members only, and membership itself is what all else follows.
                (Place::Role { .. } | Place::Project, _) => "strangersrole",
            },
            Self::UnknownAssigned { .. } => "unknownassigned",
            Self::Server { what, .. } => match what {
                ServerDrift::Unknown => "serverunknown",
                ServerDrift::Gone => "servergone",
                ServerDrift::Facts { .. } => "serverdiffers",
            },
            Self::Stray { .. } => "stray",
            Self::Page { what, .. } => match what {
                PageDrift::Missing => "nopage",
                PageDrift::NotMarkedDeleted => "notmarkeddeleted",
                PageDrift::Differs => "pagediffers",
            },
            Self::Stuck { .. } => "stuck",
        }
    }

    /// What differs, for people.
    pub fn told(&self) -> Msg {
        let msg = Msg::new(&format!("drift-{}", self.kind()));
        match self {
            Self::OnlyInLdap { project } => msg.with(project.as_str()),
            Self::OnlyInKeystone { name, id } => msg.with(name.as_str()).with(id.as_str()),
            Self::PairBroken {
                project,
                pinned,
                now,
            } => msg
                .with(project.as_str())
                .with(format!("{}, {}", pinned.0, pinned.1))
                .with(format!("{}, {}", now.0, now.1)),
            Self::Place { grant, .. } => msg
                .with(grant.uid.as_str())
                .with(grant.project.as_str())
                .with(grant.place.role().unwrap_or_default()),
            Self::UnknownAssigned { project, user } => {
                msg.with(user.as_str()).with(project.as_str())
            }
            Self::Server { name, id, what, .. } => {
                let msg = msg.with(name.as_str()).with(id.to_string());
                match what {
                    ServerDrift::Facts { differ, .. } => msg.with(differing(differ)),
                    ServerDrift::Unknown | ServerDrift::Gone => msg,
                }
            }
            Self::Stray { name, id, .. } => msg.with(name.as_str()).with(id.to_string()),
            Self::Page { title, .. } => msg.with(Value::wiki(title.as_str(), title.as_str())),
            Self::Stuck {
                key, since, why, ..
            } => msg
                .with(key.stored())
                .with(since.trunc_subsecs(0))
                .with(why.as_str()),
        }
    }
}

fn differing(differ: &BTreeMap<String, (String, String)>) -> String {
    let each = differ
        .iter()
        .map(|(name, (ours, nova))| format!("{name}: {ours} → {nova}"));
    each.collect::<Vec<_>>().join("; ")
}
