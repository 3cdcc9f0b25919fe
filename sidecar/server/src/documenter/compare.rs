//! Whether pages stand as composed, without writing any.

use super::Documenter;
use super::compose::Draft;
use crate::drift::Compares;
use async_trait::async_trait;
use osm_core::drift::Found;
use osm_core::ids::ProjectName;
use osm_core::ports::{PageKey, PortError};

#[async_trait]
impl Compares for Documenter {
    async fn stand(
        &self,
        keys: Vec<(PageKey, Option<ProjectName>)>,
    ) -> Result<Vec<Found>, PortError> {
        let mut drafts = Vec::new();
        for (key, project) in keys {
            if let Some(draft) = self.gather(&key).await? {
                drafts.push((key, project, draft));
            }
        }
        let titles: Vec<String> = drafts.iter().map(|(_, _, d)| d.title.clone()).collect();
        let standing = self.wiki.pages(&titles).await?;
        let mut found = Vec::new();
        for ((key, project, draft), page) in drafts.into_iter().zip(standing) {
            let page = self.moved(&key, Some(page)).await?.unwrap_or_default();
            found.push(Found {
                key,
                project,
                title: draft.title.clone(),
                revision: page.revision,
                as_composed: as_composed(&draft, &page.text, self.documentation),
            });
        }
        Ok(found)
    }
}

/// Where there should be no page it does not matter which there is.
fn as_composed(draft: &Draft, text: &str, documentation: bool) -> bool {
    draft
        .compose(text, documentation)
        .is_none_or(|composed| composed == text)
}
