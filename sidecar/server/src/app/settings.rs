//! What the rules need of the configuration.

use crate::actions::{RegionSettings, Settings};
use crate::config::{Accounts, Config};

/// The configuration that rules need.
pub fn settings(config: &Config) -> Settings {
    let regions = config.regions.iter().map(|region| RegionSettings {
        name: region.name.clone(),
        network: region.network.clone(),
        domain: region.domain.clone(),
    });
    Settings {
        policy: config.authz(),
        roles: config.policy.roles.clone(),
        newcomers: config.accounts.as_ref().map(Accounts::rule),
        regions: regions.collect(),
        wiki_login_is_ldap: config.ldap.wiki_login_is_ldap,
        cloud_role: config
            .keystone
            .admin
            .as_ref()
            .map(|_| config.keystone.member_role.clone()),
        keypairs: config.keystone.keypairs && config.keystone.admin.is_some(),
        people_domain: config.keystone.people_domain.clone(),
        own_projects: [config.keystone.reader_project.clone()]
            .into_iter()
            .chain(
                config
                    .keystone
                    .admin
                    .iter()
                    .map(|admin| admin.project.clone()),
            )
            .collect(),
        noisy: config.pages.noisy_projects.clone(),
    }
}
