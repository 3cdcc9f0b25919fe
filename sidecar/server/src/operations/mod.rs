//! The runner: claims recorded operations and carries their plans out, step by step, or takes them back.
//!
//! It alone holds the cloud's write port. Everything it does is noted before and after, so that another
//! replica, or this one after a crash, goes on where it stopped. `steps` knows what a step does;
//! `tell` hands what was done to the documenter.

mod steps;
mod tell;

use crate::actions::Clock;
use crate::telemetry::metrics;
use chrono::TimeDelta;
use osm_core::ids::InstanceId;
use osm_core::message::Msg;
use osm_core::plan::{PlannedStep, Undo};
use osm_core::ports::{
    ComputeRead, ComputeWrite, InstanceIndex, Kind, Operation, OperationState, OperationWork,
    Pages, PortError, StepRecord, StepState,
};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use steps::{Outcome, StepError};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tracing::{Instrument as _, error, info, info_span, warn};

/// How long a claim holds without being renewed.
const LEASE: Duration = Duration::from_secs(30);
/// How often it is renewed.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often the table is looked at when no bell rings (another replica may have recorded something).
const LOOK: Duration = Duration::from_secs(1);
/// Operations under way at once in this process.
const AT_ONCE: usize = 8;
/// Tries of one step.
const TRIES: u32 = 6;

/// Carries operations out.
pub struct Runner {
    /// The operations.
    pub work: Arc<dyn OperationWork>,
    /// Our copy of the cloud.
    pub index: Arc<dyn InstanceIndex>,
    /// The outbox towards the wiki.
    pub pages: Arc<dyn Pages>,
    /// Reading the cloud.
    pub compute: Arc<dyn ComputeRead>,
    /// Changing the cloud.
    pub write: Arc<dyn ComputeWrite>,
    /// Rings when an operation was recorded.
    pub work_bell: Arc<Notify>,
    /// To be rung when a page is due.
    pub page_bell: Arc<Notify>,
    /// The name of this process in claims.
    pub owner: String,
    /// Gives a work's calls to the cloud the id of the request that asked for it.
    pub traced: fn(String, Work) -> Work,
    /// The time.
    pub clock: Clock,
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
        })
    }
}

impl Runner {
    /// Runs until told to stop; steps under way are finished first.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = JoinSet::new();
        while !*shutdown.borrow() {
            let slot = tokio::select! {
                slot = Arc::clone(&slots).acquire_owned() => slot,
                _ = shutdown.changed() => break,
            };
            match self.work.claim(&self.owner, (self.clock)(), LEASE).await {
                Ok(Some(operation)) => {
                    let (runner, stop) = (Arc::clone(&self), shutdown.clone());
                    let span = info_span!("operation", id = %operation.id,
                        action = %operation.plan.action, request_id = %operation.request_id);
                    let request_id = operation.request_id.clone();
                    let work = async move {
                        runner.drive(operation, stop).await;
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

    async fn drive(&self, operation: Operation, stop: watch::Receiver<bool>) {
        let (id, generation) = (operation.id.clone(), operation.generation);
        let mut course = Course {
            instance: operation.instance,
            by: (operation.wiki_user_id, operation.wiki_user_name.clone()),
            operation,
        };
        let end = tokio::select! {
            end = self.carry_out(&mut course, &stop) => end,
            why = self.hold(&id, generation) => {
                warn!(%why, "lost the claim; another replica goes on");
                return;
            }
        };
        let noted = match end {
            Ok(End::Over(state, error)) => {
                info!(state = state.name(), "operation over");
                metrics::operation_ended(course.operation.plan.action, state);
                self.work
                    .note_state(&id, generation, state, error.as_ref(), (self.clock)())
                    .await
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

    /// Renews the lease; ends only when it is lost.
    async fn hold(&self, id: &osm_core::ids::OperationId, generation: u64) -> PortError {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            let until = (self.clock)() + TimeDelta::from_std(LEASE).unwrap_or(TimeDelta::MAX);
            match self.work.renew(id, generation, until).await {
                Err(error) if error.kind == Kind::Conflict => return error,
                Err(error) => warn!(%error, "the lease could not be renewed; trying again"),
                Ok(()) => {}
            }
        }
    }

    async fn let_go(&self, operation: &Operation, wait: Duration) -> Result<(), PortError> {
        let due = (self.clock)() + TimeDelta::from_std(wait).unwrap_or_default();
        self.work
            .release(&operation.id, operation.generation, due)
            .await
    }

    async fn carry_out(
        &self,
        course: &mut Course,
        stop: &watch::Receiver<bool>,
    ) -> Result<End, PortError> {
        if course.operation.state == OperationState::Unwinding {
            let why = course.operation.error.clone();
            return self.unwind(course, why, stop).await;
        }
        let o = &course.operation;
        self.work
            .note_state(
                &o.id,
                o.generation,
                OperationState::Running,
                None,
                (self.clock)(),
            )
            .await?;
        let steps = course.operation.plan.steps.clone();
        for (index, planned) in steps.iter().enumerate() {
            if course.record(index).state == StepState::Done {
                continue;
            }
            match self.run_step(course, index, planned, stop).await? {
                Outcome::Done => {}
                Outcome::Interrupted => return Ok(End::Later(Duration::ZERO)),
                Outcome::Impossible(why) => return self.unwind(course, Some(why), stop).await,
            }
        }
        Ok(End::Over(OperationState::Done, None))
    }

    /// Runs a step until it is done, cannot be done, or the process is to stop.
    async fn run_step(
        &self,
        course: &mut Course,
        index: usize,
        planned: &PlannedStep,
        stop: &watch::Receiver<bool>,
    ) -> Result<Outcome, PortError> {
        let mut record = course.record(index);
        record.name = planned.step.name().to_owned();
        loop {
            if *stop.borrow() {
                return Ok(Outcome::Interrupted);
            }
            if let Some(why) = self.cancelled(course).await? {
                return Ok(Outcome::Impossible(why));
            }
            record.state = StepState::Running;
            record.attempts += 1;
            self.note(course, &record).await?;
            let why = match self.step(course, planned, record.attempts, stop).await {
                Ok(Outcome::Done) => {
                    self.tell(course, &planned.step).await?;
                    record.state = StepState::Done;
                    record.error = None;
                    self.note(course, &record).await?;
                    return Ok(Outcome::Done);
                }
                Ok(Outcome::Interrupted) => return Ok(Outcome::Interrupted),
                Ok(Outcome::Impossible(why)) | Err(StepError::Final(why)) => why,
                Err(StepError::Retry(error)) => {
                    warn!(%error, step = %record.name, attempt = record.attempts, "step failed");
                    metrics::backend_error(&error);
                    record.error = Some(error.refusal().message);
                    if record.attempts < TRIES {
                        self.note(course, &record).await?;
                        tokio::time::sleep(backoff(record.attempts)).await;
                        continue;
                    }
                    error.refusal().message
                }
            };
            record.state = StepState::Failed;
            record.error = Some(why.clone());
            self.note(course, &record).await?;
            return Ok(Outcome::Impossible(why));
        }
    }

    /// Somebody wishes it taken back, and something of it can be.
    async fn cancelled(&self, course: &Course) -> Result<Option<Msg>, PortError> {
        let o = &course.operation;
        let wished = o.plan.can_be_taken_back() && self.work.cancelled(&o.id).await?.is_some();
        Ok(wished.then(|| Msg::new("cancelled")))
    }

    async fn note(&self, course: &mut Course, record: &StepRecord) -> Result<(), PortError> {
        let o = &mut course.operation;
        self.work
            .note_step(&o.id, o.generation, record, course.instance)
            .await?;
        let at = usize::try_from(record.index).unwrap_or(usize::MAX);
        if let Some(stored) = o.steps.get_mut(at) {
            *stored = record.clone();
        }
        Ok(())
    }

    /// Takes back what was done, last step first.
    async fn unwind(
        &self,
        course: &mut Course,
        why: Option<Msg>,
        stop: &watch::Receiver<bool>,
    ) -> Result<End, PortError> {
        let o = &course.operation;
        self.work
            .note_state(
                &o.id,
                o.generation,
                OperationState::Unwinding,
                why.as_ref(),
                (self.clock)(),
            )
            .await?;
        if let Some(canceller) = self.work.cancelled(&course.operation.id).await? {
            course.by = canceller;
        }
        let mut undone = false;
        let steps = course.operation.plan.steps.clone();
        for (index, planned) in steps.iter().enumerate().rev() {
            let mut record = course.record(index);
            // A step that was never tried has left nothing; one that failed may have.
            if record.attempts == 0 || record.state == StepState::Undone {
                continue;
            }
            if let Undo::None { .. } = planned.undo {
                continue;
            }
            if *stop.borrow() {
                return Ok(End::Later(Duration::ZERO));
            }
            let mut attempts = 0;
            loop {
                attempts += 1;
                match self.undo(course, &planned.undo).await {
                    Ok(found) => {
                        undone |= found;
                        break;
                    }
                    Err(error) if attempts < TRIES => {
                        warn!(%error, step = %record.name, attempts, "undo failed");
                        metrics::backend_error(&error);
                        tokio::time::sleep(backoff(attempts)).await;
                    }
                    Err(error) => {
                        error!(%error, step = %record.name, "undo cannot be done: parked");
                        return Ok(End::Over(
                            OperationState::Parked,
                            Some(error.refusal().message),
                        ));
                    }
                }
            }
            record.state = StepState::Undone;
            self.note(course, &record).await?;
        }
        let state = if undone {
            OperationState::Undone
        } else {
            OperationState::Failed
        };
        Ok(End::Over(state, why))
    }
}

/// 1, 2, 4, 8 … seconds, at most 30.
fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(5)).min(Duration::from_secs(30))
}
