//! The section `[ldap]`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;
use url::Url;

/// LDAP.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Ldap {
    pub url: Url,
    pub bind_dn: String,
    pub password_file: Option<PathBuf>,
    pub people_base: String,
    pub projects_base: String,
    pub groups_base: String,
    /// Where instances have entries that say what Puppet does with them.
    pub hosts_base: Option<String>,
    /// Puppet variables that are on no page.
    #[serde(default = "hidden")]
    pub hidden_puppet_vars: BTreeSet<String>,
    /// The least gidNumber that a new project's posix group gets.
    #[serde(default = "first_gid")]
    pub first_project_gid: u32,
    #[serde(default)]
    pub starttls: bool,
    /// The wiki checks its own logins against this LDAP, so that equal names are the same person.
    #[serde(default)]
    pub wiki_login_is_ldap: bool,
}

fn first_gid() -> u32 {
    50_000
}

/// A person's address.
fn hidden() -> BTreeSet<String> {
    BTreeSet::from(["instancecreator_email".to_owned()])
}
