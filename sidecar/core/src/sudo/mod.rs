//! Sudo rules of a project: `sudoRole` entries below its entry in LDAP, as sudo on its instances reads them.
//!
//! A rule holds more than a form shows: hosts, times, an order, users who are nobody's account here. What is not shown
//! is kept as it stands, value by value.

mod change;
mod plans;
mod words;

pub use change::{Judged, RuleChange};
pub(crate) use plans::without;
pub use plans::{SudoFacts, Wanted, plan_create_rule, plan_delete_rule, plan_modify_rule};
pub use words::{LONGEST, LONGEST_NAME, MOST, is_account, lines};

use crate::ids::ProjectName;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Whom a rule is for.
pub const USERS: &str = "sudouser";
/// As whom they may run something.
pub const RUNAS: &str = "sudorunasuser";
/// As which group.
pub const RUNAS_GROUP: &str = "sudorunasgroup";
/// What they may run.
pub const COMMANDS: &str = "sudocommand";
/// How sudo goes about it.
pub const OPTIONS: &str = "sudooption";
/// On which hosts.
pub const HOSTS: &str = "sudohost";
/// The rule by which members are root: each project is made with it.
pub const DEFAULT: &str = "default";
/// Sudo takes an entry of this name for settings of all rules.
pub const SETTINGS: &str = "defaults";
/// Everybody, anything, any host, in sudo's language.
pub const ALL: &str = "ALL";
/// Has sudo ask for the password, and not.
const ASK: &str = "authenticate";
const ASK_NOT: &str = "!authenticate";

/// The value by which all members of a project are meant.
pub fn all_members(project: &ProjectName) -> String {
    format!("%project-{project}")
}

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Octets {
    /// Text.
    Text(String),
    /// Anything else.
    Other {
        /// The octets, in base64.
        base64: String,
    },
}

impl Octets {
    /// As LDAP gave it.
    pub fn of(octets: Vec<u8>) -> Self {
        String::from_utf8(octets).map_or_else(
            |other| Self::Other {
                base64: BASE64_STANDARD.encode(other.as_bytes()),
            },
            Self::Text,
        )
    }

    /// As LDAP takes it.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            // We have encoded it ourselves.
            Self::Other { base64 } => BASE64_STANDARD.decode(base64).unwrap_or_default(),
        }
    }

    /// Where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other { .. } => None,
        }
    }

    /// For people.
    fn shown(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Other { base64 } => base64,
        }
    }
}

/// Attributes with their values, by type in small letters; without what the server itself puts there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Values(pub BTreeMap<String, BTreeSet<Octets>>);

impl Values {
    /// Adds one.
    pub fn put(&mut self, attribute: &str, value: Octets) {
        let values = self.0.entry(attribute.to_ascii_lowercase()).or_default();
        values.insert(value);
    }

    /// The texts among the values of an attribute.
    pub fn texts(&self, attribute: &str) -> impl Iterator<Item = &str> {
        let values = self.0.get(attribute).into_iter().flatten();
        values.filter_map(Octets::text)
    }

    /// Whether this very text is among them.
    pub fn has(&self, attribute: &str, value: &str) -> bool {
        self.texts(attribute).any(|held| held == value)
    }

    /// What is here and is not there.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let nothing = BTreeSet::new();
        let mut left = Self::default();
        for (attribute, values) in &self.0 {
            let known = other.0.get(attribute).unwrap_or(&nothing);
            for value in values.difference(known) {
                left.put(attribute, value.clone());
            }
        }
        left
    }

    /// The same without one value.
    #[must_use]
    pub fn less(&self, attribute: &str, value: &str) -> Self {
        let mut one = Self::default();
        one.put(attribute, Octets::Text(value.to_owned()));
        self.without(&one)
    }

    /// No value at all.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(BTreeSet::is_empty)
    }

    /// The values of each attribute in one line, for people; not what every rule has.
    pub fn told(&self) -> impl Iterator<Item = (&str, String)> {
        let told = self
            .0
            .iter()
            .filter(|(attribute, _)| !matches!(attribute.as_str(), "objectclass" | "cn"));
        told.map(|(attribute, values)| {
            let values: Vec<&str> = values.iter().map(Octets::shown).collect();
            (spelled(attribute), values.join(", "))
        })
    }
}

/// A rule as LDAP has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it is called (`cn`).
    pub name: String,
    /// All that stands there.
    pub values: Values,
}

impl Rule {
    /// Whether sudo asks for the password: it does unless it is told not to.
    pub fn asks(&self) -> bool {
        !self.values.has(OPTIONS, ASK_NOT)
    }

    /// Sudo takes it for settings of all rules.
    pub fn is_settings(&self) -> bool {
        self.name.eq_ignore_ascii_case(SETTINGS)
    }

    /// The options besides the one about the password.
    pub fn options(&self) -> impl Iterator<Item = &str> {
        let options = self.values.texts(OPTIONS);
        options.filter(|option| !matches!(*option, ASK | ASK_NOT))
    }

    /// All that is neither shown in a column nor chosen in a form: attribute and values.
    pub fn further(&self) -> impl Iterator<Item = (&str, String)> {
        let shown = [USERS, RUNAS, COMMANDS, OPTIONS].map(spelled);
        let mut told: Vec<_> = self.values.told().collect();
        told.retain(|(attribute, values)| {
            !shown.contains(attribute) && (*attribute, values.as_str()) != (spelled(HOSTS), ALL)
        });
        told.into_iter()
    }
}

/// How an attribute is written in sudo's manual.
pub fn spelled(attribute: &str) -> &str {
    const KNOWN: [&str; 10] = [
        "sudoUser",
        "sudoRunAsUser",
        "sudoRunAsGroup",
        "sudoCommand",
        "sudoOption",
        "sudoHost",
        "sudoOrder",
        "sudoNotBefore",
        "sudoNotAfter",
        "sudoRunAs",
    ];
    let known = KNOWN
        .iter()
        .find(|name| name.eq_ignore_ascii_case(attribute));
    known.map_or(attribute, |name| name)
}
