//! What instances' pages are called: each has its title from the first time on that it is named anywhere.

use super::Documenter;
use osm_core::ids::InstanceId;
use osm_core::instance::Instance;
use osm_core::pages::title;
use osm_core::ports::{Kind, PageKey, PageState, PortError, Seen};
use std::collections::BTreeMap;

/// Digits of a title, in the order tried.
const DIGITS: [usize; 4] = [title::DIGITS, 12, 16, 32];

impl Documenter {
    /// The instance's title: the one it has, else the shortest that is free both with us and on the wiki.
    pub(super) async fn instance_title(
        &self,
        key: &PageKey,
        id: InstanceId,
    ) -> Result<String, PortError> {
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

    pub(super) async fn title_of(&self, instance: &Instance) -> Result<String, PortError> {
        self.instance_title(&key_of(instance), instance.id).await
    }

    /// The titles of these, in their order.
    pub(super) async fn titled(&self, known: &[Seen]) -> Result<Vec<String>, PortError> {
        let mut titles = self.titles(known).await?;
        let mut titled = Vec::new();
        for seen in known {
            titled.push(match titles.remove(&seen.instance.id) {
                Some(title) => title,
                None => self.title_of(&seen.instance).await?,
            });
        }
        Ok(titled)
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
            if !another(&page, i.id) && self.pages.reserve_title(&key_of(i), &title).await? {
                titles.insert(i.id, title);
            }
        }
        Ok(titles)
    }
}

fn key_of(instance: &Instance) -> PageKey {
    PageKey::Instance {
        region: instance.region.clone(),
        id: instance.id,
    }
}

/// Whether a title's page is about something else. One that names the whole id is the instance's own: we wrote
/// it, and the database that knew was lost.
fn another(page: &PageState, id: InstanceId) -> bool {
    page.page_id.is_some() && !page.text.contains(&id.to_string())
}
