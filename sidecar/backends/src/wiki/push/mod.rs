//! How the pages that come with this program get into the wiki.
//!
//! A page is replaced only where nobody has edited it since it was last pushed: its latest revision is the
//! system user's. All others are left and reported. What a push would do is known before it is done.

mod reach;
mod shipped;

pub use reach::Reach;
pub use shipped::{Shipped, shipped};

use super::Wiki;
use osm_core::ports::{Edit, EditAs, Edited, Kind, PageState, PortError, WikiRead, WikiWrite};
use serde_json::Value;
use similar::TextDiff;

/// What became of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    Created,
    /// It was an older one of ours.
    Updated,
    /// It is as it should be.
    Same,
    /// Somebody has edited it: it was left.
    Kept {
        /// Who did last.
        editor: String,
        /// From what stands there to what would be written.
        diff: String,
    },
    /// The wiki would not have it.
    Refused {
        /// MediaWiki's error code.
        code: String,
        /// Its words.
        info: String,
    },
}

/// A page, and what a push is to make of it.
#[derive(Clone, Debug)]
pub struct Planned {
    /// As it is to be.
    pub page: Shipped,
    /// `Created` or `Updated`, or why it is left.
    pub outcome: Outcome,
    state: PageState,
}

impl Planned {
    /// It will be written.
    pub fn writes(&self) -> bool {
        matches!(self.outcome, Outcome::Created | Outcome::Updated)
    }
}

/// What a push would do, page by page.
pub async fn plan(wiki: &Wiki, pages: Vec<Shipped>) -> Result<Vec<Planned>, PortError> {
    let system = wiki.info().await?.system_user;
    let titles: Vec<String> = pages.iter().map(|p| p.title.clone()).collect();
    let states = wiki.pages(&titles).await?;
    let planned = pages.into_iter().zip(states).map(|(page, state)| Planned {
        outcome: outcome(&system, &page, &state),
        page,
        state,
    });
    Ok(planned.collect())
}

/// Does to one page what was planned; what became of it, where somebody was quicker.
pub async fn carry_out(wiki: &Wiki, planned: Planned) -> Result<Outcome, PortError> {
    let Planned {
        page,
        mut outcome,
        mut state,
    } = planned;
    for _ in 0..3 {
        if !matches!(outcome, Outcome::Created | Outcome::Updated) {
            return Ok(outcome);
        }
        let edit = Edit {
            title: page.title.clone(),
            text: page.text.clone(),
            summary: format!("from OpenStackManager {}", env!("CARGO_PKG_VERSION")),
            by: EditAs::System { bot: true },
            parent: state.revision,
        };
        match wiki.edit(&edit).await? {
            Edited::Saved { .. } => return Ok(outcome),
            Edited::Unchanged => return Ok(Outcome::Same),
            Edited::Refused { code, info } => return Ok(Outcome::Refused { code, info }),
            Edited::Conflict => {
                let now = plan(wiki, vec![page.clone()]).await?.pop();
                if let Some(now) = now {
                    (outcome, state) = (now.outcome, now.state);
                }
            }
        }
    }
    Err(PortError::new(
        "wiki",
        "push",
        &page.title,
        Kind::Conflict,
        "it is being edited again and again",
    ))
}

/// What is to become of a page that stands so.
fn outcome(system: &str, page: &Shipped, state: &PageState) -> Outcome {
    // A page that is not there is nobody's.
    if state.page_id.is_none() {
        return Outcome::Created;
    }
    if same(&page.text, &state.text) {
        return Outcome::Same;
    }
    let editor = state.last_editor.clone().unwrap_or_default();
    if editor == system {
        return Outcome::Updated;
    }
    let diff = diff(&state.text, &page.text);
    Outcome::Kept { editor, diff }
}

/// The same text; for a schema the same JSON, since Semantic MediaWiki lays it out anew on saving.
fn same(ours: &str, theirs: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    ours.trim_end() == theirs.trim_end() || json(ours).is_some_and(|o| Some(o) == json(theirs))
}

/// In the form that `diff -u` and `git` have.
fn diff(theirs: &str, ours: &str) -> String {
    let line = |text: &str| format!("{}\n", text.trim_end());
    TextDiff::from_lines(line(theirs), line(ours))
        .unified_diff()
        .context_radius(2)
        .header(
            "on the wiki",
            concat!("from OpenStackManager ", env!("CARGO_PKG_VERSION")),
        )
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_untouched_pages_are_replaced() {
        let page = Shipped {
            title: "Template:X".to_owned(),
            text: "a\nb\nc".to_owned(),
        };
        let state = |text: &str, editor: &str| PageState {
            title: "Template:X".to_owned(),
            page_id: Some(1),
            revision: 7,
            text: text.to_owned(),
            last_editor: Some(editor.to_owned()),
        };
        let becomes = |state: &PageState| outcome("OpenStackManager", &page, state);
        let missing = PageState {
            page_id: None,
            ..state("", "")
        };
        assert_eq!(becomes(&missing), Outcome::Created);
        let older = state("a\nc", "OpenStackManager");
        assert_eq!(becomes(&older), Outcome::Updated);
        assert_eq!(becomes(&state("a\nb\nc\n", "Somebody")), Outcome::Same);
        let Outcome::Kept { editor, diff } = becomes(&state("a\nB\nc", "Somebody")) else {
            unreachable!("somebody's edit");
        };
        assert_eq!(editor, "Somebody");
        assert!(diff.starts_with("--- on the wiki\n+++ from OpenStackManager "));
        assert!(
            diff.ends_with("@@ -1,3 +1,3 @@\n a\n-B\n+b\n c\n"),
            "{diff}"
        );
        assert!(same("{\"a\": [1]}", "{\n  \"a\": [ 1 ]\n}"));
    }
}
