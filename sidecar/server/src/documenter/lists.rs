//! Gathers what lists are composed from: the overviews, and a noisy project's summary.

use super::Documenter;
use super::compose::{Draft, Facts};
use osm_core::ids::ProjectName;
use osm_core::pages::overview::Shown;
use osm_core::pages::project::LISTED;
use osm_core::pages::title;
use osm_core::ports::{InstanceFilter, PortError, Seen};
use std::collections::BTreeSet;
use tracing::warn;

impl Documenter {
    /// The projects that both LDAP and Keystone have.
    pub(super) async fn projects(&self) -> Result<Option<Draft>, PortError> {
        let as_of = self.now();
        let managed: BTreeSet<ProjectName> = self.managed().await?.into_iter().collect();
        let mut projects = self.directory.projects().await?;
        projects.retain(|project| managed.contains(&project.name));
        if projects.is_empty() {
            warn!("LDAP names no project; the page of all projects is left as it is");
            return Ok(None);
        }
        let facts = Facts::Projects(projects);
        Ok(Some(Draft::new(title::PROJECTS, facts, as_of)))
    }

    /// As many of all instances as the page lists, and one more where there are more.
    pub(super) async fn instances(&self) -> Result<Draft, PortError> {
        let as_of = self.read_through().await?;
        let managed = self.managed().await?.into_iter();
        let (noisy, others) = managed.partition(|project| self.settings.is_noisy(project));
        let limit = u32::try_from(LISTED + 1).unwrap_or(u32::MAX);
        let known = self.living(others, limit).await?;
        let titles = self.titled(&known).await?;
        let shown = known.iter().map(|seen| Shown::of(&seen.instance));
        let shown = shown.zip(titles).collect();
        Ok(Draft::new(
            title::INSTANCES,
            Facts::Instances { shown, noisy },
            as_of,
        ))
    }

    /// A noisy project's one page for its instances; also of a project that is noisy no more, where it has one.
    pub(super) async fn summary(&self, project: &ProjectName) -> Result<Option<Draft>, PortError> {
        let title = title::summary_title(project);
        let as_of = self.read_through().await?;
        let instances = if self.settings.is_noisy(project) {
            let known = self.living(vec![project.clone()], u32::MAX).await?;
            Some(known.into_iter().map(|seen| seen.instance).collect())
        } else {
            None
        };
        let project = project.clone();
        Ok(Some(Draft::new(
            title,
            Facts::Summary { project, instances },
            as_of,
        )))
    }

    /// Instances that there are now, by project, region and name.
    pub(super) async fn living(
        &self,
        projects: Vec<ProjectName>,
        limit: u32,
    ) -> Result<Vec<Seen>, PortError> {
        let filter = InstanceFilter {
            projects: Some(projects),
            limit,
            ..InstanceFilter::default()
        };
        self.index.list(&filter).await
    }

    async fn managed(&self) -> Result<Vec<ProjectName>, PortError> {
        let pins = self.pins.pins().await?;
        Ok(pins.into_iter().map(|pin| pin.name).collect())
    }
}
