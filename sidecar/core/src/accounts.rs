//! Shell accounts of people who have none: a wiki user asks for a name, and gets an entry in LDAP that is theirs.

use crate::action::Action;
use crate::authz::{Permit, Target};
use crate::ids::{ProjectId, ProjectName, Region};
use crate::membership::part;
use crate::message::Msg;
use crate::plan::{Change, Facts, Plan, PlannedStep, Step};
use crate::refusal::{Refusal, RefusalKind};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;

/// The field of the form, and the parameter.
pub const FIELD: &str = "shellname";
/// As useradd has it.
pub const LONGEST_SHELL_NAME: usize = 32;

/// Names that systems and images have for themselves: who had one of them would be somebody else on an instance.
const RESERVED: &[&str] = &[
    "adm",
    "admin",
    "administrator",
    "all",
    "almalinux",
    "alpine",
    "anonymous",
    "apache",
    "arch",
    "audio",
    "avahi",
    "backup",
    "barbican",
    "bin",
    "cdrom",
    "centos",
    "ceph",
    "chrony",
    "cinder",
    "cirros",
    "cloud-user",
    "consul",
    "core",
    "crontab",
    "cups",
    "daemon",
    "dbus",
    "debian",
    "default",
    "designate",
    "dialout",
    "dip",
    "disk",
    "dnsmasq",
    "docker",
    "dovecot",
    "ec2-user",
    "elasticsearch",
    "etcd",
    "fax",
    "fedora",
    "floppy",
    "freebsd",
    "ftp",
    "fwupd-refresh",
    "games",
    "gdm",
    "geoclue",
    "gerrit",
    "git",
    "gitlab",
    "glance",
    "gnats",
    "grafana",
    "guest",
    "halt",
    "haproxy",
    "heat",
    "horizon",
    "http",
    "input",
    "irc",
    "ironic",
    "jenkins",
    "keystone",
    "kmem",
    "kvm",
    "landscape",
    "libvirt",
    "lightdm",
    "list",
    "lp",
    "lxd",
    "magnum",
    "mail",
    "man",
    "manila",
    "memcache",
    "messagebus",
    "mysql",
    "nagios",
    "named",
    "netdev",
    "neutron",
    "news",
    "nginx",
    "nobody",
    "nogroup",
    "nova",
    "ntp",
    "octavia",
    "opensearch",
    "openstackmanager",
    "opensuse",
    "operators",
    "placement",
    "plugdev",
    "polkitd",
    "pollinate",
    "postfix",
    "postgres",
    "project",
    "prometheus",
    "proxy",
    "pulse",
    "puppet",
    "rabbitmq",
    "redis",
    "render",
    "rocky",
    "root",
    "rpc",
    "rtkit",
    "saned",
    "sasl",
    "sgx",
    "shadow",
    "ssh",
    "sshd",
    "ssl-cert",
    "sssd",
    "staff",
    "sudo",
    "swift",
    "sync",
    "sys",
    "syslog",
    "systemd",
    "systemd-network",
    "systemd-resolve",
    "systemd-timesync",
    "tape",
    "tcpdump",
    "test",
    "tomcat",
    "toor",
    "trove",
    "tty",
    "ubuntu",
    "usbmux",
    "user",
    "users",
    "utmp",
    "uucp",
    "uuidd",
    "vagrant",
    "video",
    "voice",
    "wheel",
    "www-data",
    "zabbix",
];
/// Names of groups of projects, and of what systemd makes for itself.
const RESERVED_BEGINNINGS: &[&str] = &["project-", "systemd-"];

/// Whom the community gives a shell account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Newcomers {
    /// Only with a confirmed e-mail address.
    pub confirmed_email: bool,
    /// So old the wiki account has to be.
    pub days: u32,
    /// Names that nobody gets, besides those that systems have for themselves.
    pub reserved: BTreeSet<String>,
}

/// A shell account to be, and the wiki user whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The shell name.
    pub uid: String,
    /// MediaWiki's id of the user.
    pub wiki_user_id: u64,
    /// The user's name, which becomes the person's.
    pub name: String,
}

impl Account {
    /// What is otherwise once LDAP has its entry.
    pub fn change(&self) -> Change {
        Change {
            resource: format!("/person/{}", part(&self.uid)),
            before: None,
            after: Some(json!({"name": self.name})),
        }
    }

    /// What is otherwise once the wiki user is connected with it.
    pub fn link_change(&self) -> Change {
        Change {
            resource: format!("/link/{}", self.wiki_user_id),
            before: None,
            after: Some(json!({"uid": self.uid})),
        }
    }

    /// One at a time is made for a wiki user.
    pub fn resource(&self) -> String {
        format!("/account/{}", self.wiki_user_id)
    }
}

/// What a plan for an account is made from.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct AccountFacts {
    /// The shell name that was asked for.
    pub asked: String,
    /// Somebody or some group has it.
    pub taken: bool,
    /// LDAP has a person of the wiki user's name.
    pub namesake: bool,
    pub rule: Newcomers,
    pub now: DateTime<Utc>,
}

/// Plans a shell account for whoever asks.
pub fn plan_create_account(permit: &Permit, facts: &AccountFacts) -> Result<Plan, Refusal> {
    let actor = permit.actor();
    let user = &actor.user;
    let forbidden = |why: Msg| Err(Refusal::new(RefusalKind::Forbidden, why));
    if *permit.target() != Target::User(user.wiki_user_id)
        || permit.action() != Action::AccountCreate
    {
        return forbidden(Msg::new("notyours"));
    }
    if let Some(person) = &actor.person {
        let why = Msg::new("linked").with(person.uid.as_str());
        return Err(Refusal::new(RefusalKind::Conflict, why));
    }
    if facts.rule.confirmed_email && !user.email_confirmed {
        return forbidden(Msg::new("account-email"));
    }
    let days = i64::from(facts.rule.days);
    // Wikis do not know of very old accounts when they were made.
    let young = user
        .registered
        .is_some_and(|made| (facts.now - made).num_days() < days);
    if young {
        return forbidden(Msg::new("account-young").with(days));
    }
    let uid = shell_name(&facts.asked, &facts.rule)?;
    if facts.taken {
        let why = Msg::new("shellname-taken").with(uid);
        return Err(Refusal {
            kind: RefusalKind::Conflict,
            ..Refusal::field(FIELD, why)
        });
    }
    if facts.namesake {
        let why = Msg::new("account-namesake").with(user.name.as_str());
        return Err(Refusal::new(RefusalKind::Conflict, why));
    }
    let account = Account {
        uid: uid.to_owned(),
        wiki_user_id: user.wiki_user_id,
        name: user.name.clone(),
    };
    let person = |there| Step::Person {
        account: account.clone(),
        there,
    };
    let link = |there| Step::Link {
        account: account.clone(),
        there,
    };
    let steps = [(person(true), person(false)), (link(true), link(false))];
    let mut noted = Facts::default();
    noted.note(format!("shell name {uid}"), "free");
    noted.note(format!("person {}", user.name), "none");
    Ok(Plan {
        version: Plan::VERSION,
        action: permit.action(),
        // Of no region and no project.
        region: Region::trusted(""),
        project: ProjectName::trusted(""),
        project_id: ProjectId::trusted(""),
        instance: None,
        name: uid.to_owned(),
        steps: steps
            .into_iter()
            .map(|(there, back)| PlannedStep::undone_by(there, back))
            .collect(),
        facts: noted,
    })
}

/// A name that every system takes for a person's, and that is no system's own.
fn shell_name<'a>(asked: &'a str, rule: &Newcomers) -> Result<&'a str, Refusal> {
    let name = asked.trim();
    let good = name.len() <= LONGEST_SHELL_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !good {
        let most = i64::try_from(LONGEST_SHELL_NAME).unwrap_or(i64::MAX);
        return Err(Refusal::field(FIELD, Msg::new("shellname-bad").with(most)));
    }
    let begins = |beginning: &&str| name.starts_with(beginning);
    if RESERVED.contains(&name)
        || rule.reserved.contains(name)
        || RESERVED_BEGINNINGS.iter().any(begins)
    {
        return Err(Refusal::field(
            FIELD,
            Msg::new("shellname-reserved").with(name),
        ));
    }
    Ok(name)
}
