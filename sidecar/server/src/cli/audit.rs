//! Looking at the audit: is it whole, and what does it tell.

use super::{Failure, say};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Subcommand;
use osm_core::audit::{Anchor, Finding, Walk, Witness, lacking};
use osm_core::pages::{audit as page, title};
use osm_core::ports::{AuditTrail, PortError, WikiRead};
use osm_core::replay::State;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// So many rows are read at once, however long the audit is.
const PIECE: u32 = 1000;

#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// Recompute the audit's chain and name every row that was changed, deleted or put in.
    Verify {
        /// Do not compare with the anchors on the wiki.
        #[arg(long)]
        without_wiki: bool,
    },
    /// Print what the operations had made at a time: resource, value, operation, person, time.
    Replay {
        /// The time, as 2026-11-24T12:00:00Z.
        #[arg(long, value_parser = time)]
        at: DateTime<Utc>,
        /// As one JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Have rows sealed that `verify` names as neither sealed nor waiting, where a replica of an older version
    /// wrote them.
    Adopt {
        /// The rows' ids.
        #[arg(required = true)]
        ids: Vec<u64>,
    },
}

impl AuditCommand {
    /// The wiki's anchors are wanted.
    pub(super) fn with_wiki(&self) -> bool {
        matches!(
            self,
            Self::Verify {
                without_wiki: false
            }
        )
    }
}

/// What is needed to look at the audit.
pub struct Auditor {
    /// The rows.
    pub trail: Arc<dyn AuditTrail>,
    /// MediaWiki, where its anchors are to be compared.
    pub wiki: Option<Arc<dyn WikiRead>>,
}

/// What came of it, said as it is found.
#[derive(Default)]
struct Report {
    wrong: u64,
}

impl Report {
    fn wrong(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            self.wrong += 1;
            say(format_args!("WRONG: {finding}"));
        }
    }
}

impl Auditor {
    /// Does what is asked; `false` where the audit is not as it should be.
    pub(super) async fn run(&self, command: &AuditCommand) -> Result<bool, Failure> {
        match command {
            AuditCommand::Verify { .. } => return self.verify().await,
            AuditCommand::Replay { at, json } => self.replay(*at, *json).await?,
            AuditCommand::Adopt { ids } => self.adopt(ids).await?,
        }
        Ok(true)
    }

    /// Says everything that is wrong; `false` where something is, or could not be looked at.
    async fn verify(&self) -> Result<bool, Failure> {
        let mut report = Report::default();
        // In this order: what is read later is never behind what was read before.
        let on_page = self.page_anchors().await;
        let in_table = self.trail.anchors(u32::MAX).await?;
        let mut anchors: Vec<(Witness, Anchor)> = Vec::new();
        if let Ok(Some(page)) = &on_page {
            report.wrong(lacking(page, &in_table, page::LISTED as usize));
            anchors.extend(page.iter().map(|a| (Witness::WikiPage, a.clone())));
        }
        anchors.extend(in_table.iter().map(|a| (Witness::Table, a.clone())));
        self.chain(Walk::new(anchors), &mut report).await?;
        let (sealed, unsealed) = self.rows(&mut report).await?;
        self.waiting(&mut report).await?;
        self.operations(&mut report).await?;

        say(format_args!("{sealed} rows are sealed, {unsealed} not yet"));
        if let Some(newest) = in_table.first() {
            say(format_args!(
                "the newest of {} anchors: seq {} on {}",
                in_table.len(),
                newest.seq,
                newest.day
            ));
        }
        match &on_page {
            Ok(Some(page)) => say(format_args!(
                "anchors on the wiki page {}: {}",
                title::AUDIT,
                page.len()
            )),
            Ok(None) => say("the anchors on the wiki were not compared, as asked"),
            Err(error) => say(format_args!(
                "NOT CHECKED: the anchors on the wiki page {} could not be read: {error}; \
                 --without-wiki checks the rest alone",
                title::AUDIT
            )),
        }
        if report.wrong == 0 {
            say("nothing is wrong with what was checked");
        } else {
            say(format_args!("{} wrong", report.wrong));
        }
        Ok(report.wrong == 0 && on_page.is_ok())
    }

    /// The anchors on the wiki; `None` where they are not asked for.
    async fn page_anchors(&self) -> Result<Option<Vec<Anchor>>, PortError> {
        let Some(wiki) = &self.wiki else {
            return Ok(None);
        };
        let Some(state) = wiki.pages(&[title::AUDIT.to_owned()]).await?.pop() else {
            return Ok(Some(Vec::new()));
        };
        let system = wiki.info().await?.system_user;
        if let Some(editor) = state.last_editor.filter(|name| *name != system) {
            say(format_args!(
                "note: the wiki page {} was last edited by {editor}: look at its history",
                title::AUDIT
            ));
        }
        Ok(Some(page::anchors(&state.text)))
    }

    async fn chain(&self, mut walk: Walk, report: &mut Report) -> Result<(), Failure> {
        loop {
            let piece = self.trail.seals(walk.seq(), PIECE).await?;
            if piece.is_empty() {
                report.wrong(walk.end());
                return Ok(());
            }
            for (seal, row) in piece {
                report.wrong(walk.step(&seal, row.as_ref()));
            }
        }
    }

    /// Counts the rows that are sealed, and those that are not yet.
    async fn rows(&self, report: &mut Report) -> Result<(u64, u64), Failure> {
        let (mut sealed, mut unsealed, mut after) = (0, 0, 0);
        loop {
            let piece = self.trail.coverage(after, PIECE).await?;
            let Some(last) = piece.last() else {
                return Ok((sealed, unsealed));
            };
            after = last.id;
            for row in piece {
                sealed += u64::from(row.sealed);
                unsealed += u64::from(row.waiting && !row.sealed);
                report.wrong(row.finding());
            }
        }
    }

    async fn waiting(&self, report: &mut Report) -> Result<(), Failure> {
        let mut after = 0;
        loop {
            let piece = self.trail.waiting(after, PIECE).await?;
            let Some((last, _)) = piece.last() else {
                return Ok(());
            };
            after = *last;
            let missing = piece.into_iter().filter(|(_, there)| !there);
            report.wrong(missing.map(|(id, _)| Finding::WaitingMissing(id)));
        }
    }

    async fn operations(&self, report: &mut Report) -> Result<(), Failure> {
        let mut after = String::new();
        loop {
            let (untold, next) = self.trail.untold(&after, PIECE).await?;
            report.wrong(untold.into_iter().map(Finding::Untold));
            match next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    }

    /// Prints the state that the operations had made.
    async fn replay(&self, at: DateTime<Utc>, as_json: bool) -> Result<(), Failure> {
        let mut state = State::default();
        let mut after = 0;
        loop {
            let (effects, next) = self.trail.effects(after, at, PIECE).await?;
            effects.into_iter().for_each(|effect| state.apply(effect));
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        let resources = state.0.into_iter();
        if as_json {
            let all: Vec<_> = resources
                .map(|(resource, stands)| {
                    json!({
                        "resource": resource,
                        "value": stands.value,
                        "operation": stands.operation,
                        "person": stands.person,
                        "at": time_text(stands.at),
                    })
                })
                .collect();
            say(value(&json!(all)));
            return Ok(());
        }
        for (resource, stands) in resources {
            say(format_args!(
                "{}\t{}\t{}\t{}\t{}",
                field(&resource),
                value(&stands.value),
                field(&stands.operation),
                field(&stands.person),
                time_text(stands.at),
            ));
        }
        Ok(())
    }

    /// Has rows sealed that an operator vouches for.
    async fn adopt(&self, ids: &[u64]) -> Result<(), Failure> {
        let adopted = self.trail.adopt(ids).await?;
        for id in &adopted {
            say(format_args!("row {id} waits to be sealed"));
        }
        let left: Vec<String> = ids
            .iter()
            .filter(|id| !adopted.contains(id))
            .map(u64::to_string)
            .collect();
        if left.is_empty() {
            return Ok(());
        }
        Err(Failure::Refused(format!(
            "there is no such row, or it is sealed or waiting already: {}",
            left.join(", ")
        )))
    }
}

/// A time as given on the command line.
fn time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.to_utc())
        .map_err(|error| {
            format!("{error}; a time with its zone is needed, as 2026-11-24T12:00:00Z")
        })
}

fn time_text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// JSON on one line, in which nothing speaks to the terminal.
fn value(value: &Json) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_control() {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// A field of a line: no name may end it or begin another, or speak to the terminal.
fn field(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\\' || c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}
