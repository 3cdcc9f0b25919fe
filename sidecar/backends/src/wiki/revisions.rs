//! Which revision of a page is the latest, for many pages at once and without their texts.

use super::Wiki;
use osm_core::ports::PortError;
use serde_json::Value;
use std::collections::BTreeMap;

/// The namespace of our pages, as `extension.json` defines it.
const NAMESPACE: &str = "498";
/// More requests than that are not worth their time: a list of the whole namespace holds ten times as many pages.
const BY_ID: usize = 4;

impl Wiki {
    pub(super) async fn latest(&self, pages: &[u64]) -> Result<BTreeMap<u64, u64>, PortError> {
        let mut latest = BTreeMap::new();
        if pages.is_empty() {
            return Ok(latest);
        }
        let most = self.titles_a_request().await?;
        let mut left = pages.to_vec();
        if pages.len() > BY_ID * most {
            latest = self.latest_of_all().await?;
            // People may have moved them elsewhere.
            left.retain(|page| !latest.contains_key(page));
        }
        for some in left.chunks(most) {
            let ids: Vec<String> = some.iter().map(u64::to_string).collect();
            let list = ids.join("|");
            let target = format!("{} pages", some.len());
            let asked = self.infos(&target, &[("pageids", &list)]).await?;
            add(&mut latest, &asked);
        }
        Ok(latest)
    }

    /// The same of every page in our namespace.
    async fn latest_of_all(&self) -> Result<BTreeMap<u64, u64>, PortError> {
        let mut latest = BTreeMap::new();
        let mut next: Option<String> = None;
        loop {
            let fixed = [
                ("generator", "allpages"),
                ("gapnamespace", NAMESPACE),
                ("gaplimit", "max"),
            ];
            let from = next.iter().map(|from| ("gapcontinue", from.as_str()));
            let which: Vec<(&str, &str)> = fixed.into_iter().chain(from).collect();
            let reply = self.infos("all pages", &which).await?;
            add(&mut latest, &reply);
            let from = reply.pointer("/continue/gapcontinue");
            match from.and_then(Value::as_str) {
                Some(from) => next = Some(from.to_owned()),
                None => return Ok(latest),
            }
        }
    }

    async fn infos(&self, target: &str, which: &[(&str, &str)]) -> Result<Value, PortError> {
        let mut parameters = vec![("action", "query"), ("prop", "info")];
        parameters.extend(which);
        self.query(target, &parameters).await
    }
}

fn add(latest: &mut BTreeMap<u64, u64>, reply: &Value) {
    let found = reply.pointer("/query/pages").and_then(Value::as_array);
    for page in found.into_iter().flatten() {
        let number = |name| page.get(name).and_then(Value::as_u64);
        // One that is not there has no revision.
        if let (Some(id), Some(revision)) = (number("pageid"), number("lastrevid")) {
            latest.insert(id, revision);
        }
    }
}
