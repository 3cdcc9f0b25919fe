//! The Server Admin Log in MySQL: what is accepted, and what waits to be on its page.

use super::PortError;
use crate::ids::{EntryUuid, ProjectName};
use crate::log::{Entry, LogName, NewEntry};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// What became of something said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It stands in the database, at this place of its log.
    Now(u64),
    /// It did already.
    Before(u64),
    /// Something else was accepted under the same key; this is not.
    Otherwise,
    /// Another replica listens there by now, and has heard it, too.
    NotOurs,
}

/// Which entries a list is to hold, newest first.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct LogFilter {
    pub log: Option<LogName>,
    /// Name in the entry, to the letter.
    pub nick: Option<String>,
    /// A part of the message; letters' case does not count.
    pub text: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// Only those before this one in the list.
    pub before: Option<u64>,
    pub limit: u32,
}

/// Accepting entries, and reading them.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Accepts an entry: what it gives a place to is never lost. With the election (its name, and who we are) by
    /// which we heard it: of two replicas that heard the same one is refused.
    async fn accept(
        &self,
        entry: &NewEntry,
        election: Option<(&str, &str)>,
    ) -> Result<Accepted, PortError>;
    /// With which revision an entry came onto its page.
    async fn revision(&self, log: &LogName, seq: u64) -> Result<Option<u64>, PortError>;
    /// Entries with their ids in the list.
    async fn entries(&self, filter: &LogFilter) -> Result<Vec<(u64, Entry)>, PortError>;
    /// What somebody last said through a source since then, where it is no taking back and was not taken back.
    async fn last_of(
        &self,
        nick: &str,
        source: &str,
        since: DateTime<Utc>,
    ) -> Result<Option<Entry>, PortError>;
    /// The logs that there are, the one last written to first.
    async fn logs(&self, limit: u32) -> Result<Vec<LogName>, PortError>;
}

/// A log that somebody writes to its page.
#[derive(Clone, Debug)]
pub struct LogWork {
    /// Which.
    pub log: LogName,
    /// What waits, in its order.
    pub entries: Vec<Entry>,
    /// What they take back.
    pub undone: Vec<Entry>,
    /// The page's revision when it was first tried to save some of these: whether that was saved is not known.
    pub tried_from: Option<u64>,
    /// How often it was tried.
    pub attempts: u32,
    /// Goes up with each claim.
    pub generation: u64,
}

/// Writing logs to their pages. Each call but `claim_log` fails with `Conflict` where another has taken over.
#[async_trait]
pub trait LogWriting: Send + Sync {
    /// Takes a log that has entries waiting and that nobody holds.
    async fn claim_log(
        &self,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Option<LogWork>, PortError>;
    /// Notes, before each try, from which revision of the page it is made; the first since something was written counts.
    async fn log_tried(&self, owner: &str, work: &LogWork, revision: u64) -> Result<(), PortError>;
    /// These entries, the first that waited to the last, stand on the page with this revision. Lets go.
    async fn log_written(
        &self,
        owner: &str,
        work: &LogWork,
        last: u64,
        revision: u64,
        now: DateTime<Utc>,
    ) -> Result<(), PortError>;
    /// The wiki will not have this entry, the first that waited: it stays without a revision, and the next ones are
    /// due. Lets go.
    async fn log_passed_over(
        &self,
        owner: &str,
        work: &LogWork,
        seq: u64,
        now: DateTime<Utc>,
    ) -> Result<(), PortError>;
    /// Lets go, to be tried again not before `at`.
    async fn log_later(
        &self,
        owner: &str,
        work: &LogWork,
        at: DateTime<Utc>,
        why: &str,
    ) -> Result<(), PortError>;
    /// How many entries wait, and since when the oldest does.
    async fn log_backlog(&self) -> Result<(u64, Option<DateTime<Utc>>), PortError>;
}

/// Which accounts of chat networks are whose: rows of ours, made by somebody who proved to be both.
#[async_trait]
pub trait Speakers: Send + Sync {
    /// Remembers a code that a wiki user was shown, by its hash, until then. It replaces their last one.
    async fn offer(
        &self,
        code_hash: &str,
        by: (u64, &str),
        until: DateTime<Utc>,
    ) -> Result<(), PortError>;
    /// Somebody who is logged in to an account says a code: from then on the account is that wiki user's. `None`
    /// where there is no such code. A code is good once.
    async fn redeem(
        &self,
        code_hash: &str,
        network: &str,
        account: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<(u64, String)>, PortError>;
    /// Makes a code worthless, which others have seen; says whether there was one.
    async fn burn(&self, code_hash: &str) -> Result<bool, PortError>;
    /// The wiki user of an account.
    async fn speaker(
        &self,
        network: &str,
        account: &str,
    ) -> Result<Option<(u64, String)>, PortError>;
    /// A wiki user's accounts, each with its network.
    async fn accounts(&self, wiki_user_id: u64) -> Result<Vec<(String, String)>, PortError>;
    /// Takes one of them away.
    async fn forget(
        &self,
        wiki_user_id: u64,
        network: &str,
        account: &str,
    ) -> Result<(), PortError>;
}

/// Accounts of chat networks that LDAP's operators have written at people's entries.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// The people at whom an attribute names an account; the case of ASCII letters does not count.
    async fn named(&self, attribute: &str, account: &str) -> Result<Vec<EntryUuid>, PortError>;
}

/// A token by which scripts log to a project, and to nothing else. Its secret is not among it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct LogToken {
    pub id: u64,
    pub project: ProjectName,
    /// Under which its entries stand.
    pub name: String,
    pub made_at: DateTime<Utc>,
    pub made_by: String,
    pub used_at: Option<DateTime<Utc>>,
}

/// Tokens, known by their hashes.
#[async_trait]
pub trait LogTokens: Send + Sync {
    /// Remembers a token; `false` where the project has one of that name.
    async fn make_token(
        &self,
        project: &ProjectName,
        name: &str,
        token_hash: &str,
        by: &str,
        at: DateTime<Utc>,
    ) -> Result<bool, PortError>;
    /// The token that somebody comes with, noted as used.
    async fn token_used(
        &self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<LogToken>, PortError>;
    /// Those of a project, or all of them.
    async fn tokens(&self, project: Option<&ProjectName>) -> Result<Vec<LogToken>, PortError>;
    /// From now on it is good for nothing; `false` where there is none of that name.
    async fn revoke_token(&self, project: &ProjectName, name: &str) -> Result<bool, PortError>;
}

/// Somebody else's address at which the log is told.
#[async_trait]
pub trait Hook: Send + Sync {
    /// Its name in our configuration.
    fn name(&self) -> &str;
    /// Posts an entry; `false` where it is refused for good.
    async fn post(&self, entry: &Entry) -> Result<bool, PortError>;
}

/// How far hooks are: each log in its order, from the hook's first day on.
#[async_trait]
pub trait HookProgress: Send + Sync {
    /// At a hook's first sight: what is logged from now on is to be posted.
    async fn begin_hook(&self, hook: &str) -> Result<(), PortError>;
    /// What is to be posted next: of several logs the oldest.
    async fn next_for_hook(&self, hook: &str) -> Result<Option<Entry>, PortError>;
    /// A log is posted up to here.
    async fn posted_to_hook(&self, hook: &str, log: &LogName, seq: u64) -> Result<(), PortError>;
}

/// Work that one replica does for all.
#[async_trait]
pub trait Elections: Send + Sync {
    /// Whether we are elected, for so long; whoever is stays it by asking again in time.
    async fn elect(
        &self,
        name: &str,
        owner: &str,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<bool, PortError>;
    /// Leaves it to another at once.
    async fn resign(&self, name: &str, owner: &str) -> Result<(), PortError>;
}
