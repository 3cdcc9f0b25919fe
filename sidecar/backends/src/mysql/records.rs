//! What is remembered of many pages at once.

use super::pages::BATCH;
use super::{Store, marks, rows};
use osm_core::ports::{PageKey, PageRecord, PortError};
use std::collections::BTreeMap;

impl Store {
    pub(super) async fn records_of(
        &self,
        keys: &[PageKey],
    ) -> Result<BTreeMap<PageKey, PageRecord>, PortError> {
        self.attempt("read what is remembered of pages from", || async {
            let mut conn = self.conn().await?;
            let mut found = BTreeMap::new();
            for some in keys.chunks(BATCH) {
                let mut stored: BTreeMap<String, &PageKey> =
                    some.iter().map(|key| (key.stored(), key)).collect();
                let sql = format!(
                    "SELECT page_key, title, page_id, revision FROM pages WHERE page_key IN ({})",
                    marks(stored.len())
                );
                let asked: Vec<String> = stored.keys().cloned().collect();
                let records: Vec<(String, String, Option<u64>, u64)> =
                    rows(&mut conn, &sql, asked).await?;
                for (key, title, page_id, revision) in records {
                    if let Some(key) = stored.remove(&key) {
                        let record = PageRecord {
                            title,
                            page_id,
                            revision,
                        };
                        found.insert(key.clone(), record);
                    }
                }
            }
            Ok(found)
        })
        .await
    }
}
