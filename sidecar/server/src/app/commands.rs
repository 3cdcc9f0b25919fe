//! What the command line asks of the process's neighbours.

use super::App;
use crate::cli::{Auditor, Failure, People, say};
use osm_backends::wiki::push::{self, Outcome};
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

    /// For looking at the audit; without the wiki its anchors there are not compared.
    pub fn auditor(&self, with_wiki: bool) -> Auditor {
        let wiki: Arc<dyn WikiRead> = self.wiki.clone();
        Auditor {
            trail: self.store.clone(),
            wiki: with_wiki.then_some(wiki),
        }
    }

    /// Installs and updates the wiki's own pages and says what became of each; `false` where one was refused.
    pub async fn wiki_push(&self) -> Result<bool, Failure> {
        let pages = push::shipped(self.wiki.info().await?.smw)?;
        let mut taken = true;
        for (title, outcome) in push::push(self.wiki.as_ref(), &pages).await? {
            let outcome = match outcome {
                Outcome::Created => "created".to_owned(),
                Outcome::Updated => "updated".to_owned(),
                Outcome::Same => "as it should be".to_owned(),
                Outcome::Kept {
                    editor,
                    differences,
                } => format!(
                    "left as it is, as {editor} has edited it:\n  {}",
                    differences.join("\n  ")
                ),
                Outcome::Refused { code, info } => {
                    taken = false;
                    format!("REFUSED by the wiki: {info} ({code})")
                }
            };
            say(format_args!("{title}: {outcome}"));
        }
        Ok(taken)
    }
}
