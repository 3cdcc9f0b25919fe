//! A page of the Server Admin Log. People may correct it, so it is never composed: entries are put in, newest first
//! below the heading of their day, and every other byte stays.

use super::encode;
use super::region;
use super::scan::scan;
use super::template::{Call, shown_log};
use super::title::{NAMESPACE, project_title};
use crate::log::links::Linker;
use crate::log::{Entry, LogName};
use chrono::{NaiveDate, Timelike as _};
use std::ops::Range;

/// So much of a message stands in an edit summary.
const SAID: usize = 300;
/// So much of a name.
const NAME: usize = 60;
/// Before the log and the numbers of entries in a summary. No name can hold an opening bracket there.
const NUMBERS: &str = "(log ";

/// `Nova Resource:Bots/SAL`, `Nova Resource:Tools.wikibugs/SAL`.
pub fn title(log: &LogName) -> String {
    let project = project_title(&log.project);
    match &log.tool {
        Some(tool) => format!("{project}.{tool}/SAL"),
        None => format!("{project}/SAL"),
    }
}

/// `* 12:34 nick: message`, in UTC. A wiki user whose own edit it is is linked.
pub fn line(entry: &Entry, linker: &Linker) -> String {
    let said = &entry.said;
    let nick = encode::plain(&said.nick);
    let who = match &said.by {
        Some((_, user)) if is_linkable(user) => format!("[[User:{user}|{nick}]]"),
        _ => nick,
    };
    let (hour, minute) = (said.at.hour(), said.at.minute());
    let message = linker.wikitext(&said.message);
    format!("* {hour:02}:{minute:02} {who}: {message}")
}

fn is_linkable(user: &str) -> bool {
    !user.is_empty() && !user.contains(|c: char| c.is_control() || "#<>[]|{}~&:_/".contains(c))
}

/// So many logs does the combined page name.
pub const SHOWN: u32 = 15;
/// So many bytes of logs does it show. MediaWiki counts each twice, and shows no more than two million.
const ROOM: usize = 400_000;

/// The combined page: the logs, each with its page's length, the one last written to first. For which there is no
/// room, those are linked. What people wrote stays.
pub fn combined(old: &str, logs: &[(LogName, usize)]) -> String {
    let mut room = ROOM;
    let (mut shown, mut linked) = (String::new(), Vec::new());
    for (log, length) in logs {
        let (title, name) = (title(log), log.to_string());
        if let Some(rest) = room.checked_sub(*length) {
            room = rest;
            shown.push_str(&shown_log(&title, &name));
        } else {
            linked.push(format!("[[{title}|{}]]", encode::label(&name)));
        }
    }
    let mut call = Call::new("server admin logs");
    call.trusted("Long Logs", &linked.join(", "));
    // Below the call: in an argument, MediaWiki counts what is shown once more for each time that it is handed on.
    region::merge(old, &format!("{}{shown}", call.done()))
}

/// The page with these entries in it; they come in their order, oldest first.
pub fn insert(old: &str, entries: &[Entry], linker: &Linker, category: &str) -> String {
    let mut page = old.to_owned();
    let mut rest = entries;
    while let Some(day) = rest.first().map(day) {
        let same = rest.iter().take_while(|e| self::day(e) == day).count();
        let (these, later) = rest.split_at(same);
        let lines: Vec<String> = these.iter().rev().map(|e| line(e, linker)).collect();
        page = put(&page, day, &lines.join("\n"));
        rest = later;
    }
    if old.trim().is_empty() && !category.is_empty() {
        page = format!(
            "{}\n<noinclude>[[Category:{category}]]</noinclude>",
            page.trim_end()
        );
    }
    page
}

fn day(entry: &Entry) -> NaiveDate {
    entry.said.at.date_naive()
}

/// Puts lines of a day into a page, at one place.
fn put(page: &str, day: NaiveDate, lines: &str) -> String {
    let headings = headings(page);
    let here = |(of, line): &&(NaiveDate, Range<usize>)| {
        // A comment behind the heading may go on below.
        *of == day && hiding(page, line.end).is_none()
    };
    if let Some((_, heading)) = headings.iter().find(here) {
        // Below the heading, whose line may be the page's last.
        let ended = page.get(..heading.end).is_some_and(|p| p.ends_with('\n'));
        let before = if ended { "" } else { "\n" };
        return spliced(page, heading.end, &format!("{before}{lines}\n"));
    }
    let section = format!("=== {day} ===\n{lines}\n");
    if let Some((_, older)) = headings.iter().find(|(of, _)| *of < day) {
        return spliced(page, older.start, &format!("{section}\n"));
    }
    let at = if is_redirect(page) { 0 } else { end(page) };
    let before = match page.get(..at).unwrap_or_default() {
        "" => "",
        text if text.ends_with("\n\n") => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let after = if at < page.len() { "\n" } else { "" };
    spliced(page, at, &format!("{before}{section}{after}"))
}

fn spliced(page: &str, at: usize, what: &str) -> String {
    let mut page = page.to_owned();
    page.insert_str(at, what);
    page
}

/// The page with an entry struck out, where it still stands as it was written; elsewhere it is people's to say.
pub fn struck_out(page: &str, entry: &Entry, linker: &Linker) -> String {
    let line = line(entry, linker);
    let found = scan(page);
    let mut at = 0;
    for each in page.split_inclusive('\n') {
        let range = at..at + each.trim_end().len();
        at += each.len();
        if each.trim_end() == line && !found.hides(&range) {
            // After the time: `* 12:34 `.
            let (time, rest) = line.split_at("* 12:34 ".len());
            let mut page = page.to_owned();
            page.replace_range(range, &format!("{time}<del>{rest}</del>"));
            return page;
        }
    }
    page.to_owned()
}

/// The headings of days, each with its whole line. One that MediaWiki does not read as a heading is none.
pub(super) fn headings(page: &str) -> Vec<(NaiveDate, Range<usize>)> {
    let found = scan(page);
    let mut at = 0;
    let mut all = Vec::new();
    for line in page.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        let shown = line.split("<!--").next().unwrap_or_default();
        let Some(day) = day_of(shown) else {
            continue;
        };
        let seen = range.start..range.start + shown.trim_end().len();
        if !found.hides(&seen) {
            all.push((day, range));
        }
    }
    all
}

fn day_of(line: &str) -> Option<NaiveDate> {
    let inner = line.trim_end().strip_prefix("===")?.strip_suffix("===")?;
    let inner = inner.trim();
    // The only form that we write; `parse` would take others.
    if inner.len() != 10 || inner.starts_with('=') {
        return None;
    }
    inner.parse().ok()
}

/// Where the text ends: before what stands at the bottom for the page itself, and before anything unclosed, in
/// which nothing would be seen.
pub(super) fn end(page: &str) -> usize {
    let mut text = page.trim_end();
    while let Some(line) = text.lines().last() {
        let folded = line.trim().to_ascii_lowercase();
        let inner = folded.strip_prefix("<noinclude>").unwrap_or(&folded);
        let inner = inner.strip_suffix("</noinclude>").unwrap_or(inner);
        let is_category = inner.starts_with("[[category:")
            && inner.ends_with("]]")
            && inner.matches("[[").count() == 1;
        if !is_category {
            break;
        }
        text = text
            .get(..text.len() - line.len())
            .unwrap_or_default()
            .trim_end();
    }
    let at = match page.get(text.len()..) {
        // After the line's end.
        Some(rest) if rest.starts_with('\n') => text.len() + 1,
        _ => text.len(),
    };
    hiding(page, at).unwrap_or(at)
}

/// Where that begins in which text put in at this place would not be read as wikitext.
fn hiding(page: &str, at: usize) -> Option<usize> {
    let within = scan(page);
    let within = within.hidden.iter().find(|h| h.start < at && at < h.end);
    let from = within.map_or(at, |h| h.start);
    // What begins before it may be closed only by the page's end.
    let begun = format!("{}\n.", page.get(..from).unwrap_or_default());
    let open = scan(&begun);
    let open = open.hidden.iter().find(|h| h.end > from + 1);
    open.or(within).map(|h| h.start)
}

/// Where a page leads that is a redirect within our namespace.
pub fn leads_to(page: &str) -> Option<String> {
    let target = target(page)?;
    let target = target.split(['|', '#']).next()?.trim();
    let target = super::title::normalised(target.strip_prefix(':').unwrap_or(target));
    target
        .strip_prefix(NAMESPACE)
        .is_some_and(|rest| rest.starts_with(':'))
        .then_some(target)
}

fn is_redirect(page: &str) -> bool {
    target(page).is_some()
}

fn target(page: &str) -> Option<&str> {
    let text = page.trim_start();
    let word = text.get(..9)?;
    if !word.eq_ignore_ascii_case("#redirect") {
        return None;
    }
    let rest = text.get(9..)?.trim_start();
    let rest = rest.strip_prefix(':').unwrap_or(rest).trim_start();
    rest.strip_prefix("[[")?.split_once("]]").map(|(it, _)| it)
}

/// The summary of the edit that puts these in: their log and numbers first, by which a lost answer is settled.
pub fn summary(entries: &[Entry]) -> String {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return String::new();
    };
    let nick = encode::summary(&last.said.nick, NAME);
    let message = encode::summary(&last.said.message, SAID);
    let log = named(&first.said.log);
    let text = if first.seq == last.seq {
        format!("{NUMBERS}{log}{}) {nick}: {message}", first.seq)
    } else {
        let (count, from, to) = (entries.len(), first.seq, last.seq);
        format!("{NUMBERS}{log}{from}-{to}) {count} entries, the last {nick}: {message}")
    };
    super::summary::bounded(text)
}

/// A log in a summary, whole: pages of several logs may be one by a redirect, and their numbers are alike.
fn named(log: &LogName) -> String {
    format!("{} ", encode::summary(&log.to_string(), usize::MAX))
}

/// The first and the last number of the entries of a log that a summary of ours names. Only one that bears the wiki's
/// tag of our edits may be read so. Older versions named no log: theirs are taken for those of any.
pub fn numbers(log: &LogName, summary: &str) -> Option<(u64, u64)> {
    let (_, rest) = summary.split_once(NUMBERS)?;
    let rest = rest.strip_prefix(&*named(log)).unwrap_or(rest);
    let (numbers, _) = rest.split_once(')')?;
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}
