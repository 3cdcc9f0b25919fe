//! The forms in which people have their public keys: OpenSSH's line, RFC 4716, and what PuTTY writes.

use super::wrong;
use crate::message::Msg;
use crate::refusal::Refusal;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use regex::Regex;
use std::sync::LazyLock;

/// Characters of a comment.
const LONGEST_COMMENT: usize = 200;
/// Characters of a name that is told.
const LONGEST_NAME: usize = 64;
const BEGIN: &str = "---- BEGIN SSH2 PUBLIC KEY ----";
const END: &str = "---- END SSH2 PUBLIC KEY ----";

/// What begins or ends a private key, and PuTTY's headers of one; then how the content begins, for who left the
/// rest out: OpenSSH's own, and the version that comes first in private keys in DER (RSA or any, EC, Ed25519).
#[allow(clippy::expect_used)]
static PRIVATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i:-\s*(?:BEGIN|END)[^-]{0,40}PRIVATE KEY|Private-(?:Lines|MAC|Hash)\s*:|SSH PRIVATE KEY FILE)|\bb3BlbnNzaC1rZXktdjE|\bMII[A-Za-z0-9+/]{3}IBAA|\bMHcCAQEE|\bMC4CAQAwBQYDK2Vw",
    )
    .expect("a pattern of ours")
});

/// A key as it came.
pub(super) struct Pasted {
    /// In SSH's binary form.
    pub(super) blob: Vec<u8>,
    /// What it is said to be beside that.
    pub(super) said: Option<String>,
    pub(super) comment: String,
}

/// A private key, or what is left of one.
pub fn is_private(text: &str) -> bool {
    PRIVATE.is_match(text)
}

/// Takes a text apart, in whatever form it is.
pub(super) fn read(text: &str) -> Result<Pasted, Refusal> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        Err(wrong(Msg::new("key-none")))
    } else if text.starts_with(BEGIN) {
        rfc4716(text)
    } else if text.lines().any(|line| line.starts_with("Public-Lines:")) {
        putty(text)
    } else if text.contains("-BEGIN ") {
        Err(wrong(Msg::new("key-pem")))
    } else {
        line(text)
    }
}

/// `kind base64 comment`.
pub(super) fn line(text: &str) -> Result<Pasted, Refusal> {
    if text.contains(['\n', '\r']) {
        return Err(wrong(Msg::new("key-lines")));
    }
    let (said, rest) = text.split_once(' ').unwrap_or((text, ""));
    if !is_kind(said) {
        let Some(kind) = rest.split(' ').find(|word| is_kind(word)) else {
            return Err(wrong(Msg::new("key-notakey")));
        };
        let first = said.split(['=', ',']).next().unwrap_or_default();
        return Err(wrong(
            Msg::new("key-options").with(name(first)).with(name(kind)),
        ));
    }
    let (base64, comment) = rest
        .trim_start()
        .split_once(' ')
        .unwrap_or((rest.trim(), ""));
    Ok(Pasted {
        blob: decode(base64)?,
        said: Some(said.to_owned()),
        comment: comment.trim().to_owned(),
    })
}

fn rfc4716(text: &str) -> Result<Pasted, Refusal> {
    let broken = || wrong(Msg::new("key-broken"));
    let text = text.strip_prefix(BEGIN).ok_or_else(broken)?;
    let (text, after) = text.split_once(END).ok_or_else(broken)?;
    if !after.trim().is_empty() {
        return Err(wrong(Msg::new("key-lines")));
    }
    let (mut base64, mut comment) = (String::new(), String::new());
    let mut lines = text.lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        let Some((tag, value)) = line.split_once(':') else {
            base64.push_str(line);
            continue;
        };
        // A backslash at its end says that a header goes on in the next line.
        let mut value = value.to_owned();
        while value.ends_with('\\') {
            value.pop();
            value.push_str(lines.next().ok_or_else(broken)?);
        }
        if tag.trim().eq_ignore_ascii_case("Comment") {
            comment = value;
        }
    }
    Ok(Pasted {
        blob: decode(&base64)?,
        said: None,
        comment: unquoted(&comment).to_owned(),
    })
}

/// The public part of a `.ppk` file, with the headers before it or without.
fn putty(text: &str) -> Result<Pasted, Refusal> {
    let broken = || wrong(Msg::new("key-broken"));
    let (mut said, mut comment) = (None, String::new());
    let mut lines = text.lines().map(str::trim_end);
    let many = loop {
        let (tag, value) = lines
            .next()
            .and_then(|line| line.split_once(':'))
            .ok_or_else(broken)?;
        let value = value.trim();
        match tag {
            "Comment" => value.clone_into(&mut comment),
            "Public-Lines" => break value.parse::<usize>().map_err(|_| broken())?,
            _ if tag.starts_with("PuTTY-User-Key-File") => said = Some(value.to_owned()),
            _ => {}
        }
    };
    let base64: String = lines.by_ref().take(many).collect();
    // What follows in such a file is the private part.
    if lines.any(|line| !line.is_empty()) {
        return Err(wrong(Msg::new("key-private")));
    }
    Ok(Pasted {
        blob: decode(&base64)?,
        said,
        comment: unquoted(&comment).to_owned(),
    })
}

fn decode(base64: &str) -> Result<Vec<u8>, Refusal> {
    let blob = BASE64_STANDARD.decode(base64);
    blob.map_err(|_| wrong(Msg::new("key-broken")))
}

/// The name of its kind, with which SSH's binary form begins.
pub(super) fn named(blob: &[u8]) -> Option<String> {
    let (length, rest) = blob.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let name = std::str::from_utf8(rest.get(..length)?).ok()?;
    let told = !name.is_empty() && self::name(name) == name;
    told.then(|| name.to_owned())
}

/// A comment that can be read wherever it is shown.
pub(super) fn comment(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if text.chars().count() > LONGEST_COMMENT {
        let most = i64::try_from(LONGEST_COMMENT).unwrap_or(i64::MAX);
        return Err(wrong(Msg::new("key-longcomment").with(most)));
    }
    match text.chars().all(printable) {
        true => Ok(text.to_owned()),
        false => Err(wrong(Msg::new("key-control"))),
    }
}

/// Neither control characters, nor what is not seen or changes the direction of what is; nor the sign that
/// MediaWiki puts in the place of such.
fn printable(c: char) -> bool {
    let unseen = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e0fff}');
    !c.is_control() && !unseen
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let inner = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    inner.unwrap_or(text)
}

fn is_kind(word: &str) -> bool {
    ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"]
        .iter()
        .any(|begin| word.starts_with(begin))
}

/// So much of a word as can be told: what stands where a name is expected may be anything.
fn name(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_ascii_alphanumeric() || "@.-_".contains(*c))
        .take(LONGEST_NAME)
        .collect()
}
