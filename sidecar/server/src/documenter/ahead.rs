//! Reads pages ahead: where many wait, the wiki is asked once for those that come next, not once for each.
//!
//! What was read ahead may be old by a moment. A save names the revision that it was composed from and is refused
//! where there is another; the page is then read by itself. What we have saved since is not taken for what stands.

use super::Documenter;
use chrono::{DateTime, TimeDelta, Utc};
use osm_core::ports::{PageState, PortError};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// So many are read at once.
const AHEAD: u32 = 50;
/// What was read longer ago is read again.
const FRESH: TimeDelta = TimeDelta::seconds(10);

/// Pages by the title that they were asked for by, and when.
#[derive(Debug, Default)]
pub struct Ahead {
    pages: Mutex<BTreeMap<String, (DateTime<Utc>, PageState)>>,
    /// One writer reads, the others wait for what it reads.
    reading: tokio::sync::Mutex<()>,
}

impl Ahead {
    /// Each page once: who comes back has seen a conflict.
    fn take(&self, title: &str, saved: u64, now: DateTime<Utc>) -> Option<PageState> {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, page) = pages.remove(title)?;
        (now - read < FRESH && page.revision >= saved).then_some(page)
    }

    fn put(&self, titles: Vec<String>, pages: Vec<PageState>, now: DateTime<Utc>) {
        let mut known = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (read, _)| now - *read < FRESH);
        known.extend(
            titles
                .into_iter()
                .zip(pages.into_iter().map(|page| (now, page))),
        );
    }
}

impl Documenter {
    /// The page of a title, with those of the pages that wait behind it; `saved` is our last revision of it.
    pub(super) async fn read(
        &self,
        title: &str,
        saved: u64,
    ) -> Result<Option<PageState>, PortError> {
        if let Some(page) = self.ahead.take(title, saved, self.now()) {
            return Ok(Some(page));
        }
        let _one = self.ahead.reading.lock().await;
        let now = self.now();
        if let Some(page) = self.ahead.take(title, saved, now) {
            return Ok(Some(page));
        }
        let mut titles = self.pages.next_titles(now, AHEAD).await?;
        titles.retain(|next| next != title);
        titles.insert(0, title.to_owned());
        let mut pages = self.wiki.pages(&titles).await?;
        if pages.len() != titles.len() {
            return Ok(pages.into_iter().next());
        }
        let page = pages.remove(0);
        titles.remove(0);
        self.ahead.put(titles, pages, now);
        Ok(Some(page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(revision: u64) -> PageState {
        PageState {
            revision,
            ..PageState::default()
        }
    }

    #[test]
    fn what_was_read_ahead_is_taken_once_and_only_while_it_is_good() {
        let (ahead, now) = (Ahead::default(), Utc::now());
        let titles = || ["A", "B", "C"].map(str::to_owned).to_vec();
        ahead.put(titles(), vec![page(5), page(5), page(5)], now);
        assert_eq!(ahead.take("A", 5, now), Some(page(5)));
        assert_eq!(ahead.take("A", 5, now), None);
        // We have saved it since.
        assert_eq!(ahead.take("B", 6, now), None);
        assert_eq!(ahead.take("C", 5, now + FRESH), None);
    }
}
