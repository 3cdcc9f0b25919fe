//! What each step does, and how it is taken back. Each may be run twice and does its work once.

use super::{Course, Runner};
use chrono::TimeDelta;
use osm_core::ids::InstanceId;
use osm_core::instance::{Instance, META_CREATOR, ServerRequest};
use osm_core::message::Msg;
use osm_core::plan::{Goal, PlannedStep, Step, Undo};
use osm_core::ports::{Kind, PortError, Tagged};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{info, warn};

/// How long a server may take to come up, or to go.
const PATIENCE: TimeDelta = TimeDelta::minutes(15);
/// Between two looks at a server that is waited for.
const POLL: Duration = Duration::from_secs(1);
/// A request whose answer was lost may still take effect: how long to wait before looking for its effect.
const QUIET: Duration = Duration::from_secs(5);

/// How a step ended.
pub(super) enum Outcome {
    Done,
    /// The process is to stop; the step goes on later.
    Interrupted,
    /// It cannot be done.
    Impossible(Msg),
}

/// Why a step did not work.
pub(super) enum StepError {
    /// Trying again may help.
    Retry(PortError),
    /// It will not.
    Final(Msg),
}

impl From<Msg> for StepError {
    fn from(why: Msg) -> Self {
        Self::Final(why)
    }
}

impl From<PortError> for StepError {
    fn from(error: PortError) -> Self {
        if error.transient() {
            Self::Retry(error)
        } else {
            Self::Final(error.refusal().message)
        }
    }
}

impl Runner {
    pub(super) async fn step(
        &self,
        course: &mut Course,
        planned: &PlannedStep,
        attempt: u32,
        stop: &watch::Receiver<bool>,
    ) -> Result<Outcome, StepError> {
        match &planned.step {
            Step::CreateServer { server } => self.create(course, server, attempt).await,
            Step::AwaitServer { goal } => self.await_server(course, *goal, stop).await,
            Step::RebootServer => self.reboot(course, attempt).await,
            Step::DeleteServer => {
                let (region, project) = place(course);
                let id = server_of(course)?;
                self.write.delete_server(region, project, id).await?;
                Ok(Outcome::Done)
            }
        }
    }

    async fn create(
        &self,
        course: &mut Course,
        request: &ServerRequest,
        attempt: u32,
    ) -> Result<Outcome, StepError> {
        // An earlier try may have reached Nova although we were not told: its server carries our tag.
        if attempt > 1 {
            tokio::time::sleep(QUIET).await;
            if let Some(id) = self.made(course).await?.first() {
                info!(server = %id, "an earlier try had made the server");
                course.instance = Some(*id);
                return Ok(Outcome::Done);
            }
        }
        let tagged = Tagged {
            operation: course.operation.id.clone(),
            metadata: BTreeMap::from([(
                META_CREATOR.to_owned(),
                course.operation.wiki_user_name.clone(),
            )]),
        };
        let (region, project) = place(course);
        let id = self
            .write
            .create_server(region, project, request, &tagged)
            .await?;
        course.instance = Some(id);
        Ok(Outcome::Done)
    }

    /// The servers that carry this operation's tag.
    async fn made(&self, course: &Course) -> Result<Vec<InstanceId>, PortError> {
        let (region, project) = place(course);
        self.compute
            .servers_of_operation(region, project, &course.operation.id)
            .await
    }

    async fn reboot(&self, course: &Course, attempt: u32) -> Result<Outcome, StepError> {
        let (region, project) = place(course);
        let id = server_of(course)?;
        if attempt > 1
            && let Some(server) = self.compute.server(region, project, id).await?
            && rebooting(&server)
        {
            return Ok(Outcome::Done);
        }
        self.write.reboot_server(region, project, id).await?;
        Ok(Outcome::Done)
    }

    async fn await_server(
        &self,
        course: &Course,
        goal: Goal,
        stop: &watch::Receiver<bool>,
    ) -> Result<Outcome, StepError> {
        let o = &course.operation;
        let (region, project) = place(course);
        let id = server_of(course)?;
        loop {
            match self.compute.server(region, project, id).await {
                Ok(server) => {
                    if let Some(server) = &server {
                        self.seen(course, server).await?;
                    }
                    if let Some(end) = judge(goal, server.as_ref()) {
                        return end;
                    }
                }
                // Waiting costs nothing: a neighbour that is away for a while does not end it.
                Err(error) if error.transient() => warn!(%error, "still waiting for the server"),
                Err(error) => return Err(error.into()),
            }
            if (self.clock)() - o.created > PATIENCE {
                return Err(StepError::Final(
                    Msg::new("servertimeout").with(o.plan.name.as_str()),
                ));
            }
            if *stop.borrow() {
                return Ok(Outcome::Interrupted);
            }
            if let Some(why) = self.cancelled(course).await? {
                return Ok(Outcome::Impossible(why));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Takes a step back; says whether there was anything to take back.
    pub(super) async fn undo(&self, course: &mut Course, undo: &Undo) -> Result<bool, PortError> {
        let Undo::DeleteServer = undo else {
            return Ok(false);
        };
        let mut servers = self.made(course).await?;
        servers.extend(course.instance.filter(|id| !servers.contains(id)));
        for id in &servers {
            let (region, project) = place(course);
            let last = self.compute.server(region, project, *id).await?;
            self.write.delete_server(region, project, *id).await?;
            self.gone(course, *id).await?;
            if let Some(server) = last {
                self.tell_undone(course, server).await?;
            }
        }
        Ok(!servers.is_empty())
    }

    async fn gone(&self, course: &Course, id: InstanceId) -> Result<(), PortError> {
        let (region, project) = place(course);
        let until = (self.clock)() + PATIENCE;
        while self.compute.server(region, project, id).await?.is_some() {
            if (self.clock)() > until {
                return Err(PortError::new(
                    "nova",
                    "delete server",
                    id.to_string(),
                    Kind::Timeout,
                    "the server was still there after 15 minutes",
                ));
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

/// Whether waiting is over.
fn judge(goal: Goal, server: Option<&Instance>) -> Option<Result<Outcome, StepError>> {
    let failed = |msg: Msg| Some(Err(StepError::Final(msg)));
    match (goal, server) {
        (Goal::Gone, None) => Some(Ok(Outcome::Done)),
        (Goal::Gone, Some(server)) if server.deleted.is_some() => Some(Ok(Outcome::Done)),
        (Goal::Active, None) => failed(Msg::new("vanished")),
        (_, Some(server)) if server.status == "ERROR" && server.task_state.is_none() => {
            let fault = server.fault.clone().unwrap_or_default();
            failed(
                Msg::new("servererror")
                    .with(server.name.as_str())
                    .with(fault),
            )
        }
        (Goal::Active, Some(server)) if server.status == "ACTIVE" && server.settled() => {
            Some(Ok(Outcome::Done))
        }
        _ => None,
    }
}

fn rebooting(server: &Instance) -> bool {
    server.status == "REBOOT"
        || server
            .task_state
            .as_deref()
            .is_some_and(|task| task.starts_with("reboot"))
}

fn place(course: &Course) -> (&osm_core::ids::Region, &osm_core::ids::ProjectId) {
    let plan = &course.operation.plan;
    (&plan.region, &plan.project_id)
}

fn server_of(course: &Course) -> Result<InstanceId, Msg> {
    course
        .instance
        .or(course.operation.plan.instance)
        .ok_or_else(|| Msg::new("vanished"))
}
