//! LDAP (the truth about people and projects) and Keystone (which follows it).

use super::PortError;
use crate::actor::Person;
use crate::drift::Assigned;
use crate::ids::{EntryUuid, ProjectId, ProjectName};
use crate::membership::Grant;
use crate::project::Project;
use crate::puppet::Host;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Who has a place in a project's group or in one of its roles, members or not.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Places {
    pub held: Vec<Grant>,
    /// The projects that have a posix group.
    pub groups: BTreeSet<ProjectName>,
    /// All people by shell name: entry and name.
    pub people: BTreeMap<String, (EntryUuid, String)>,
}

/// Reading LDAP.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The person of an entry with their projects and roles; `None` on LDAP's word that there is none.
    async fn person(&self, entry: &EntryUuid) -> Result<Option<Person>, PortError>;
    /// The entry of a shell name (`uid`), octet-exact.
    async fn person_by_uid(&self, uid: &str) -> Result<Option<Person>, PortError>;
    /// The entry of a name (`cn`), octet-exact.
    async fn person_by_cn(&self, cn: &str) -> Result<Option<Person>, PortError>;
    /// Proves a person's password by a bind of their own; the password is not kept.
    async fn prove(&self, uid: &str, password: &str) -> Result<Option<EntryUuid>, PortError>;
    /// All projects with members and roles, in few searches.
    async fn projects(&self) -> Result<Vec<Project>, PortError>;
    /// One project.
    async fn project(&self, name: &ProjectName) -> Result<Option<Project>, PortError>;
    /// Whether a person has a place in LDAP; `None` where the project, group or role is not there to be in.
    /// A place in Keystone is not ours to know.
    async fn holds(&self, grant: &Grant) -> Result<Option<bool>, PortError>;
    /// All places in groups and roles, in few searches.
    async fn places(&self) -> Result<Places, PortError>;
    /// The entries of hosts, all of them or those changed since, in one search; none where we know of no base.
    async fn hosts(&self, since: Option<DateTime<Utc>>) -> Result<Vec<Host>, PortError>;
    /// For health checks: bind and read the base.
    async fn ping(&self) -> Result<(), PortError>;
}

/// Writing LDAP: one value at a time, so that two who write at once lose nothing.
#[async_trait]
pub trait DirectoryWrite: Send + Sync {
    /// Gives a person a place in LDAP; done as well where they have it.
    async fn give(&self, grant: &Grant) -> Result<(), PortError>;
    /// Takes it away; done as well where they do not have it.
    async fn take(&self, grant: &Grant) -> Result<(), PortError>;
}

/// A project as Keystone knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct KeystoneProject {
    pub id: ProjectId,
    pub name: String,
    pub enabled: bool,
}

/// Reading Keystone.
#[async_trait]
pub trait Identity: Send + Sync {
    /// The projects in which our account holds a role.
    async fn our_projects(&self) -> Result<Vec<KeystoneProject>, PortError>;
    /// To whom of a domain, both by name, a role is assigned, in this project or in all.
    async fn assigned(
        &self,
        role: &str,
        domain: &str,
        project: Option<&ProjectId>,
    ) -> Result<Vec<Assigned>, PortError>;
    /// For health checks: get a token.
    async fn ping(&self) -> Result<(), PortError>;
}

/// Writing Keystone, with the account that may assign roles.
#[async_trait]
pub trait IdentityWrite: Send + Sync {
    /// Assigns a person of LDAP a role in a project; done as well where it is assigned.
    async fn assign(&self, project: &ProjectId, uid: &str, role: &str) -> Result<(), PortError>;
    /// Takes the assignment away; done as well where there is none.
    async fn unassign(&self, project: &ProjectId, uid: &str, role: &str) -> Result<(), PortError>;
}
