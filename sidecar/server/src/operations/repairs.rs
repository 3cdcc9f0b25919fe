//! Steps that change nothing outside: a server is read anew, a page is looked at anew.

use super::steps::{Outcome, StepError};
use super::{Course, Runner};
use osm_core::ids::InstanceId;
use osm_core::instance::Instance;
use osm_core::pages::summary;
use osm_core::ports::{PageDue, PageKey, Since};

impl Runner {
    /// Puts down in our copy what Nova says of a server, as the observer sees it; gone only on Nova's word.
    pub(super) async fn read_server(
        &self,
        course: &Course,
        id: InstanceId,
    ) -> Result<Outcome, StepError> {
        let plan = &course.operation.plan;
        let asked = self
            .compute
            .server(&plan.region, &plan.project_id, id)
            .await?;
        let Some(server) = asked.filter(|server| server.deleted.is_none()) else {
            self.note_gone(course, id).await?;
            return Ok(Outcome::Done);
        };
        // A member's view lacks the host; the list of what changed since the server did has it.
        let since = Since::Changed(server.updated - super::tell::OVERLAP);
        let listed = self.compute.servers(&plan.region, since).await?;
        let listed = listed.into_iter().find(|listed| listed.id == id);
        let instance = Instance {
            project: plan.project.clone(),
            ..listed.unwrap_or(server)
        };
        self.index.observe(&instance, (self.clock)()).await?;
        Ok(Outcome::Done)
    }
}

/// A page to be written anew, in the name of who had it repaired.
pub(super) fn page_again(due: PageDue) -> PageDue {
    let what = summary::repaired();
    match due.key {
        // Of no interest to readers of recent changes.
        PageKey::Redirect { .. } => PageDue {
            by: None,
            by_name: None,
            what,
            ..due
        },
        _ => PageDue { what, ..due },
    }
}
