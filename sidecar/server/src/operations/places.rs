//! Giving people places in projects, and taking them away: in LDAP, and in Keystone, which follows.

use super::steps::{Outcome, StepError};
use super::{Course, Runner};
use osm_core::membership::{Grant, Place};
use osm_core::message::Msg;
use osm_core::ports::{DirectoryWrite, IdentityWrite, Kind, PortError};

impl Runner {
    pub(super) async fn give(&self, course: &Course, grant: &Grant) -> Result<Outcome, StepError> {
        if let Place::Cloud { role } = &grant.place {
            let project = &course.operation.plan.project_id;
            // A shell name may be another person's by now: nothing is given to a name alone.
            let person = self.directory.person(&grant.person).await?;
            let gone = || Msg::new("nosuchperson").with(grant.uid.as_str());
            let uid = person.ok_or_else(gone)?.uid;
            self.keystone(course)
                .await?
                .assign(project, &uid, role)
                .await?;
            return Ok(Outcome::Done);
        }
        self.ldap(course).await?.give(grant).await?;
        self.believed(grant, true).await
    }

    pub(super) async fn take(
        &self,
        course: &Course,
        grant: &Grant,
        unless_last: bool,
    ) -> Result<Outcome, StepError> {
        if let Place::Cloud { role } = &grant.place {
            let project = &course.operation.plan.project_id;
            let uid = self.uid_now(grant).await?;
            self.keystone(course)
                .await?
                .unassign(project, &uid, role)
                .await?;
            return Ok(Outcome::Done);
        }
        if unless_last {
            self.refuse_last(grant).await?;
        }
        self.ldap(course).await?.take(grant).await?;
        if unless_last {
            // Of two who take each other out at once both see it here, and both are taken back.
            self.refuse_last(grant).await?;
        }
        self.believed(grant, false).await
    }

    /// LDAP, for one change of it: the claim must hold at this very moment.
    async fn ldap(&self, course: &Course) -> Result<&dyn DirectoryWrite, StepError> {
        let o = &course.operation;
        self.work.holds(&o.id, o.generation).await?;
        Ok(self.effects.directory.as_ref())
    }

    /// Keystone, likewise. The account may have been taken out of the configuration since it was planned.
    async fn keystone(&self, course: &Course) -> Result<&dyn IdentityWrite, StepError> {
        let o = &course.operation;
        self.work.holds(&o.id, o.generation).await?;
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
    async fn believed(&self, grant: &Grant, wanted: bool) -> Result<Outcome, StepError> {
        if self.directory.holds(grant).await? == Some(wanted) {
            return Ok(Outcome::Done);
        }
        let detail = "LDAP said that it was done, and does not show it";
        let target = format!("the place of {} in {}", grant.uid, grant.project);
        let error = PortError::new("ldap", "change", target, Kind::Protocol, detail);
        Err(StepError::Retry(error))
    }
}
