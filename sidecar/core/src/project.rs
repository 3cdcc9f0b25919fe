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

impl Member {
    /// Holds a role.
    pub fn holds(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}

impl Project {
    /// The member of an entry.
    pub fn member(&self, entry: &EntryUuid) -> Option<&Member> {
        self.members.iter().find(|m| m.entry == *entry)
    }

    /// Another member than this one holds the role.
    pub fn another_holds(&self, role: &str, than: &EntryUuid) -> bool {
        let mut others = self.members.iter().filter(|m| m.entry != *than);
        others.any(|m| m.holds(role))
    }
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
