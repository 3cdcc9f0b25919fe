//! LDAP: people, projects, roles.
//!
//! The tree: people anywhere below `people_base`; a project is a `groupOfNames` right below
//! `projects_base`, with its people in `member`; a role is an `organizationalRole` right below its
//! project, with its holders in `roleOccupant`.
//!
//! Reading order: `dn` (when two DNs are the same) → `entry` (what a search gives) → `connection`
//! → `directory` (people, projects, roles from entries) → `membership` (writing who is in what) → `places`
//! (who is where, all of them), `projects` (making and deleting them), `people` (making them), `keys` (with what people
//! log in), `sudo` (what they may run as whom) `hosts` (what Puppet does with which)
//! and `accounts` (of chat networks).

// The error that all ports share tells a lot, and is returned seldom.
#![allow(clippy::result_large_err)]

mod accounts;
mod connection;
mod directory;
mod dn;
mod entry;
mod failure;
mod hosts;
mod keys;
mod membership;
mod people;
mod places;
mod projects;
mod sudo;

use crate::secret::Secret;
use connection::Connections;
use dn::Dn;
use osm_core::ports::{Kind, PortError};
use std::collections::BTreeSet;

/// Where the directory is, and as whom we come.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct LdapConfig {
    /// `ldap://`, or `ldaps://` for TLS from the first octet.
    pub url: String,
    pub bind_dn: String,
    pub password: Secret,
    pub people_base: String,
    pub projects_base: String,
    pub groups_base: String,
    /// Where hosts are, if anywhere.
    pub hosts_base: Option<String>,
    /// How people's entries are made, where they are.
    pub newcomers: Option<Newcomers>,
    /// Puppet variables that are never read.
    pub hidden_vars: BTreeSet<String>,
    /// Go over to TLS on an `ldap://` connection before the password is sent.
    pub starttls: bool,
}

/// What the entry of a new person says besides their name.
#[derive(Clone, Debug)]
pub struct Newcomers {
    /// `gidNumber`: the group that people have in common.
    pub gid: u32,
    /// `homeDirectory`, with `%u` for the shell name.
    pub home: String,
    /// `loginShell`.
    pub shell: String,
}

/// The directory.
#[derive(Debug)]
pub struct Ldap {
    config: LdapConfig,
    connections: Connections,
}

impl Ldap {
    /// Speaks to nobody yet: the connection is made when it is first needed, and again when it is lost.
    pub fn new(config: LdapConfig) -> Result<Self, PortError> {
        let refuse = |what: &str, why: &str| {
            let kind = Kind::Rejected;
            Err(PortError::new(
                "ldap",
                "read",
                format!("[ldap] {what}"),
                kind,
                why,
            ))
        };
        if config.password.expose().is_empty() {
            return refuse("password_file", "an empty password would bind as nobody");
        }
        let hosts = config.hosts_base.as_ref();
        for (what, name) in [
            ("bind_dn", &config.bind_dn),
            ("people_base", &config.people_base),
            ("projects_base", &config.projects_base),
            ("groups_base", &config.groups_base),
        ]
        .into_iter()
        .chain(hosts.map(|base| ("hosts_base", base)))
        {
            if Dn::parse(name).and_then(|dn| dn.parent()).is_none() {
                return refuse(what, "is no distinguished name");
            }
        }
        Ok(Self {
            connections: Connections::new(&config),
            config,
        })
    }
}
