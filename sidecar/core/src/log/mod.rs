//! The Server Admin Log: what people say they did, one line a deed, on a page of its project.
//!
//! [`grammar`] reads a line of chat, [`reply`] answers it in one line, [`suggest`] says which project was meant,
//! [`links`] knows what is shown as a link, [`policy`] who may log from a channel, [`token`]
//! what scripts may, [`feed`] tells others of it, [`deeds`]
//! is what the system itself says, [`post`] what other programs are told. How a page is written to is in [`crate::pages::log`].

pub mod deeds;
pub mod feed;
pub mod grammar;
pub mod links;
pub mod policy;
pub mod post;
pub mod reply;
pub mod suggest;
pub mod token;

use crate::ids::ProjectName;
use chrono::{DateTime, Utc};
use std::fmt;

/// Longest message taken, in characters. A line of IRC holds less; scripts may say more.
pub const LONGEST: usize = 1000;

/// A log of its own: a project's, or that of a tool in a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogName {
    /// The project.
    pub project: ProjectName,
    /// The tool, in lower case.
    pub tool: Option<String>,
}

impl LogName {
    /// Takes `project` or `project.tool` apart. `None` where that cannot be one: whether there is such a project is
    /// another question.
    pub fn parse(text: &str) -> Option<Self> {
        let (project, tool) = match text.split_once('.') {
            Some((project, tool)) => (project, Some(tool)),
            None => (text, None),
        };
        let tool = tool.map(tool_name);
        if tool == Some(None) {
            return None;
        }
        Some(Self {
            project: ProjectName::parse(project).ok()?,
            tool: tool.flatten(),
        })
    }

    /// As stored, where it was written by [`fmt::Display`].
    pub fn trusted(text: &str) -> Self {
        match text.split_once('.') {
            Some((project, tool)) => Self {
                project: ProjectName::trusted(project),
                tool: Some(tool.to_owned()),
            },
            None => Self {
                project: ProjectName::trusted(text),
                tool: None,
            },
        }
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.tool {
            Some(tool) => write!(f, "{}.{tool}", self.project),
            None => self.project.fmt(f),
        }
    }
}

/// A tool's name becomes part of a page title, so it is held to the signs of a host label.
fn tool_name(text: &str) -> Option<String> {
    let good = (1..=50).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.ends_with('-');
    good.then(|| text.to_ascii_lowercase())
}

/// What somebody said, to be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Where.
    pub log: LogName,
    /// The same for the same saying: a saying that comes twice is accepted once.
    pub key: String,
    /// When it was heard.
    pub at: DateTime<Utc>,
    /// The name that stands in the entry: a nick, a wiki user, a script.
    pub nick: String,
    /// The wiki user whose own edit it is, id and name; `None`: the system writes it.
    pub by: Option<(u64, String)>,
    /// Through what it came: `irc:libera/#cloud`, `wiki`, `token` …
    pub source: String,
    /// The entry of this log that it takes back.
    pub undoes: Option<u64>,
    /// What was said: one line, cleaned.
    pub message: String,
}

/// An accepted entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in its log, counted from 1.
    pub seq: u64,
    /// What was said.
    pub said: NewEntry,
    /// The revision of the page with which it stands there.
    pub revision: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (text, wanted) in [
            ("bots", Some("bots")),
            ("Bots", Some("Bots")),
            ("tools.wikibugs", Some("tools.wikibugs")),
            ("tools.WikiBugs-2", Some("tools.wikibugs-2")),
            ("tools.", None),
            ("tools.a.b", None),
            (".a", None),
            ("tools.a/b", None),
            ("tools.-a", None),
            ("tools.a_b", None),
            ("tools.é", None),
            ("i-12ab", None),
            ("", None),
        ] {
            let found = LogName::parse(text);
            let shown = found.as_ref().map(ToString::to_string);
            assert_eq!(shown.as_deref(), wanted, "{text}");
            if let Some(found) = found {
                assert_eq!(LogName::trusted(&found.to_string()), found);
            }
        }
    }
}
