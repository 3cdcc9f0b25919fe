//! Templates, categories and schema pages that come with this program, and how they get into the wiki.
//!
//! A page is replaced only where nobody has edited it since it was last pushed: its latest revision is the
//! system user's. All others are left and reported.

use include_dir::{Dir, include_dir};
use osm_core::ports::{Edit, EditAs, Edited, Kind, PageState, PortError, WikiRead, WikiWrite};
use serde::Deserialize;
use serde_json::Value;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wiki-templates");
static SCHEMA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../smw-schema");

/// Differing lines that a report names at most.
const LINES: usize = 20;

/// A page as it comes with this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Full title.
    pub title: String,
    /// Text.
    pub text: String,
}

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
        /// Where it differs: `- ` a line of the wiki, `+ ` one of ours.
        differences: Vec<String>,
    },
    /// The wiki would not have it.
    Refused {
        /// MediaWiki's error code.
        code: String,
        /// Its words.
        info: String,
    },
}

/// What became of all pages, in order.
pub type Report = Vec<(String, Outcome)>;

/// All pages; those that only Semantic MediaWiki understands where it is there.
pub fn shipped(smw: bool) -> Result<Vec<Shipped>, PortError> {
    let mut pages = Vec::new();
    if smw {
        let vocabulary: Vocabulary = json(&SCHEMA, "vocabulary.json")?;
        for property in vocabulary.properties {
            let Property {
                name,
                datatype,
                about,
            } = property;
            pages.push(Shipped {
                title: format!("Property:{name}"),
                text: format!(
                    "{about}\n\nIts type is [[Has type::{datatype}]]. It is set by [[Template:Nova Resource]]."
                ),
            });
        }
        for schema in vocabulary.schemas {
            pages.push(schema.read(&SCHEMA)?);
        }
    }
    let manifest: Manifest = json(&TEMPLATES, "manifest.json")?;
    for page in manifest.pages {
        pages.push(page.read(&TEMPLATES)?);
    }
    Ok(pages)
}

/// Brings the pages into the wiki.
pub async fn push<W: WikiRead + WikiWrite + ?Sized>(
    wiki: &W,
    pages: &[Shipped],
) -> Result<Report, PortError> {
    let system = wiki.info().await?.system_user;
    let titles: Vec<String> = pages.iter().map(|p| p.title.clone()).collect();
    let states = wiki.pages(&titles).await?;
    let mut report = Report::new();
    for (page, state) in pages.iter().zip(states) {
        let outcome = push_one(wiki, &system, page, state).await?;
        tracing::info!(page = page.title, ?outcome, "pushed to the wiki");
        report.push((page.title.clone(), outcome));
    }
    Ok(report)
}

async fn push_one<W: WikiRead + WikiWrite + ?Sized>(
    wiki: &W,
    system: &str,
    page: &Shipped,
    mut state: PageState,
) -> Result<Outcome, PortError> {
    for _ in 0..3 {
        if let Some(outcome) = left_alone(system, page, &state) {
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
            Edited::Saved { .. } if state.page_id.is_none() => return Ok(Outcome::Created),
            Edited::Saved { .. } => return Ok(Outcome::Updated),
            Edited::Unchanged => return Ok(Outcome::Same),
            Edited::Refused { code, info } => return Ok(Outcome::Refused { code, info }),
            Edited::Conflict => {
                let now = wiki.pages(std::slice::from_ref(&page.title)).await?;
                state = now.into_iter().next().unwrap_or(state);
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

/// Why a page is not to be written, if so.
fn left_alone(system: &str, page: &Shipped, state: &PageState) -> Option<Outcome> {
    // A page that is not there is nobody's.
    state.page_id?;
    if same(&page.text, &state.text) {
        return Some(Outcome::Same);
    }
    let editor = state.last_editor.clone().unwrap_or_default();
    (editor != system).then(|| Outcome::Kept {
        editor,
        differences: differences(&state.text, &page.text),
    })
}

/// The same text; for a schema the same JSON, since Semantic MediaWiki lays it out anew on saving.
fn same(ours: &str, theirs: &str) -> bool {
    let json = |text: &str| serde_json::from_str::<Value>(text).ok();
    ours.trim_end() == theirs.trim_end() || json(ours).is_some_and(|o| Some(o) == json(theirs))
}

/// The lines between the common beginning and the common end.
fn differences(theirs: &str, ours: &str) -> Vec<String> {
    let theirs: Vec<&str> = theirs.trim_end().lines().collect();
    let ours: Vec<&str> = ours.trim_end().lines().collect();
    let head = theirs.iter().zip(&ours).take_while(|(a, b)| a == b).count();
    let tails = theirs
        .iter()
        .skip(head)
        .rev()
        .zip(ours.iter().skip(head).rev());
    let tail = tails.take_while(|(a, b)| a == b).count();
    let middle = |lines: &[&str], sign: &str| -> Vec<String> {
        let end = lines.len() - tail;
        lines
            .iter()
            .take(end)
            .skip(head)
            .map(|l| format!("{sign} {l}"))
            .collect()
    };
    let mut lines = middle(&theirs, "-");
    lines.extend(middle(&ours, "+"));
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(format!("… and {more} lines more"));
    }
    lines
}

#[derive(Deserialize)]
struct Manifest {
    pages: Vec<Entry>,
}

#[derive(Deserialize)]
struct Vocabulary {
    properties: Vec<Property>,
    schemas: Vec<Entry>,
}

#[derive(Deserialize)]
struct Property {
    name: String,
    #[serde(rename = "type")]
    datatype: String,
    about: String,
}

#[derive(Deserialize)]
struct Entry {
    page: String,
    file: String,
}

impl Entry {
    fn read(self, dir: &Dir<'_>) -> Result<Shipped, PortError> {
        Ok(Shipped {
            text: text(dir, &self.file)?.trim_end().to_owned(),
            title: self.page,
        })
    }
}

fn json<T: serde::de::DeserializeOwned>(dir: &Dir<'_>, file: &str) -> Result<T, PortError> {
    serde_json::from_str(text(dir, file)?).map_err(|e| broken(file, &e.to_string()))
}

fn text<'d>(dir: &'d Dir<'_>, file: &str) -> Result<&'d str, PortError> {
    dir.get_file(file)
        .and_then(|f| f.contents_utf8())
        .ok_or_else(|| broken(file, "it is not there"))
}

/// The program itself was built wrongly; a test sees to it that it is not.
fn broken(file: &str, detail: &str) -> PortError {
    PortError::new(
        "wiki",
        "read",
        format!("{file} in this program"),
        Kind::Protocol,
        detail,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_page_that_is_named_is_there_and_every_file_is_named() {
        let pages = shipped(true).unwrap();
        let titles: BTreeSet<&str> = pages.iter().map(|p| p.title.as_str()).collect();
        assert_eq!(titles.len(), pages.len(), "a title twice");
        assert!(pages.iter().all(|p| !p.text.is_empty()));
        assert!(titles.contains("Template:Nova Resource"));
        assert!(
            !shipped(false)
                .unwrap()
                .iter()
                .any(|p| p.title.starts_with("Property:"))
        );
        let manifest: Manifest = json(&TEMPLATES, "manifest.json").unwrap();
        let named: BTreeSet<String> = manifest.pages.into_iter().map(|p| p.file).collect();
        for file in TEMPLATES.dirs().flat_map(Dir::files) {
            assert!(
                named.contains(file.path().to_str().unwrap()),
                "{:?}",
                file.path()
            );
        }
    }

    /// What the template hands to `#set` is declared, and what is declared is handed over.
    #[test]
    fn the_template_and_the_vocabulary_agree() {
        let template = text(&TEMPLATES, "Template/Nova_Resource.wikitext").unwrap();
        let mut set = BTreeSet::new();
        let mut in_set = false;
        for line in template.lines() {
            in_set = (in_set || line.contains("{{#set:")) && !line.starts_with("}}");
            if let Some((name, _)) = line
                .strip_prefix(" |")
                .filter(|_| in_set)
                .and_then(|l| l.split_once('='))
            {
                set.insert(name.to_owned());
            }
        }
        let vocabulary: Vocabulary = json(&SCHEMA, "vocabulary.json").unwrap();
        let declared: BTreeSet<String> = vocabulary
            .properties
            .iter()
            .map(|p| p.name.clone())
            .collect();
        assert_eq!(set, declared);
        let types = ["Text", "Number", "Date", "Page"];
        assert!(
            vocabulary
                .properties
                .iter()
                .all(|p| types.contains(&p.datatype.as_str()))
        );
    }

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
        let left = |state: &PageState| left_alone("OpenStackManager", &page, state);
        let missing = PageState {
            page_id: None,
            ..state("", "")
        };
        assert_eq!(left(&missing), None);
        assert_eq!(left(&state("a\nc", "OpenStackManager")), None);
        assert_eq!(left(&state("a\nb\nc\n", "Somebody")), Some(Outcome::Same));
        assert_eq!(
            left(&state("a\nB\nc", "Somebody")),
            Some(Outcome::Kept {
                editor: "Somebody".to_owned(),
                differences: vec!["- B".to_owned(), "+ b".to_owned()],
            })
        );
        assert!(same("{\"a\": [1]}", "{\n  \"a\": [ 1 ]\n}"));
    }
}
