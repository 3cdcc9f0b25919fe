//! Finds our marks in wikitext, and what MediaWiki does not read as wikitext.

use super::region::{BEGIN, END};
use std::ops::Range;

/// Which mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Begin,
    End,
}

/// A mark that counts: not one that is quoted in `<nowiki>` or within another comment.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) side: Side,
    pub(super) range: Range<usize>,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) marks: Vec<Mark>,
    /// Comments, `<nowiki>` and the like, in order.
    pub(super) hidden: Vec<Range<usize>>,
}

impl Scan {
    /// Whether any of the line is hidden.
    pub(super) fn hides(&self, line: &Range<usize>) -> bool {
        let next = self.hidden.partition_point(|h| h.end <= line.start);
        self.hidden.get(next).is_some_and(|h| h.start < line.end)
    }
}

/// Elements whose content is not wikitext, or not shown on the page itself.
const HIDING: [&str; 7] = [
    "nowiki",
    "pre",
    "gallery",
    "syntaxhighlight",
    "source",
    "templatedata",
    "includeonly",
];

/// Reads from the left as MediaWiki's preprocessor does: what begins first hides what stands in it.
pub(super) fn scan(text: &str) -> Scan {
    let mut found = Scan::default();
    // Elements that end nowhere further down: not looked for again, so that no page takes long.
    let mut unclosed: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|t| t.find('<')).map(|i| at + i) {
        let rest = text.get(start..).unwrap_or_default();
        if let Some(comment) = rest.strip_prefix("<!--") {
            let length = comment.find("-->");
            let end = length.map_or(text.len(), |l| start + 4 + l + 3);
            let content = comment
                .get(..length.unwrap_or(comment.len()))
                .unwrap_or_default();
            match side(content) {
                Some(side) if length.is_some() => found.marks.push(Mark {
                    side,
                    range: start..end,
                }),
                // The empty comment is our own encoder's.
                _ if content.is_empty() => {}
                _ => found.hidden.push(start..end),
            }
            at = end;
        } else {
            let name = hiding_name(rest).filter(|name| !unclosed.contains(name));
            match name.map(|name| (name, length(rest, name))) {
                Some((_, Some(length))) => {
                    found.hidden.push(start..start + length);
                    at = start + length;
                }
                Some((name, None)) => {
                    unclosed.push(name);
                    at = start + 1;
                }
                None => at = start + 1,
            }
        }
    }
    found
}

/// Only a mark in the words in which we write it, or without any: a comment that holds more is somebody's.
fn side(comment: &str) -> Option<Side> {
    [(BEGIN, "begin", Side::Begin), (END, "end", Side::End)]
        .into_iter()
        .find(|(mark, word, _)| {
            let ours = mark
                .strip_prefix("<!--")
                .and_then(|m| m.strip_suffix("-->"));
            let bare = comment.trim().strip_prefix("OpenStackManager: ");
            ours == Some(comment) || bare == Some(word)
        })
        .map(|(_, _, side)| side)
}

/// The name of the hiding element whose tag begins here.
fn hiding_name(text: &str) -> Option<&'static str> {
    HIDING.into_iter().find(|name| {
        let after = text.get(1 + name.len()..).unwrap_or_default();
        text.get(1..=name.len())
            .is_some_and(|n| n.eq_ignore_ascii_case(name))
            && (after.starts_with(|c: char| c.is_ascii_whitespace() || c == '>')
                || after.starts_with("/>"))
    })
}

/// The length of the element that begins here, from its tag to its end tag.
fn length(text: &str, name: &str) -> Option<usize> {
    let tag = text.find('>')? + 1;
    if text.get(..tag).is_some_and(|t| t.ends_with("/>")) {
        return Some(tag);
    }
    match end_tag(text, tag, name) {
        Some(end) => Some(end),
        // MediaWiki lets this one run to the end of the page, and reads the others as text.
        None if name == "includeonly" => Some(text.len()),
        None => None,
    }
}

fn end_tag(text: &str, from: usize, name: &str) -> Option<usize> {
    let mut at = from;
    loop {
        let start = at + text.get(at..)?.find("</")?;
        let after = start + 2 + name.len();
        if text
            .get(start + 2..after)
            .is_some_and(|n| n.eq_ignore_ascii_case(name))
        {
            let rest = text.get(after..)?;
            let gap = rest.len()
                - rest
                    .trim_start_matches(|c: char| c.is_ascii_whitespace())
                    .len();
            if rest.get(gap..).is_some_and(|r| r.starts_with('>')) {
                return Some(after + gap + 1);
            }
        }
        at = start + 2;
    }
}
