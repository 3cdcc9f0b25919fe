//! The pages that come with this program: templates, categories, and where Semantic MediaWiki is, its schema.

use include_dir::{Dir, include_dir};
use osm_core::ports::{Kind, PortError};
use serde::Deserialize;

static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../wiki-templates");
static SCHEMA: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../smw-schema");

/// A page as it comes with this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Full title.
    pub title: String,
    /// Text.
    pub text: String,
}

/// All pages; those that only Semantic MediaWiki understands where it is there.
pub fn shipped(smw: bool) -> Result<Vec<Shipped>, PortError> {
    let mut pages = Vec::new();
    if smw {
        let vocabulary: Vocabulary = json(&SCHEMA, "vocabulary.json")?;
        // First, as properties lead to them.
        for schema in vocabulary.schemas {
            pages.push(schema.read(&SCHEMA)?);
        }
        pages.extend(vocabulary.properties.into_iter().map(Property::page));
    }
    let manifest: Manifest = json(&TEMPLATES, "manifest.json")?;
    for page in manifest.pages {
        pages.push(page.read(&TEMPLATES)?);
    }
    Ok(pages)
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
    /// The name of the constraint that its values keep to.
    constraint: Option<String>,
}

impl Property {
    fn page(self) -> Shipped {
        let Self {
            name,
            datatype,
            about,
            constraint,
        } = self;
        let constraint = constraint.map_or_else(String::new, |name| {
            format!(" Its values keep to [[Constraint schema::{name}]].")
        });
        Shipped {
            title: format!("Property:{name}"),
            text: format!(
                "{about}\n\nIts type is [[Has type::{datatype}]].{constraint} It is set by [[Template:Nova Resource]]."
            ),
        }
    }
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
}
