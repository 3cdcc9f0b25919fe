//! Asks everybody what they say, for [`osm_core::drift`] to compare. Who does not answer is named, and what
//! rests on them is left out of the comparison.

mod heard;
mod latest;

use crate::actions::{Clock, Settings};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use heard::Heard;
pub use latest::Latest;
use osm_core::drift::{Difference, Found, LdapWorld, Waiting, World, compare};
use osm_core::ids::ProjectName;
use osm_core::ports::{
    ComputeRead, Directory, Identity, InstanceFilter, InstanceIndex, OperationFilter, Operations,
    PageKey, Pages, Pins, PortError, Seen, Since,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Pages of servers that are gone for longer are not looked at any more.
const REMEMBERED: TimeDelta = TimeDelta::days(30);
/// Operations under way that are heeded.
const OPEN: u32 = 10_000;

/// Whether pages stand as composed. The documenter's word, without its hands.
#[async_trait]
pub trait Compares: Send + Sync {
    /// These pages, in whatever order; one about which there is nothing to say is left out.
    async fn stand(
        &self,
        keys: Vec<(PageKey, Option<ProjectName>)>,
    ) -> Result<Vec<Found>, PortError>;
}

/// Compares cloud, LDAP and wiki.
pub struct Drift {
    /// Nova.
    pub compute: Arc<dyn ComputeRead>,
    /// LDAP.
    pub directory: Arc<dyn Directory>,
    /// Keystone.
    pub identity: Arc<dyn Identity>,
    /// Pairs of ids.
    pub pins: Arc<dyn Pins>,
    /// Our copy of the cloud.
    pub index: Arc<dyn InstanceIndex>,
    /// Operations.
    pub operations: Arc<dyn Operations>,
    /// Pages known and pages that wait.
    pub pages: Arc<dyn Pages>,
    /// The wiki's pages.
    pub wiki: Arc<dyn Compares>,
    /// The regions, and what members are assigned.
    pub settings: Arc<Settings>,
    /// The time.
    pub clock: Clock,
}

/// What differs, and what could not be compared.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What is said differently.
    pub differences: Vec<Difference>,
    /// Who did not answer, and what they or we said of that.
    pub unheard: Vec<PortError>,
}

impl Drift {
    /// Compares. Only where our own database does not answer there is nothing to compare with.
    pub async fn report(&self) -> Result<Report, PortError> {
        let now = (self.clock)();
        let mut heard = Heard::default();
        let mut world = World {
            busy: self.busy().await?,
            waiting: self.pages.queued().await?,
            pins: self.pins.pins().await?,
            ..World::default()
        };
        self.people(&mut world, &mut heard).await;
        self.servers(&mut world, &mut heard, now).await?;
        let keys = self.keys(&world, now).await?;
        world.pages.extend(missing(&keys));
        let standing = self.wiki.stand(keys.there).await;
        world.pages.extend(heard.take(standing).unwrap_or_default());
        // What has begun meanwhile is under way as well.
        world.busy.extend(self.busy().await?);
        let waits = self.pages.queued().await?;
        world.waiting.extend(newer(&world.waiting, waits));
        Ok(Report {
            differences: compare(&world, (self.clock)()),
            unheard: heard.unheard,
        })
    }

    async fn people(&self, world: &mut World, heard: &mut Heard) {
        let ldap = async {
            Ok(LdapWorld {
                projects: self.directory.projects().await?,
                places: self.directory.places().await?,
            })
        };
        world.ldap = heard.take(ldap.await);
        let own = &self.settings.own_projects;
        let keystone = heard.take(self.identity.our_projects().await);
        world.keystone = keystone.map(|mut projects| {
            projects.retain(|project| !own.contains(&project.name));
            projects
        });
        if let (Some(role), Some(_)) = (&self.settings.cloud_role, &world.keystone) {
            let domain = &self.settings.people_domain;
            let assigned = heard.take(self.identity.assigned(role, domain, None).await);
            world.assigned = assigned.map(|assigned| (role.clone(), assigned));
        }
    }

    async fn servers(
        &self,
        world: &mut World,
        heard: &mut Heard,
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        for region in self.settings.region_names() {
            let read_at = (self.clock)();
            let listed = self.compute.servers(&region, Since::Everything).await;
            if let Some(servers) = heard.take(listed) {
                world.servers.insert(region, (read_at, servers));
            }
        }
        // After Nova, so that it is never the older of the two.
        let all = InstanceFilter {
            deleted: true,
            limit: u32::MAX,
            ..InstanceFilter::default()
        };
        world.index = self.index.list(&all).await?;
        self.lost(world, heard).await;
        self.strays(world, heard, now).await
    }

    /// What Nova did not list: each is asked for by its id.
    async fn lost(&self, world: &mut World, heard: &mut Heard) {
        let World {
            servers,
            index,
            gone,
            ..
        } = world;
        for (region, (_, listed)) in servers {
            let listed: BTreeSet<_> = listed.iter().map(|server| server.id).collect();
            let unlisted = index
                .iter()
                .map(|seen| &seen.instance)
                .filter(|i| i.region == *region && i.deleted.is_none() && !listed.contains(&i.id));
            for server in unlisted {
                let asked = self.compute.server(region, &server.project_id, server.id);
                if heard.take(asked.await) == Some(None) {
                    gone.insert(server.id);
                }
            }
        }
    }

    async fn busy(&self) -> Result<BTreeSet<String>, PortError> {
        let filter = OperationFilter {
            open: true,
            limit: OPEN,
            ..OperationFilter::default()
        };
        let open = self.operations.operations(&filter).await?;
        let mut busy = BTreeSet::new();
        for operation in open {
            busy.insert(operation.plan.resource());
            // A server that is being made names its operation before we know it.
            busy.insert(operation.id.to_string());
            let region = &operation.plan.region;
            busy.extend(
                operation
                    .instance
                    .map(|id| format!("{region}/instance/{id}")),
            );
        }
        Ok(busy)
    }

    /// The pages that there are to be.
    async fn keys(&self, world: &World, now: DateTime<Utc>) -> Result<Keys, PortError> {
        let mut keys = Keys::default();
        let lately = |seen: &&Seen| {
            let deleted = seen.instance.deleted;
            deleted.is_none_or(|at| now - at < REMEMBERED)
        };
        for region in self.settings.region_names() {
            let here = |seen: &&Seen| seen.instance.region == region;
            let index = world.index.iter().filter(here);
            let shown: Vec<&Seen> = index.filter(lately).collect();
            let ids: Vec<_> = shown.iter().map(|seen| seen.instance.id).collect();
            let titled = self.pages.instance_titles(&region, &ids).await?;
            for seen in shown {
                let i = &seen.instance;
                // One page tells of all of these; a page from before is gone on with.
                if self.settings.is_noisy(&i.project) && !titled.contains_key(&i.id) {
                    continue;
                }
                let project = Some(i.project.clone());
                let key = PageKey::Instance {
                    region: region.clone(),
                    id: i.id,
                };
                match (titled.contains_key(&i.id), i.deleted) {
                    (true, _) => keys.there.push((key, project.clone())),
                    (false, None) => keys.untitled.push((key, i.id, project.clone())),
                    // What was over before we saw it is nobody's page.
                    (false, Some(_)) => {}
                }
                if i.deleted.is_none() {
                    let name = PageKey::Redirect {
                        region: region.clone(),
                        project: i.project.clone(),
                        name: i.name.clone(),
                    };
                    keys.there.push((name, project));
                }
            }
        }
        let pinned = world.pins.iter().map(|pin| &pin.name);
        keys.there.extend(pinned.map(|project| {
            let key = PageKey::Project {
                project: project.clone(),
            };
            (key, Some(project.clone()))
        }));
        let noisy = self.settings.noisy.iter();
        let noisy = noisy.filter(|p| world.pins.iter().any(|pin| pin.name == **p));
        keys.there.extend(noisy.map(|project| {
            let key = PageKey::Summary {
                project: project.clone(),
            };
            (key, Some(project.clone()))
        }));
        for key in [PageKey::Projects, PageKey::Instances, PageKey::Audit] {
            // One that was never written is at its first look.
            if self.pages.page(&key).await?.is_some() {
                keys.there.push((key, None));
            }
        }
        Ok(keys)
    }
}

#[derive(Default)]
struct Keys {
    there: Vec<(PageKey, Option<ProjectName>)>,
    /// Pages that were never written.
    untitled: Vec<(PageKey, osm_core::ids::InstanceId, Option<ProjectName>)>,
}

fn missing(keys: &Keys) -> impl Iterator<Item = Found> {
    use osm_core::pages::title::{DIGITS, instance_title};
    keys.untitled.iter().map(|(key, id, project)| Found {
        key: key.clone(),
        title: instance_title(*id, DIGITS),
        project: project.clone(),
        revision: 0,
        as_composed: false,
    })
}

fn newer(known: &[Waiting], now: Vec<Waiting>) -> Vec<Waiting> {
    let known: BTreeSet<&PageKey> = known.iter().map(|page| &page.key).collect();
    let new = now.into_iter().filter(|page| !known.contains(&page.key));
    new.collect()
}
