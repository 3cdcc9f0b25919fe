//! What scripts log by a project's token.

use super::{LONGEST, LogName, grammar::clean};
use crate::ids::ProjectName;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Longest name of a token.
const NAME: usize = 40;
/// Longest key of a saying.
const KEY: usize = 100;

/// What a script sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// `project` or `project.tool`.
    pub project: String,
    /// What is to be logged.
    pub message: String,
    /// The same for the same saying: sent twice, it is logged once.
    #[serde(default)]
    pub key: Option<String>,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logged {
    /// The log.
    pub log: String,
    /// Its number there.
    pub entry: u64,
    /// The page on which it comes.
    pub page: String,
}

/// Why nothing was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotLogged {
    /// Nobody was given this token, or it is revoked.
    NoToken,
    /// The token is another project's.
    Elsewhere(ProjectName),
    /// There is no such project any more, or this cannot be a tool.
    NoProject(String),
    /// Nothing that could be read.
    NoMessage,
    /// Too long.
    TooLong,
    /// No key.
    BadKey,
    /// Something else was logged under the key.
    OtherSaying,
    /// More than a script may.
    TooMany,
    /// A part of ours is away.
    Away,
}

impl NotLogged {
    /// A word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoToken => "notoken",
            Self::Elsewhere(_) => "otherproject",
            Self::NoProject(_) => "noproject",
            Self::NoMessage => "nomessage",
            Self::TooLong => "toolong",
            Self::BadKey => "badkey",
            Self::OtherSaying => "usedkey",
            Self::TooMany => "toomany",
            Self::Away => "away",
        }
    }
}

impl fmt::Display for NotLogged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToken => write!(
                f,
                "There is no such token, or it was revoked: ask an operator for one."
            ),
            Self::Elsewhere(project) => {
                write!(f, "This token is for {project} and its tools only.")
            }
            Self::NoProject(name) => write!(f, "There is no project or tool {name}."),
            Self::NoMessage => write!(f, "The message is empty."),
            Self::TooLong => write!(f, "The message is longer than {LONGEST} characters."),
            Self::BadKey => write!(
                f,
                "The key must be 1 to {KEY} letters, digits and signs, without spaces."
            ),
            Self::OtherSaying => write!(
                f,
                "Something else was logged under this key, and this was not: each saying has a key of its own."
            ),
            Self::TooMany => write!(
                f,
                "Too many messages by this token; try again in some seconds."
            ),
            Self::Away => write!(
                f,
                "A part of ours is away; the same message with the same key may be sent again."
            ),
        }
    }
}

impl Sent {
    /// What is to be said by a token of a project: the message, cleaned.
    pub fn judge(&self, project: &ProjectName) -> Result<String, NotLogged> {
        let named = self.project.split('.').next().unwrap_or_default();
        if !named.eq_ignore_ascii_case(project.as_str()) {
            return Err(NotLogged::Elsewhere(project.clone()));
        }
        if LogName::parse(&self.project).is_none() {
            return Err(NotLogged::NoProject(self.project.clone()));
        }
        let good =
            |key: &str| (1..=KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        if !self.key.as_deref().is_none_or(good) {
            return Err(NotLogged::BadKey);
        }
        let message = clean(&self.message);
        if message.is_empty() {
            return Err(NotLogged::NoMessage);
        }
        if message.chars().count() > LONGEST {
            return Err(NotLogged::TooLong);
        }
        Ok(message)
    }
}

/// Whether a token may be called so: its entries stand under this name.
pub fn is_name(text: &str) -> bool {
    (1..=NAME).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && (text.chars()).all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// By which a token, or another secret that nobody could guess, is known.
pub fn hash(secret: &str) -> String {
    let digest = Sha256::digest(secret.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_token_may_say() {
        let long = "x".repeat(LONGEST + 1);
        for (project, message, key, wanted) in [
            ("bots", " two\n words\u{3}4 ", Some("k:1"), Ok("two words")),
            ("Bots.Wikibugs", "x", None, Ok("x")),
            ("tools", "x", None, Err("otherproject")),
            ("bots2", "x", None, Err("otherproject")),
            ("", "x", None, Err("otherproject")),
            ("bots.a/b", "x", None, Err("noproject")),
            ("bots.a.b", "x", None, Err("noproject")),
            ("bots", " \u{2} ", None, Err("nomessage")),
            ("bots", &long, None, Err("toolong")),
            ("bots", "x", Some(""), Err("badkey")),
            ("bots", "x", Some("a b"), Err("badkey")),
            ("bots", "x", Some(&long), Err("badkey")),
        ] {
            let sent = Sent {
                project: project.to_owned(),
                message: message.to_owned(),
                key: key.map(str::to_owned),
            };
            let judged = sent.judge(&ProjectName::trusted("bots"));
            let judged = judged.as_deref().map_err(NotLogged::code);
            assert_eq!(judged, wanted, "{project} {message}");
        }
    }

    #[test]
    fn names() {
        for (text, good) in [
            ("backup", true),
            ("cron.daily-2", true),
            ("", false),
            ("-x", false),
            ("two words", false),
            ("[[x]]", false),
            (&"x".repeat(41), false),
        ] {
            assert_eq!(is_name(text), good, "{text}");
        }
    }
}
