//! The runner: claims recorded operations and carries their plans out, step by step, or takes them back.
//!
//! It alone holds the write ports of the cloud, LDAP and Keystone. Everything it does is noted before and after, so that another
//! replica, or this one after a crash, goes on where it stopped. `course` goes through a plan's steps, `steps`
//! knows what a step does, `places` what giving and taking a place in a project is, `founding` what a
//! project is made of, `quota` how much it may use, `keys` a person's SSH keys, `sudo` a project's sudo rules; `tell` hands what was done to the documenter.

mod accounts;
mod course;
mod founding;
mod keys;
mod places;
mod quota;
mod repairs;
mod steps;
mod sudo;
mod tell;

pub use founding::Founding;

use crate::actions::Clock;
use crate::faults::Points;
use crate::telemetry::metrics;
use chrono::TimeDelta;
use osm_core::ids::InstanceId;
use osm_core::log::deeds::Loggers;
use osm_core::message::Msg;
use osm_core::ports::{
    ComputeAdmin, ComputeRead, ComputeWrite, Directory, DirectoryWrite, IdentityWrite,
    InstanceIndex, Kind, Operation, OperationState, OperationWork, PortError, StepRecord,
    StepState,
};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::{Instrument as _, error, info, info_span, warn};

/// How often the table is looked at when no bell rings (another replica may have recorded something).
const LOOK: Duration = Duration::from_secs(1);

/// How often our clock is compared with the database's.
const CLOCKS: Duration = Duration::from_secs(10);

/// How long things take and how often they are tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a claim holds without being renewed: a dead replica's work is taken over after it.
    pub lease: Duration,
    /// Operations under way at once in this process.
    pub workers: usize,
    /// Tries of one step, or of its undo.
    pub tries: u32,
    /// The first pause between two tries; each next one is twice as long.
    pub pause: Duration,
    /// A request whose answer was lost may still take effect: how long to wait before looking for it.
    pub quiet: Duration,
    /// How long a server may take to come up, or to go.
    pub server: TimeDelta,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10),
            workers: 8,
            tries: 10,
            pause: Duration::from_secs(1),
            quiet: Duration::from_secs(5),
            server: TimeDelta::minutes(15),
        }
    }
}

impl Patience {
    /// The pause after a try: 1, 2, 4, 8 … times the first, at most thirty times.
    fn backoff(&self, attempt: u32) -> Duration {
        self.pause * (1 << attempt.saturating_sub(1).min(5)).min(30)
    }

    /// The same after an error: what may have been done all the same gets its quiet time.
    fn after(&self, error: &PortError, attempt: u32) -> Duration {
        let backoff = match error.kind {
            Kind::RateLimited(Some(wait)) => wait.min(30 * self.pause),
            _ => self.backoff(attempt),
        };
        match error.uncertain() {
            true => backoff.max(self.quiet),
            false => backoff,
        }
    }
}

/// Carries operations out.
pub struct Runner {
    /// The operations.
    pub work: Arc<dyn OperationWork>,
    /// Our copy of the cloud.
    pub index: Arc<dyn InstanceIndex>,
    /// Reading the cloud.
    pub compute: Arc<dyn ComputeRead>,
    /// Reading LDAP.
    pub directory: Arc<dyn Directory>,
    /// Changing all of them.
    pub effects: Effects,
    /// For projects as a whole.
    pub founding: Founding,
    /// Rings when an operation was recorded.
    pub work_bell: Arc<Notify>,
    /// To be rung when a page is due.
    pub page_bell: Arc<Notify>,
    /// The projects whose operations stand in the Server Admin Log.
    pub loggers: Loggers,
    /// The name of this process in claims.
    pub owner: String,
    /// Gives a work's calls to the cloud the id of the request that asked for it.
    pub traced: fn(String, Work) -> Work,
    /// The time.
    pub clock: Clock,
    /// How long and how often.
    pub patience: Patience,
    /// Where tests look on.
    pub points: Points,
}

/// What changes the world: reached only by who has just shown that the claim still holds.
pub struct Effects {
    compute: Arc<dyn ComputeWrite>,
    directory: Arc<dyn DirectoryWrite>,
    identity: Option<Arc<dyn IdentityWrite>>,
    admin: Option<Arc<dyn ComputeAdmin>>,
}

impl Effects {
    /// The ports; `account` where we have one that assigns roles and sets quotas.
    pub fn new<A: IdentityWrite + ComputeAdmin + 'static>(
        compute: Arc<dyn ComputeWrite>,
        directory: Arc<dyn DirectoryWrite>,
        account: Option<Arc<A>>,
    ) -> Self {
        Self {
            compute,
            directory,
            identity: account.clone().map(|it| it as _),
            admin: account.map(|it| it as _),
        }
    }
}

/// Something to be done.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How the work on a claimed operation ended for now.
enum End {
    Over(OperationState, Option<Msg>),
    /// To be gone on with after so long.
    Later(Duration),
}

/// Where an operation stands while it is driven.
struct Course {
    operation: Operation,
    instance: Option<InstanceId>,
    /// Whose doing it is now: who asked for it, or who has it taken back.
    by: (u64, String),
}

impl Course {
    fn record(&self, index: usize) -> StepRecord {
        let stored = self.operation.steps.get(index).cloned();
        stored.unwrap_or_else(|| StepRecord {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            name: String::new(),
            state: StepState::Waiting,
            attempts: 0,
            error: None,
            started: None,
            ended: None,
        })
    }
}

impl Runner {
    /// Runs until told to stop; steps under way are finished first.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(self.patience.workers));
        let mut under_way = JoinSet::new();
        let mut in_time = None;
        while !*shutdown.borrow() {
            let slot = tokio::select! {
                slot = Arc::clone(&slots).acquire_owned() => slot,
                _ = shutdown.changed() => break,
            };
            match self.next(&mut in_time).await {
                Ok(Some(operation)) => {
                    let runner = Arc::clone(&self);
                    let span = info_span!("operation", id = %operation.id,
                        action = %operation.plan.action, request_id = %operation.request_id);
                    let request_id = operation.request_id.clone();
                    let work = async move {
                        runner.drive(operation).await;
                        drop(slot);
                    };
                    under_way.spawn((self.traced)(request_id, Box::pin(work.instrument(span))));
                }
                Ok(None) => {
                    drop(slot);
                    tokio::select! {
                        () = self.work_bell.notified() => {}
                        () = tokio::time::sleep(LOOK) => {}
                        _ = shutdown.changed() => {}
                    }
                }
                Err(error) => {
                    warn!(%error, "operations cannot be claimed");
                    tokio::select! {
                        () = tokio::time::sleep(2 * LOOK) => {}
                        _ = shutdown.changed() => {}
                    }
                }
            }
            while under_way.try_join_next().is_some() {}
        }
        while under_way.join_next().await.is_some() {}
    }

    /// The next operation; none while our clock and the database's do not agree.
    async fn next(&self, in_time: &mut Option<Instant>) -> Result<Option<Operation>, PortError> {
        if in_time.is_none_or(|at| at.elapsed() >= CLOCKS) {
            *in_time = None;
            self.work.in_time((self.clock)()).await?;
            *in_time = Some(Instant::now());
        }
        let lease = self.patience.lease;
        self.work.claim(&self.owner, (self.clock)(), lease).await
    }

    async fn drive(&self, operation: Operation) {
        let (id, generation) = (operation.id.clone(), operation.generation);
        let mut course = Course {
            instance: operation.instance,
            by: (operation.wiki_user_id, operation.wiki_user_name.clone()),
            operation,
        };
        let end = tokio::select! {
            biased;
            why = self.hold(&id, generation) => {
                warn!(%why, "lost the claim; another replica goes on");
                return;
            }
            end = self.carry_out(&mut course) => end,
        };
        let noted = match end {
            Ok(End::Over(state, error)) => {
                info!(state = state.name(), "operation over");
                metrics::operation_ended(course.operation.plan.action, state);
                self.note_state(&course, state, error.as_ref()).await
            }
            Ok(End::Later(wait)) => self.let_go(&course.operation, wait).await,
            Err(error) => {
                // Our own records failed: nothing is known to be wrong with the operation itself.
                warn!(%error, "operation interrupted");
                self.let_go(&course.operation, 5 * LOOK).await
            }
        };
        if let Err(error) = noted {
            error!(%error, "the operation's end could not be noted; its lease runs out and it is taken up again");
        }
        self.work_bell.notify_one();
    }

    /// Renews the lease; ends when it is lost, or has run out since nobody could be asked.
    async fn hold(&self, id: &osm_core::ids::OperationId, generation: u64) -> PortError {
        let lease = self.patience.lease;
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(lease / 3).await;
            let asked = Instant::now();
            let until = (self.clock)() + TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
            match self.work.renew(id, generation, until).await {
                Err(error) if error.kind == Kind::Conflict || renewed.elapsed() >= lease => {
                    return error;
                }
                Err(error) => warn!(%error, "the lease could not be renewed; trying again"),
                Ok(()) => renewed = asked,
            }
        }
    }

    async fn let_go(&self, operation: &Operation, wait: Duration) -> Result<(), PortError> {
        let due = (self.clock)() + TimeDelta::from_std(wait).unwrap_or_default();
        self.work
            .release(&operation.id, operation.generation, due)
            .await
    }
}
