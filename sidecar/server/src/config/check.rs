//! Values that are of the right type and still cannot be right. Each message says what to do.

use super::Config;
use std::collections::BTreeSet;
use url::Url;

/// What is wrong with the configuration; nothing where it can be used.
pub(super) fn problems(config: &Config) -> Vec<String> {
    let mut found = Found(Vec::new());
    let server = &config.server;
    found.unless(
        is_authority(&server.public_authority),
        "server.public_authority must be the host and port in the shim's \
         $wgOpenStackManagerSidecarUrl, in lower case, such as \"127.0.0.1:8090\"",
    );
    for (key, url, schemes) in [
        ("wiki.api_url", &config.wiki.api_url, HTTP),
        ("wiki.article_url", &config.wiki.article_url, HTTP),
        ("keystone.auth_url", &config.keystone.auth_url, HTTP),
        ("ldap.url", &config.ldap.url, &["ldap", "ldaps"]),
    ] {
        found.url(key, url, schemes);
    }
    found.unless(
        config.wiki.api_url.path().ends_with("/api.php"),
        "wiki.api_url must be the address of the wiki's api.php",
    );
    found.unless(
        !(config.ldap.starttls && config.ldap.url.scheme() == "ldaps"),
        "ldap.starttls is for ldap:// addresses; an ldaps:// one is encrypted already: leave it out",
    );
    // Below are the systems' own accounts and groups: 0 would make root of the first one who asks.
    let numbers = config.accounts.iter();
    let numbers =
        numbers.flat_map(|a| [("accounts.first_uid", a.first_uid), ("accounts.gid", a.gid)]);
    let groups = ("ldap.first_project_gid", config.ldap.first_project_gid);
    for (key, number) in numbers.chain([groups]) {
        let least = if key == "accounts.gid" { 100 } else { 1000 };
        found.unless(
            number >= least,
            &format!(
                "{key} is {number}: numbers below {least} are the systems' own; give a higher one"
            ),
        );
    }
    found.unless(
        ["public", "internal", "admin"].contains(&config.keystone.region_interface.as_str()),
        "keystone.region_interface must be public, internal or admin",
    );
    for (key, value) in texts(config) {
        found.unless(
            !value.trim().is_empty(),
            &format!("{key} is empty: give it a value"),
        );
    }
    found.unless(
        !config.regions.is_empty(),
        "there is no [[regions]]: name each OpenStack region to be managed",
    );
    let mut names = BTreeSet::new();
    for region in &config.regions {
        // Stored keys are joined with slashes and begin with the region.
        found.unless(
            !region.name.as_str().is_empty()
                && !region.name.as_str().contains('/')
                && !region.name.as_str().contains(char::is_whitespace),
            "regions.name must be the name of a region in Keystone, without spaces and slashes",
        );
        found.unless(
            names.insert(region.name.clone()),
            &format!("region {} is named twice in [[regions]]", region.name),
        );
    }
    if let Some(rabbitmq) = &config.rabbitmq {
        for url in &rabbitmq.urls {
            found.url("rabbitmq.urls", url, &["amqp", "amqps"]);
        }
        found.unless(
            !rabbitmq.urls.is_empty(),
            "rabbitmq.urls is empty: name a node, or leave [rabbitmq] out",
        );
        found.unless(
            config
                .heard_region()
                .is_some_and(|heard| names.contains(&heard)),
            "rabbitmq.region must be one of [[regions]]: the one whose services speak there",
        );
    }
    let (queue_length, queue_hours) = config
        .rabbitmq
        .as_ref()
        .map_or((1000, 1), |it| (it.queue_length, it.queue_hours));
    let (observe, operations) = (config.observe, config.operations);
    let workers = u64::try_from(operations.workers).unwrap_or(u64::MAX);
    for (key, value, least, most) in [
        // Not shorter than the quiet time of a request whose answer was lost.
        ("operations.lease_seconds", operations.lease_seconds, 6, 300),
        ("operations.workers", workers, 1, 64),
        ("operations.tries", u64::from(operations.tries), 1, 100),
        ("observe.poll_seconds", observe.poll_seconds, 1, 3600),
        ("observe.compare_minutes", observe.compare_minutes, 1, 1440),
        // Less than what is sent ahead would be no queue.
        (
            "rabbitmq.queue_length",
            queue_length.into(),
            1000,
            10_000_000,
        ),
        ("rabbitmq.queue_hours", queue_hours.into(), 1, 720),
    ] {
        found.unless(
            (least..=most).contains(&value),
            &format!("{key} must be from {least} to {most}"),
        );
    }
    found
        .0
        .extend(super::log::problems(&config.log, &config.irc));
    found.0
}

const HTTP: &[&str] = &["http", "https"];

struct Found(Vec<String>);

impl Found {
    fn unless(&mut self, good: bool, problem: &str) {
        if !good {
            self.0.push(problem.to_owned());
        }
    }

    fn url(&mut self, key: &str, url: &Url, schemes: &[&str]) {
        self.unless(
            schemes.contains(&url.scheme()) && url.host().is_some(),
            &format!("{key} must begin with {}://", schemes.join(":// or ")),
        );
        self.unless(
            url.username().is_empty() && url.password().is_none(),
            &format!("{key} holds a user or password: take them out, they have keys of their own"),
        );
    }
}

/// Keys whose value must not be empty.
fn texts(config: &Config) -> Vec<(&'static str, &str)> {
    let mut texts = vec![
        ("database.host", config.database.host.as_str()),
        ("database.user", &config.database.user),
        ("database.name", &config.database.name),
        ("keystone.username", &config.keystone.username),
        ("keystone.user_domain", &config.keystone.user_domain),
        ("keystone.reader_project", &config.keystone.reader_project),
        ("keystone.project_domain", &config.keystone.project_domain),
        ("keystone.people_domain", &config.keystone.people_domain),
        ("keystone.member_role", &config.keystone.member_role),
        ("ldap.bind_dn", &config.ldap.bind_dn),
        ("ldap.people_base", &config.ldap.people_base),
        ("ldap.projects_base", &config.ldap.projects_base),
        ("ldap.groups_base", &config.ldap.groups_base),
    ];
    if let Some(admin) = &config.keystone.admin {
        texts.push(("keystone.admin.username", &admin.username));
        texts.push(("keystone.admin.project", &admin.project));
    }
    if let Some(rabbitmq) = &config.rabbitmq {
        texts.push(("rabbitmq.username", &rabbitmq.username));
        texts.push(("rabbitmq.queue", &rabbitmq.queue));
    }
    texts.extend(
        config
            .regions
            .iter()
            .map(|region| ("regions.network", region.network.as_str())),
    );
    texts
}

fn is_authority(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c))
}
