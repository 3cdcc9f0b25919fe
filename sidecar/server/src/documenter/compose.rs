//! Gathers what a page is composed from.

use super::Documenter;
use osm_core::audit::Anchor;
use osm_core::ids::{InstanceId, ProjectName, Region};
use osm_core::instance::Instance;
use osm_core::pages::instance::InstancePage;
use osm_core::pages::project::{Listed, ProjectPage};
use osm_core::pages::{audit, redirect, title};
use osm_core::ports::{InstanceFilter, Kind, PageKey, PageState, PortError, Seen};
use osm_core::project::{ManagedProject, WikiNames};
use std::collections::BTreeMap;
use tracing::debug;

/// Digits of a title, in the order tried.
const DIGITS: [usize; 4] = [title::DIGITS, 12, 16, 32];

/// A page with all the facts it is composed from.
pub(super) struct Draft {
    pub(super) title: String,
    /// Of no interest to readers of recent changes.
    pub(super) quiet: bool,
    facts: Facts,
}

enum Facts {
    Instance {
        seen: Box<Seen>,
        fqdn: Option<String>,
    },
    Project {
        project: ManagedProject,
        wiki_names: WikiNames,
        instances: Vec<Listed>,
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
}

impl Draft {
    /// The page's text, given what stands there; `None` where there should be no page.
    pub(super) fn compose(&self, old: &str, documentation: bool) -> Option<String> {
        match &self.facts {
            Facts::Instance { seen, fqdn } => {
                let page = InstancePage {
                    instance: &seen.instance,
                    last_reboot: seen.last_reboot,
                    created_by: seen.created_by.as_deref(),
                    fqdn: fqdn.as_deref(),
                };
                Some(page.compose(old, documentation))
            }
            Facts::Project {
                project,
                wiki_names,
                instances,
            } => {
                let page = ProjectPage {
                    project,
                    wiki_names,
                    instances,
                };
                Some(page.compose(old, documentation))
            }
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
            PageKey::Audit => Ok(Some(Draft {
                title: title::AUDIT.to_owned(),
                quiet: true,
                facts: Facts::Audit {
                    newest: self.audit.anchors(audit::LISTED).await?,
                },
            })),
        }
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
        let fqdn = self.fqdn(&seen.instance);
        Ok(Some(Draft {
            title: self.instance_title(key, id).await?,
            quiet: false,
            facts: Facts::Instance {
                seen: Box::new(seen),
                fqdn,
            },
        }))
    }

    fn fqdn(&self, instance: &Instance) -> Option<String> {
        let region = self
            .settings
            .regions
            .iter()
            .find(|r| r.name == instance.region)?;
        let domain = region.domain.as_deref()?;
        Some(format!("{}.{}.{domain}", instance.name, instance.project))
    }

    /// The instance's title: the one it has, else the shortest that is free both with us and on the wiki.
    async fn instance_title(&self, key: &PageKey, id: InstanceId) -> Result<String, PortError> {
        if let Some(record) = self.pages.page(key).await? {
            return Ok(record.title);
        }
        for digits in DIGITS {
            let title = title::instance_title(id, digits);
            let standing = self.wiki.pages(std::slice::from_ref(&title)).await?;
            let taken = standing.iter().any(|page| another(page, id));
            if !taken && self.pages.reserve_title(key, &title).await? {
                return Ok(title);
            }
        }
        Err(PortError::new(
            "wiki",
            "find a title for",
            id.to_string(),
            Kind::Conflict,
            "even the whole UUID is taken as a title; a page of that name was made by hand",
        ))
    }

    async fn project(&self, name: &ProjectName) -> Result<Option<Draft>, PortError> {
        let Some(project) = self.directory.project(name).await? else {
            debug!(project = %name, "not in LDAP; its page is left as it is");
            return Ok(None);
        };
        let pins = self.pins.pins().await?;
        let Some(pin) = pins.into_iter().find(|pin| pin.name == *name) else {
            return Ok(None);
        };
        let filter = InstanceFilter {
            projects: Some(vec![name.clone()]),
            limit: u32::MAX,
            ..InstanceFilter::default()
        };
        let mut instances = Vec::new();
        let known = self.index.list(&filter).await?;
        let titles = self.titles(&known).await?;
        for seen in &known {
            let i = &seen.instance;
            instances.push(match titles.get(&i.id) {
                Some(title) => Listed {
                    title: title.clone(),
                    name: i.name.clone(),
                    region: i.region.clone(),
                },
                None => self.listed(i).await?,
            });
        }
        Ok(Some(Draft {
            title: title::project_title(name),
            quiet: false,
            facts: Facts::Project {
                wiki_names: self.wiki_names(&project).await?,
                project: ManagedProject {
                    project,
                    project_id: pin.project_id,
                },
                instances,
            },
        }))
    }

    /// The titles that these instances have already, and for the others the shortest where it is free: the
    /// wiki is asked once for all of them.
    async fn titles(&self, known: &[Seen]) -> Result<BTreeMap<InstanceId, String>, PortError> {
        let mut titles = BTreeMap::new();
        for region in self.settings.region_names() {
            let ids: Vec<InstanceId> = known
                .iter()
                .filter(|seen| seen.instance.region == region)
                .map(|seen| seen.instance.id)
                .collect();
            titles.extend(self.pages.instance_titles(&region, &ids).await?);
        }
        let untitled: Vec<&Instance> = known
            .iter()
            .map(|seen| &seen.instance)
            .filter(|i| !titles.contains_key(&i.id))
            .collect();
        let shortest: Vec<String> = untitled
            .iter()
            .map(|i| title::instance_title(i.id, title::DIGITS))
            .collect();
        let standing = self.wiki.pages(&shortest).await?;
        for ((i, title), page) in untitled.into_iter().zip(shortest).zip(standing) {
            let key = PageKey::Instance {
                region: i.region.clone(),
                id: i.id,
            };
            if !another(&page, i.id) && self.pages.reserve_title(&key, &title).await? {
                titles.insert(i.id, title);
            }
        }
        Ok(titles)
    }

    async fn listed(&self, instance: &Instance) -> Result<Listed, PortError> {
        let key = PageKey::Instance {
            region: instance.region.clone(),
            id: instance.id,
        };
        Ok(Listed {
            title: self.instance_title(&key, instance.id).await?,
            name: instance.name.clone(),
            region: instance.region.clone(),
        })
    }

    /// The wiki names of a project's people, where somebody linked them.
    async fn wiki_names(
        &self,
        project: &osm_core::project::Project,
    ) -> Result<WikiNames, PortError> {
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
        bearers.sort_by_key(|i| (i.deleted.is_none(), i.created));
        let Some(bearer) = bearers.last() else {
            return Ok(None);
        };
        let instance = self.listed(bearer).await?;
        Ok(Some(Draft {
            title,
            quiet: true,
            facts: match bearer.deleted {
                None => Facts::NameInUse {
                    target: instance.title,
                },
                Some(_) => Facts::NameUnused {
                    name: name.to_owned(),
                    project: project.clone(),
                    region: region.clone(),
                    last: instance.title,
                },
            },
        }))
    }
}

/// Whether a title's page is about something else. One that names the whole id is the instance's own: we wrote
/// it, and the database that knew was lost.
fn another(page: &PageState, id: InstanceId) -> bool {
    page.page_id.is_some() && !page.text.contains(&id.to_string())
}
