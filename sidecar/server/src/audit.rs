//! Seals the audit: within a second after a row was written it is bound to all before it. One replica is
//! elected for it; the others look whether there is something that nobody does.

use crate::actions::Clock;
use crate::telemetry::metrics;
use osm_core::ports::AuditSeals;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

/// How often it is looked whether rows wait.
const LOOK: Duration = Duration::from_millis(300);
/// How long whoever sealed last is left to it. The others take over from one that died after so long.
const LEASE: Duration = Duration::from_secs(5);
/// After a failure.
const PAUSE: Duration = Duration::from_secs(2);

/// Seals.
pub struct Sealer {
    /// The chain.
    pub seals: Arc<dyn AuditSeals>,
    /// To be rung when the page of the anchors is due.
    pub page_bell: Arc<Notify>,
    /// The name of this process in elections.
    pub owner: String,
    /// The time.
    pub clock: Clock,
}

impl Sealer {
    /// Seals until told to stop. What waits then is sealed by another replica, or by the next start.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow() {
            let pause = match self.seals.seal(&self.owner, (self.clock)(), LEASE).await {
                Ok(sealed) => {
                    if sealed.anchored {
                        info!("the day's anchor of the audit is set");
                        self.page_bell.notify_one();
                    }
                    if sealed.more { Duration::ZERO } else { LOOK }
                }
                Err(error) => {
                    warn!(%error, "the audit cannot be sealed; its rows wait");
                    metrics::backend_error(&error);
                    PAUSE
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = shutdown.changed() => {}
            }
        }
    }
}
