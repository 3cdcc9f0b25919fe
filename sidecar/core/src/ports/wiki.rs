//! MediaWiki.

use super::PortError;
use crate::actor::WikiUser;
use crate::ids::OperationId;
use crate::log::LogName;
use async_trait::async_trait;
use std::collections::BTreeMap;

/// A page as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageState {
    /// The title as MediaWiki normalises it.
    pub title: String,
    /// MediaWiki's page id; `None` where there is no page.
    pub page_id: Option<u64>,
    /// The latest revision; 0 where there is no page.
    pub revision: u64,
    /// The text; empty where there is no page.
    pub text: String,
    /// Name of who made the latest revision.
    pub last_editor: Option<String>,
}

/// In whose name an edit is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EditAs {
    /// A local wiki user, by id.
    User(u64),
    /// The system user; flagged bot where the edit is of no interest to a reader of recent changes.
    System {
        /// The flag.
        bot: bool,
    },
}

/// One edit of a whole page.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The page.
    pub title: String,
    /// The new text.
    pub text: String,
    /// What was done.
    pub summary: String,
    /// In whose name.
    pub by: EditAs,
    /// The revision this text was composed from; 0 where the page must not exist. Checked inside the save.
    pub parent: u64,
}

/// How an edit ended, where MediaWiki answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edited {
    /// Saved.
    Saved {
        /// The page.
        page_id: u64,
        /// The new revision.
        revision: u64,
    },
    /// The text was the same: no revision.
    Unchanged,
    /// The page has another revision than the parent named: read it and compose again.
    Conflict,
    /// MediaWiki will not have it from this user (protected, filter, captcha, block, renamed away …).
    Refused {
        /// MediaWiki's error code.
        code: String,
        /// Its words.
        info: String,
    },
}

/// What the shim says of the wiki.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct WikiInfo {
    pub generator: String,
    pub extension_version: String,
    pub smw: bool,
    pub system_user: String,
    pub read_only: Option<String>,
}

/// Reading the wiki.
#[async_trait]
pub trait WikiRead: Send + Sync {
    /// The pages of these titles, in the order asked, in as few requests as can be.
    async fn pages(&self, titles: &[String]) -> Result<Vec<PageState>, PortError>;
    /// The page of an id, wherever somebody has moved it; `None` where there is none.
    async fn page_by_id(&self, id: u64) -> Result<Option<PageState>, PortError>;
    /// The latest revisions of pages, by their ids, in as few requests as can be; one that is not there is left out.
    async fn revisions(&self, pages: &[u64]) -> Result<BTreeMap<u64, u64>, PortError>;
    /// The current names of user ids, in as few requests as can be; an id without a user is left out.
    async fn user_names(&self, ids: &[u64]) -> Result<BTreeMap<u64, String>, PortError>;
    /// The id of a user name, as MediaWiki normalises names.
    async fn user_id(&self, name: &str) -> Result<Option<u64>, PortError>;
    /// An account as the shim would vouch for it: with rights, groups and block.
    async fn account(&self, name: &str) -> Result<Option<WikiUser>, PortError>;
    /// The operations of ours that the wiki's newest recent changes tell of, newest first, each with the page
    /// that tells of it; at most `limit` changes are read.
    async fn told_operations(&self, limit: u32) -> Result<Vec<(OperationId, String)>, PortError>;
    /// For health checks.
    async fn info(&self) -> Result<WikiInfo, PortError>;
}

/// Writing the wiki.
#[async_trait]
pub trait WikiWrite: Send + Sync {
    /// Saves a page. Read-only, maxlag and rate limits are retried within bounds, then a transient error.
    async fn edit(&self, edit: &Edit) -> Result<Edited, PortError>;
}

/// An edit of ours that put entries into a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logged {
    /// With this revision.
    pub revision: u64,
    /// The first entry's number.
    pub first: u64,
    /// The last one's.
    pub last: u64,
}

/// Reading what became of edits whose answer was lost.
#[async_trait]
pub trait WikiHistory: Send + Sync {
    /// The edits of ours that put entries of a log onto a page after this revision, as their summaries tell, oldest
    /// first.
    async fn logged(
        &self,
        log: &LogName,
        title: &str,
        after: u64,
    ) -> Result<Vec<Logged>, PortError>;
}
