//! An operation's course: on, step by step, or back. Everything is noted before and after, so that another
//! replica, or this one after a crash, goes on where it stopped; nothing here sleeps.

use super::steps::{Outcome, StepError, Undone};
use super::{Course, End, Runner};
use crate::telemetry::metrics;
use osm_core::message::Msg;
use osm_core::plan::{Change, PlannedStep};
use osm_core::ports::{
    OperationState, PageDue, PortError, StepNote, StepRecord, StepState, Telling,
};
use std::time::Duration;
use tracing::{error, warn};

/// How a step, or its undo, stands after a try.
enum Tried {
    Done,
    Later(Duration),
    /// It cannot be done. `uncertain`: it may have been, all the same.
    Failed {
        why: Msg,
        uncertain: bool,
    },
}

/// What is put down with a step beside its state.
#[derive(Default)]
struct Told {
    changes: Vec<Change>,
    due: Vec<PageDue>,
}

/// Between two looks at what is waited for.
const POLL: Duration = Duration::from_secs(1);

impl Runner {
    /// Goes on with an operation as far as can be gone without waiting.
    pub(super) async fn carry_out(&self, course: &mut Course) -> Result<End, PortError> {
        if course.operation.state == OperationState::Unwinding {
            return self.unwind(course).await;
        }
        if course.operation.state == OperationState::Queued {
            self.note_state(course, OperationState::Running, None)
                .await?;
        }
        let steps = course.operation.plan.steps.clone();
        for (index, planned) in steps.iter().enumerate() {
            if course.record(index).state == StepState::Done {
                continue;
            }
            match self.try_step(course, index, planned).await? {
                Tried::Done => {}
                Tried::Later(wait) => return Ok(End::Later(wait)),
                Tried::Failed { why, uncertain } => {
                    let before = steps.get(..index).unwrap_or_default();
                    let cannot_go_back = before.iter().any(PlannedStep::irrevocable)
                        || (planned.irrevocable() && uncertain);
                    if cannot_go_back {
                        error!(step = planned.step.name(), "neither on nor back: parked");
                        return Ok(End::Over(OperationState::Parked, Some(why)));
                    }
                    self.note_state(course, OperationState::Unwinding, Some(&why))
                        .await?;
                    course.operation.error = Some(why);
                    if uncertain {
                        return Ok(End::Later(self.patience.quiet));
                    }
                    return self.unwind(course).await;
                }
            }
        }
        self.points.reached(|| over(course)).await;
        if let Some(why) = self.cancelled(course).await? {
            self.note_state(course, OperationState::Unwinding, Some(&why))
                .await?;
            course.operation.error = Some(why);
            return self.unwind(course).await;
        }
        Ok(End::Over(OperationState::Done, None))
    }

    /// Tries a step once.
    async fn try_step(
        &self,
        course: &mut Course,
        index: usize,
        planned: &PlannedStep,
    ) -> Result<Tried, PortError> {
        let mut record = course.record(index);
        let name = planned.step.name();
        name.clone_into(&mut record.name);
        if let Some(why) = self.cancelled(course).await? {
            // One that was never tried stays as it is.
            if record.state == StepState::Running {
                record.state = StepState::Failed;
                record.error = Some(why.clone());
                record.ended = Some((self.clock)());
                self.note(course, record, Told::default()).await?;
            }
            return Ok(Tried::Failed {
                why,
                uncertain: false,
            });
        }
        let point = |phase| {
            let action = course.operation.plan.action;
            move || format!("{action}/{index}-{name}.{phase}")
        };
        let [begin, noted, sent, done] = ["begin", "noted", "sent", "done"].map(point);
        self.points.reached(begin).await;
        // Looking again at what is waited for is no further try.
        if record.state != StepState::Running || planned.step.has_effect() {
            record.state = StepState::Running;
            record.attempts += 1;
            record.started.get_or_insert((self.clock)());
            self.note(course, record.clone(), Told::default()).await?;
        }
        let tried = match self.points.reached(noted).await {
            Some(error) => Err(error.into()),
            None => self.step(course, &planned.step, record.attempts).await,
        };
        let tried = match tried {
            Ok(Outcome::Done | Outcome::Already) => match self.points.reached(sent).await {
                Some(error) => Err(error.into()),
                None => Ok(Outcome::Done),
            },
            other => other,
        };
        match tried {
            Ok(Outcome::Done | Outcome::Already) => {
                let due = self.tell(course, &planned.step).await?;
                let changes = planned.step.change(&course.operation.plan, course.instance);
                record.state = StepState::Done;
                record.error = None;
                record.ended = Some((self.clock)());
                let told = Told {
                    changes: changes.into_iter().collect(),
                    due,
                };
                self.note(course, record, told).await?;
                self.points.reached(done).await;
                Ok(Tried::Done)
            }
            Ok(Outcome::Wait) => Ok(Tried::Later(POLL)),
            Err(error) => {
                // A try of what has an effect is counted before it is made.
                let more = u32::from(!planned.step.has_effect());
                self.not_done(course, record, error, more, StepState::Failed)
                    .await
            }
        }
    }

    /// A step or an undo did not work: it is tried again later, or it stays in the state `end`.
    async fn not_done(
        &self,
        course: &mut Course,
        mut record: StepRecord,
        error: StepError,
        more_attempts: u32,
        end: StepState,
    ) -> Result<Tried, PortError> {
        let (why, uncertain) = match error {
            StepError::Ours(error) => return Err(error),
            StepError::Final(why) => (why, false),
            StepError::Vanished => (Msg::new("vanished"), false),
            StepError::Retry(error) => {
                warn!(%error, step = record.name, attempt = record.attempts, "did not work");
                metrics::backend_error(&error);
                let why = error.refusal().message;
                if record.attempts < self.patience.tries {
                    let wait = self.patience.after(&error, record.attempts);
                    record.attempts += more_attempts;
                    record.error = Some(why);
                    self.note(course, record, Told::default()).await?;
                    return Ok(Tried::Later(wait));
                }
                (why, error.uncertain())
            }
        };
        record.state = end;
        record.error = Some(why.clone());
        record.ended = Some((self.clock)());
        self.note(course, record, Told::default()).await?;
        Ok(Tried::Failed { why, uncertain })
    }

    /// Somebody wishes it taken back, and something of it can be.
    pub(super) async fn cancelled(&self, course: &Course) -> Result<Option<Msg>, PortError> {
        let o = &course.operation;
        if !o.can_be_taken_back() {
            return Ok(None);
        }
        let wished = self.work.cancelled(&o.id).await?;
        Ok(wished.map(|(_, name)| Msg::new("cancelled").with(name)))
    }

    async fn note(
        &self,
        course: &mut Course,
        record: StepRecord,
        told: Told,
    ) -> Result<(), PortError> {
        let due = !told.due.is_empty();
        let note = StepNote {
            record,
            instance: course.instance,
            changes: told.changes,
            due: told.due,
            by: course.by.clone(),
            at: (self.clock)(),
        };
        let o = &mut course.operation;
        self.work.note_step(&o.id, o.generation, &note).await?;
        if due {
            self.page_bell.notify_one();
        }
        let at = usize::try_from(note.record.index).unwrap_or(usize::MAX);
        if let Some(stored) = o.steps.get_mut(at) {
            *stored = note.record;
        }
        Ok(())
    }

    pub(super) async fn note_state(
        &self,
        course: &Course,
        state: OperationState,
        why: Option<&Msg>,
    ) -> Result<(), PortError> {
        let (o, now) = (&course.operation, (self.clock)());
        let due = self.tell_unfinished(course, state).await?;
        let entry = (state == OperationState::Done)
            .then(|| self.loggers.entry(o, now))
            .flatten();
        let told = Telling {
            due: &due,
            entry: entry.as_ref(),
        };
        self.work
            .note_state(&o.id, o.generation, state, why, told, now)
            .await
    }

    /// Takes back what was done, last step first.
    async fn unwind(&self, course: &mut Course) -> Result<End, PortError> {
        if let Some(canceller) = self.work.cancelled(&course.operation.id).await? {
            course.by = canceller;
        }
        let steps = course.operation.plan.steps.clone();
        let mut stuck = None;
        for (index, planned) in steps.iter().enumerate().rev() {
            let record = course.record(index);
            let over = matches!(
                record.state,
                StepState::Waiting | StepState::Undone | StepState::Void
            );
            if record.state == StepState::Stuck {
                stuck = record.error;
                continue;
            }
            if over || !planned.has_undo() {
                continue;
            }
            match self.try_undo(course, index, planned).await? {
                Tried::Done => {}
                Tried::Later(wait) => return Ok(End::Later(wait)),
                // The other steps are taken back all the same.
                Tried::Failed { why, .. } => stuck = Some(why),
            }
        }
        if stuck.is_some() {
            error!("something cannot be taken back: parked");
            return Ok(End::Over(OperationState::Parked, stuck));
        }
        let undone = (0..steps.len()).any(|i| course.record(i).state == StepState::Undone);
        let state = if undone {
            OperationState::Undone
        } else {
            OperationState::Failed
        };
        self.points.reached(|| over(course)).await;
        Ok(End::Over(state, course.operation.error.clone()))
    }

    /// Tries once to take a step back.
    async fn try_undo(
        &self,
        course: &mut Course,
        index: usize,
        planned: &PlannedStep,
    ) -> Result<Tried, PortError> {
        let mut record = course.record(index);
        let name = planned.step.name();
        let point = |phase| {
            let action = course.operation.plan.action;
            move || format!("{action}/{index}-undo-{name}.{phase}")
        };
        let [begin, noted, sent, done] = ["begin", "noted", "sent", "done"].map(point);
        self.points.reached(begin).await;
        // Put down before it is gone: whoever goes on after a crash could not find it any more to tell of it.
        let learnt = self.learn_what_to_undo(course, &planned.undo).await;
        let begins = record.state != StepState::Undoing;
        let never_noted = begins && record.state != StepState::Done;
        // Looking again whether it is taken back is no further try.
        if begins {
            record.state = StepState::Undoing;
            record.attempts = 1;
            record.started = Some((self.clock)());
            record.ended = None;
        }
        if begins || learnt.as_ref().is_ok_and(|learnt| *learnt) {
            self.note(course, record.clone(), Told::default()).await?;
        }
        let tried = match (self.points.reached(noted).await, learnt) {
            (Some(error), _) | (None, Err(error)) => Err(error.into()),
            (None, Ok(_)) => self.undo(course, &planned.undo).await,
        };
        let tried = match tried {
            // It was never made; else an earlier try, or somebody else, has taken it back.
            Ok(Undone::Already(_)) if never_noted => Ok(Undone::Nothing),
            Ok(Undone::Done(due) | Undone::Already(due)) => match self.points.reached(sent).await {
                Some(error) => Err(error.into()),
                None => Ok(Undone::Done(due)),
            },
            other => other,
        };
        match tried {
            Ok(Undone::Nothing) => {
                record.state = StepState::Void;
                self.note(course, record, Told::default()).await?;
                Ok(Tried::Done)
            }
            Ok(Undone::Done(due) | Undone::Already(due)) => {
                let change = planned.step.change(&course.operation.plan, course.instance);
                record.state = StepState::Undone;
                record.ended = Some((self.clock)());
                let told = Told {
                    changes: change.into_iter().map(Change::reversed).collect(),
                    due,
                };
                self.note(course, record, told).await?;
                self.points.reached(done).await;
                Ok(Tried::Done)
            }
            Ok(Undone::Wait) => Ok(Tried::Later(POLL)),
            Err(error) => {
                self.not_done(course, record, error, 1, StepState::Stuck)
                    .await
            }
        }
    }
}

fn over(course: &Course) -> String {
    format!("{}/over", course.operation.plan.action)
}
