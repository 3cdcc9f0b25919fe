//! How much a project may use.

use super::steps::{Outcome, StepError, place};
use super::{Course, Runner};
use osm_core::message::Msg;
use osm_core::ports::{Kind, PortError};
use osm_core::quota::{Limits, QuotaChange};

impl Runner {
    /// Sets other limits in place of those that were there when it was planned; what somebody else has set since
    /// stays, and is told. Nova's 2xx is believed only once it shows them.
    pub(super) async fn set_quota(
        &self,
        course: &Course,
        change: &QuotaChange,
    ) -> Result<Outcome, StepError> {
        let now = self.limits(course).await?;
        if now == change.after {
            return Ok(Outcome::Already);
        }
        let (region, project) = place(course);
        let name = course.operation.plan.project.as_str();
        if now != change.before {
            let why = Msg::new("quota-otherwise").with(name);
            return Err(why.with(region.as_str()).with(now.told()).into());
        }
        let admin = self.effects.admin.as_deref();
        let admin = admin.ok_or_else(|| StepError::Final(Msg::new("noquotasetter")))?;
        let claim = self.claim(course);
        admin.set_quota(region, project, change, &claim).await?;
        if self.limits(course).await? == change.after {
            return Ok(Outcome::Done);
        }
        let detail = "Nova said that it was done, and does not show it";
        let error = PortError::new("nova", "set the quota of", name, Kind::Protocol, detail);
        Err(StepError::Retry(error))
    }

    async fn limits(&self, course: &Course) -> Result<Limits, PortError> {
        let (region, project) = place(course);
        Ok(self.compute.quota(region, project).await?.limits)
    }
}
