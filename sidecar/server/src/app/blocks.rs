//! Who suspends people who are blocked on the wiki.

use super::App;
use crate::actions::Context;
use crate::blocks::Blocks;
use crate::config::Config;
use chrono::Utc;
use std::time::Duration;

impl App {
    /// It rests on what actions rest on, but for the patience with the cloud.
    pub(super) fn blocks(&self, config: &Config, context: &Context) -> Blocks {
        Blocks {
            wiki: self.wiki.clone(),
            kept: self.store.clone(),
            links: self.store.clone(),
            directory: self.directory.clone(),
            identity: self.cloud.clone(),
            pins: self.store.clone(),
            operations: self.store.clone(),
            settings: context.settings.clone(),
            bell: context.blocks.clone(),
            work_bell: context.work.clone(),
            compare: Duration::from_secs(60 * config.observe.compare_minutes),
            clock: Utc::now,
        }
    }
}
