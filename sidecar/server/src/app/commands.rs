//! What the command line asks of the process's neighbours.

use super::{App, book};
use crate::cli::{Auditor, Failure, People, say};
use crate::config::Config;
use crate::log::Book;
use osm_backends::wiki::push::{self, Outcome, Reach};
use osm_core::ports::WikiRead;
use std::sync::Arc;

impl App {
    /// For the operator's care of links.
    pub fn people(&self) -> People {
        People {
            links: self.store.clone(),
            directory: self.directory.clone(),
            wiki: self.wiki.clone(),
        }
    }

    /// For the care of tokens.
    pub fn book(&self, config: &Config) -> Arc<Book> {
        book(
            self.store.clone(),
            self.directory.clone(),
            self.wiki.clone(),
            config,
        )
    }

    /// For looking at the audit; without the wiki its anchors there are not compared.
    pub fn auditor(&self, with_wiki: bool) -> Auditor {
        let wiki: Arc<dyn WikiRead> = self.wiki.clone();
        Auditor {
            trail: self.store.clone(),
            wiki: with_wiki.then_some(wiki),
        }
    }

    /// Installs and updates the wiki's own pages, and says before what that means for the wiki; `false` where one
    /// was refused. A dry run changes nothing.
    pub async fn wiki_push(&self, dry_run: bool) -> Result<bool, Failure> {
        let wiki = self.wiki.as_ref();
        let shipped = push::shipped(wiki.info().await?.smw)?;
        let planned = push::plan(wiki, shipped).await?;
        let written = planned.iter().filter(|page| page.writes()).count();
        let Reach { pages, jobs } = Reach::of(wiki, &planned).await?;
        say(format_args!(
            "{written} of {} pages are to be written; {pages} pages show them and are rendered anew by the wiki's \
             job queue, in which {jobs} jobs wait now",
            planned.len()
        ));
        let mut taken = true;
        for page in planned {
            let title = page.page.title.clone();
            let outcome = match (dry_run, page.writes()) {
                (true, true) => "would be written".to_owned(),
                (true, false) => told(&page.outcome),
                (false, _) => {
                    let outcome = push::carry_out(wiki, page).await?;
                    taken &= !matches!(outcome, Outcome::Refused { .. });
                    told(&outcome)
                }
            };
            say(format_args!("{title}: {outcome}"));
        }
        if dry_run {
            say("nothing was changed");
        }
        Ok(taken)
    }
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Created => "created".to_owned(),
        Outcome::Updated => "updated".to_owned(),
        Outcome::Same => "as it should be".to_owned(),
        Outcome::Kept { editor, diff } => {
            let diff = on_a_terminal(diff);
            format!("left as it is, since {editor} has edited it:\n{diff}")
        }
        Outcome::Refused { code, info } => format!("REFUSED by the wiki: {info} ({code})"),
    }
}

/// What anybody may have written: nothing of it is to steer the terminal.
fn on_a_terminal(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}
