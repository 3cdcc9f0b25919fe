//! The configuration file. Every key is described in docs/config.example.toml; a test keeps the two the same.

mod accounts;
mod check;
mod error;
mod ldap;
mod log;
mod rabbitmq;
mod requests;
mod secrets;

pub use accounts::Accounts;
pub use error::ConfigError;
pub use ldap::Ldap;
pub use log::{Irc, Log};
pub use rabbitmq::RabbitMq;
pub use requests::Requests;
pub use secrets::{Env, Secrets};

use crate::operations::Patience;
use osm_core::action::Action;
use osm_core::authz::{Founders, Need, PROJECTADMIN, Policy};
use osm_core::ids::{ProjectName, Region};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// The whole file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    #[serde(default)]
    pub signing: Signing,
    pub wiki: Wiki,
    pub keystone: Keystone,
    pub regions: Vec<RegionConfig>,
    pub ldap: Ldap,
    /// Where people get shell accounts here.
    pub accounts: Option<Accounts>,
    /// Where people may ask for projects.
    pub requests: Option<Requests>,
    #[serde(default)]
    pub policy: Needs,
    #[serde(default)]
    pub maintenance: Maintenance,
    #[serde(default)]
    pub operations: Operations,
    #[serde(default)]
    pub observe: Observe,
    pub rabbitmq: Option<RabbitMq>,
    #[serde(default)]
    pub pages: Pages,
    #[serde(default)]
    pub log: Log,
    #[serde(default)]
    pub irc: Vec<Irc>,
}

/// Where the shim reaches us.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Server {
    pub listen: SocketAddr,
    /// Host and port as the shim names them: part of what it signs.
    pub public_authority: String,
    #[serde(default)]
    pub log: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

/// MySQL or MariaDB.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Database {
    pub host: String,
    #[serde(default = "mysql_port")]
    pub port: u16,
    pub user: String,
    pub name: String,
    pub password_file: Option<PathBuf>,
}

/// The keys of the two directions.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Signing {
    pub shim_keys_file: Option<PathBuf>,
    pub wiki_keys_file: Option<PathBuf>,
}

/// MediaWiki.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Wiki {
    pub api_url: Url,
    pub article_url: Url,
}

/// The service account.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Keystone {
    pub auth_url: Url,
    pub username: String,
    #[serde(default = "default_domain")]
    pub user_domain: String,
    pub password_file: Option<PathBuf>,
    /// The project in which the account holds the role that reads across projects.
    pub reader_project: String,
    #[serde(default = "default_domain")]
    pub project_domain: String,
    /// Which of the catalogue's addresses are used: `public`, `internal` or `admin`.
    #[serde(default = "public")]
    pub region_interface: String,
    /// The domain in which Keystone has the people of LDAP, by their shell names.
    #[serde(default = "people")]
    pub people_domain: String,
    /// That domain's id, as notifications name it.
    pub people_domain_id: Option<String>,
    /// What a project's members are assigned in Keystone.
    #[serde(default = "member")]
    pub member_role: String,
    pub admin: Option<KeystoneAdmin>,
    /// People's SSH keys are Nova's keypairs as well, where there is an account to make them.
    #[serde(default = "yes")]
    pub keypairs: bool,
}

/// The account that assigns roles; without it Keystone's assignments are left as they are.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct KeystoneAdmin {
    pub username: String,
    pub password_file: Option<PathBuf>,
    pub project: String,
}

/// A region that is managed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RegionConfig {
    pub name: Region,
    /// The network of new instances: a name, an id, or `auto` for Nova's choice.
    #[serde(default = "auto")]
    pub network: String,
    /// The DNS domain of its instances' names.
    pub domain: Option<String>,
    /// Why nothing may be written there, if so.
    pub read_only: Option<String>,
}

/// What a member of a project needs for an action.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Needs {
    pub create: Need,
    pub reboot: Need,
    pub consoleoutput: Need,
    pub delete: Need,
    pub configure: Need,
    pub addmember: Need,
    pub deletemember: Need,
    pub configureproject: Need,
    /// Sudo rules: making, changing and deleting them.
    pub sudo: Need,
    /// Who may make projects.
    pub createproject: Founders,
    /// The roles that may be given in a project, by their names in LDAP.
    pub roles: Vec<String>,
}

impl Default for Needs {
    fn default() -> Self {
        let [create, reboot, consoleoutput, delete, configure, addmember] = [Need::Member; 6];
        Self {
            create,
            reboot,
            consoleoutput,
            delete,
            configure,
            addmember,
            deletemember: Need::Projectadmin,
            configureproject: Need::Member,
            sudo: Need::Projectadmin,
            createproject: Founders::Cloudadmin,
            roles: vec![PROJECTADMIN.to_owned()],
        }
    }
}

/// The big switch.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Maintenance {
    /// Where not empty, nothing may be written, and every page says this.
    pub reason: String,
}

/// How operations are carried out.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Operations {
    pub lease_seconds: u64,
    pub workers: usize,
    pub tries: u32,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            lease_seconds: 10,
            workers: 8,
            tries: 10,
        }
    }
}

impl Operations {
    /// For the runner.
    pub fn patience(self) -> Patience {
        Patience {
            lease: Duration::from_secs(self.lease_seconds),
            workers: self.workers,
            tries: self.tries,
            ..Patience::default()
        }
    }
}

/// How often the cloud is looked at.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Observe {
    pub poll_seconds: u64,
    pub compare_minutes: u64,
}

impl Default for Observe {
    fn default() -> Self {
        Self {
            poll_seconds: 5,
            compare_minutes: 10,
        }
    }
}

/// What pages hold.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pages {
    /// New project pages begin with an open Documentation section.
    pub project_doc_section: bool,
    /// Their instances get no page each; one page sums them up.
    pub noisy_projects: BTreeSet<ProjectName>,
}

impl Default for Pages {
    fn default() -> Self {
        Self {
            project_doc_section: true,
            noisy_projects: BTreeSet::new(),
        }
    }
}

fn mysql_port() -> u16 {
    3306
}
fn default_domain() -> String {
    "Default".to_owned()
}
fn public() -> String {
    "public".to_owned()
}
fn people() -> String {
    "people".to_owned()
}
fn member() -> String {
    "member".to_owned()
}
fn yes() -> bool {
    true
}

fn auto() -> String {
    "auto".to_owned()
}

impl Config {
    /// Reads and checks the file and the secrets that it names.
    pub fn load(path: &Path, env: Env<'_>) -> Result<(Self, Secrets), ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|reason| ConfigError::Read {
            path: path.to_owned(),
            reason,
        })?;
        let config = Self::parse(path, &text)?;
        let mut problems = check::problems(&config);
        let secrets = secrets::read(&config, env, &mut problems);
        match secrets {
            Some(secrets) if problems.is_empty() => Ok((config, secrets)),
            _ => Err(ConfigError::Invalid {
                path: path.to_owned(),
                problems,
            }),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let wrong = |key: String, error: &toml::de::Error| ConfigError::Parse {
            path: path.to_owned(),
            line: line_of(text, error.span().map_or(0, |s| s.start)),
            key,
            message: error.message().to_owned(),
        };
        let document =
            toml::Deserializer::parse(text).map_err(|error| wrong(String::new(), &error))?;
        serde_path_to_error::deserialize(document).map_err(|error| {
            let key = match error.path().to_string().as_str() {
                "." => String::new(),
                path => format!(", key {path}"),
            };
            wrong(key, error.inner())
        })
    }

    /// The community's choices, as the rules want them.
    pub fn authz(&self) -> Policy {
        let needs = [
            (Action::InstanceCreate, self.policy.create),
            (Action::InstanceReboot, self.policy.reboot),
            (Action::InstanceConsole, self.policy.consoleoutput),
            (Action::InstanceDelete, self.policy.delete),
            (Action::InstanceConfigure, self.policy.configure),
            (Action::MemberAdd, self.policy.addmember),
            (Action::MemberRemove, self.policy.deletemember),
            (Action::ProjectConfigure, self.policy.configureproject),
            (Action::SudoCreate, self.policy.sudo),
            (Action::SudoModify, self.policy.sudo),
            (Action::SudoDelete, self.policy.sudo),
        ];
        let reason = self.maintenance.reason.trim();
        Policy {
            needs: BTreeMap::from(needs),
            founders: self.policy.createproject,
            accounts: self.accounts.is_some(),
            requests: self.requests.as_ref().map(Requests::rules),
            maintenance: (!reason.is_empty()).then(|| reason.to_owned()),
            read_only_regions: self
                .regions
                .iter()
                .filter_map(|r| Some((r.name.clone(), r.read_only.clone()?)))
                .filter(|(_, reason)| !reason.trim().is_empty())
                .collect(),
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    1 + before.iter().filter(|b| **b == b'\n').count()
}

#[cfg(test)]
mod tests;
