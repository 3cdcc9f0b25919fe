//! Secrets come from files that the configuration names, or from the environment; never from the configuration itself.

use super::Config;
use osm_backends::secret::Secret;
use osm_core::signing::Keys;
use std::collections::BTreeMap;
use std::path::Path;

/// Looks up an environment variable; a parameter because tests cannot set one.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Everything that must not be seen. Neither kind of field shows its content in `Debug`.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Secrets {
    pub database_password: Secret,
    pub keystone_password: Secret,
    pub keystone_admin_password: Option<Secret>,
    pub ldap_password: Secret,
    pub rabbitmq_password: Option<Secret>,
    /// By the network's name, where we have an account there.
    pub irc_passwords: BTreeMap<String, Secret>,
    /// By the webhook's name: we sign with it what we post there.
    pub webhook_secrets: BTreeMap<String, Secret>,
    /// By the name of the account with Mastodon.
    pub mastodon_tokens: BTreeMap<String, Secret>,
    /// The shim signs with these, we verify.
    pub shim_keys: Keys,
    /// We sign with these, the shim verifies.
    pub wiki_keys: Keys,
}

/// Reads all secrets; where one is missing, says so in `problems` and goes on to the next.
pub(super) fn read(config: &Config, env: Env<'_>, problems: &mut Vec<String>) -> Option<Secrets> {
    let mut source = Source { env, problems };
    let database_password = source.secret("database", "password", &config.database.password_file);
    let keystone_password = source.secret("keystone", "password", &config.keystone.password_file);
    let keystone_admin_password = config
        .keystone
        .admin
        .as_ref()
        .map(|admin| source.secret("keystone.admin", "password", &admin.password_file));
    let ldap_password = source.secret("ldap", "password", &config.ldap.password_file);
    let rabbitmq_password = config
        .rabbitmq
        .as_ref()
        .map(|rabbitmq| source.secret("rabbitmq", "password", &rabbitmq.password_file));
    let irc_passwords: Vec<(String, Option<Secret>)> = (config.irc.iter())
        .filter(|irc| irc.account.is_some())
        .map(|irc| {
            let section = format!("irc.{}", irc.network);
            let password = source.secret(&section, "password", &irc.password_file);
            (irc.network.clone(), password)
        })
        .collect();
    let webhook_secrets: Vec<(String, Option<Secret>)> = (config.log.webhooks.iter())
        .map(|hook| {
            let section = format!("log.webhooks.{}", hook.name);
            let secret = source.secret(&section, "secret", &hook.secret_file);
            (hook.name.clone(), secret)
        })
        .collect();
    let mastodon_tokens: Vec<(String, Option<Secret>)> = (config.log.mastodon.iter())
        .map(|account| {
            let section = format!("log.mastodon.{}", account.name);
            let token = source.secret(&section, "token", &account.token_file);
            (account.name.clone(), token)
        })
        .collect();
    let shim_keys = source.keys("shim_keys", &config.signing.shim_keys_file);
    let wiki_keys = source.keys("wiki_keys", &config.signing.wiki_keys_file);
    Some(Secrets {
        database_password: database_password?,
        keystone_password: keystone_password?,
        keystone_admin_password: match keystone_admin_password {
            Some(missing) => Some(missing?),
            None => None,
        },
        ldap_password: ldap_password?,
        rabbitmq_password: match rabbitmq_password {
            Some(missing) => Some(missing?),
            None => None,
        },
        irc_passwords: (irc_passwords.into_iter())
            .map(|(network, password)| Some((network, password?)))
            .collect::<Option<_>>()?,
        webhook_secrets: (webhook_secrets.into_iter())
            .map(|(name, secret)| Some((name, secret?)))
            .collect::<Option<_>>()?,
        mastodon_tokens: (mastodon_tokens.into_iter())
            .map(|(name, token)| Some((name, token?)))
            .collect::<Option<_>>()?,
        shim_keys: shim_keys?,
        wiki_keys: wiki_keys?,
    })
}

struct Source<'a> {
    env: Env<'a>,
    problems: &'a mut Vec<String>,
}

impl Source<'_> {
    fn secret(
        &mut self,
        section: &str,
        key: &str,
        file: &Option<impl AsRef<Path>>,
    ) -> Option<Secret> {
        let variable = format!("OSM_{}_{key}", section.replace(['.', '-'], "_")).to_uppercase();
        let found = match (file, (self.env)(&variable)) {
            (Some(_), Some(_)) => Err(format!(
                "{section}.{key}_file and {variable} are both set: keep one"
            )),
            (None, None) => Err(format!(
                "there is no {section}.{key}_file, and {variable} is not set: one of them must be"
            )),
            (None, Some(value)) => Ok(Secret::new(value)),
            (Some(path), None) => {
                let path = path.as_ref();
                std::fs::read_to_string(path)
                    .map(Secret::new)
                    .map_err(|error| {
                        format!(
                            "{section}.{key}_file: cannot read {}: {error}",
                            path.display()
                        )
                    })
            }
        };
        match found {
            Ok(secret) if secret.expose().is_empty() => {
                self.problems.push(format!("{section}.{key} is empty"));
                None
            }
            Ok(secret) => Some(secret),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    fn keys(&mut self, key: &str, file: &Option<impl AsRef<Path>>) -> Option<Keys> {
        let text = self.secret("signing", key, file)?;
        Keys::parse(text.expose())
            .map_err(|error| self.problems.push(format!("signing.{key}: {error}")))
            .ok()
    }
}
