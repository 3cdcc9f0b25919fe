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

/// The newest comparison that there is.
#[derive(Debug)]
pub enum Newest {
    /// It began after it was asked for.
    Now(Arc<Compared>),
    /// That takes longer; this is the last one, where there was one.
    Before(Option<Arc<Compared>>),
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

    /// Compares, and waits a while for what comes of it.
    pub async fn compared(self: &Arc<Self>) -> Newest {
        let asked = Instant::now();
        let mut last = self.last.subscribe();
        tokio::spawn(Arc::clone(self).compare(asked));
        let fresh = |last: &Option<Arc<Compared>>| last.as_ref().is_some_and(|c| c.begun >= asked);
        let waited = timeout(PATIENCE, last.wait_for(fresh)).await;
        if let Ok(Ok(found)) = &waited
            && let Some(compared) = found.as_ref()
        {
            return Newest::Now(compared.clone());
        }
        drop(waited);
        Newest::Before(self.last.borrow().clone())
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
