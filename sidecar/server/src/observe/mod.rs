//! Sees what changes in the cloud and in LDAP, whoever changed it, and hands it to the documenter.
//!
//! Three ways: notifications (`listen`), `changes-since` every few seconds as the net below them, and a full
//! comparison at start, now and then, and when notifications were missed. An error or an empty answer changes
//! nothing: an instance is held deleted only on Nova's word for that very id.

mod change;
mod hosts;
mod listen;
mod looks;
mod missing;
mod ours;
mod standing;
pub(crate) mod strays;
mod who;

pub use listen::Listener;
pub use who::Who;

use crate::actions::{Clock, Settings};
use crate::restored::{Restored, made_by};
use crate::telemetry::metrics;
use change::{differing, seen, settle};
use chrono::{DateTime, TimeDelta, Utc};
use osm_core::ids::{InstanceId, ProjectId, ProjectName, Region};
use osm_core::instance::Instance;
use osm_core::pages::summary;
use osm_core::ports::{
    ComputeRead, Directory, Identity, InstanceFilter, InstanceIndex, OperationFilter, Operations,
    PageKey, Pages, Pin, Pins, PortError, Seen, Since, Trace, WikiRead,
};
use ours::{Claim, Ours};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tracing::{debug, error, warn};
use who::Doer;

/// Asked again from so far before the last look: clocks differ, and changes land late.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);
/// What changed so short a time ago is left to its notification, which says who did it. The next look tells of
/// what was not notified; a full comparison leaves nothing out.
const YOUNG: TimeDelta = TimeDelta::seconds(3);
/// A comparison that was not finished is begun again after so long, each time twice as long; what changes is looked
/// at meanwhile.
const AGAIN: TimeDelta = TimeDelta::seconds(10);
/// Open operations looked at.
const OPEN: u32 = 1000;

/// Watches the cloud.
pub struct Observer {
    /// Reading the cloud.
    pub compute: Arc<dyn ComputeRead>,
    /// LDAP.
    pub directory: Arc<dyn Directory>,
    /// Keystone.
    pub identity: Arc<dyn Identity>,
    /// Pairs of project ids.
    pub pins: Arc<dyn Pins>,
    /// Our copy of the cloud.
    pub index: Arc<dyn InstanceIndex>,
    /// Operations, to tell our own doings from others'.
    pub operations: Arc<dyn Operations>,
    /// The outbox towards the wiki.
    pub pages: Arc<dyn Pages>,
    /// MediaWiki.
    pub wiki: Arc<dyn WikiRead>,
    /// Compares what the database knows with what the world remembers.
    pub restored: Arc<Restored>,
    /// The regions.
    pub settings: Arc<Settings>,
    /// To be rung when a page is due.
    pub page_bell: Arc<Notify>,
    /// To be rung when an operation was recorded.
    pub work_bell: Arc<Notify>,
    /// Rung when notifications were missed: everything is to be compared.
    pub missed: Arc<Notify>,
    /// Between two looks.
    pub poll: Duration,
    /// Between two full comparisons.
    pub compare: Duration,
    /// The time.
    pub clock: Clock,
}

impl Observer {
    /// Watches until told to stop.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let compare = TimeDelta::from_std(self.compare).unwrap_or(TimeDelta::MAX);
        // When everything was compared last, and how long after that it is again.
        let mut begun: Option<(DateTime<Utc>, TimeDelta)> = None;
        let mut again = AGAIN;
        let mut hosts: Option<DateTime<Utc>> = None;
        while !*shutdown.borrow() {
            let now = (self.clock)();
            let full = begun.is_none_or(|(at, wait)| now - at >= wait);
            let looked = self.look(full, now).await;
            if full {
                begun = Some((now, if looked { compare } else { again.min(compare) }));
                again = if looked {
                    AGAIN
                } else {
                    (again * 2).min(compare)
                };
            }
            self.look_at_hosts(full, &mut hosts, now).await;
            tokio::select! {
                () = tokio::time::sleep(self.poll) => {}
                () = self.missed.notified() => begun = None,
                _ = shutdown.changed() => {}
            }
        }
    }

    /// Says whether nothing failed. What does keeps nobody from looking at the rest.
    async fn look(&self, full: bool, now: DateTime<Utc>) -> bool {
        let projects = match full {
            true => looked(self.look_at_projects().await).is_some(),
            false => true,
        };
        let Some(names) = looked(self.names().await) else {
            return false;
        };
        let full = full && projects;
        let mut made = Some(Vec::new());
        for region in self.settings.region_names() {
            let seen = looked(self.look_at_region(&region, &names, full, now).await);
            made = made.zip(seen).map(|(made, seen)| [made, seen].concat());
        }
        match made {
            Some(made) if full => looked(self.restored.compare(made).await).is_some(),
            made => projects && made.is_some(),
        }
    }

    /// The projects that we document.
    async fn names(&self) -> Result<BTreeMap<ProjectId, ProjectName>, PortError> {
        let pins = self.pins.pins().await?.into_iter();
        Ok(pins.map(|pin| (pin.project_id, pin.name)).collect())
    }

    /// Pins the projects that LDAP and Keystone both have, and has their pages looked at.
    async fn look_at_projects(&self) -> Result<(), PortError> {
        let known: BTreeMap<String, ProjectId> = self
            .identity
            .our_projects()
            .await?
            .into_iter()
            .filter(|k| k.enabled)
            .map(|k| (k.name, k.id))
            .collect();
        for project in self.directory.projects().await? {
            let Some(project_id) = known.get(project.name.as_str()) else {
                debug!(project = %project.name, "in LDAP, not in Keystone or not open to our account");
                continue;
            };
            let wanted = Pin {
                name: project.name.clone(),
                entry: project.entry,
                project_id: project_id.clone(),
            };
            let held = self.pins.pin(&wanted).await?;
            if held == wanted {
                let what = summary::project(&project.name, "facts");
                let project = project.name;
                self.due(
                    PageKey::Summary {
                        project: project.clone(),
                    },
                    &what,
                    None,
                )
                .await?;
                self.due(PageKey::Project { project }, &what, None).await?;
            } else {
                error!(
                    ?wanted,
                    ?held,
                    "a project's pair of ids is not the one pinned; it is left alone"
                );
            }
        }
        for (key, list) in [
            (PageKey::Projects, "projects"),
            (PageKey::Instances, "instances"),
        ] {
            self.due(key, &summary::list(list), None).await?;
        }
        self.page_bell.notify_one();
        Ok(())
    }

    async fn look_at_region(
        &self,
        region: &Region,
        names: &BTreeMap<ProjectId, ProjectName>,
        full: bool,
        now: DateTime<Utc>,
    ) -> Result<Vec<Trace>, PortError> {
        let since = match self.index.watermark(region).await? {
            Some(at) if !full => Since::Changed(at - OVERLAP),
            _ => Since::Everything,
        };
        let servers = self.compute.servers(region, since).await?;
        let made = servers.iter().filter_map(made_by).collect();
        let ours = self.under_way().await?;
        let mut listed = BTreeSet::new();
        let mut managed = Vec::new();
        for server in servers {
            listed.insert(server.id);
            // Before us too: Nova's clock is another one.
            if !full && (now - server.updated).abs() < YOUNG {
                continue;
            }
            let Some(project) = names.get(&server.project_id) else {
                continue;
            };
            let instance = settle(Instance {
                project: project.clone(),
                ..server
            });
            managed.push(instance.clone());
            self.see(instance, now, &ours, None).await?;
        }
        self.look_for_strays(&managed, now).await?;
        if since == Since::Everything {
            self.look_for_missing(region, &listed, &ours, now).await?;
        }
        self.index.set_watermark(region, now).await?;
        if since == Since::Everything {
            self.look_at_pages(&managed, &ours).await?;
        }
        Ok(made)
    }

    /// What stands in the index and was not listed: each is asked for by its id.
    async fn look_for_missing(
        &self,
        region: &Region,
        listed: &BTreeSet<InstanceId>,
        ours: &Ours,
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        let mut after = None;
        loop {
            let filter = InstanceFilter {
                region: Some(region.clone()),
                limit: 1000,
                after,
                ..InstanceFilter::default()
            };
            let page = self.index.list(&filter).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            let i = &last.instance;
            after = Some((
                i.project.to_string(),
                i.region.to_string(),
                i.name.clone(),
                i.id.to_string(),
            ));
            for Seen { instance, .. } in page {
                if listed.contains(&instance.id) {
                    continue;
                }
                let asked = self
                    .compute
                    .server(region, &instance.project_id, instance.id);
                let asked = asked.await;
                if let Some(gone) = missing::gone(instance, asked) {
                    self.see(settle(gone), now, ours, None).await?;
                }
            }
        }
    }

    /// Whether an operation of ours is at work on a server: it tells of it itself. Anyone in the project can
    /// write the mark; nobody can write who made the server.
    async fn at_work_on(&self, ours: &Ours, server: &Instance) -> bool {
        match ours.claim(server) {
            Claim::Known => true,
            Claim::None => false,
            Claim::Marked => {
                let asked = self
                    .compute
                    .ours(&server.region, &server.project_id, server.id);
                // It is put down by now and seen only once: rather told of twice than not at all.
                asked.await.unwrap_or_else(|error| {
                    warn!(%error, instance = %server.id, "who made the server cannot be asked");
                    false
                })
            }
        }
    }

    /// Puts down what was seen; where it differs and is not our own doing, its pages are due with that, in the
    /// name of who did it where that is known.
    async fn see(
        &self,
        new: Instance,
        now: DateTime<Utc>,
        ours: &Ours,
        by: Option<&Doer>,
    ) -> Result<(), PortError> {
        let ours = self.at_work_on(ours, &new).await;
        let noisy = self.settings.is_noisy(&new.project);
        // No operation gives another name, so that is somebody else's doing.
        let told = |old: Option<&Instance>| match old {
            Some(old) if ours && old.name == new.name => Vec::new(),
            None if ours => Vec::new(),
            old => differing(old, &new, noisy, by),
        };
        let old = self.index.observe_and_tell(&new, now, &told).await?;
        if !told(old.as_ref()).is_empty() {
            self.page_bell.notify_one();
        }
        Ok(())
    }

    async fn due(&self, key: PageKey, what: &str, by: Option<&Doer>) -> Result<(), PortError> {
        self.pages.due(&seen(key, what, by)).await
    }

    async fn under_way(&self) -> Result<Ours, PortError> {
        let filter = OperationFilter {
            open: true,
            limit: OPEN,
            ..OperationFilter::default()
        };
        let open = self.operations.operations(&filter).await?;
        Ok(Ours {
            instances: open.iter().filter_map(|o| o.instance).collect(),
            creating: open
                .into_iter()
                .filter(|o| o.instance.is_none())
                .map(|o| (o.id.to_string(), o.plan.project_id))
                .collect(),
        })
    }
}

/// What came of a part of a look; a failure is told here, and changes nothing.
fn looked<T>(part: Result<T, PortError>) -> Option<T> {
    part.inspect_err(|error| {
        warn!(%error, "could not look; nothing is changed by that");
        metrics::backend_error(error);
    })
    .ok()
}
