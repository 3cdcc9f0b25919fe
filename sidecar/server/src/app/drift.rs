//! The documenter, and what compares the wiki with it.

use super::{App, settings};
use crate::actions::Settings;
use crate::config::Config;
use crate::documenter::{Ahead, Counts, Documenter};
use crate::drift::Drift;
use chrono::Utc;
use std::sync::Arc;
use tokio::sync::Notify;

impl App {
    /// Who writes pages.
    pub(super) fn documenter(
        &self,
        config: &Config,
        settings: Arc<Settings>,
        bell: Arc<Notify>,
        owner: String,
    ) -> Documenter {
        Documenter {
            pages: self.store.clone(),
            requests: self.store.clone(),
            operations: self.store.clone(),
            index: self.store.clone(),
            directory: self.directory.clone(),
            links: self.store.clone(),
            pins: self.store.clone(),
            wiki: self.wiki.clone(),
            write: self.wiki.clone(),
            audit: self.store.clone(),
            logs: self.store.clone(),
            settings,
            bell,
            owner,
            documentation: config.pages.project_doc_section,
            clock: Utc::now,
            counts: Counts::default(),
            ahead: Ahead::default(),
        }
    }

    /// Compares cloud, LDAP and wiki.
    pub fn drift(&self, config: &Config) -> Drift {
        let settings = Arc::new(settings(config));
        // It composes pages and compares them; nobody asks it to write.
        let documenter = self.documenter(config, settings.clone(), Arc::default(), String::new());
        Drift {
            compute: self.cloud.clone(),
            directory: self.directory.clone(),
            identity: self.cloud.clone(),
            pins: self.store.clone(),
            index: self.store.clone(),
            operations: self.store.clone(),
            pages: self.store.clone(),
            wiki: Arc::new(documenter),
            settings,
            clock: Utc::now,
        }
    }
}
