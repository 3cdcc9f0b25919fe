//! Pages that somebody else has saved, or deleted, since we did: at a full comparison they are looked at again, since
//! nobody tells us of an edit. What stands there is compared before anything is written.

use super::Observer;
use osm_core::instance::Instance;
use osm_core::pages::summary;
use osm_core::ports::{PageKey, PageRecord, PortError};
use tracing::warn;

impl Observer {
    /// Has the pages and the names of these instances looked at, where they are not as we saved them.
    pub(super) async fn look_for_edited(&self, managed: &[Instance]) -> Result<(), PortError> {
        let living = managed.iter().filter(|new| new.deleted.is_none());
        let living = living.filter(|new| !self.settings.is_noisy(&new.project));
        let keys: Vec<(PageKey, &Instance)> = living
            .flat_map(|new| {
                let (region, project) = (new.region.clone(), new.project.clone());
                let page = PageKey::Instance {
                    region: region.clone(),
                    id: new.id,
                };
                let name = PageKey::Redirect {
                    region,
                    project,
                    name: new.name.clone(),
                };
                [(page, new), (name, new)]
            })
            .collect();
        let stored: Vec<PageKey> = keys.iter().map(|(key, _)| key.clone()).collect();
        let known = self.pages.records(&stored).await?;
        let ids: Vec<u64> = known.values().filter_map(|record| record.page_id).collect();
        // Without the wiki nothing can be written either; the next comparison looks again.
        let revisions = match self.wiki.revisions(&ids).await {
            Ok(revisions) => revisions,
            Err(error) => {
                warn!(%error, "who has edited our pages cannot be seen now");
                return Ok(());
            }
        };
        for (key, instance) in keys {
            let Some(PageRecord {
                page_id: Some(id),
                revision,
                ..
            }) = known.get(&key)
            else {
                continue;
            };
            if revisions.get(id) != Some(revision) {
                self.due(key, &summary::righted(&instance.name), None)
                    .await?;
            }
        }
        Ok(())
    }
}
