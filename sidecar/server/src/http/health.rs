//! Whether the neighbours are there, for operators' probes and metrics.

use crate::telemetry::metrics;
use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, join_all};
use osm_core::ports::{OperationState, PortError};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tracing::warn;

/// A neighbour that says nothing for so long is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// For so long a report is given again: many probes are no load on the neighbours.
const FRESH: Duration = Duration::from_secs(2);

/// A question to a neighbour, to be asked again and again.
pub type Ask<T> = Box<dyn Fn() -> BoxFuture<'static, Result<T, PortError>> + Send + Sync>;

/// What waits in the database.
#[derive(Clone, Debug, Default)]
pub struct Backlog {
    /// All writing is held, since an older database was restored.
    pub held: bool,
    /// The states of the operations that are not over.
    pub operations: Vec<OperationState>,
    /// How many pages are to be written.
    pub pages: u64,
    /// Since when the oldest of them waits.
    pub since: Option<DateTime<Utc>>,
}

/// Asks the neighbours.
pub struct Health {
    neighbours: Vec<(&'static str, Ask<()>)>,
    backlog: Ask<Backlog>,
    last: Mutex<Option<(Instant, bool, Value)>>,
}

impl Health {
    /// Neighbours by name, and the database's backlog.
    pub fn new(neighbours: Vec<(&'static str, Ask<()>)>, backlog: Ask<Backlog>) -> Self {
        Self {
            neighbours,
            backlog,
            last: Mutex::new(None),
        }
    }

    /// Whether all neighbours answer, and what each said.
    pub(super) async fn report(&self) -> (bool, Value) {
        // Held over the asking: probes that come together get the same report.
        let mut last = self.last.lock().await;
        if let Some((at, ready, report)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return (*ready, report.clone());
        }
        let asking = self.neighbours.iter().map(async |(name, ask)| {
            let state = match within(ask()).await {
                Ok(()) => json!({"ok": true}),
                Err(why) => json!({"ok": false, "why": why}),
            };
            ((*name).to_owned(), state)
        });
        let neighbours: Map<String, Value> = join_all(asking).await.into_iter().collect();
        let ready = neighbours
            .values()
            .all(|state| state.get("ok") == Some(&json!(true)));
        let report = json!({"ready": ready, "neighbours": neighbours});
        *last = Some((Instant::now(), ready, report.clone()));
        (ready, report)
    }

    /// Takes the measures that stand in the database. Where it is away, the old ones stay.
    pub(super) async fn measure(&self) {
        use OperationState::{Queued, Running, Unwinding};
        match within((self.backlog)()).await {
            Ok(backlog) => {
                let age = backlog
                    .since
                    .map_or(0, |at| (Utc::now() - at).num_seconds());
                metrics::pages(backlog.pages, age);
                metrics::held(backlog.held);
                for state in [Queued, Running, Unwinding] {
                    let of_it = backlog.operations.iter().filter(|s| **s == state);
                    metrics::operations_open(state, of_it.count());
                }
            }
            Err(why) => warn!("the measures of the database are old ones: {why}"),
        }
    }
}

async fn within<T>(asking: BoxFuture<'static, Result<T, PortError>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            metrics::backend_error(&error);
            Err(error.to_string())
        }
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}
