//! Giving people places in projects, and taking them away: in LDAP, and in Keystone, which follows.

use super::steps::{Outcome, StepError};
use super::{Course, Runner};
use async_trait::async_trait;
use osm_core::ids::ProjectId;
use osm_core::membership::{Grant, Place};
use osm_core::message::Msg;
use osm_core::ports::{
    Assignment, IdentityWrite, Kind, Leave, Operation, OperationWork, PortError,
};

/// The claim on an operation must hold at this very moment.
pub(super) struct Claim<'a> {
    work: &'a dyn OperationWork,
    operation: &'a Operation,
}

#[async_trait]
impl Leave for Claim<'_> {
    async fn still(&self) -> Result<(), PortError> {
        let o = self.operation;
        self.work.holds(&o.id, o.generation).await
    }
}

impl Runner {
    pub(super) async fn give(&self, course: &Course, grant: &Grant) -> Result<Outcome, StepError> {
        let claim = self.claim(course);
        let missing = || Msg::new("nonexistentproject").with(grant.project.as_str());
        if let Place::Cloud { role } = &grant.place {
            let project = self.keystone_id(course).await?.ok_or_else(missing)?;
            // A shell name may be another person's by now: nothing is given to a name alone.
            let person = self.directory.person(&grant.person).await?;
            let gone = || Msg::new("nosuchperson").with(grant.uid.as_str());
            let uid = person.ok_or_else(gone)?.uid;
            let what = assignment(&project, &uid, role);
            return Ok(outcome(self.keystone()?.assign(what, &claim).await?));
        }
        let grant = &self.settled(grant).await?.ok_or_else(missing)?;
        let changed = self.effects.directory.give(grant, &claim).await?;
        self.believed(grant, true).await?;
        Ok(outcome(changed))
    }

    pub(super) async fn take(
        &self,
        course: &Course,
        grant: &Grant,
        unless_last: bool,
    ) -> Result<Outcome, StepError> {
        let claim = self.claim(course);
        if let Place::Cloud { role } = &grant.place {
            let Some(project) = self.keystone_id(course).await? else {
                return Ok(Outcome::Already);
            };
            let uid = self.uid_now(grant).await?;
            let what = assignment(&project, &uid, role);
            return Ok(outcome(self.keystone()?.unassign(what, &claim).await?));
        }
        let Some(grant) = &self.settled(grant).await? else {
            return Ok(Outcome::Already);
        };
        if unless_last {
            self.refuse_last(grant).await?;
        }
        let changed = self.effects.directory.take(grant, &claim).await?;
        if unless_last {
            // Of two who take each other out at once both see it here, and both are taken back.
            self.refuse_last(grant).await?;
        }
        self.believed(grant, false).await?;
        Ok(outcome(changed))
    }

    pub(super) fn claim<'a>(&'a self, course: &'a Course) -> Claim<'a> {
        Claim {
            work: self.work.as_ref(),
            operation: &course.operation,
        }
    }

    /// The account that assigns roles; it may have been taken out of the configuration since it was planned.
    pub(super) fn keystone(&self) -> Result<&dyn IdentityWrite, StepError> {
        let account = self.effects.identity.as_deref();
        account.ok_or_else(|| StepError::Final(Msg::new("noassigner")))
    }

    /// The person's shell name as it is now; the one planned with where the entry is gone.
    async fn uid_now(&self, grant: &Grant) -> Result<String, PortError> {
        let person = self.directory.person(&grant.person).await?;
        Ok(person.map_or_else(|| grant.uid.clone(), |person| person.uid))
    }

    async fn refuse_last(&self, grant: &Grant) -> Result<(), StepError> {
        let role = grant.place.role().unwrap_or_default();
        let project = self.directory.project(&grant.project).await?;
        if project.is_some_and(|project| project.another_holds(role, &grant.person)) {
            return Ok(());
        }
        let why = Msg::new("lastprojectadmin");
        Err(why
            .with(grant.uid.as_str())
            .with(grant.project.as_str())
            .into())
    }

    /// LDAP's success is believed only once it shows it: it decides over rights.
    async fn believed(&self, grant: &Grant, wanted: bool) -> Result<(), StepError> {
        if self.directory.holds(grant).await? == Some(wanted) {
            return Ok(());
        }
        let detail = "LDAP said that it was done, and does not show it";
        let target = format!("the place of {} in {}", grant.uid, grant.project);
        let error = PortError::new("ldap", "change", target, Kind::Protocol, detail);
        Err(StepError::Retry(error))
    }
}

pub(super) fn outcome(changed: bool) -> Outcome {
    match changed {
        true => Outcome::Done,
        false => Outcome::Already,
    }
}

fn assignment<'a>(project: &'a ProjectId, uid: &'a str, role: &'a str) -> Assignment<'a> {
    Assignment { project, uid, role }
}
