//! The comparison for those who wait for it a while only: it goes on without them, and whoever comes next is shown
//! what it found. One at a time, however many ask.

use super::{Drift, Report};
use chrono::{DateTime, Utc};
use osm_core::ports::PortError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout};

/// Shorter than a page has.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a comparison came to.
#[derive(Debug)]
pub struct Compared {
    /// When it began: what has changed since is not in it.
    pub as_of: DateTime<Utc>,
    /// What it found.
    pub report: Result<Report, PortError>,
    begun: Instant,
}

/// The last comparison of this process.
pub struct Latest {
    drift: Drift,
    last: watch::Sender<Option<Arc<Compared>>>,
    comparing: Mutex<()>,
}

impl Latest {
    /// None yet.
    pub fn new(drift: Drift) -> Arc<Self> {
        Arc::new(Self {
            drift,
            last: watch::Sender::new(None),
            comparing: Mutex::new(()),
        })
    }

    /// Compares, and waits a while for what comes of it. Then the last comparison, where there is one, and whether
    /// it began before it was asked for.
    pub async fn compared(self: &Arc<Self>) -> Option<(Arc<Compared>, bool)> {
        let asked = Instant::now();
        let mut last = self.last.subscribe();
        tokio::spawn(Arc::clone(self).compare(asked));
        let fresh = |last: &Option<Arc<Compared>>| last.as_ref().is_some_and(|c| c.begun >= asked);
        // In time or not: what is there by then is shown. What is waited for holds the next one up until dropped.
        drop(timeout(PATIENCE, last.wait_for(fresh)).await);
        let found = self.last.borrow().clone()?;
        let late = found.begun < asked;
        Some((found, late))
    }

    async fn compare(self: Arc<Self>, asked: Instant) {
        let _one = self.comparing.lock().await;
        let last = self.last.borrow().as_ref().map(|last| last.begun);
        if last.is_some_and(|begun| begun >= asked) {
            return;
        }
        let (as_of, begun) = ((self.drift.clock)(), Instant::now());
        let report = self.drift.report().await;
        self.last.send_replace(Some(Arc::new(Compared {
            as_of,
            report,
            begun,
        })));
    }
}
