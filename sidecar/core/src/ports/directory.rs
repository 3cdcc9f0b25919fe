//! LDAP (the truth about people and projects) and Keystone (which follows it).

use super::PortError;
use crate::accounts::Account;
use crate::actor::Person;
use crate::drift::Assigned;
use crate::founding::Part;
use crate::ids::{EntryUuid, OperationId, ProjectId, ProjectName};
use crate::keys::Held;
use crate::membership::Grant;
use crate::project::Project;
use crate::puppet::Host;
use crate::sudo::{Rule, RuleChange, Values};
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
    /// The SSH public keys at a person's entry, as they stand there; `None` where there is no such entry.
    async fn keys(&self, entry: &EntryUuid) -> Result<Option<Vec<String>>, PortError>;
    /// Proves a person's password by a bind of their own; the password is not kept.
    async fn prove(&self, uid: &str, password: &str) -> Result<Option<EntryUuid>, PortError>;
    /// All projects with members and roles, in few searches.
    async fn projects(&self) -> Result<Vec<Project>, PortError>;
    /// One project.
    async fn project(&self, name: &ProjectName) -> Result<Option<Project>, PortError>;
    /// Whether a person has a place in LDAP; `None` where the project, group or role is not there to be in.
    /// A place in Keystone is not ours to know.
    async fn holds(&self, grant: &Grant) -> Result<Option<bool>, PortError>;
    /// The DNs of what stands below a project's entry.
    async fn below_project(&self, project: &EntryUuid) -> Result<Vec<String>, PortError>;
    /// Whether somebody or something has this number.
    async fn has_number(&self, kind: NumberOf, number: u32) -> Result<bool, PortError>;
    /// Whether a person has this shell name, in whatever case, or a group is called so.
    async fn name_taken(&self, uid: &str) -> Result<bool, PortError>;
    /// All places in groups and roles, in few searches.
    async fn places(&self) -> Result<Places, PortError>;
    /// The sudo rules of a project, or of all, in one search.
    async fn sudo_rules(
        &self,
        of: Option<&ProjectName>,
    ) -> Result<BTreeMap<ProjectName, Vec<Rule>>, PortError>;
    /// The entries of hosts, all of them or those changed since, in one search; none where we know of no base.
    async fn hosts(&self, since: Option<DateTime<Utc>>) -> Result<Vec<Host>, PortError>;
    /// For health checks: bind and read the base.
    async fn ping(&self) -> Result<(), PortError>;
}

/// Leave to change something. An adapter that has to look things up first asks again right before it sends what
/// takes effect: who fell asleep meanwhile must not give back what a later operation has taken.
#[async_trait]
pub trait Leave: Send + Sync {
    /// An error where the work is no longer the asker's.
    async fn still(&self) -> Result<(), PortError>;
}

/// What has numbers in LDAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberOf {
    /// Posix groups, and people's own (`gidNumber`).
    Group,
    /// People (`uidNumber`).
    Person,
}

/// A part of a project, to be made or deleted.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct ProjectPart<'a> {
    pub project: &'a ProjectName,
    pub part: &'a Part,
    /// A number for its posix group.
    pub gid: Option<u32>,
    /// By which operation.
    pub by: Option<&'a OperationId>,
}

/// What became of a change of a sudo rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleSet {
    /// It is made.
    Done,
    /// It was so already.
    Already,
    /// It is not made: somebody else has changed the rule, which is so now.
    Otherwise(Option<Values>),
}

/// Writing LDAP: one value at a time, so that two who write at once lose nothing. All say whether anything is
/// otherwise now; it is done as well where it was so already.
#[async_trait]
pub trait DirectoryWrite: Send + Sync {
    /// Has an SSH public key at a person's entry, or not there.
    async fn set_key(&self, key: &Held, there: bool, leave: &dyn Leave) -> Result<bool, PortError>;
    /// Makes a person's entry, marked with the operation; `Conflict` where the name is somebody else's.
    async fn make_person(
        &self,
        account: &Account,
        number: u32,
        by: &OperationId,
        leave: &dyn Leave,
    ) -> Result<bool, PortError>;
    /// Deletes it, where the operation has made it.
    async fn unmake_person(
        &self,
        account: &Account,
        by: &OperationId,
        leave: &dyn Leave,
    ) -> Result<bool, PortError>;
    /// Gives a person a place in LDAP.
    async fn give(&self, grant: &Grant, leave: &dyn Leave) -> Result<bool, PortError>;
    /// Takes it away.
    async fn take(&self, grant: &Grant, leave: &dyn Leave) -> Result<bool, PortError>;
    /// Makes a project's entries, marked with the operation; `Conflict` where somebody else's are there.
    async fn make(&self, what: ProjectPart<'_>, leave: &dyn Leave) -> Result<bool, PortError>;
    /// Deletes them, with all that stands below; who made them only matters where an operation is given.
    async fn unmake(&self, what: ProjectPart<'_>, leave: &dyn Leave) -> Result<bool, PortError>;
    /// Makes, changes or deletes a sudo rule, where it still is as the change expects it.
    async fn set_rule(&self, change: &RuleChange, leave: &dyn Leave) -> Result<RuleSet, PortError>;
    /// Has a project say what it is for, where it still says what it said `before`.
    async fn describe(
        &self,
        project: &EntryUuid,
        before: Option<&str>,
        after: Option<&str>,
        leave: &dyn Leave,
    ) -> Result<bool, PortError>;
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
    /// The id of the user of that very name in a domain.
    async fn user_id(&self, name: &str, domain: &str) -> Result<Option<String>, PortError>;
    /// For health checks: get a token.
    async fn ping(&self) -> Result<(), PortError>;
}

/// Who is assigned which role where.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Assignment<'a> {
    pub project: &'a ProjectId,
    /// The shell name of a person of LDAP.
    pub uid: &'a str,
    pub role: &'a str,
}

/// Writing Keystone, with the account that may assign roles. Both say whether anything is otherwise now; it is
/// done as well where it was so already.
#[async_trait]
pub trait IdentityWrite: Send + Sync {
    /// Makes an assignment.
    async fn assign(&self, what: Assignment<'_>, leave: &dyn Leave) -> Result<bool, PortError>;
    /// Takes it away.
    async fn unassign(&self, what: Assignment<'_>, leave: &dyn Leave) -> Result<bool, PortError>;
    /// Makes a project, marked with the operation, and has our own account in it; `Conflict` where somebody else's
    /// has the name.
    async fn make_project(
        &self,
        name: &ProjectName,
        by: &OperationId,
        leave: &dyn Leave,
    ) -> Result<bool, PortError>;
    /// Deletes a project: the one of this id, or where there is none what the operation has made.
    async fn unmake_project(
        &self,
        name: &ProjectName,
        which: Result<&ProjectId, &OperationId>,
        leave: &dyn Leave,
    ) -> Result<bool, PortError>;
}
