//! Tells a hook what is logged: in the order of each log, again until it is taken, by one replica.

use crate::actions::Clock;
use crate::telemetry::metrics;
use osm_core::ports::{Elections, Hook, HookProgress, PortError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tracing::warn;

/// How long a replica that is silent stays elected: longer than a post takes.
const LEASE: Duration = Duration::from_secs(30);
/// How often it is looked what there is to post.
const LOOK: Duration = Duration::from_secs(1);

/// A hook's poster.
pub struct Poster {
    /// Whom it tells.
    pub hook: Arc<dyn Hook>,
    /// How far it is.
    pub progress: Arc<dyn HookProgress>,
    /// Who posts.
    pub elections: Arc<dyn Elections>,
    /// The name of this process in elections.
    pub owner: String,
    /// The time.
    pub clock: Clock,
}

impl Poster {
    /// Posts until told to stop.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let mut failures: u32 = 0;
        while !*shutdown.borrow() {
            let pause = match self.one().await {
                Ok(true) => {
                    failures = 0;
                    continue;
                }
                Ok(false) => LOOK,
                Err(error) => {
                    metrics::backend_error(&error);
                    failures += 1;
                    let pause = Duration::from_secs((1 << failures.min(6)).min(60));
                    warn!(%error, ?pause, "a webhook is not told of the log yet");
                    pause
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = shutdown.changed() => {}
            }
        }
        let _ = self.elections.resign(&self.election(), &self.owner).await;
    }

    fn election(&self) -> String {
        format!("hook:{}", self.hook.name())
    }

    /// Posts one entry; `false` where there is none, or another replica posts.
    async fn one(&self) -> Result<bool, PortError> {
        let (election, now) = (self.election(), (self.clock)());
        if !(self.elections.elect(&election, &self.owner, now, LEASE)).await? {
            return Ok(false);
        }
        let hook = self.hook.name();
        self.progress.begin_hook(hook).await?;
        let Some(entry) = self.progress.next_for_hook(hook).await? else {
            return Ok(false);
        };
        if !self.hook.post(&entry).await? {
            let (log, entry) = (&entry.said.log, entry.seq);
            warn!(hook, %log, entry, "a webhook refuses an entry; it is passed over");
        }
        self.progress
            .posted_to_hook(hook, &entry.said.log, entry.seq)
            .await?;
        Ok(true)
    }
}
