//! `Special:NovaLog?feed=atom`: what was logged, for feed readers.

use super::api::{ApiReply, result};
use super::log::{BY, filter};
use super::lookup::refuse;
use super::{ApiRequest, Context};
use osm_core::log::feed::atom;
use osm_core::log::{Entry, LogName};
use osm_core::refusal::Refusal;
use serde_json::json;

/// Entries in a feed.
const LISTED: u32 = 50;

impl Context {
    /// The feed of a log, of all, or of what is searched by.
    pub(super) async fn log_feed(&self, request: &ApiRequest) -> Result<ApiReply, Refusal> {
        let params = &request.params;
        let filter = filter(params, LISTED - 1)?;
        let found = self.book.logs.entries(&filter).await.map_err(refuse)?;
        let entries: Vec<Entry> = found.into_iter().map(|(_, entry)| entry).collect();
        let of: Vec<(&str, &str)> = BY
            .into_iter()
            .filter_map(|name| Some((name, params.get(name)?.trim())))
            .collect();
        let log: Option<&LogName> = filter.log.as_ref();
        let feed = atom(&self.book.articles, log, &of, &entries);
        Ok(result(json!({ "atom": feed })))
    }
}
