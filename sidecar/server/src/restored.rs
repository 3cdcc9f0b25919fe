//! Finds out that an older database was restored, before anything is done by it.
//!
//! What the database forgot is still known elsewhere: every edit of ours names its operation in a summary that
//! bears the wiki's tag, and every server we made names it in its metadata. An operation is recorded before
//! either can happen, so one that is told of and not recorded, or recorded as not begun, was lost. Then all
//! writing is held until an operator has seen the differences and lifts the hold.

use crate::actions::{Clock, Settings};
use chrono::TimeDelta;
use futures_util::{StreamExt as _, stream};
use osm_core::ids::{InstanceId, OperationId};
use osm_core::instance::{Instance, META_OPERATION};
use osm_core::pages::title;
use osm_core::plan::Step;
use osm_core::ports::{
    ComputeRead, Hold, Holds, InstanceIndex, Lost, Made, Operation, OperationFilter, Operations,
    PortError, Since, Trace, WikiRead,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, info, warn};

/// Recent changes read: one that the database lacks is among the newest.
const CHANGES: u32 = 500;
/// At start a part that is away is waited for so long, and then gone on without.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);
/// Before what looks lost is held for, it is asked about once more.
const SETTLE: Duration = Duration::from_secs(2);
/// Clocks differ, and changes land late.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);
/// Open operations that the cloud is asked about.
const OPEN: u32 = 100;
/// Of them at once.
const AT_ONCE: usize = 8;

/// Compares what the database knows with what the world remembers.
pub struct Restored {
    /// The hold.
    pub holds: Arc<dyn Holds>,
    /// MediaWiki.
    pub wiki: Arc<dyn WikiRead>,
    /// Nova.
    pub compute: Arc<dyn ComputeRead>,
    /// Our copy of the cloud, which knows how old it is.
    pub index: Arc<dyn InstanceIndex>,
    /// What is recorded.
    pub operations: Arc<dyn Operations>,
    /// The regions.
    pub settings: Arc<Settings>,
    /// The time.
    pub clock: Clock,
}

/// What the cloud says now of an operation that the database believes not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// It made these servers.
    Made(Vec<InstanceId>),
    /// It made no server, or none that is left.
    NotMade,
    /// The server that it works on is in this state.
    There(String),
    /// The server that it works on is gone.
    Gone,
    /// It did not say.
    Nothing(String),
}

/// What is to be looked at before the hold is lifted.
#[derive(Clone, Debug)]
pub struct Differences {
    /// What the world tells of and the database did not account for.
    pub lost: Vec<Lost>,
    /// What the database would go on with, newest first.
    pub open: Vec<(Operation, Says)>,
}

impl Restored {
    /// Looks before anything is claimed. Who does not answer in time is gone on without, and that is said:
    /// the wiki remembers most, but a wiki that is away must not keep the cloud from being managed.
    pub async fn at_start(&self, mut shutdown: watch::Receiver<bool>) {
        let deadline = Instant::now() + PATIENCE;
        let (mut told, mut made) = (None, None);
        loop {
            if told.is_none() {
                told = heard("the wiki", self.told().await);
            }
            if made.is_none() {
                made = heard("Nova", self.made_lately().await);
            }
            if (told.is_some() && made.is_some()) || Instant::now() >= deadline {
                break;
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = shutdown.changed() => return,
            }
        }
        if told.is_none() || made.is_none() {
            let (wiki, nova) = (told.is_some(), made.is_some());
            warn!(
                wiki,
                nova,
                "whether the database was restored from an older copy could be asked of these \
                only; going on, and asking again at each full comparison"
            );
        }
        let traces: Vec<Trace> = [told, made].into_iter().flatten().flatten().collect();
        // The database is needed for any claim: while it is away there is none to keep back.
        while let Err(error) = self.check(&traces).await {
            warn!(%error, "what the database knows cannot be compared yet; nothing is claimed before");
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = shutdown.changed() => return,
            }
        }
    }

    /// Looks again, with the servers of a full comparison.
    pub async fn compare(&self, made: Vec<Trace>) -> Result<(), PortError> {
        let told = heard("the wiki", self.told().await).unwrap_or_default();
        self.check(&[told, made].concat()).await?;
        // The index is no older than this comparison now.
        self.holds.read_through((self.clock)()).await
    }

    /// The hold, and all that is to be seen before it is lifted; also what would be held for, if it were
    /// looked now.
    pub async fn differences(&self) -> Result<Differences, PortError> {
        let mut lost = self.holds.lost().await?;
        let traces = [self.told().await?, self.made_lately().await?].concat();
        let now = (self.clock)();
        for trace in self.unaccounted(&traces).await? {
            lost.push(Lost {
                open: self.operations.operation(&trace.operation).await?.is_some(),
                operation: trace.operation,
                found: now,
                seen_at: trace.seen_at,
            });
        }
        let open = self.open().await?;
        Ok(Differences { lost, open })
    }

    /// What the database would go on with, with the cloud's word on each.
    pub async fn open(&self) -> Result<Vec<(Operation, Says)>, PortError> {
        let filter = OperationFilter {
            open: true,
            limit: OPEN,
            ..OperationFilter::default()
        };
        let open = self.operations.operations(&filter).await?;
        let asked = stream::iter(open).map(|operation| async move {
            let says = self.says(&operation).await;
            (operation, says)
        });
        Ok(asked.buffered(AT_ONCE).collect().await)
    }

    /// The hold, where one stands.
    pub async fn hold(&self) -> Result<Option<Hold>, PortError> {
        self.holds.hold().await
    }

    async fn says(&self, operation: &Operation) -> Says {
        let plan = &operation.plan;
        let (region, project) = (&plan.region, &plan.project_id);
        let creates = |step: &Step| matches!(step, Step::CreateServer { .. });
        let said = match plan.instance {
            None if plan.steps.iter().any(|planned| creates(&planned.step)) => {
                let made = self
                    .compute
                    .servers_of_operation(region, project, &operation.id);
                made.await.map(|made| match made.is_empty() {
                    true => Says::NotMade,
                    false => Says::Made(made),
                })
            }
            None => return Says::Nothing(String::new()),
            Some(id) => {
                let server = self.compute.server(region, project, id).await;
                server.map(|server| match server.filter(|s| s.deleted.is_none()) {
                    Some(server) => Says::There(server.status),
                    None => Says::Gone,
                })
            }
        };
        said.unwrap_or_else(|error| Says::Nothing(error.to_string()))
    }

    /// Holds all writing where the database does not account for what is told of.
    async fn check(&self, traces: &[Trace]) -> Result<(), PortError> {
        let lost = self.unaccounted(traces).await?;
        if lost.is_empty() {
            return Ok(());
        }
        // A node of a database cluster may be a moment behind the one where an operation was recorded.
        tokio::time::sleep(SETTLE).await;
        let lost = self.unaccounted(&lost).await?;
        if lost.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = lost.iter().map(|t| t.operation.as_str()).collect();
        error!(
            operations = ids.join(" "),
            "the database is older than the world: it was restored. Nothing is changed until an operator has \
             run `openstackmanager restored` and lifts the hold"
        );
        self.holds.put_hold(&lost, (self.clock)()).await
    }

    /// A server counts only where our own account made it: its metadata alone are anybody's who manages it.
    async fn unaccounted(&self, traces: &[Trace]) -> Result<Vec<Trace>, PortError> {
        let mut lost = Vec::new();
        for trace in self.holds.unaccounted(traces).await? {
            let ours = match &trace.server {
                None => true,
                Some(made) => {
                    let asked = self.compute.ours(&made.region, &made.project_id, made.id);
                    asked.await.unwrap_or_else(|error| {
                        warn!(%error, server = %made.id, "who made the server cannot be asked");
                        false
                    })
                }
            };
            if ours {
                lost.push(trace);
            }
        }
        Ok(lost)
    }

    async fn told(&self) -> Result<Vec<Trace>, PortError> {
        let told = self.wiki.told_operations(CHANGES).await?;
        let mut newest: BTreeMap<OperationId, String> = BTreeMap::new();
        for (operation, page) in told.into_iter().rev() {
            // A list tells of everything: it is named only where nothing else is.
            if [title::PROJECTS, title::INSTANCES].contains(&page.as_str()) {
                newest.entry(operation).or_insert(page);
            } else {
                newest.insert(operation, page);
            }
        }
        let trace = |(operation, page): (OperationId, String)| Trace {
            operation,
            server: None,
            seen_at: format!("wiki page {page}"),
        };
        Ok(newest.into_iter().map(trace).collect())
    }

    /// The servers that changed since each region was last read through, as far as the database knows.
    async fn made_lately(&self) -> Result<Vec<Trace>, PortError> {
        let mut made = Vec::new();
        for region in self.settings.region_names() {
            let since = match self.index.watermark(&region).await? {
                Some(at) => Since::Changed(at - OVERLAP),
                None => Since::Everything,
            };
            let servers = self.compute.servers(&region, since).await?;
            made.extend(servers.iter().filter_map(made_by));
        }
        Ok(made)
    }
}

/// What a server tells of the operation that made it.
pub fn made_by(server: &Instance) -> Option<Trace> {
    if server.deleted.is_some() {
        return None;
    }
    let operation = OperationId::ulid(server.metadata.get(META_OPERATION)?)?;
    Some(Trace {
        operation,
        seen_at: format!("server {} ({})", server.id, server.name),
        server: Some(Made {
            region: server.region.clone(),
            project_id: server.project_id.clone(),
            id: server.id,
        }),
    })
}

fn heard<T>(who: &str, answer: Result<T, PortError>) -> Option<T> {
    answer
        .inspect_err(|error| info!(%error, "{who} cannot be asked yet what it remembers"))
        .ok()
}
