//! The section `[accounts]`.

use osm_core::accounts::Newcomers;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// People who have no entry in LDAP get one here.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Accounts {
    /// The least uidNumber that a new person gets.
    pub first_uid: u32,
    /// The gidNumber that all get.
    pub gid: u32,
    #[serde(default = "home")]
    pub home: String,
    #[serde(default = "shell")]
    pub shell: String,
    /// Only people whose e-mail address the wiki has had confirmed.
    #[serde(default = "yes")]
    pub confirmed_email: bool,
    /// Only people whose wiki account is so old.
    #[serde(default)]
    pub days: u32,
    /// Shell names that nobody gets.
    #[serde(default)]
    pub reserved: BTreeSet<String>,
}

impl Accounts {
    /// As the rules want it.
    pub fn rule(&self) -> Newcomers {
        Newcomers {
            confirmed_email: self.confirmed_email,
            days: self.days,
            reserved: self.reserved.clone(),
        }
    }
}

fn home() -> String {
    "/home/%u".to_owned()
}
fn shell() -> String {
    "/bin/bash".to_owned()
}
fn yes() -> bool {
    true
}
