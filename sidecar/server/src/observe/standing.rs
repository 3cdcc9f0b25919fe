//! Pages that are not there, since the project was noisy before, or that somebody else has saved or deleted since we
//! did: at a full comparison they are looked at again, since nobody tells us of an edit. What stands there is compared
//! before anything is written.

use super::Observer;
use super::ours::Ours;
use osm_core::instance::Instance;
use osm_core::pages::{summary, touched};
use osm_core::ports::{PageKey, PageRecord, PortError};
use std::collections::BTreeMap;
use tracing::warn;

impl Observer {
    /// Has the pages and the names of these instances looked at, where they are not as we saved them.
    pub(super) async fn look_at_pages(
        &self,
        managed: &[Instance],
        ours: &Ours,
    ) -> Result<(), PortError> {
        let living = managed.iter().filter(|new| new.deleted.is_none());
        let living = living.filter(|new| !self.settings.is_noisy(&new.project));
        let living: Vec<(&Instance, [PageKey; 2])> =
            living.map(|new| (new, pages_of(new))).collect();
        let keys = living
            .iter()
            .flat_map(|(_, keys)| keys.clone())
            .collect::<Vec<_>>();
        let known = self.pages.records(&keys).await?;
        let latest = self.latest(&known).await;
        for (new, keys) in living {
            let [page, _] = &keys;
            if known.get(page).and_then(|record| record.page_id).is_none() {
                self.found(new, ours).await?;
                continue;
            }
            for key in keys {
                let Some((record, latest)) = known.get(&key).zip(latest.as_ref()) else {
                    continue;
                };
                let edited = |id| latest.get(&id) != Some(&record.revision);
                if record.page_id.is_some_and(edited) {
                    self.due(key, &summary::righted(&new.name), None).await?;
                }
            }
        }
        Ok(())
    }

    async fn found(&self, new: &Instance, ours: &Ours) -> Result<(), PortError> {
        if self.at_work_on(ours, new).await {
            return Ok(());
        }
        let what = summary::found(&new.name, &new.project);
        for key in touched::by_change(None, new, false) {
            self.due(key, &what, None).await?;
        }
        Ok(())
    }

    /// The latest revisions of pages by their ids. Without the wiki nothing can be written either; the next
    /// comparison looks again.
    async fn latest(&self, known: &BTreeMap<PageKey, PageRecord>) -> Option<BTreeMap<u64, u64>> {
        let ids: Vec<u64> = known.values().filter_map(|record| record.page_id).collect();
        let asked = self.wiki.revisions(&ids).await;
        asked
            .inspect_err(|error| warn!(%error, "who has edited our pages cannot be seen now"))
            .ok()
    }
}

/// Its page, and that of its name.
fn pages_of(instance: &Instance) -> [PageKey; 2] {
    let (region, project) = (instance.region.clone(), instance.project.clone());
    let page = PageKey::Instance {
        region: region.clone(),
        id: instance.id,
    };
    let name = PageKey::Redirect {
        region,
        project,
        name: instance.name.clone(),
    };
    [page, name]
}
