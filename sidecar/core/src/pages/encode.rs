//! One encoder for each place in wikitext a value can go to. Any text shows as text.
//!
//! All of them first make the value one line of printable characters in Unicode's composed form, because
//! MediaWiki would do the same on saving and the page would then differ from what was composed.

use std::ops::Range;
use unicode_normalization::UnicodeNormalization as _;

/// Stands between the values of a list in a template argument. No encoded value can hold it: their every `&`
/// is followed by `#38;`, `#60;`, `#62;` or `#39;`. Readers see a comma.
pub const SEPARATOR: &str = "&#44; ";

/// Breaks a pair of signs that would be markup; MediaWiki's preprocessor takes it out again.
const BREAK: &str = "<!---->";

/// Parts signs without being seen, and joins what it parts: no line breaks there.
const JOINER: char = '\u{2060}';

/// A value as the argument of a named template parameter, for our own templates.
///
/// Semantic MediaWiki stores what `#set` is given and decodes no entities but those of `& < > ' "`. So a value
/// is written with as few signs changed as can be: the template gets the very text, gives it to `#set`, and
/// shows it through `{{#tag:nowiki}}`. Only what the preprocessor or the pre-save transform would act on
/// inside the argument is broken up.
pub fn argument(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut before = None;
    for c in one_line(value).chars() {
        // A pipe is written as `{{!}}`, whose braces pair as others do.
        let pair = match (before, c) {
            (Some(b), '{' | '|') => matches!(b, '{' | '-'),
            (Some(b), '}') => matches!(b, '}' | '|'),
            (Some(b), '-') => matches!(b, '}' | '|'),
            (Some(b), '[' | ']' | '~') => b == c,
            _ => false,
        };
        if pair {
            out.push_str(BREAK);
        }
        match c {
            '&' | '<' | '>' | '\'' => push_entity(&mut out, c),
            '|' => out.push_str("{{!}}"),
            _ => out.push(c),
        }
        before = Some(c);
    }
    out
}

/// Several values as one argument, to be taken apart by `#set` with `+sep`.
pub fn arguments<S: AsRef<str>>(values: impl IntoIterator<Item = S>) -> String {
    let encoded: Vec<String> = values
        .into_iter()
        .map(|v| argument(v.as_ref()))
        .filter(|v| !v.is_empty())
        .collect();
    encoded.join(SEPARATOR)
}

/// A value in the running text of a page: whatever could mean something there becomes a numeric entity.
pub fn plain(value: &str) -> String {
    running(&one_line(value))
}

/// The same, with some of it as links: `find` tells which parts of the text, in order, and to what address. An
/// address is the operator's and has no sign that would end it.
pub fn linked(value: &str, find: impl Fn(&str) -> Vec<(Range<usize>, String)>) -> String {
    let text = one_line(value);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for (range, address) in find(&text) {
        let (Some(before), Some(shown)) = (text.get(at..range.start), text.get(range.clone()))
        else {
            continue;
        };
        out.push_str(&running(before));
        out.push_str(&format!("[{address} {}]", running(shown)));
        at = range.end;
    }
    out.push_str(&running(text.get(at..).unwrap_or_default()));
    out
}

fn running(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, c) in text.chars().enumerate() {
        match c {
            // Signs of wikitext anywhere in a line.
            '&' | '<' | '>' | '\'' | '"' | '|' | '=' | '{' | '}' | '[' | ']' | '~' | '_' | '#'
            | ':' | '*' | ';' | '!' => push_entity(&mut out, c),
            // A rule or a language variant.
            '-' if index == 0 || out.ends_with('-') || out.ends_with("&#125;") => {
                push_entity(&mut out, c);
            }
            _ => out.push(c),
        }
    }
    for magic in ["ISBN", "RFC", "PMID"] {
        out = out.replace(&format!("{magic} "), &format!("{magic}&#32;"));
        out = out.replace(&format!("{magic}\u{a0}"), &format!("{magic}&#160;"));
    }
    out
}

/// The text of a link, after its pipe. Never empty, since `[[X|]]` means something else.
pub fn label(value: &str) -> String {
    match plain(value) {
        text if text.is_empty() => "&#32;".to_owned(),
        text => text,
    }
}

/// A value in an edit summary, where only links, section marks and entities mean something. MediaWiki decodes
/// entities before it looks for the others, so what makes one of them is also parted, by a sign that is not seen.
/// Cut at `max` characters before it is encoded. A bracket opens what we say ourselves, so no name may open one: summaries
/// are read again (`pages::summary::operations`).
pub fn summary(value: &str, max: usize) -> String {
    let text = cut(&one_line(value), max);
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for c in text.chars() {
        if matches!((before, c), (Some('['), '[') | (Some('/'), '*')) {
            out.push(JOINER);
        }
        match c {
            '&' | '[' | ']' | '{' | '}' | '|' | '<' | '>' | '(' => push_entity(&mut out, c),
            _ => out.push(c),
        }
        before = Some(c);
    }
    out
}

/// At most `max` characters, with a sign where something was left off.
pub fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(max.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// One line without control characters and without space at its ends, in composed form.
fn one_line(value: &str) -> String {
    let cleaned: String = value
        .chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => '\u{fffd}',
            c => c,
        })
        .nfc()
        .collect();
    let mut out = String::with_capacity(cleaned.len());
    for c in cleaned.trim().chars() {
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

fn push_entity(out: &mut String, c: char) {
    out.push_str(&format!("&#{};", u32::from(c)));
}
