//! What each step does, and how it is taken back. Each may be run twice and does its work once.

use super::{Course, Runner};
use chrono::{DateTime, SubsecRound as _, Utc};
use osm_core::action::Action;
use osm_core::ids::InstanceId;
use osm_core::instance::{Instance, META_CREATOR, ServerRequest};
use osm_core::message::Msg;
use osm_core::plan::{Goal, Step, Undo};
use osm_core::ports::{ComputeWrite, Deed, Kind, PageDue, PortError, Tagged};
use std::collections::BTreeMap;
use tracing::{info, warn};

/// How a try of a step ended.
pub(super) enum Outcome {
    Done,
    /// It was so before: nothing is otherwise now.
    Already,
    /// Not yet; to be looked at again.
    Wait,
}

/// How a try to take a step back ended.
pub(super) enum Undone {
    /// It is as before; these pages tell of it.
    Done(Vec<PageDue>),
    /// It was as before already, whoever saw to that.
    Already(Vec<PageDue>),
    /// There was nothing to take back.
    Nothing,
    /// Not yet; to be looked at again.
    Wait,
}

/// Why a step did not work.
pub(super) enum StepError {
    /// Trying again may help.
    Retry(PortError),
    /// It will not.
    Final(Msg),
    /// The server is not there any more.
    Vanished,
    /// Our own records failed, or another replica has taken over: nothing is known to be wrong with the step.
    Ours(PortError),
}

impl From<Msg> for StepError {
    fn from(why: Msg) -> Self {
        Self::Final(why)
    }
}

impl From<PortError> for StepError {
    fn from(error: PortError) -> Self {
        if error.system == "mysql" {
            Self::Ours(error)
        } else if error.transient() {
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
        step: &Step,
        attempt: u32,
    ) -> Result<Outcome, StepError> {
        match step {
            Step::CreateServer { server } => self.create(course, server, attempt).await,
            Step::AwaitServer { goal } => self.await_server(course, *goal).await,
            Step::RebootServer => self.reboot(course, attempt).await,
            Step::DeleteServer => {
                let id = server_of(course)?;
                self.refuse_used(course, id).await?;
                let cloud = self.cloud(course).await?;
                let (region, project) = place(course);
                cloud.delete_server(region, project, id).await?;
                Ok(Outcome::Done)
            }
            Step::AddSecurityGroup { group } => self.grouped(course, group, true).await,
            Step::RemoveSecurityGroup { group } => self.grouped(course, group, false).await,
            Step::Grant { grant } => self.give(course, grant).await,
            Step::Withdraw { grant, unless_last } => self.take(course, grant, *unless_last).await,
            Step::AddKey { key } => self.set_key(course, key, true).await,
            Step::RemoveKey { key } => self.set_key(course, key, false).await,
            Step::Keypair { keypair, there } => self.set_keypair(course, keypair, *there).await,
            Step::Person { account, there } => self.person(course, account, *there).await,
            Step::Link { account, there } => self.link(account, *there).await,
            Step::Make { part } => self.make(course, part).await,
            Step::Delete { part, whoever } => self.unmake(course, part, *whoever).await,
            Step::Describe {
                entry,
                before,
                after,
            } => {
                let (before, after) = (before.as_deref(), after.as_deref());
                self.describe(course, entry, before, after).await
            }
            Step::SetRule { change } => self.set_rule(course, change).await,
            Step::SetQuota { change } => self.set_quota(course, change).await,
            Step::ReadServer => {
                let id = server_of(course)?;
                self.read_server(course, id).await
            }
            // To be told is all that it does.
            Step::WritePage { .. } | Step::Nothing => Ok(Outcome::Done),
        }
    }

    /// The cloud, for one change of it: the claim must hold at this very moment.
    async fn cloud(&self, course: &Course) -> Result<&dyn ComputeWrite, StepError> {
        let o = &course.operation;
        self.work.holds(&o.id, o.generation).await?;
        Ok(self.effects.compute.as_ref())
    }

    /// A stray that somebody has begun to use since its removal was planned stays.
    async fn refuse_used(&self, course: &Course, id: InstanceId) -> Result<(), StepError> {
        if course.operation.plan.action != Action::InstanceRemoveStray {
            return Ok(());
        }
        let (region, project) = place(course);
        let deeds = match self.compute.deeds(region, project, id).await {
            Err(error) if error.kind == Kind::NotFound => return Ok(()),
            deeds => deeds?,
        };
        // An earlier try may have deleted it.
        let removal = |deed: &Deed| deed.ours && deed.action == "delete";
        if deeds.iter().all(removal) {
            return Ok(());
        }
        let name = course.operation.plan.name.as_str();
        Err(Msg::new("strayinuse").with(name).into())
    }

    async fn create(
        &self,
        course: &mut Course,
        request: &ServerRequest,
        attempt: u32,
    ) -> Result<Outcome, StepError> {
        // An earlier try may have reached Nova although we were not told: its server carries our tag. The
        // pause before this try, or the lease that had to run out, was its quiet time.
        if attempt > 1
            && let Some(id) = self.made(course).await?.first()
        {
            info!(server = %id, "an earlier try had made the server");
            course.instance = Some(*id);
            return Ok(Outcome::Done);
        }
        let tagged = Tagged {
            operation: course.operation.id.clone(),
            metadata: BTreeMap::from([(
                META_CREATOR.to_owned(),
                course.operation.wiki_user_name.clone(),
            )]),
        };
        let cloud = self.cloud(course).await?;
        let (region, project) = place(course);
        let id = cloud
            .create_server(region, project, request, &tagged)
            .await?;
        course.instance = Some(id);
        Ok(Outcome::Done)
    }

    /// The servers of ours that carry this operation's tag. Anyone in the project can write it into the server
    /// that another operation has made: that one is not meant.
    async fn made(&self, course: &Course) -> Result<Vec<InstanceId>, PortError> {
        let (region, project) = place(course);
        let operation = &course.operation.id;
        let tagged = self
            .compute
            .servers_of_operation(region, project, operation);
        let mut made = Vec::new();
        for id in tagged.await? {
            let maker = self.index.maker(region, id).await?;
            if maker.is_none_or(|maker| maker == *operation) {
                made.push(id);
            } else {
                warn!(server = %id, "bears this operation's mark, and was made by another");
            }
        }
        Ok(made)
    }

    async fn reboot(&self, course: &Course, attempt: u32) -> Result<Outcome, StepError> {
        let (region, project) = place(course);
        let id = server_of(course)?;
        // Nova puts each reboot down, also one whose answer was lost.
        if attempt > 1 {
            let deeds = self.compute.deeds(region, project, id).await?;
            // Its clock knows whole seconds. Not since this step's beginning: trying again begins it anew.
            let asked = course.operation.created.trunc_subsecs(0);
            let done = |deed: &Deed| deed.ours && deed.action == "reboot" && deed.at >= asked;
            if deeds.iter().any(done) {
                return Ok(Outcome::Done);
            }
        }
        let cloud = self.cloud(course).await?;
        cloud.reboot_server(region, project, id).await?;
        Ok(Outcome::Done)
    }

    /// Has a server in a group, or not; Nova's 2xx is believed only once the server shows it.
    async fn grouped(
        &self,
        course: &Course,
        group: &str,
        wanted: bool,
    ) -> Result<Outcome, StepError> {
        let id = server_of(course)?;
        if self.in_group(course, id, group).await? == wanted {
            return Ok(Outcome::Already);
        }
        let cloud = self.cloud(course).await?;
        let (region, project) = place(course);
        cloud
            .change_security_group(region, project, id, group, wanted)
            .await?;
        if self.in_group(course, id, group).await? != wanted {
            let detail = "Nova said that it was done, and the server does not show it";
            let what = "change the security groups of";
            let error = PortError::new("nova", what, id.to_string(), Kind::Protocol, detail);
            return Err(StepError::Retry(error));
        }
        Ok(Outcome::Done)
    }

    async fn in_group(
        &self,
        course: &Course,
        id: InstanceId,
        group: &str,
    ) -> Result<bool, StepError> {
        let (region, project) = place(course);
        let server = self.compute.server(region, project, id).await?;
        let server = server.ok_or(StepError::Vanished)?;
        self.seen(course, &server).await?;
        Ok(server.security_groups.iter().any(|g| g == group))
    }

    async fn await_server(&self, course: &Course, goal: Goal) -> Result<Outcome, StepError> {
        let (region, project) = place(course);
        let id = server_of(course)?;
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
        self.still_patient(course)?;
        Ok(Outcome::Wait)
    }

    fn still_patient(&self, course: &Course) -> Result<(), Msg> {
        if (self.clock)() - begun(course) > self.patience.server {
            let name = course.operation.plan.name.as_str();
            return Err(Msg::new("servertimeout").with(name));
        }
        Ok(())
    }

    /// Tries once to take a step back.
    pub(super) async fn undo(&self, course: &mut Course, undo: &Undo) -> Result<Undone, StepError> {
        match undo {
            Undo::None { .. } => Ok(Undone::Nothing),
            Undo::Do { step } => match self.step(course, step, 2).await {
                Ok(Outcome::Done) => Ok(Undone::Done(self.tell(course, step).await?)),
                Ok(Outcome::Already) => Ok(Undone::Already(self.tell(course, step).await?)),
                Ok(Outcome::Wait) => Ok(Undone::Wait),
                Err(StepError::Vanished) => Ok(Undone::Nothing),
                Err(error) => Err(error),
            },
            Undo::DeleteServer => self.take_back_server(course).await,
        }
    }

    /// Finds out what the operation made, where that is not known yet; says whether it is known now.
    pub(super) async fn learn_what_to_undo(
        &self,
        course: &mut Course,
        undo: &Undo,
    ) -> Result<bool, PortError> {
        if *undo != Undo::DeleteServer || course.instance.is_some() {
            return Ok(false);
        }
        course.instance = self.made(course).await?.first().copied();
        Ok(course.instance.is_some())
    }

    /// Deletes what the operation made, and looks until it is gone.
    async fn take_back_server(&self, course: &mut Course) -> Result<Undone, StepError> {
        let mut servers = self.made(course).await?;
        servers.extend(course.instance.filter(|id| !servers.contains(id)));
        if servers.is_empty() {
            return Ok(Undone::Nothing);
        }
        let mut gone = true;
        for id in &servers {
            let (region, project) = place(course);
            if let Some(server) = self.compute.server(region, project, *id).await? {
                // What it last was is still told once it is gone.
                self.seen(course, &server).await?;
                if server.deleted.is_none() && server.task_state.as_deref() != Some("deleting") {
                    let cloud = self.cloud(course).await?;
                    cloud.delete_server(region, project, *id).await?;
                }
                gone &= server.deleted.is_some();
            }
        }
        if !gone {
            self.still_patient(course)?;
            return Ok(Undone::Wait);
        }
        let mut due = Vec::new();
        for id in &servers {
            due.extend(self.tell_undone(course, *id).await?);
        }
        Ok(Undone::Done(due))
    }
}

/// Whether waiting is over.
fn judge(goal: Goal, server: Option<&Instance>) -> Option<Result<Outcome, StepError>> {
    let failed = |msg: Msg| Some(Err(StepError::Final(msg)));
    match (goal, server) {
        (Goal::Gone, None) => Some(Ok(Outcome::Done)),
        (Goal::Gone, Some(server)) if server.deleted.is_some() => Some(Ok(Outcome::Done)),
        (Goal::Active, None) => Some(Err(StepError::Vanished)),
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

/// When the step that is under way was begun, or its retry.
fn begun(course: &Course) -> DateTime<Utc> {
    let o = &course.operation;
    let begun = o.steps.iter().filter_map(|s| s.started).max();
    begun.unwrap_or(o.created)
}

pub(super) fn place(course: &Course) -> (&osm_core::ids::Region, &osm_core::ids::ProjectId) {
    let plan = &course.operation.plan;
    (&plan.region, &plan.project_id)
}

fn server_of(course: &Course) -> Result<InstanceId, StepError> {
    course
        .instance
        .or(course.operation.plan.instance)
        .ok_or(StepError::Vanished)
}
