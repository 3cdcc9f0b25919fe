//! Tells a hook what is logged: in the order of each log, again until it is taken, by one replica.

use crate::actions::Clock;
use crate::telemetry::metrics;
use osm_core::ports::{Elections, Hook, HookProgress, Kind, PortError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::warn;

/// How long a replica that is silent stays elected: a post longer than how often it is renewed.
const LEASE: Duration = Duration::from_secs(30);
const RENEW: Duration = Duration::from_secs(10);
/// How often it is looked what another replica has accepted, or whether nobody posts.
const LOOK: Duration = Duration::from_secs(5);
/// The longest wait for a receiver who says how long.
const LONGEST: Duration = Duration::from_secs(3600);

/// A hook's poster.
pub struct Poster {
    /// Whom it tells.
    pub hook: Arc<dyn Hook>,
    /// How far it is.
    pub progress: Arc<dyn HookProgress>,
    /// Who posts.
    pub elections: Arc<dyn Elections>,
    /// Counts what this process has accepted.
    pub accepted: watch::Receiver<u64>,
    /// The name of this process in elections.
    pub owner: String,
    /// The time.
    pub clock: Clock,
}

/// What one look came to.
enum Looked {
    Posted,
    Nothing,
    /// Another replica posts.
    NotOurs,
}

impl Poster {
    /// Posts until told to stop.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let mut accepted = self.accepted.clone();
        let mut elected: Option<Instant> = None;
        let mut failures: u32 = 0;
        while !*shutdown.borrow() {
            accepted.borrow_and_update();
            let (pause, waits) = match self.one(&mut elected).await {
                Ok(Looked::Posted) => {
                    failures = 0;
                    continue;
                }
                Ok(Looked::Nothing) => (LOOK, true),
                Ok(Looked::NotOurs) => (LOOK, false),
                Err(error) => {
                    metrics::backend_error(&error);
                    failures += 1;
                    let pause = pause(&error, failures);
                    warn!(%error, ?pause, "somebody is not told of the log yet");
                    (pause, false)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                Ok(()) = accepted.changed(), if waits => {}
                _ = shutdown.changed() => {}
            }
        }
        let _ = self.elections.resign(&self.election(), &self.owner).await;
    }

    fn election(&self) -> String {
        format!("hook:{}", self.hook.name())
    }

    /// Posts one entry. Where we are elected is asked again only when that is a while ago.
    async fn one(&self, elected: &mut Option<Instant>) -> Result<Looked, PortError> {
        let hook = self.hook.name();
        if elected.is_none_or(|at| at.elapsed() > RENEW) {
            let (election, now, begun) = (self.election(), (self.clock)(), Instant::now());
            let before = elected.take();
            if !(self.elections.elect(&election, &self.owner, now, LEASE)).await? {
                return Ok(Looked::NotOurs);
            }
            if before.is_none() {
                self.progress.begin_hook(hook).await?;
            }
            *elected = Some(begun);
        }
        let Some(entry) = self.progress.next_for_hook(hook).await? else {
            return Ok(Looked::Nothing);
        };
        if !self.hook.post(&entry).await? {
            let (log, entry) = (&entry.said.log, entry.seq);
            warn!(hook, %log, entry, "an entry is refused for good; it is passed over");
        }
        self.progress
            .posted_to_hook(hook, &entry.said.log, entry.seq)
            .await?;
        Ok(Looked::Posted)
    }
}

/// 2, 4, 8 … seconds, at most a minute; or what the receiver says.
fn pause(error: &PortError, failures: u32) -> Duration {
    let usual = Duration::from_secs((1 << failures.min(6)).min(60));
    match error.kind {
        Kind::RateLimited(Some(told)) => told.clamp(Duration::from_secs(1), LONGEST),
        _ => usual,
    }
}
