//! What may stand in a rule: names, commands and options as sudo and LDAP both take them.
//!
//! Sudo passes silently over a command that it cannot read, so what would never match is refused here, where somebody
//! can still do something about it.

use crate::message::Msg;
use crate::pages::encode::cut;
use crate::refusal::Refusal;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

/// Of a rule's name.
pub const LONGEST_NAME: usize = 64;
/// Characters of a command or an option.
pub const LONGEST: usize = 1000;
/// Commands, and options.
pub const MOST: usize = 100;

/// Takes the name of a new rule.
pub(super) fn name(text: &str) -> Result<&str, Refusal> {
    let refuse = |name: &str| {
        Err(Refusal::field(
            "sudoername",
            Msg::new(name).with(seen(text)),
        ))
    };
    let text = text.trim();
    let good = text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if !good {
        return refuse("sudo-badname");
    }
    match text.eq_ignore_ascii_case(super::SETTINGS) {
        true => refuse("sudo-settingsname"),
        false => Ok(text),
    }
}

/// Whether a shell name means that account to sudo, and nobody else: `ALL`, `%wheel` or `#0` would not.
pub fn is_account(uid: &str) -> bool {
    uid.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && uid != super::ALL
        && uid
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | '$'))
}

/// Each line once that is not empty. LDAP takes two that differ in repeated spaces for the same.
pub fn lines(text: &str) -> Vec<&str> {
    let mut seen = std::collections::BTreeSet::new();
    let lines = text.split(['\n', '\r']).map(str::trim);
    lines
        .filter(|line| !line.is_empty() && seen.insert(folded(line)))
        .collect()
}

fn folded(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a value can be shown as a line of a form, and comes back as it was.
pub(super) fn is_line(value: &str) -> bool {
    !value.is_empty() && value.trim() == value && !value.chars().any(char::is_control)
}

/// One that sudo reads.
pub(super) fn command(line: &str) -> Result<(), Msg> {
    writable(line)?;
    let wrong = |name: &str| Err(Msg::new(name).with(seen(line)));
    let command = line.strip_prefix('!').unwrap_or(line);
    let Some(command) = after_digests(command) else {
        return wrong("sudo-baddigest");
    };
    let name = command.split(' ').next().unwrap_or_default();
    if !(command == super::ALL || name == "sudoedit" || name.starts_with('/')) {
        return wrong("sudo-badcommand");
    }
    let escapes = command.len() - command.trim_end_matches('\\').len();
    match escapes % 2 {
        // It escapes what does not follow.
        1 => wrong("sudo-backslash"),
        _ => Ok(()),
    }
}

/// What comes after `sha256:…`, one or several of them; `None` where one is none.
fn after_digests(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(digest) = rest.strip_prefix("sha") {
        let (bits, digest) = digest.split_once(':')?;
        let bytes = match bits {
            "224" | "256" | "384" | "512" => bits.parse::<usize>().ok()? / 8,
            _ => return None,
        };
        let digest = digest.trim_start();
        let (value, after) = digest.split_at(digest.find([' ', ','])?);
        let hex = value.len() == 2 * bytes && value.bytes().all(|b| b.is_ascii_hexdigit());
        let base64 = || {
            let coded = BASE64_STANDARD.decode(value);
            coded.or_else(|_| BASE64_STANDARD_NO_PAD.decode(value)).ok()
        };
        if !hex && base64().is_none_or(|octets| octets.len() != bytes) {
            return None;
        }
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(more) if more.trim_start().starts_with("sha") => more.trim_start(),
            Some(_) => return None,
            None => after,
        };
    }
    Some(rest)
}

/// `name`, `!name`, `name=value`, `name+=value` or `name-=value`.
pub(super) fn option(line: &str) -> Result<(), Msg> {
    writable(line)?;
    let wrong = |name: &str| Err(Msg::new(name).with(seen(line)));
    if matches!(line, super::ASK | super::ASK_NOT) {
        return wrong("sudo-askoption");
    }
    let (negated, rest) = match line.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let (name, value) = match rest.split_once('=') {
        Some((name, value)) => (name.strip_suffix(['+', '-']).unwrap_or(name), Some(value)),
        None => (rest, None),
    };
    let known = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let valued = value.is_none_or(|value| !value.trim().is_empty() && !negated);
    match known && valued {
        true => Ok(()),
        false => wrong("sudo-badoption"),
    }
}

/// LDAP's schema for sudo takes ASCII, and nobody can judge a line of which they do not see all.
fn writable(line: &str) -> Result<(), Msg> {
    let longest = i64::try_from(LONGEST).unwrap_or(i64::MAX);
    if line.len() > LONGEST {
        let begin = seen(&cut(line, 40));
        return Err(Msg::new("sudo-long").with(begin).with(longest));
    }
    match line.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        true => Ok(()),
        false => Err(Msg::new("sudo-signs").with(seen(line))),
    }
}

/// As it can be shown: what turns the direction, or is not to be seen at all, by its number.
fn seen(line: &str) -> String {
    let odd = |c: char| !(c.is_ascii_graphic() || matches!(c, ' ' | '…'));
    let mut shown = String::new();
    for c in cut(line, 200).chars() {
        match odd(c) {
            true => shown.extend(c.escape_unicode()),
            false => shown.push(c),
        }
    }
    shown
}
