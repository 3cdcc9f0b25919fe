//! Projects: what LDAP says of them, and what their page tells.

use crate::ids::{EntryUuid, ProjectId, ProjectName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A project as LDAP has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Its name (`cn`).
    pub name: ProjectName,
    /// The LDAP entry.
    pub entry: EntryUuid,
    /// `description`.
    pub description: Option<String>,
    /// The people in it.
    pub members: Vec<Member>,
}

/// A person in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The person's LDAP entry.
    pub entry: EntryUuid,
    /// `uid`: the shell name.
    pub uid: String,
    /// `cn`: the name shown where no wiki user is linked.
    pub cn: String,
    /// Roles held in the project.
    pub roles: Vec<String>,
}

/// A project with its Keystone id, pinned in MySQL at first sight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedProject {
    /// LDAP's word.
    pub project: Project,
    /// Keystone's id.
    pub project_id: ProjectId,
}

/// Wiki names of people, by LDAP entry: how a page names them.
pub type WikiNames = BTreeMap<EntryUuid, String>;
