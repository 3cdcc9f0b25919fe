//! A client of each neighbour, from the configuration.

use crate::config::{Config, Secrets};
use osm_backends::ldap::{Ldap, LdapConfig, Newcomers};
use osm_backends::mysql::{Store, StoreConfig};
use osm_backends::openstack::{Assigner, OpenStack, OpenStackConfig};
use osm_backends::rabbitmq::{RabbitMq, RabbitMqConfig};
use osm_backends::wiki::{Wiki, WikiConfig};
use osm_core::ports::PortError;
use std::sync::Arc;
use std::time::Duration;

/// A client of the database.
pub async fn store(config: &Config, secrets: &Secrets) -> Result<Store, PortError> {
    let database = &config.database;
    Store::connect(StoreConfig {
        host: database.host.clone(),
        port: database.port,
        user: database.user.clone(),
        password: secrets.database_password.clone(),
        name: database.name.clone(),
    })
    .await
}

/// A client of LDAP.
pub fn directory(config: &Config, secrets: &Secrets) -> Result<Ldap, PortError> {
    let ldap = &config.ldap;
    Ldap::new(LdapConfig {
        url: ldap.url.to_string(),
        bind_dn: ldap.bind_dn.clone(),
        password: secrets.ldap_password.clone(),
        people_base: ldap.people_base.clone(),
        projects_base: ldap.projects_base.clone(),
        groups_base: ldap.groups_base.clone(),
        hosts_base: ldap.hosts_base.clone(),
        newcomers: config.accounts.as_ref().map(|accounts| Newcomers {
            gid: accounts.gid,
            home: accounts.home.clone(),
            shell: accounts.shell.clone(),
        }),
        hidden_vars: ldap.hidden_puppet_vars.clone(),
        starttls: ldap.starttls,
    })
}

/// A client of OpenStack whose calls take no longer than the limit.
pub fn cloud(config: &Config, secrets: &Secrets, limit: Duration) -> Result<OpenStack, PortError> {
    OpenStack::with_timeout(account(config, secrets), limit)
}

/// The account that assigns roles and sets quotas, where there is one.
pub fn assigner(config: &Config, secrets: &Secrets) -> Result<Option<Arc<Assigner>>, PortError> {
    let (Some(admin), Some(password)) = (&config.keystone.admin, &secrets.keystone_admin_password)
    else {
        return Ok(None);
    };
    let account = OpenStackConfig {
        username: admin.username.clone(),
        password: password.clone(),
        reader_project: admin.project.clone(),
        ..account(config, secrets)
    };
    let keystone = &config.keystone;
    let worker = (keystone.username.clone(), keystone.user_domain.clone());
    let (domain, role) = (keystone.people_domain.clone(), keystone.member_role.clone());
    let assigner = Assigner::new(account, domain, worker, role)?;
    Ok(Some(Arc::new(assigner)))
}

fn account(config: &Config, secrets: &Secrets) -> OpenStackConfig {
    let keystone = &config.keystone;
    OpenStackConfig {
        auth_url: keystone.auth_url.to_string(),
        username: keystone.username.clone(),
        user_domain: keystone.user_domain.clone(),
        password: secrets.keystone_password.clone(),
        project_domain: keystone.project_domain.clone(),
        reader_project: keystone.reader_project.clone(),
        interface: keystone.region_interface.clone(),
        regions: config.regions.iter().map(|r| r.name.clone()).collect(),
    }
}

/// A client of MediaWiki.
pub fn wiki(config: &Config, secrets: &Secrets) -> Result<Wiki, PortError> {
    Wiki::new(WikiConfig {
        api_url: config.wiki.api_url.clone(),
        keys: secrets.wiki_keys.clone(),
        timeout: Wiki::CALL_TIMEOUT,
    })
}

/// A client of RabbitMQ, where it is configured.
pub fn rabbitmq(config: &Config, secrets: &Secrets) -> Result<Option<RabbitMq>, PortError> {
    let (Some(rabbitmq), Some(password)) = (&config.rabbitmq, &secrets.rabbitmq_password) else {
        return Ok(None);
    };
    RabbitMq::new(RabbitMqConfig {
        urls: rabbitmq.urls.iter().map(ToString::to_string).collect(),
        username: rabbitmq.username.clone(),
        password: password.clone(),
        queue: rabbitmq.queue.clone(),
        queue_length: rabbitmq.queue_length,
        queue_expires: Duration::from_secs(3600 * u64::from(rabbitmq.queue_hours)),
    })
    .map(Some)
}
