//! The sections `[log]` and `[[irc]]`: the Server Admin Log, and where it is written from.

use super::Config;
use osm_core::log::links::Linker;
use osm_core::log::policy::Policy;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use url::Url;

/// What the log's pages look like.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The category of a log's page, for the page itself and not for those that show it; none where empty.
    pub category: String,
    /// A page longer than this gives its oldest months away, to a page each.
    pub archive_kb: u32,
    /// Projects in whose logs operations stand that were carried out; `*` is all.
    pub operations: Vec<String>,
    /// The attribute of people's LDAP entries that names their account with the networks' services.
    pub account_attribute: Option<String>,
    /// Who is told of what is logged.
    pub webhooks: Vec<WebhookConfig>,
    /// Where it is told in public.
    pub mastodon: Vec<MastodonConfig>,
    /// What in a message is a link.
    pub links: Vec<Link>,
}

/// A link.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Link {
    /// A regular expression.
    pub pattern: String,
    /// Whereto; `$0` stands for what was found.
    pub url: String,
}

/// Somebody who is told of what is logged.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WebhookConfig {
    /// Our own word for it.
    pub name: String,
    pub url: Url,
    pub secret_file: Option<PathBuf>,
}

/// An account with a server that speaks Mastodon's API.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct MastodonConfig {
    /// Our own word for it.
    pub name: String,
    /// The server.
    pub url: Url,
    pub token_file: Option<PathBuf>,
    #[serde(default)]
    pub visibility: Visibility,
}

/// Who sees a status.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Visibility {
    Public,
    #[default]
    Unlisted,
    Private,
}

impl Visibility {
    /// In the API's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
            Self::Private => "private",
        }
    }
}

/// A network of IRC.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Irc {
    /// Our own word for it.
    pub network: String,
    pub host: String,
    #[serde(default = "port")]
    pub port: u16,
    #[serde(default = "yes")]
    pub tls: bool,
    pub ca_file: Option<PathBuf>,
    #[serde(default = "nick")]
    pub nick: String,
    pub channels: Vec<Channel>,
    /// With the network's services, for SASL.
    pub account: Option<String>,
    /// Instead of `log.account_attribute`.
    pub account_attribute: Option<String>,
    pub password_file: Option<PathBuf>,
    #[serde(default = "burst")]
    pub burst: u32,
    #[serde(default = "pause")]
    pub pause_ms: u64,
}

/// A channel: its name alone, or with who may log from it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(
    untagged,
    expecting = "a channel must be a name such as \"#cloud\", or { name = \"#cloud\", policy = \"…\" } with the policy \
                 anyone, linked or members"
)]
pub enum Channel {
    /// Anyone.
    Name(String),
    /// As said.
    With(Policed),
}

/// A channel with a policy.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Policed {
    pub name: String,
    pub policy: Policy,
}

impl Channel {
    /// As the network calls it.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) | Self::With(Policed { name, .. }) => name,
        }
    }

    /// Who may log from it.
    pub fn policy(&self) -> Policy {
        match self {
            Self::Name(_) => Policy::Anyone,
            Self::With(channel) => channel.policy,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            category: "Server admin logs".to_owned(),
            archive_kb: 200,
            operations: Vec::new(),
            account_attribute: None,
            webhooks: Vec::new(),
            mastodon: Vec::new(),
            links: Vec::new(),
        }
    }
}

impl Config {
    /// In which attribute LDAP says whose accounts of a network are; networks of which it says nothing are left out.
    pub fn account_attributes(&self) -> BTreeMap<String, String> {
        let named = self.irc.iter().filter_map(|irc| {
            let own = irc.account_attribute.as_ref();
            let attribute = own.or(self.log.account_attribute.as_ref())?;
            Some((irc.network.clone(), attribute.clone()))
        });
        named.collect()
    }
}

impl Log {
    /// The links, or what is wrong with one.
    pub fn linker(&self) -> Result<Linker, String> {
        let rules = self.links.iter();
        Linker::new(rules.map(|link| (link.pattern.as_str(), link.url.as_str())))
    }
}

/// What is wrong with the two sections.
pub(super) fn problems(log: &Log, networks: &[Irc]) -> Vec<String> {
    let mut found = Vec::new();
    if let Err(problem) = log.linker() {
        found.push(format!("log.links: {problem}"));
    }
    if log
        .category
        .contains(|c: char| c.is_control() || "#<>[]|{}_".contains(c))
    {
        found.push("log.category must be the name of a category, without its namespace".to_owned());
    }
    // MediaWiki takes no page of more than 2 MiB.
    if !(10..=1500).contains(&log.archive_kb) {
        found.push("log.archive_kb must be from 10 to 1500".to_owned());
    }
    let theirs = networks.iter().map(|irc| &irc.account_attribute);
    for attribute in theirs.chain([&log.account_attribute]).flatten() {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if !attribute.starts_with(|c: char| c.is_ascii_alphabetic())
            || !attribute.chars().all(plain)
        {
            found.push(format!(
                "account_attribute {attribute:?} must be the name of an attribute in LDAP"
            ));
        }
    }
    let mut hooks = BTreeSet::new();
    let webhooks = log
        .webhooks
        .iter()
        .map(|it| ("webhooks", &it.name, &it.url));
    let mastodon = log
        .mastodon
        .iter()
        .map(|it| ("mastodon", &it.name, &it.url));
    for (section, name, url) in webhooks.chain(mastodon) {
        // How far each is told is remembered by its name.
        if !is_short(name) || !hooks.insert(name) {
            found.push(format!(
                "log.{section}.name must be a short name of letters, digits, - . _, for each another, of webhooks and mastodon together"
            ));
        }
        if !matches!(url.scheme(), "http" | "https") {
            found.push(format!(
                "log.{section}.url of {name} must begin with https:// or http://"
            ));
        }
    }
    let mut names = BTreeSet::new();
    for irc in networks {
        let Irc {
            network, channels, ..
        } = irc;
        if !is_short(network) {
            found.push("irc.network must be a short name of letters, digits, - . _".to_owned());
        }
        if !names.insert(network) {
            found.push(format!("irc network {network} is named twice in [[irc]]"));
        }
        let is_channel = |channel: &Channel| {
            let c = channel.name();
            c.starts_with(['#', '&', '+', '!']) && !c.contains([' ', ',', '\u{7}', '\r', '\n'])
        };
        if channels.is_empty() || !channels.iter().all(is_channel) {
            found.push(format!(
                "irc.channels of {network} must name the channels to listen in, each with its sign, such as \"#cloud\""
            ));
        }
        let word = |text: &str| {
            !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
        };
        for (key, value) in [("host", &irc.host), ("nick", &irc.nick)] {
            if !word(value) {
                found.push(format!("irc.{key} of {network} must be one word"));
            }
        }
        if irc.burst == 0 || irc.pause_ms > 60_000 {
            found.push(format!(
                "irc.burst of {network} must be at least 1, irc.pause_ms at most 60000"
            ));
        }
    }
    found
}

fn is_short(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    (1..=40).contains(&name.len()) && name.chars().all(plain)
}
fn port() -> u16 {
    6697
}
fn yes() -> bool {
    true
}
fn nick() -> String {
    "cloudlog".to_owned()
}
fn burst() -> u32 {
    5
}
fn pause() -> u64 {
    1000
}
