//! Keeps `page = compose(facts)` true: takes pages that are due, composes them and saves them, in the
//! name of the person whose doing it was. `compose` and `lists` gather facts, `titles` knows what instances' pages
//! are called; this file knows how a page is saved.
//!
//! A reason to write a page is forgotten only when the page stands as composed.

mod ahead;
mod compare;
mod compose;
mod lists;
mod quotas;
mod titles;

use crate::actions::{Clock, Settings};
use crate::telemetry::metrics;
pub use ahead::Ahead;
use chrono::TimeDelta;
use compose::Draft;
use osm_core::pages::summary::{self, Reason};
use osm_core::pages::title::is_resource;
use osm_core::ports::{
    AuditTrail, Directory, Edit, EditAs, Edited, InstanceIndex, Links, Logs, Operation,
    OperationFilter, Operations, PageDue, PageKey, PageRecord, PageState, PageWork, Pages, Pins,
    PortError, Requests, WikiRead, WikiWrite,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tracing::{Instrument as _, info, info_span, warn};

/// How long a page is held without an answer: that of a dead process is taken over after it.
const LEASE: Duration = Duration::from_secs(30);
/// How often the table is looked at when no bell rings.
const LOOK: Duration = Duration::from_secs(1);
/// Conflicts with people's edits met at once; then the page waits its turn again.
const CONFLICTS: u32 = 10;
/// Pages written at once: MediaWiki's own work is the bound, more connections do not help it.
const WRITERS: usize = 4;

/// How soon a page that waits for a person's word is looked at again, and how long it waits for it in all:
/// whoever does it may be waiting for LDAP.
const WORD: TimeDelta = TimeDelta::milliseconds(500);
const LONGEST_WAIT: TimeDelta = TimeDelta::seconds(30);
/// Operations under way that are looked at.
const OPEN: u32 = 100;

/// What became of a page's turn.
enum Ended {
    /// It stands as composed.
    Stands,
    /// Somebody's word on it is about to come.
    Waits,
}

/// Writes pages.
pub struct Documenter {
    /// The outbox, and the pages known.
    pub pages: Arc<dyn Pages>,
    /// What people asked for.
    pub requests: Arc<dyn Requests>,
    /// Whose doings are under way.
    pub operations: Arc<dyn Operations>,
    /// Our copy of the cloud.
    pub index: Arc<dyn InstanceIndex>,
    /// LDAP.
    pub directory: Arc<dyn Directory>,
    /// Wiki user ↔ LDAP entry.
    pub links: Arc<dyn Links>,
    /// LDAP project ↔ Keystone project.
    pub pins: Arc<dyn Pins>,
    /// Reading the wiki.
    pub wiki: Arc<dyn WikiRead>,
    /// Writing the wiki.
    pub write: Arc<dyn WikiWrite>,
    /// The audit's anchors.
    pub audit: Arc<dyn AuditTrail>,
    /// The Server Admin Log.
    pub logs: Arc<dyn Logs>,
    /// The regions.
    pub settings: Arc<Settings>,
    /// Rings when a page is due.
    pub bell: Arc<Notify>,
    /// The name of this process in claims.
    pub owner: String,
    /// New pages get an open section for people.
    pub documentation: bool,
    /// The time.
    pub clock: Clock,
    /// What was done, for `/metrics`.
    pub counts: Counts,
    /// Pages read before their turn.
    pub ahead: Ahead,
}

/// What the documenter did since the process began.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub struct Counts {
    pub edits: AtomicU64,
    pub spared: AtomicU64,
    pub conflicts: AtomicU64,
    pub by_system: AtomicU64,
    pub put_off: AtomicU64,
}

impl Documenter {
    /// Writes until told to stop; pages under way are finished first.
    pub async fn run(self: Arc<Self>, shutdown: watch::Receiver<bool>) {
        let writers = (0..WRITERS).map(|number| {
            let (documenter, stop) = (Arc::clone(&self), shutdown.clone());
            tokio::spawn(async move { documenter.write_pages(number, stop).await })
        });
        for writer in writers.collect::<Vec<_>>() {
            if let Err(error) = writer.await {
                warn!(%error, "a page writer ended early");
            }
        }
    }

    async fn write_pages(&self, number: usize, mut shutdown: watch::Receiver<bool>) {
        let owner = format!("{}/{number}", self.owner);
        while !*shutdown.borrow() {
            match self.pages.claim_page(&owner, (self.clock)(), LEASE).await {
                Ok(Some(work)) => {
                    let span = info_span!("page", key = %work.key.stored());
                    self.work_on(&owner, work).instrument(span).await;
                }
                Ok(None) => tokio::select! {
                    () = self.bell.notified() => {}
                    () = tokio::time::sleep(LOOK) => {}
                    _ = shutdown.changed() => {}
                },
                Err(error) => {
                    warn!(%error, "due pages cannot be read");
                    tokio::select! {
                        () = tokio::time::sleep(2 * LOOK) => {}
                        _ = shutdown.changed() => {}
                    }
                }
            }
        }
    }

    async fn work_on(&self, owner: &str, work: PageWork) {
        let noted = match self.write_page(owner, &work).await {
            Ok(Ended::Stands) => self.pages.page_done(owner, &work).await,
            Ok(Ended::Waits) => {
                let at = (self.clock)() + WORD;
                self.pages.page_later(owner, &work, at, None).await
            }
            Err(error) => {
                warn!(%error, attempts = work.attempts, "page not written yet");
                metrics::backend_error(&error);
                self.counts.put_off.fetch_add(1, Ordering::Relaxed);
                let at = (self.clock)() + put_off(work.attempts);
                self.pages
                    .page_later(owner, &work, at, Some(&error.to_string()))
                    .await
            }
        };
        if let Err(error) = noted {
            warn!(%error, "the page's state could not be noted; its claim runs out and it is looked at again");
        }
    }

    /// Makes a page stand as composed.
    async fn write_page(&self, owner: &str, work: &PageWork) -> Result<Ended, PortError> {
        for _ in 0..CONFLICTS {
            // Before the facts, or a page might tell of half of what is done; and after them: who did what was
            // gathered is at it still, or has given a reason by now.
            let young = (self.clock)() - work.since < LONGEST_WAIT;
            if young && self.untold(&work.key).await? {
                return Ok(Ended::Waits);
            }
            let Some(draft) = self.gather(&work.key).await? else {
                return Ok(Ended::Stands);
            };
            if young && self.untold(&work.key).await? {
                return Ok(Ended::Waits);
            }
            if self.write_once(owner, work, &draft).await? {
                return Ok(Ended::Stands);
            }
            self.counts.conflicts.fetch_add(1, Ordering::Relaxed);
        }
        Err(PortError::new(
            "wiki",
            "edit",
            work.key.stored(),
            osm_core::ports::Kind::Unavailable,
            "somebody else saved the page each time we were about to",
        ))
    }

    /// Whether somebody comes into a project or goes out of it at this moment. LDAP may say so already, and
    /// the page would show it without a word of whose doing it is.
    async fn untold(&self, key: &PageKey) -> Result<bool, PortError> {
        let PageKey::Project { project } = key else {
            return Ok(false);
        };
        let filter = OperationFilter {
            open: true,
            projects: Some(vec![project.clone()]),
            limit: OPEN,
            ..OperationFilter::default()
        };
        let open = self.operations.operations(&filter).await?;
        Ok(open.iter().any(Operation::changes_its_project))
    }

    /// Reads, composes, saves; `false` where somebody else saved in between.
    async fn write_once(
        &self,
        owner: &str,
        work: &PageWork,
        draft: &Draft,
    ) -> Result<bool, PortError> {
        let Some(page) = self.standing(work, &draft.title).await? else {
            return Ok(true);
        };
        // After the revision: whoever slept past the claim has old facts, and learns it here, or from the wiki
        // when another has saved since. What came after the claim is told now and stays due: its facts may be
        // newer than those gathered.
        let reasons = self.pages.reasons(owner, work).await?;
        let text = match draft.compose(&page.text, self.documentation) {
            Some(text) if text != page.text => text,
            Some(_) => {
                self.counts.spared.fetch_add(1, Ordering::Relaxed);
                self.written(work, &page.title, page.page_id, page.revision)
                    .await?;
                return Ok(true);
            }
            None => return Ok(true),
        };
        let author = author(&reasons);
        let mut edit = Edit {
            title: page.title,
            text,
            summary: wording(&work.key, &reasons),
            by: match author {
                Some((id, _)) => EditAs::User(id),
                None => EditAs::System {
                    bot: work.key.quiet(),
                },
            },
            parent: page.revision,
        };
        let mut edited = self.write.edit(&edit).await?;
        if let (Edited::Refused { code, info }, Some((_, person))) = (&edited, author) {
            warn!(
                code,
                info, "the wiki will not have it from the person; the system user writes it"
            );
            self.counts.by_system.fetch_add(1, Ordering::Relaxed);
            edit.summary = summary::on_behalf(person, &edit.summary);
            edit.by = EditAs::System { bot: false };
            edited = self.write.edit(&edit).await?;
        }
        match edited {
            Edited::Saved { page_id, revision } => {
                info!(title = %edit.title, revision, "page saved");
                self.counts.edits.fetch_add(1, Ordering::Relaxed);
                metrics::pages_lag((self.clock)() - work.since);
                self.written(work, &edit.title, Some(page_id), revision)
                    .await?;
                Ok(true)
            }
            Edited::Unchanged => {
                self.counts.spared.fetch_add(1, Ordering::Relaxed);
                Ok(true)
            }
            Edited::Conflict => Ok(false),
            Edited::Refused { code, info } => Err(PortError::new(
                "wiki",
                "edit as the system user",
                &edit.title,
                osm_core::ports::Kind::Denied,
                format!("{code}: {info}"),
            )),
        }
    }

    /// The page as it stands: by its id where we know one, since people may have moved it. Where they moved it
    /// out of the namespace, in which alone we write, it is begun again under its own title.
    async fn standing(&self, work: &PageWork, title: &str) -> Result<Option<PageState>, PortError> {
        let known = self.pages.page(&work.key).await?;
        let saved = known.map_or(0, |record| record.revision);
        let page = self.read(title, saved).await?;
        self.moved(&work.key, page).await
    }

    /// The page of a key, given what stands under its title.
    async fn moved(
        &self,
        key: &PageKey,
        page: Option<PageState>,
    ) -> Result<Option<PageState>, PortError> {
        let known = self.pages.page(key).await?.and_then(|r| r.page_id);
        match (known, page) {
            (Some(id), Some(page)) if page.page_id != Some(id) => {
                let moved = self.wiki.page_by_id(id).await?;
                Ok(moved.filter(|m| is_resource(&m.title)).or(Some(page)))
            }
            (_, page) => Ok(page),
        }
    }

    async fn written(
        &self,
        work: &PageWork,
        title: &str,
        page_id: Option<u64>,
        revision: u64,
    ) -> Result<(), PortError> {
        let record = PageRecord {
            title: title.to_owned(),
            page_id,
            revision,
        };
        self.pages.page_written(&work.key, &record).await
    }
}

/// The person for whom the edit is made: who did something to it last.
fn author(reasons: &[(u64, PageDue)]) -> Option<(u64, &str)> {
    reasons.iter().rev().find_map(|(_, due)| {
        let name = due.by_name.as_deref().unwrap_or_default();
        due.by.map(|id| (id, name))
    })
}

fn wording(key: &PageKey, reasons: &[(u64, PageDue)]) -> String {
    // Ours alone: neither an operation nor seen anywhere.
    if let (PageKey::Audit | PageKey::Logs | PageKey::Request { .. }, Some((_, newest))) =
        (key, reasons.last())
    {
        return newest.what.clone();
    }
    let reasons: Vec<Reason<'_>> = reasons
        .iter()
        .map(|(_, due)| Reason {
            what: &due.what,
            operation: due.operation.as_ref(),
        })
        .collect();
    summary::of(&reasons)
}

/// 2, 4, 8 … seconds, at most five minutes.
fn put_off(attempts: u32) -> TimeDelta {
    TimeDelta::seconds((2_i64 << attempts.min(8)).min(300))
}
