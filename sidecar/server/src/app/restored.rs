//! What finds out that an older database was restored, and the workers that wait for it.

use super::{App, settings};
use crate::actions::Settings;
use crate::config::Config;
use crate::restored::Restored;
use chrono::Utc;
use osm_backends::openstack::OpenStack;
use std::sync::Arc;
use tokio::sync::watch;

impl App {
    /// Compares what the database knows with what the world remembers.
    pub fn restored(&self, config: &Config) -> Restored {
        self.comparing(Arc::new(settings(config)), self.cloud.clone())
    }

    pub(super) fn comparing(&self, settings: Arc<Settings>, compute: Arc<OpenStack>) -> Restored {
        Restored {
            holds: self.store.clone(),
            wiki: self.wiki.clone(),
            compute,
            index: self.store.clone(),
            operations: self.store.clone(),
            settings,
            clock: Utc::now,
        }
    }
}

/// Work that is not begun before the database was compared with the world once.
pub(super) async fn once_compared(
    mut compared: watch::Receiver<bool>,
    mut stopped: watch::Receiver<bool>,
    work: impl Future<Output = ()>,
) {
    tokio::select! {
        // Gone without a word is a mistake of ours: nothing is begun then.
        outcome = compared.wait_for(|done| *done) => if outcome.is_err() { return },
        _ = stopped.wait_for(|stop| *stop) => return,
    }
    work.await;
}
