//! An entry as it is told to other programs, and how they know that it is ours.

use super::Entry;
use crate::pages::log::title;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value as Json, json};
use sha2::Sha256;
use url::Url;

/// An entry.
pub fn told(entry: &Entry) -> Json {
    let said = &entry.said;
    json!({
        "log": said.log.to_string(), "entry": entry.seq, "page": title(&said.log), "time": said.at, "nick": said.nick,
        "user": said.by.as_ref().map(|(_, name)| name), "message": said.message, "undoes": said.undoes,
        "revision": entry.revision,
    })
}

/// Longest status that every server of Mastodon's takes, in characters; a link counts as so many of them.
const STATUS: usize = 500;
const LINK: usize = 23;

/// An entry as a status of our own, with a link to its log; `articles` is below which the wiki's pages are. Nobody is
/// called by it: what looks like somebody's address is none any more.
pub fn status(entry: &Entry, articles: &Url) -> String {
    let said = &entry.said;
    let text = format!("{}: {}: {}", said.log, said.nick, said.message);
    let text = text.replace('@', "@\u{200b}");
    let page = title(&said.log).replace(' ', "_");
    // The title holds letters, digits and signs that an address may hold.
    format!("{} {articles}{page}", shorten(&text, STATUS - LINK - 1))
}

/// What a link counts for more than its beginning, `ssb://` and a sign, if nothing follows.
const MORE: usize = LINK - 7;

/// A short link in the text counts for more than it is long; so many characters are counted at each.
fn shorten(text: &str, most: usize) -> String {
    let mut counted = 0;
    let mut room = 0;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let link = text.get(..end).is_some_and(|t| t.ends_with("://"));
        counted += if link { 1 + MORE } else { 1 };
        // With the sign that something is missing.
        if counted < most {
            room = end;
        }
    }
    if counted <= most {
        return text.to_owned();
    }
    format!("{}…", text.get(..room).unwrap_or_default().trim_end())
}

/// `sha256=` and the HMAC of a body, in hex.
pub fn signature(secret: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("sha256={hex}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LogName, NewEntry};

    #[test]
    fn statuses() {
        let articles = Url::parse("https://wiki.example/wiki/").unwrap();
        let entry = |message: &str| Entry {
            seq: 7,
            said: NewEntry {
                log: LogName::trusted("bots.cluebot"),
                key: "k".to_owned(),
                at: "2026-11-28T12:00:00Z".parse().unwrap(),
                nick: "ada".to_owned(),
                by: None,
                source: "wiki".to_owned(),
                undoes: None,
                message: message.to_owned(),
            },
            revision: None,
        };
        assert_eq!(
            status(&entry("told @ben@social.example"), &articles),
            "bots.cluebot: ada: told @\u{200b}ben@\u{200b}social.example \
             https://wiki.example/wiki/Nova_Resource:Bots.cluebot/SAL"
        );
        let long = status(&entry(&"🐢".repeat(600)), &articles);
        let (text, link) = long.rsplit_once(' ').unwrap();
        assert_eq!(text.chars().count() + 1 + 23, 500);
        assert!(
            text.ends_with("🐢…") && link.starts_with("https://"),
            "{long}"
        );
        // Each counts as 23, as does the link at the end.
        let links = status(&entry(&"http://a.b ".repeat(90)), &articles);
        let count = |word: &str| {
            if word.starts_with("http") {
                23
            } else {
                word.chars().count()
            }
        };
        let counted: usize = links.split(' ').map(|word| count(word) + 1).sum();
        assert!((450..=501).contains(&counted), "{counted} {links}");
    }

    #[test]
    fn as_others_compute_it() {
        // RFC 4231, the second case.
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?").as_deref(),
            Some("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        );
    }
}
