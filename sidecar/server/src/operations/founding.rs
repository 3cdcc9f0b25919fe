//! Projects as a whole: their parts made and deleted, in Keystone and in LDAP, and the pair of their ids held together.

use super::steps::{Outcome, StepError};
use super::{Course, Runner};
use osm_core::founding::Part;
use osm_core::ids::{EntryUuid, ProjectId};
use osm_core::membership::Grant;
use osm_core::message::Msg;
use osm_core::pages::summary;
use osm_core::ports::{
    Identity, InstanceFilter, Kind, Links, NumberOf, Numbers, PageDue, PageKey, Pin, Pins,
    PortError, ProjectPart,
};
use std::sync::Arc;

/// Numbers that are somebody's already are passed over, so many at a time.
const TRIED: u32 = 1000;

/// What is needed for projects as a whole, and for people.
pub struct Founding {
    /// The pairs of ids.
    pub pins: Arc<dyn Pins>,
    /// Who is behind a wiki account.
    pub links: Arc<dyn Links>,
    /// Numbers of posix groups and of people.
    pub numbers: Arc<dyn Numbers>,
    /// Keystone's projects.
    pub identity: Arc<dyn Identity>,
    /// The least number of a project's group.
    pub first_gid: u32,
    /// The least number of a person.
    pub first_uid: u32,
}

impl Runner {
    pub(super) async fn make(&self, course: &Course, part: &Part) -> Result<Outcome, StepError> {
        let claim = self.claim(course);
        let (project, by) = (&course.operation.plan.project, &course.operation.id);
        if *part == Part::Keystone {
            self.keystone()?.make_project(project, by, &claim).await?;
            return Ok(Outcome::Done);
        }
        let gid = match part {
            Part::Group => Some(self.free_number(NumberOf::Group).await?),
            _ => None,
        };
        let what = ProjectPart {
            project,
            part,
            gid,
            by: Some(by),
        };
        self.effects.directory.make(what, &claim).await?;
        Ok(Outcome::Done)
    }

    pub(super) async fn unmake(
        &self,
        course: &Course,
        part: &Part,
        whoever: bool,
    ) -> Result<Outcome, StepError> {
        let claim = self.claim(course);
        let plan = &course.operation.plan;
        let (project, by) = (&plan.project, &course.operation.id);
        let changed = match part {
            Part::Keystone => {
                let which = if whoever {
                    Ok(&plan.project_id)
                } else {
                    Err(by)
                };
                self.keystone()?
                    .unmake_project(project, which, &claim)
                    .await?
            }
            _ => {
                if whoever && matches!(part, Part::Entry { .. }) {
                    self.refuse_inhabited(course).await?;
                }
                let what = ProjectPart {
                    project,
                    part,
                    gid: None,
                    by: (!whoever).then_some(by),
                };
                self.effects.directory.unmake(what, &claim).await?
            }
        };
        Ok(match changed {
            true => Outcome::Done,
            false => Outcome::Already,
        })
    }

    /// An instance that came after the deletion was planned keeps its project.
    async fn refuse_inhabited(&self, course: &Course) -> Result<(), StepError> {
        let project = &course.operation.plan.project;
        let filter = InstanceFilter {
            projects: Some(vec![project.clone()]),
            limit: 10,
            ..InstanceFilter::default()
        };
        let found = self.index.list(&filter).await?;
        if found.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = found
            .iter()
            .map(|seen| seen.instance.name.as_str())
            .collect();
        let why = Msg::new("projectnotempty").with(project.as_str());
        Err(why.with(names.join(", ")).into())
    }

    pub(super) async fn describe(
        &self,
        course: &Course,
        entry: &EntryUuid,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<Outcome, StepError> {
        let claim = self.claim(course);
        let directory = &self.effects.directory;
        Ok(
            match directory.describe(entry, before, after, &claim).await? {
                true => Outcome::Done,
                false => Outcome::Already,
            },
        )
    }

    pub(super) async fn free_number(&self, kind: NumberOf) -> Result<u32, PortError> {
        let founding = &self.founding;
        let (name, first) = match kind {
            NumberOf::Group => ("gid", founding.first_gid),
            NumberOf::Person => ("uid", founding.first_uid),
        };
        for _ in 0..TRIED {
            let number = founding.numbers.next(name, first).await?;
            if !self.directory.has_number(kind, number).await? {
                return Ok(number);
            }
        }
        let target = format!("{TRIED} numbers from {first}");
        let why = "each is somebody's already; the next try goes on from there";
        Err(PortError::new(
            "ldap",
            format!("find a free {name}Number among"),
            target,
            Kind::Unavailable,
            why,
        ))
    }

    /// A place in a project that the same operation makes names no entry: it was not there when it was planned.
    pub(super) async fn settled(&self, grant: &Grant) -> Result<Option<Grant>, PortError> {
        if !grant.project_entry.as_str().is_empty() {
            return Ok(Some(grant.clone()));
        }
        let project = self.directory.project(&grant.project).await?;
        Ok(project.map(|project| Grant {
            project_entry: project.entry,
            ..grant.clone()
        }))
    }

    /// Keystone's project, also where the same operation has made it.
    pub(super) async fn keystone_id(
        &self,
        course: &Course,
    ) -> Result<Option<ProjectId>, PortError> {
        let plan = &course.operation.plan;
        if !plan.project_id.as_str().is_empty() {
            return Ok(Some(plan.project_id.clone()));
        }
        let ours = self.founding.identity.our_projects().await?;
        let made = ours
            .into_iter()
            .find(|project| project.name == plan.project.as_str());
        Ok(made.map(|project| project.id))
    }

    /// A part was made or deleted: holds the pair of ids together or lets it go, and says which pages tell of it.
    pub(super) async fn tell_part(
        &self,
        course: &Course,
        part: &Part,
        made: bool,
    ) -> Result<Vec<PageDue>, PortError> {
        let plan = &course.operation.plan;
        let name = &plan.project;
        match (part, made) {
            (Part::Entry { .. }, true) => {
                let entry = self
                    .directory
                    .project(name)
                    .await?
                    .map(|project| project.entry);
                if let (Some(entry), Some(project_id)) = (entry, self.keystone_id(course).await?) {
                    let name = name.clone();
                    let pin = Pin {
                        name,
                        entry,
                        project_id,
                    };
                    self.founding.pins.pin(&pin).await?;
                }
                Ok(self.project_due(course, &summary::project_made(name)))
            }
            // The last to go.
            (Part::Keystone, false) => {
                self.founding.pins.forget(name, (self.clock)()).await?;
                Ok(self.project_due(course, &summary::project_deleted(name)))
            }
            _ => Ok(Vec::new()),
        }
    }

    /// What tells of a project.
    pub(super) fn project_due(&self, course: &Course, what: &str) -> Vec<PageDue> {
        let project = PageKey::Project {
            project: course.operation.plan.project.clone(),
        };
        super::tell::due(course, [project, PageKey::Projects], what)
    }
}
