//! Who asks.

use crate::authz::PROJECTADMIN;
use crate::ids::{EntryUuid, ProjectName};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The wiki user in whose name something is done, as the shim vouched for under its signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WikiUser {
    /// MediaWiki's user id; 0 is nobody.
    pub wiki_user_id: u64,
    /// The name at the time; shown, never used to decide.
    pub name: String,
    /// Wiki groups.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// Those of the wiki's rights that this extension declares.
    #[serde(default)]
    pub rights: BTreeSet<String>,
    /// A block in force.
    #[serde(default)]
    pub block: Option<Block>,
    /// When the account was made.
    #[serde(default)]
    pub registered: Option<DateTime<Utc>>,
    /// Whether the e-mail address is confirmed.
    #[serde(default)]
    pub email_confirmed: bool,
}

/// A block of a wiki user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The whole wiki, not some pages.
    pub sitewide: bool,
    /// The blocker's words.
    #[serde(default)]
    pub reason: String,
    /// When it ends, or `infinity`.
    #[serde(default)]
    pub expiry: String,
}

/// A wiki user with what LDAP says about the person behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The wiki user.
    pub user: WikiUser,
    /// The linked LDAP person; `None` where nobody linked them.
    pub person: Option<Person>,
}

/// The system's own name, where no person is behind what is done. MediaWiki's id for nobody is 0.
pub const SYSTEM: &str = "OpenStackManager";

impl Actor {
    /// The system itself.
    pub fn system() -> Self {
        Self {
            user: WikiUser {
                wiki_user_id: 0,
                name: SYSTEM.to_owned(),
                groups: BTreeSet::new(),
                rights: BTreeSet::new(),
                block: None,
                registered: None,
                email_confirmed: false,
            },
            person: None,
        }
    }

    /// Holds a wiki right of ours.
    pub fn has_right(&self, right: &str) -> bool {
        self.user.rights.contains(right)
    }

    /// Is a member of the project in LDAP.
    pub fn is_member(&self, project: &ProjectName) -> bool {
        self.person
            .as_ref()
            .is_some_and(|p| p.projects.contains_key(project))
    }

    /// Holds a role in the project in LDAP.
    pub fn has_role(&self, project: &ProjectName, role: &str) -> bool {
        self.person
            .as_ref()
            .and_then(|p| p.projects.get(project))
            .is_some_and(|roles| roles.contains(role))
    }
}

/// A person in LDAP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The entry's identity, which no rename changes.
    pub entry: EntryUuid,
    /// `uid`: the shell name.
    pub uid: String,
    /// `cn`: the name.
    pub cn: String,
    /// The projects, and the roles held in each.
    pub projects: BTreeMap<ProjectName, BTreeSet<String>>,
}

impl Person {
    /// A project that they administer, whichever.
    pub fn administers_any(&self) -> Option<&ProjectName> {
        let mut projects = self.projects.iter();
        let found = projects.find(|(_, roles)| roles.contains(PROJECTADMIN));
        found.map(|(project, _)| project)
    }

    /// How many projects they administer.
    pub fn administers(&self) -> usize {
        let roles = self.projects.values();
        roles.filter(|roles| roles.contains(PROJECTADMIN)).count()
    }
}
