//! Answers on IRC: one line each, in English as all of IRC's own words are.

use super::LogName;
use super::policy::Barred;
use std::fmt;

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It stands on the page.
    Logged {
        /// A link to the revision.
        link: String,
    },
    /// It is accepted, and not on the page yet.
    Waiting {
        /// Where.
        log: LogName,
        /// Its number there.
        seq: u64,
    },
    /// How one logs.
    Help {
        /// Where the logs stand.
        link: String,
    },
    /// There is no message.
    Empty {
        /// The project, where there was one word.
        name: Option<String>,
    },
    /// There is no such project.
    Unknown {
        /// As typed.
        name: String,
        /// What may have been meant.
        meant: Vec<String>,
    },
    /// The last entry is taken back; a note of it is logged.
    TakenBack {
        /// Where it was.
        log: LogName,
        /// Its number there.
        seq: u64,
    },
    /// The account is linked.
    Linked {
        /// The account.
        account: String,
        /// The wiki user.
        user: String,
    },
    /// It is not: why.
    NotLinked {
        /// In words.
        why: &'static str,
    },
    /// A code was said where others hear it.
    Burnt,
    /// There is nothing to take back.
    NothingToUndo,
    /// This channel logs for some people only.
    NotAllowed {
        /// What one must be.
        why: Barred,
        /// Where that can be helped.
        link: String,
    },
    /// The database gave no clear answer.
    Unsure,
    /// A part of ours is away.
    Away {
        /// Which.
        part: &'static str,
    },
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logged { link } => write!(f, "Logged the message at {link}"),
            Self::Waiting { log, seq } => {
                write!(
                    f,
                    "logged as #{seq} of {log}, the wiki is away, will follow"
                )
            }
            Self::Help { link } => write!(
                f,
                "To log a message: !log <project> <message> (or <project>.<tool>); to take your last one back: \
                 !log undo. The logs: {link}"
            ),
            Self::Empty { name: None } => {
                write!(
                    f,
                    "Message missing. Nothing logged. Try: !log <project> <message>"
                )
            }
            Self::Empty { name: Some(name) } => {
                let name = short(name);
                write!(
                    f,
                    "Message missing. Nothing logged. Try: !log {name} <message>"
                )
            }
            Self::Unknown { name, meant } => {
                write!(f, "There is no project {}. Nothing logged.", short(name))?;
                match meant.as_slice() {
                    [] => write!(f, " Try: !log <project> <message>"),
                    meant => write!(f, " Did you mean {}?", meant.join(", ")),
                }
            }
            Self::TakenBack { log, seq } => write!(f, "#{seq} of {log} is taken back"),
            Self::Linked { account, user } => write!(
                f,
                "what {account} logs is from now on an edit of the wiki user {user}"
            ),
            Self::NotLinked { why } => write!(f, "nothing was linked: {why}"),
            Self::Burnt => write!(
                f,
                "nothing was linked: others have seen this code, so it is good no more. Get another at \
                 Special:NovaLog, and say it to me in a private message"
            ),
            Self::NothingToUndo => write!(f, "You logged nothing here that could be taken back"),
            Self::NotAllowed { why, link } => write!(f, "Nothing logged: {why} {link}"),
            Self::Unsure => write!(
                f,
                "Our database is away: probably nothing was logged. Please look, and try again later"
            ),
            Self::Away { part } => {
                write!(f, "Nothing logged: {part} is away. Please try again later")
            }
        }
    }
}

/// What was typed is shown again, but not all of it.
fn short(text: &str) -> String {
    crate::pages::encode::cut(text, 60)
}

/// Who asked is named first where something went wrong, so that they see it; in one line of at most so many bytes.
/// Links are at the end and are kept whole: what stands before them is shortened.
pub fn line(reply: &Reply, nick: &str, most: usize) -> String {
    let text = match reply {
        Reply::Logged { .. } | Reply::Waiting { .. } | Reply::Help { .. } => reply.to_string(),
        _ => format!("{nick}: {reply}"),
    };
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.len() <= most {
        return text;
    }
    let link = match reply {
        Reply::Logged { link } | Reply::Help { link } | Reply::NotAllowed { link, .. }
            if link.len() < most =>
        {
            link.as_str()
        }
        _ => "",
    };
    let before = text.strip_suffix(link).unwrap_or(&text);
    let room = most - link.len();
    let mut end = room.min(before.len());
    while !before.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{link}", before.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bots() -> LogName {
        LogName::trusted("bots")
    }

    #[test]
    fn words() {
        let link = "http://wiki/wiki/Special:Diff/12".to_owned();
        for (reply, wanted) in [
            (
                Reply::Logged { link },
                "Logged the message at http://wiki/wiki/Special:Diff/12",
            ),
            (
                Reply::Waiting {
                    log: bots(),
                    seq: 7,
                },
                "logged as #7 of bots, the wiki is away, will follow",
            ),
            (
                Reply::Unknown {
                    name: "bost".to_owned(),
                    meant: vec!["bots".to_owned()],
                },
                "ada: There is no project bost. Nothing logged. Did you mean bots?",
            ),
            (
                Reply::NotAllowed {
                    why: Barred::NotLinked,
                    link: "http://wiki/wiki/Special:NovaLog".to_owned(),
                },
                "ada: Nothing logged: this channel is for accounts that are linked to a wiki user. Log in with \
                 NickServ, then link yours: http://wiki/wiki/Special:NovaLog",
            ),
            (
                Reply::Empty {
                    name: Some("bots".to_owned()),
                },
                "ada: Message missing. Nothing logged. Try: !log bots <message>",
            ),
        ] {
            assert_eq!(line(&reply, "ada", 400), wanted);
        }
    }

    proptest! {
        #[test]
        fn a_reply_is_one_line_of_bounded_length(
            name in "\\PC{0,500}", nick in "\\PC{0,60}", most in 60..400_usize,
            link in "http://[a-z]{1,40}/[0-9]{1,9}",
        ) {
            let unknown = Reply::Unknown { name: name.clone(), meant: vec![name.clone(), name] };
            for reply in [unknown, Reply::Logged { link: link.clone() }, Reply::Help { link: link.clone() }] {
                let text = line(&reply, &nick, most);
                prop_assert!(text.len() <= most);
                prop_assert!(!text.chars().any(char::is_control));
                if !matches!(reply, Reply::Unknown { .. }) {
                    prop_assert!(text.ends_with(&link));
                }
            }
        }
    }
}
