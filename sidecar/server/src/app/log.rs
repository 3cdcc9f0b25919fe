//! The Server Admin Log: who accepts, who writes, who listens.

use super::App;
use crate::config::{Config, Secrets};
use crate::log::Book;
use crate::log::bot::Bot;
use crate::log::poster::Poster;
use crate::log::writer::Writer;
use chrono::Utc;
use osm_backends::irc::{Irc, IrcConfig};
use osm_backends::ldap::Ldap;
use osm_backends::mysql::Store;
use osm_backends::remote::{Mastodon, Webhook};
use osm_backends::wiki::Wiki;
use osm_core::ports::{Hook, PortError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// Edits that those who wait for them may be behind.
const TOLD: usize = 256;

/// All of it.
pub(super) struct Logging {
    pub book: Arc<Book>,
    pub writer: Arc<Writer>,
    pub bots: Vec<Arc<Bot>>,
    pub posters: Vec<Arc<Poster>>,
}

/// Accepts entries.
pub fn book(
    store: Arc<Store>,
    directory: Arc<Ldap>,
    wiki: Arc<Wiki>,
    config: &Config,
) -> Arc<Book> {
    Arc::new(Book {
        logs: store.clone(),
        speakers: store.clone(),
        links: store.clone(),
        tokens: store,
        paces: Default::default(),
        accounts: directory.clone(),
        attributes: config.account_attributes(),
        wiki,
        names: Default::default(),
        accepted: watch::channel(0).0,
        directory,
        bell: Arc::default(),
        written: broadcast::channel(TOLD).0,
        articles: config.wiki.article_url.clone(),
        clock: Utc::now,
        known: Default::default(),
    })
}

impl App {
    /// The log's workers.
    pub(super) fn logging(
        &self,
        config: &Config,
        secrets: &Secrets,
        owner: &str,
    ) -> Result<Logging, PortError> {
        let book = self.book(config);
        let writer = Arc::new(Writer {
            logs: self.store.clone(),
            wiki: self.wiki.clone(),
            history: self.wiki.clone(),
            write: self.wiki.clone(),
            pages: self.store.clone(),
            bell: book.bell.clone(),
            written: book.written.clone(),
            // Checked where the configuration was read.
            linker: config.log.linker().unwrap_or_default(),
            category: config.log.category.clone(),
            archive_bytes: usize::try_from(config.log.archive_kb)
                .unwrap_or(usize::MAX)
                .saturating_mul(1024),
            owner: owner.to_owned(),
            clock: Utc::now,
        });
        let bots = config.irc.iter().map(|irc| {
            let password = secrets.irc_passwords.get(&irc.network).cloned();
            let chat = Irc::new(IrcConfig {
                network: irc.network.clone(),
                host: irc.host.clone(),
                port: irc.port,
                tls: irc.tls,
                ca_file: irc.ca_file.clone(),
                nick: irc.nick.clone(),
                channels: irc.channels.iter().map(|c| c.name().to_owned()).collect(),
                account: irc.account.clone().zip(password),
                burst: irc.burst,
                pause: Duration::from_millis(irc.pause_ms),
            });
            Arc::new(Bot {
                chat: Arc::new(chat),
                policies: (irc.channels.iter())
                    .map(|channel| (channel.name().to_owned(), channel.policy()))
                    .collect(),
                book: book.clone(),
                elections: self.store.clone(),
                owner: owner.to_owned(),
                clock: Utc::now,
            })
        });
        let mut hooks: Vec<Arc<dyn Hook>> = Vec::new();
        // The secrets were read with the configuration.
        for hook in &config.log.webhooks {
            let Some(secret) = secrets.webhook_secrets.get(&hook.name).cloned() else {
                continue;
            };
            let webhook = Webhook::new(hook.name.clone(), hook.url.clone(), secret)?;
            hooks.push(Arc::new(webhook));
        }
        for account in &config.log.mastodon {
            let Some(token) = secrets.mastodon_tokens.get(&account.name).cloned() else {
                continue;
            };
            hooks.push(Arc::new(Mastodon::new(
                account.name.clone(),
                &account.url,
                token,
                account.visibility.word(),
                config.wiki.article_url.clone(),
            )?));
        }
        let posters = hooks.into_iter().map(|hook| {
            Arc::new(Poster {
                hook,
                progress: self.store.clone(),
                elections: self.store.clone(),
                accepted: book.accepted.subscribe(),
                owner: owner.to_owned(),
                clock: Utc::now,
            })
        });
        let posters = posters.collect();
        Ok(Logging {
            bots: bots.collect(),
            posters,
            writer,
            book,
        })
    }
}
