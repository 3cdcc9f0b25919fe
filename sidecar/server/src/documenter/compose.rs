//! Gathers what a page is composed from.

use super::Documenter;
use chrono::{DateTime, Utc};
use osm_core::audit::Anchor;
use osm_core::ids::{InstanceId, ProjectName, Region};
use osm_core::instance::Instance;
use osm_core::log::LogName;
use osm_core::pages::instance::InstancePage;
use osm_core::pages::overview::{self, Shown};
use osm_core::pages::project::{self, Listed, ProjectPage};
use osm_core::pages::{audit, dated, log, noisy, redirect, request, title};
use osm_core::ports::{InstanceFilter, Kind, PageKey, PortError, Seen};
use osm_core::project::{ManagedProject, Project, WikiNames};
use osm_core::quota::Limits;
use osm_core::requests::Request;
use tracing::debug;

/// A page with all the facts it is composed from.
pub(super) struct Draft {
    pub(super) title: String,
    facts: Facts,
    /// When the facts were seen.
    as_of: DateTime<Utc>,
}

impl Draft {
    pub(super) fn new(title: impl Into<String>, facts: Facts, as_of: DateTime<Utc>) -> Self {
        Self {
            title: title.into(),
            facts,
            as_of,
        }
    }
}

pub(super) enum Facts {
    Instance {
        seen: Box<Seen>,
        fqdn: Option<String>,
    },
    Project {
        project: ManagedProject,
        wiki_names: WikiNames,
        instances: Option<Vec<Listed>>,
        quotas: Vec<(Region, Limits)>,
    },
    DeletedProject {
        name: ProjectName,
        at: DateTime<Utc>,
    },
    Request(Box<Request>),
    Projects(Vec<Project>),
    Instances {
        shown: Vec<(Shown, String)>,
        noisy: Vec<ProjectName>,
    },
    Summary {
        project: ProjectName,
        /// `None` where the project is not noisy any more.
        instances: Option<Vec<Instance>>,
    },
    NameInUse {
        target: String,
    },
    NameUnused {
        name: String,
        project: ProjectName,
        region: Region,
        last: String,
    },
    Audit {
        newest: Vec<Anchor>,
    },
    /// Each with its page's length.
    Logs(Vec<(LogName, usize)>),
}

impl Draft {
    /// The page's text, given what stands there; `None` where there should be no page.
    pub(super) fn compose(&self, old: &str, documentation: bool) -> Option<String> {
        let dated = |compose: &dyn Fn(&str) -> String| Some(dated(old, self.as_of, compose));
        match &self.facts {
            Facts::Instance { seen, fqdn } => {
                let page = InstancePage {
                    instance: &seen.instance,
                    last_reboot: seen.last_reboot,
                    created_by: seen.created_by.as_deref(),
                    fqdn: fqdn.as_deref(),
                    puppet: &seen.puppet,
                };
                dated(&|old| page.compose(old, documentation))
            }
            Facts::Project {
                project,
                wiki_names,
                instances,
                quotas,
            } => {
                let page = ProjectPage {
                    project,
                    wiki_names,
                    instances: instances.as_deref(),
                    quotas,
                };
                dated(&|old| page.compose(old, documentation))
            }
            // What was taken back before it had a page needs none.
            Facts::DeletedProject { .. } if old.is_empty() => None,
            Facts::DeletedProject { name, at } => Some(project::deleted(old, name, *at)),
            Facts::Request(request) => Some(request::compose(old, request)),
            Facts::Projects(projects) => dated(&|old| overview::projects(old, projects)),
            Facts::Instances { shown, noisy } => {
                dated(&|old| overview::instances(old, shown, noisy))
            }
            Facts::Summary { project, instances } => match instances {
                Some(instances) => dated(&|old| noisy::summed_up(old, project, instances)),
                None => (!old.is_empty()).then(|| noisy::no_longer(old, project)),
            },
            Facts::NameInUse { target } => Some(redirect::in_use(old, target)),
            // A name that never had a page needs none now.
            Facts::NameUnused { .. } if old.is_empty() => None,
            Facts::NameUnused {
                name,
                project,
                region,
                last,
            } => Some(redirect::no_longer_in_use(old, name, project, region, last)),
            Facts::Audit { newest } => Some(audit::compose(old, newest)),
            Facts::Logs(logs) => Some(log::combined(old, logs)),
        }
    }
}

impl Documenter {
    /// Gathers a page's facts; `None` where there is nothing to write.
    pub(super) async fn gather(&self, key: &PageKey) -> Result<Option<Draft>, PortError> {
        match key {
            PageKey::Instance { region, id } => self.instance(key, region, *id).await,
            PageKey::Project { project } => self.project(project).await,
            PageKey::Redirect {
                region,
                project,
                name,
            } => self.name(region, project, name).await,
            PageKey::Summary { project } => self.summary(project).await,
            PageKey::Request { id } => {
                let request = self.requests.request(*id).await?;
                let title = title::request_title(*id);
                Ok(request.map(|it| Draft::new(title, Facts::Request(Box::new(it)), self.now())))
            }
            PageKey::Projects => self.projects().await,
            PageKey::Instances => self.instances().await.map(Some),
            PageKey::Audit => {
                let newest = self.audit.anchors(audit::LISTED).await?;
                Ok(Some(Draft::new(
                    title::AUDIT,
                    Facts::Audit { newest },
                    self.now(),
                )))
            }
            PageKey::Logs => {
                let logs = self.measured(self.logs.logs(log::SHOWN).await?).await?;
                Ok((!logs.is_empty())
                    .then(|| Draft::new(title::LOGS, Facts::Logs(logs), self.now())))
            }
        }
    }

    /// Logs with the lengths of their pages; of one that was moved, of what is shown in its place.
    async fn measured(&self, logs: Vec<LogName>) -> Result<Vec<(LogName, usize)>, PortError> {
        let titles: Vec<String> = logs.iter().map(log::title).collect();
        let mut pages = self.wiki.pages(&titles).await?;
        let moved: Vec<(usize, String)> = (pages.iter().enumerate())
            .filter_map(|(at, page)| Some((at, log::leads_to(&page.text)?)))
            .collect();
        let (places, titles): (Vec<usize>, Vec<String>) = moved.into_iter().unzip();
        if !titles.is_empty() {
            for (place, page) in places.into_iter().zip(self.wiki.pages(&titles).await?) {
                if let Some(there) = pages.get_mut(place) {
                    *there = page;
                }
            }
        }
        let lengths = pages.iter().map(|page| page.text.len());
        Ok(logs.into_iter().zip(lengths).collect())
    }

    async fn instance(
        &self,
        key: &PageKey,
        region: &Region,
        id: InstanceId,
    ) -> Result<Option<Draft>, PortError> {
        let seen = self.index.seen(region, id).await?.ok_or_else(|| {
            PortError::new(
                "nova",
                "compose page of",
                id.to_string(),
                Kind::Unavailable,
                "the instance has not been seen yet",
            )
        })?;
        let fqdn = self.settings.fqdn(&seen.instance);
        if self.settings.is_noisy(&seen.instance.project) && !self.stands(key).await? {
            return Ok(None);
        }
        let title = self.instance_title(key, id).await?;
        let as_of = seen.as_of;
        let seen = Box::new(seen);
        let facts = Facts::Instance { seen, fqdn };
        Ok(Some(Draft::new(title, facts, as_of)))
    }

    /// Whether a page was written once.
    async fn stands(&self, key: &PageKey) -> Result<bool, PortError> {
        let record = self.pages.page(key).await?;
        Ok(record.is_some_and(|record| record.page_id.is_some()))
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    /// When our copy of the cloud was last read through, of the region where that is longest ago.
    pub(super) async fn read_through(&self) -> Result<DateTime<Utc>, PortError> {
        let mut oldest = self.now();
        for region in self.settings.region_names() {
            if let Some(at) = self.index.watermark(&region).await? {
                oldest = oldest.min(at);
            }
        }
        Ok(oldest)
    }

    async fn project(&self, name: &ProjectName) -> Result<Option<Draft>, PortError> {
        let as_of = self.now();
        let Some(project) = self.directory.project(name).await? else {
            let Some(at) = self.pins.deleted(name).await? else {
                debug!(project = %name, "not in LDAP; its page is left as it is");
                return Ok(None);
            };
            let name = name.clone();
            let title = title::project_title(&name);
            return Ok(Some(Draft::new(
                title,
                Facts::DeletedProject { name, at },
                as_of,
            )));
        };
        let pins = self.pins.pins().await?;
        let Some(pin) = pins.into_iter().find(|pin| pin.name == *name) else {
            return Ok(None);
        };
        let instances = if self.settings.is_noisy(name) {
            None
        } else {
            let known = self.living(vec![name.clone()], u32::MAX).await?;
            let titles = self.titled(&known).await?;
            let listed = known.iter().zip(titles).map(|(seen, title)| Listed {
                title,
                name: seen.instance.name.clone(),
                region: seen.instance.region.clone(),
            });
            Some(listed.collect())
        };
        let wiki_names = self.wiki_names(&project).await?;
        let quotas = self.quotas(&pin).await?;
        let project = ManagedProject {
            project,
            project_id: pin.project_id,
        };
        let facts = Facts::Project {
            project,
            wiki_names,
            instances,
            quotas,
        };
        Ok(Some(Draft::new(title::project_title(name), facts, as_of)))
    }

    /// The wiki names of a project's people, where somebody linked them.
    async fn wiki_names(&self, project: &Project) -> Result<WikiNames, PortError> {
        let links = self.links.links().await?;
        let linked = project
            .members
            .iter()
            .filter_map(|member| Some((&member.entry, *links.get(&member.entry)?)));
        let ids: Vec<u64> = linked.clone().map(|(_, id)| id).collect();
        let names = self.wiki.user_names(&ids).await?;
        Ok(linked
            .filter_map(|(entry, id)| Some((entry.clone(), names.get(&id)?.clone())))
            .collect())
    }

    /// The page of a name: leads to the instance that has it now.
    async fn name(
        &self,
        region: &Region,
        project: &ProjectName,
        name: &str,
    ) -> Result<Option<Draft>, PortError> {
        let Some(title) = title::redirect_title(name, project, region) else {
            debug!(name, "cannot be a title");
            return Ok(None);
        };
        let key = PageKey::Redirect {
            region: region.clone(),
            project: project.clone(),
            name: name.to_owned(),
        };
        let noisy = self.settings.is_noisy(project);
        if noisy && !self.stands(&key).await? {
            return Ok(None);
        }
        let filter = InstanceFilter {
            projects: Some(vec![project.clone()]),
            region: Some(region.clone()),
            name: Some(name.to_owned()),
            deleted: true,
            limit: u32::MAX,
            after: None,
        };
        let found = self.index.list(&filter).await?;
        let mut bearers: Vec<&Instance> = found.iter().map(|seen| &seen.instance).collect();
        if noisy {
            let ids: Vec<InstanceId> = bearers.iter().map(|i| i.id).collect();
            let titles = self.pages.instance_titles(region, &ids).await?;
            bearers.retain(|i| titles.contains_key(&i.id));
        }
        bearers.sort_by_key(|i| (i.deleted.is_none(), i.created));
        let Some(bearer) = bearers.last() else {
            return Ok(None);
        };
        let target = self.title_of(bearer).await?;
        let facts = match bearer.deleted {
            None => Facts::NameInUse { target },
            Some(_) => Facts::NameUnused {
                name: name.to_owned(),
                project: project.clone(),
                region: region.clone(),
                last: target,
            },
        };
        Ok(Some(Draft::new(title, facts, self.now())))
    }
}
