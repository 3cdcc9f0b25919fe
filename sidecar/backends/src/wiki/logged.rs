//! Which edits of ours put entries into a log, as the page's history tells.

use super::Wiki;
use super::read::{list_at, text_at};
use super::told::TAG;
use async_trait::async_trait;
use osm_core::log::LogName;
use osm_core::pages::log::numbers;
use osm_core::ports::{Logged, PortError, WikiHistory};
use serde_json::Value;

/// Pages of history that are read at most.
const PAGES: usize = 40;

#[async_trait]
impl WikiHistory for Wiki {
    async fn logged(
        &self,
        log: &LogName,
        title: &str,
        after: u64,
    ) -> Result<Vec<Logged>, PortError> {
        let mut found = Vec::new();
        let mut following: Option<String> = None;
        for _ in 0..PAGES {
            let mut parameters = vec![
                ("action", "query"),
                ("prop", "revisions"),
                ("rvprop", "ids|comment|tags"),
                ("rvlimit", "50"),
                ("titles", title),
            ];
            if let Some(following) = &following {
                parameters.push(("rvcontinue", following));
            }
            let reply = self.query(title, &parameters).await?;
            let mut old = false;
            for revision in list_at(&reply, "/query/pages/0/revisions") {
                let id = revision.get("revid").and_then(Value::as_u64).unwrap_or(0);
                if id <= after {
                    old = true;
                    break;
                }
                // Anyone can write such a summary; the tag is put by the software alone.
                let ours = list_at(revision, "/tags").any(|tag| tag == TAG);
                let summary = text_at(revision, "/comment").unwrap_or_default();
                if let (true, Some((first, last))) = (ours, numbers(log, summary)) {
                    found.push(Logged {
                        revision: id,
                        first,
                        last,
                    });
                }
            }
            following = text_at(&reply, "/continue/rvcontinue").map(str::to_owned);
            if old || following.is_none() {
                break;
            }
        }
        found.reverse();
        Ok(found)
    }
}
