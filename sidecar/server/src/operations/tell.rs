//! What was done goes to the index and, as a reason to write pages, to the documenter.

use super::repairs::page_again;
use super::{Course, Runner};
use chrono::TimeDelta;
use osm_core::action::Action;
use osm_core::ids::InstanceId;
use osm_core::instance::Instance;
use osm_core::membership::Place;
use osm_core::pages::summary;
use osm_core::pages::touched::Touched;
use osm_core::plan::{Goal, Plan, Step};
use osm_core::ports::{OperationState, PageDue, PageKey, PortError, Since};
use osm_core::suspension::blocked_by;

/// Our clock and Nova's may differ.
pub(super) const OVERLAP: TimeDelta = TimeDelta::seconds(60);

impl Runner {
    /// Puts down what Nova says of a server while it is worked on. Another name is somebody else's doing, which is
    /// for the observer to see and tell.
    pub(super) async fn seen(&self, course: &Course, server: &Instance) -> Result<(), PortError> {
        let plan = &course.operation.plan;
        let known = self.index.seen(&plan.region, server.id).await?;
        let instance = Instance {
            project: plan.project.clone(),
            name: known.map_or_else(|| server.name.clone(), |known| known.instance.name),
            ..server.clone()
        };
        self.index.observe(&instance, (self.clock)()).await?;
        Ok(())
    }

    /// A step is done: notes its facts; says which pages tell of it.
    pub(super) async fn tell(
        &self,
        course: &Course,
        step: &Step,
    ) -> Result<Vec<PageDue>, PortError> {
        let plan = &course.operation.plan;
        if let Some(what) = membership(plan, step) {
            return Ok(self.project_due(course, &what));
        }
        match step {
            Step::Make { part } => return self.tell_part(course, part, true).await,
            Step::Delete { part, .. } => return self.tell_part(course, part, false).await,
            Step::Describe { .. } => {
                return Ok(self.project_due(course, &summary::described(&plan.project)));
            }
            Step::SetQuota { change } => {
                let what = summary::quota(&plan.project, &plan.region, &change.after);
                return Ok(self.project_due(course, &what));
            }
            _ => {}
        }
        if let Step::WritePage { page } = step {
            return Ok(vec![page_again(by_person(course, page.clone(), ""))]);
        }
        let Some(id) = course.instance.or(plan.instance) else {
            return Ok(Vec::new());
        };
        let (name, project) = (&plan.name, &plan.project);
        let touched = touched(course, id);
        let facts = touched.facts();
        Ok(match (step, plan.action) {
            (Step::CreateServer { .. }, _) => {
                self.look(course, id).await?;
                let who = &course.operation.wiki_user_name;
                self.index.note_creator(&plan.region, id, who).await?;
                all_pages(course, id, &summary::created(name, project))
            }
            (Step::AwaitServer { goal: Goal::Active }, Action::InstanceReboot) => {
                let now = (self.clock)();
                self.index.note_reboot(&plan.region, id, now).await?;
                due(course, facts, &summary::rebooted(name, project))
            }
            (Step::AwaitServer { goal: Goal::Active }, _) => {
                self.look(course, id).await?;
                // It has its addresses now.
                due(course, touched.shown(), &summary::state(name, "ACTIVE"))
            }
            (Step::AwaitServer { goal: Goal::Gone }, _) => {
                self.note_gone(course, id).await?;
                all_pages(course, id, &summary::deleted(name, project))
            }
            (Step::AddSecurityGroup { group }, _) => {
                due(course, facts, &summary::into_group(name, group))
            }
            (Step::RemoveSecurityGroup { group }, _) => {
                due(course, facts, &summary::out_of_group(name, group))
            }
            (Step::ReadServer, _) => all_pages(course, id, &summary::changed(name)),
            (
                Step::RebootServer
                | Step::DeleteServer
                | Step::Grant { .. }
                | Step::Withdraw { .. }
                | Step::AddKey { .. }
                | Step::RemoveKey { .. }
                | Step::Keypair { .. }
                | Step::Person { .. }
                | Step::Link { .. }
                | Step::Make { .. }
                | Step::Delete { .. }
                | Step::Describe { .. }
                | Step::SetRule { .. }
                | Step::SetQuota { .. }
                | Step::WritePage { .. }
                | Step::Nothing,
                _,
            ) => Vec::new(),
        })
    }

    /// A server was taken back; what it last was is still told.
    pub(super) async fn tell_undone(
        &self,
        course: &Course,
        id: InstanceId,
    ) -> Result<Vec<PageDue>, PortError> {
        let plan = &course.operation.plan;
        // A process that died between the request and its note has left a server that nobody has seen alive.
        if self.index.seen(&plan.region, id).await?.is_none() {
            self.look(course, id).await?;
        }
        if self.index.seen(&plan.region, id).await?.is_none() {
            // The observer tells of it when it sees it.
            return Ok(Vec::new());
        }
        self.note_gone(course, id).await?;
        let what = summary::taken_back(&plan.name, &plan.project);
        Ok(all_pages(course, id, &what))
    }

    /// While an operation was at work on a server the observer left it to that to tell what changed. It ended
    /// without a word: what is to be seen by now is told in nobody's name.
    pub(super) async fn tell_unfinished(
        &self,
        course: &Course,
        state: OperationState,
    ) -> Result<Vec<PageDue>, PortError> {
        let plan = &course.operation.plan;
        let silent = matches!(state, OperationState::Failed | OperationState::Parked);
        let Some(id) = course.instance.or(plan.instance).filter(|_| silent) else {
            return Ok(Vec::new());
        };
        let Some(seen) = self.index.seen(&plan.region, id).await? else {
            return Ok(Vec::new());
        };
        let names = [plan.name.as_str(), seen.instance.name.as_str()];
        let pages = touched(course, id).everywhere(&names).into_iter();
        let due = pages.map(|key| PageDue {
            key,
            by: None,
            by_name: None,
            operation: None,
            what: summary::changed(&seen.instance.name),
        });
        Ok(due.collect())
    }

    /// Looks at a server as the observer will, so that its page tells all in one edit. Where Nova does not
    /// answer now, the observer will see it.
    async fn look(&self, course: &Course, id: InstanceId) -> Result<(), PortError> {
        // Nova ignores a filter by id here, without a word; what has changed since we began is a short list.
        let began = Since::Changed(course.operation.created - OVERLAP);
        let region = &course.operation.plan.region;
        match self.compute.servers(region, began).await {
            Ok(servers) => {
                for server in servers.iter().filter(|server| server.id == id) {
                    self.seen(course, server).await?;
                }
            }
            Err(error) => tracing::warn!(%error, "the server could not be looked at yet"),
        }
        Ok(())
    }

    pub(super) async fn note_gone(&self, course: &Course, id: InstanceId) -> Result<(), PortError> {
        let plan = &course.operation.plan;
        if let Some(known) = self.index.seen(&plan.region, id).await? {
            let now = (self.clock)();
            let gone = Instance {
                deleted: Some(known.instance.deleted.unwrap_or(now)),
                status: "DELETED".to_owned(),
                task_state: None,
                ..known.instance
            };
            self.index.observe(&gone, now).await?;
        }
        Ok(())
    }
}

/// What a project's page tells of a step: its members and who holds a role. Groups and Keystone follow these.
fn membership(plan: &Plan, step: &Step) -> Option<String> {
    let grant = step.granted()?;
    let (person, project) = (&grant.cn, &grant.project);
    let given = matches!(step, Step::Grant { .. });
    match (&grant.place, given) {
        (Place::Group | Place::Cloud { .. }, _) => None,
        // A block is the reason, and one for all places: taken back it is told as any other.
        (_, false) if plan.action == Action::PersonSuspend => {
            Some(summary::suspended(person, project, blocked_by(plan)))
        }
        (_, true) if plan.action == Action::PersonReinstate => {
            Some(summary::reinstated(person, project))
        }
        (Place::Project, true) => Some(summary::added(person, project)),
        (Place::Project, false) => Some(summary::removed(person, project)),
        (Place::Role { role }, true) => Some(summary::into_role(person, role, project)),
        (Place::Role { role }, false) => Some(summary::out_of_role(person, role, project)),
    }
}

fn touched(course: &Course, id: InstanceId) -> Touched<'_> {
    let plan = &course.operation.plan;
    Touched {
        region: &plan.region,
        project: &plan.project,
        id,
    }
}

/// All pages that tell of an instance.
fn all_pages(course: &Course, id: InstanceId, what: &str) -> Vec<PageDue> {
    let name = course.operation.plan.name.as_str();
    due(course, touched(course, id).everywhere(&[name]), what)
}

pub(super) fn due(
    course: &Course,
    pages: impl IntoIterator<Item = PageKey>,
    what: &str,
) -> Vec<PageDue> {
    let dues = pages.into_iter().map(|key| by_person(course, key, what));
    dues.collect()
}

fn by_person(course: &Course, key: PageKey, what: &str) -> PageDue {
    // Nobody is behind what the system does of itself.
    let person = Some(&course.by).filter(|(id, _)| *id != 0 && !key.quiet());
    PageDue {
        key,
        by: person.map(|(id, _)| *id),
        by_name: person.map(|(_, name)| name.clone()),
        operation: Some(course.operation.id.clone()),
        what: what.to_owned(),
    }
}
