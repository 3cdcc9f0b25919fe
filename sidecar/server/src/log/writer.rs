//! Puts accepted entries onto their pages: all that wait for a log in one edit, as long as one person's edit it is.
//!
//! An edit whose answer was lost is settled by the page's history: summaries name entries by
//! their log and numbers. It can
//! still be under way inside the wiki when we look; but it names its parent, and so does ours: one of the two is
//! refused.

use super::Written;
use crate::actions::Clock;
use crate::telemetry::metrics;
use chrono::TimeDelta;
use osm_core::log::Entry;
use osm_core::log::links::Linker;
use osm_core::pages::log_archive::{self, Month};
use osm_core::pages::{log, summary};
use osm_core::ports::{
    Edit, EditAs, Edited, Kind, LogWork, LogWriting, PageDue, PageKey, PageState, Pages, PortError,
    WikiHistory, WikiRead, WikiWrite,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};
use tracing::{Instrument as _, info, info_span, warn};

/// How long a log is held without an answer. Two who write the same do no harm, so it need not outlast a slow save.
const LEASE: Duration = Duration::from_secs(10);
/// How often the table is looked at when no bell rings.
const LOOK: Duration = Duration::from_secs(1);
/// Conflicts with people's edits met at once.
const CONFLICTS: u32 = 10;
/// Logs written at once.
const WRITERS: usize = 2;
/// So many bytes of entries go into one edit, the first in any case: a page may have 2 MiB.
const BATCH: usize = 256 * 1024;
/// So often is an entry tried that the wiki refuses for what it says, before it is passed over: about a minute, in
/// which somebody may mend a filter.
const TRIES: u32 = 6;
/// Redirects followed.
const HOPS: u32 = 3;

/// Writes logs.
pub struct Writer {
    /// What waits.
    pub logs: Arc<dyn LogWriting>,
    /// Reading the wiki.
    pub wiki: Arc<dyn WikiRead>,
    /// Its pages' history.
    pub history: Arc<dyn WikiHistory>,
    /// Writing the wiki.
    pub write: Arc<dyn WikiWrite>,
    /// The combined page is due after each edit.
    pub pages: Arc<dyn Pages>,
    /// Rings when entries wait.
    pub bell: Arc<Notify>,
    /// Is told what was written.
    pub written: broadcast::Sender<Written>,
    /// What is a link.
    pub linker: Linker,
    /// Of a page's bottom.
    pub category: String,
    /// A page longer than this gives its oldest month away.
    pub archive_bytes: usize,
    /// The name of this process in claims.
    pub owner: String,
    /// The time.
    pub clock: Clock,
}

impl Writer {
    /// Writes until told to stop; logs under way are finished first.
    pub async fn run(self: Arc<Self>, shutdown: watch::Receiver<bool>) {
        let writers = (0..WRITERS).map(|number| {
            let (writer, stop) = (Arc::clone(&self), shutdown.clone());
            tokio::spawn(async move { writer.write_logs(number, stop).await })
        });
        for writer in writers.collect::<Vec<_>>() {
            if let Err(error) = writer.await {
                warn!(%error, "a writer of logs ended early");
            }
        }
    }

    async fn write_logs(&self, number: usize, mut shutdown: watch::Receiver<bool>) {
        let owner = format!("{}/log{number}", self.owner);
        while !*shutdown.borrow() {
            let pause = match self.logs.claim_log(&owner, (self.clock)(), LEASE).await {
                Ok(Some(work)) => {
                    let span = info_span!("log", log = %work.log);
                    self.work_on(&owner, work).instrument(span).await;
                    continue;
                }
                Ok(None) => LOOK,
                Err(error) => {
                    warn!(%error, "waiting log entries cannot be read");
                    2 * LOOK
                }
            };
            tokio::select! {
                () = self.bell.notified() => {}
                () = tokio::time::sleep(pause) => {}
                _ = shutdown.changed() => {}
            }
        }
    }

    async fn work_on(&self, owner: &str, work: LogWork) {
        let Err(error) = self.write_log(owner, &work).await else {
            return;
        };
        if error.system == "mysql" && error.kind == Kind::Conflict {
            info!("another replica writes this log by now");
            return;
        }
        warn!(%error, attempts = work.attempts, "log entries not written yet");
        metrics::backend_error(&error);
        let at = (self.clock)() + put_off(work.attempts);
        let why = error.to_string();
        if let Err(error) = self.logs.log_later(owner, &work, at, &why).await {
            warn!(%error, "the log's state could not be noted; its claim runs out and it is looked at again");
        }
    }

    async fn write_log(&self, owner: &str, work: &LogWork) -> Result<(), PortError> {
        let mut tried_from = work.tried_from;
        let mut conflicts = 0;
        let mut most = usize::MAX;
        while conflicts < CONFLICTS {
            let page = self.page(&log::title(&work.log)).await?;
            // After the page was read: what comes onto it later makes our parent an old one.
            if let Some(after) = tried_from
                && let Some((last, revision)) = self.told(work, &page, after).await?
            {
                return self.note(owner, work, last, revision).await;
            }
            if page.text.len() > self.archive_bytes
                && let Some(month) = log_archive::oldest_month(&work.log, &page.text)
            {
                self.archive(&page, &month).await?;
                conflicts += 1;
                continue;
            }
            let entries = together(&work.entries, &self.linker, most);
            let Some(last) = entries.last() else {
                return Ok(());
            };
            self.logs.log_tried(owner, work, page.revision).await?;
            tried_from = Some(tried_from.unwrap_or(page.revision));
            let mut text = log::insert(&page.text, entries, &self.linker, &self.category);
            for undone in &work.undone {
                if entries.iter().any(|e| e.said.undoes == Some(undone.seq)) {
                    text = log::struck_out(&text, undone, &self.linker);
                }
            }
            let mut edit = Edit {
                text,
                title: page.title,
                summary: log::summary(entries),
                by: match &last.said.by {
                    Some((id, _)) => EditAs::User(*id),
                    None => EditAs::System { bot: false },
                },
                parent: page.revision,
            };
            let mut edited = self.write.edit(&edit).await?;
            if let (Edited::Refused { code, info }, Some((_, person))) = (&edited, &last.said.by) {
                warn!(
                    code,
                    info, "the wiki will not have it from the person; the system user writes it"
                );
                edit.summary = summary::on_behalf(person, &edit.summary);
                edit.by = EditAs::System { bot: false };
                edited = self.write.edit(&edit).await?;
            }
            match edited {
                Edited::Saved { revision, .. } => {
                    info!(title = %edit.title, revision, entries = entries.len(), "log entries saved");
                    return self.note(owner, work, last.seq, revision).await;
                }
                Edited::Conflict => conflicts += 1,
                Edited::Unchanged => {
                    return Err(self.failed(&edit.title, Kind::Protocol, "nothing changed by it"));
                }
                // One of them may be the reason, or their number: the others need not wait for it.
                Edited::Refused { code, info } if of_text(&code) && entries.len() > 1 => {
                    most = entries.len() / 2;
                    info!(
                        code,
                        info, most, "the wiki refuses the edit; fewer are tried"
                    );
                }
                // The page being full is no entry's fault.
                Edited::Refused { code, info }
                    if of_text(&code) && code != TOO_BIG && work.attempts >= TRIES =>
                {
                    warn!(
                        code,
                        info,
                        entry = last.seq,
                        "log entry passed over: the wiki will not have it"
                    );
                    metrics::log_passed_over();
                    let now = (self.clock)();
                    return self.logs.log_passed_over(owner, work, last.seq, now).await;
                }
                Edited::Refused { code, info } => {
                    return Err(self.failed(&edit.title, Kind::Denied, &format!("{code}: {info}")));
                }
            }
        }
        let title = log::title(&work.log);
        let why = "somebody else saved the page each time we were about to";
        Err(self.failed(&title, Kind::Unavailable, why))
    }

    /// Puts a month onto a page of its own, and only then takes it off this one.
    async fn archive(&self, page: &PageState, month: &Month) -> Result<(), PortError> {
        let there = self
            .wiki
            .pages(std::slice::from_ref(&month.title))
            .await?
            .pop();
        let there = there.ok_or_else(|| self.failed(&month.title, Kind::Protocol, "no answer"))?;
        let moves = [
            (log_archive::archived(&there.text, month), &there),
            (month.rest.clone(), page),
        ];
        for (text, from) in moves {
            if text == from.text {
                continue;
            }
            let edit = Edit {
                title: from.title.clone(),
                text,
                summary: summary::archived(&month.title),
                by: EditAs::System { bot: true },
                parent: from.revision,
            };
            match self.write.edit(&edit).await? {
                Edited::Saved { .. } | Edited::Unchanged => {}
                // Read again, and looked at anew.
                Edited::Conflict => return Ok(()),
                Edited::Refused { code, info } => {
                    return Err(self.failed(&edit.title, Kind::Denied, &format!("{code}: {info}")));
                }
            }
        }
        info!(title = %month.title, "older log entries archived");
        Ok(())
    }

    fn failed(&self, title: &str, kind: Kind, why: &str) -> PortError {
        PortError::new("wiki", "log on", title, kind, why)
    }

    /// The page, or that to which people have moved it.
    async fn page(&self, title: &str) -> Result<PageState, PortError> {
        let mut title = title.to_owned();
        for hop in 0..=HOPS {
            let page = self.wiki.pages(&[title.clone()]).await?.pop();
            let Some(page) = page else { break };
            match log::leads_to(&page.text).filter(|_| hop < HOPS) {
                Some(next) => title = next,
                None => return Ok(page),
            }
        }
        Err(self.failed(&title, Kind::Protocol, "the answer has no page"))
    }

    /// The last of the waiting entries that stand on the page by an edit whose answer was lost, and its revision.
    async fn told(
        &self,
        work: &LogWork,
        page: &PageState,
        after: u64,
    ) -> Result<Option<(u64, u64)>, PortError> {
        let Some(first) = work.entries.first() else {
            return Ok(None);
        };
        let told = self.history.logged(&work.log, &page.title, after).await?;
        let mut ours = told
            .iter()
            .filter(|it| it.first <= first.seq && first.seq <= it.last);
        Ok(ours.next().map(|it| (it.last, it.revision)))
    }

    async fn note(
        &self,
        owner: &str,
        work: &LogWork,
        last: u64,
        revision: u64,
    ) -> Result<(), PortError> {
        let now = (self.clock)();
        // Before, so that it is not forgotten: the order of the logs changes by what follows.
        let due = PageDue {
            key: PageKey::Logs,
            by: None,
            by_name: None,
            operation: None,
            what: summary::logged_to(&work.log.to_string()),
        };
        self.pages.due(&due).await?;
        self.logs
            .log_written(owner, work, last, revision, now)
            .await?;
        let _ = self.written.send(Written {
            log: work.log.clone(),
            first: work.entries.first().map_or(last, |e| e.seq),
            last,
            revision,
        });
        Ok(())
    }
}

/// What the wiki says of a page that is longer than it takes.
const TOO_BIG: &str = "contenttoobig";

/// Whether a refusal is for what the text holds, not for whose edit it is or to which page.
fn of_text(code: &str) -> bool {
    code == TOO_BIG || code.starts_with("abusefilter") || code.starts_with("spam")
}

/// The first that wait, as far as they are of one person, or all of the system: `most` at most.
fn together<'a>(entries: &'a [Entry], linker: &Linker, most: usize) -> &'a [Entry] {
    let author = |entry: &Entry| entry.said.by.as_ref().map(|(id, _)| *id);
    let first = entries.first().map(author);
    let mut bytes = 0;
    let same = (entries.iter().enumerate().take(most.max(1)))
        .take_while(|(n, e)| {
            bytes += log::line(e, linker).len();
            Some(author(e)) == first && (*n == 0 || bytes <= BATCH)
        })
        .count();
    entries.get(..same).unwrap_or_default()
}

/// 1, 2, 4 … seconds, at most a minute: people look at the page.
fn put_off(attempts: u32) -> TimeDelta {
    TimeDelta::seconds((1_i64 << attempts.min(6)).min(60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use osm_core::log::{LogName, NewEntry};

    fn entries(message: &str, by: &[Option<u64>]) -> Vec<Entry> {
        let each = |(seq, by): (u64, &Option<u64>)| Entry {
            seq,
            said: NewEntry {
                log: LogName::trusted("bots"),
                key: seq.to_string(),
                at: chrono::DateTime::UNIX_EPOCH,
                nick: "ada".to_owned(),
                by: by.map(|id| (id, "Ada".to_owned())),
                source: "wiki".to_owned(),
                undoes: None,
                message: message.to_owned(),
            },
            revision: None,
        };
        (1..).zip(by).map(each).collect()
    }

    #[test]
    fn an_edit_holds_no_more_than_a_page_can_take() {
        let linker = Linker::default();
        let count = |entries: &[Entry], most| together(entries, &linker, most).len();
        let of = |message: &str| count(&entries(message, &[None; 500]), usize::MAX);
        assert_eq!(of("x"), 500);
        // As text on the page each is `&#91;`.
        assert_eq!(of(&"[".repeat(1000)), BATCH / 5016);
        // The first in any case.
        assert_eq!(of(&"x".repeat(BATCH)), 1);
        let mixed = entries("x", &[Some(1), Some(1), Some(1), None]);
        for (most, wanted) in [(usize::MAX, 3), (2, 2), (0, 1)] {
            assert_eq!(count(&mixed, most), wanted);
        }
        assert_eq!(count(&[], 5), 0);
    }

    #[test]
    fn only_what_an_entry_says_is_its_own_fault() {
        for (code, wanted) in [
            ("contenttoobig", true),
            ("abusefilter-disallowed", true),
            ("spamblacklist", true),
            ("spamdetected", true),
            ("protectedpage", false),
            ("blocked", false),
            ("captcha", false),
            ("hookaborted", false),
        ] {
            assert_eq!(of_text(code), wanted, "{code}");
        }
    }
}
