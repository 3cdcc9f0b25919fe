//! Which revision of a page is the latest, for many pages at once and without their texts.

use super::Wiki;
use osm_core::ports::PortError;
use serde_json::Value;
use std::collections::BTreeMap;

impl Wiki {
    pub(super) async fn latest(&self, pages: &[u64]) -> Result<BTreeMap<u64, u64>, PortError> {
        let mut latest = BTreeMap::new();
        if pages.is_empty() {
            return Ok(latest);
        }
        let most = self.titles_a_request().await?;
        for some in pages.chunks(most) {
            let ids: Vec<String> = some.iter().map(u64::to_string).collect();
            let list = ids.join("|");
            let parameters = [
                ("action", "query"),
                ("prop", "info"),
                ("pageids", list.as_str()),
            ];
            let reply = self
                .query(&format!("{} pages", some.len()), &parameters)
                .await?;
            let found = reply.pointer("/query/pages").and_then(Value::as_array);
            for page in found.into_iter().flatten() {
                let number = |name| page.get(name).and_then(Value::as_u64);
                // One that is not there has no revision.
                if let (Some(id), Some(revision)) = (number("pageid"), number("lastrevid")) {
                    latest.insert(id, revision);
                }
            }
        }
        Ok(latest)
    }
}
