//! The machine's region of a page: ours between two marks, people's everywhere else.
//!
//! [`merge`] replaces the region and leaves all else byte for byte. Where people have moved, doubled,
//! removed or quoted the marks, it takes out what is ours by its form, keeps every line of theirs, and puts
//! one region back. Its result is its own fixed point.

use super::lines::{is_blank, lines, with_newline};
use super::scan::{Mark, Scan, Side, scan};
use super::template::{CLOSE, FIRST, OPEN, depth, is_inside, is_log};
use std::ops::Range;

/// Begins the region.
pub const BEGIN: &str =
    "<!-- OpenStackManager: begin. What stands between these marks is written by the system. -->";
/// Ends it.
pub const END: &str = "<!-- OpenStackManager: end. What stands outside is yours. -->";

/// Most rounds in which what is ours is taken out of a page.
const ROUNDS: usize = 50;
/// Most lines of a call of somebody's between our marks.
const LONGEST_CALL: usize = 100;

/// A new page: the region, and an open section for people.
pub fn new_page(machine: &str) -> String {
    format!(
        "{}\n\n== Documentation ==\n<!-- Yours: what is this for, who looks after it, what must one know? -->",
        region(machine)
    )
}

/// Puts the machine text into a page.
pub fn merge(old: &str, machine: &str) -> String {
    let found = scan(old);
    if let Some((begin, end)) = whole(&found) {
        let merged = replace(old, &found, begin, end, machine);
        if is_sound(&merged, machine) {
            return merged;
        }
    }
    let (human, anchor) = without_ours(old);
    let merged = insert(&human, anchor, machine);
    if is_sound(&merged, machine) {
        return merged;
    }
    insert(&human, 0, machine)
}

/// A page without the region: what people wrote.
pub fn remove(old: &str) -> String {
    let found = scan(old);
    if let Some((begin, end)) = whole(&found) {
        let rest = replace(old, &found, begin, end, "");
        return rest
            .replacen(&region(""), "", 1)
            .trim_start_matches('\n')
            .to_owned();
    }
    without_ours(old).0
}

fn region(machine: &str) -> String {
    format!("{BEGIN}\n{machine}\n{END}")
}

/// One begin, then one end: the state in which nobody has touched the marks.
pub(super) fn whole(found: &Scan) -> Option<(&Mark, &Mark)> {
    match found.marks.as_slice() {
        [begin, end] if begin.side == Side::Begin && end.side == Side::End => Some((begin, end)),
        _ => None,
    }
}

/// The page holds one region, and that is ours: merging again would change nothing.
pub(super) fn is_sound(page: &str, machine: &str) -> bool {
    let found = scan(page);
    whole(&found).is_some_and(|(begin, end)| {
        page.get(begin.range.start..end.range.end) == Some(region(machine).as_str())
    })
}

fn replace(old: &str, found: &Scan, begin: &Mark, end: &Mark, machine: &str) -> String {
    let before = old.get(..begin.range.start).unwrap_or_default();
    let after = old.get(end.range.end..).unwrap_or_default();
    let lines = lines(old, begin.range.end..end.range.start);
    let kept = peoples_lines(old, &lines, found);
    let mut out = format!("{before}{}", region(machine));
    if !kept.is_empty() {
        out.push('\n');
        out.push_str(&kept.join("\n"));
        if !after.is_empty() && !after.starts_with('\n') {
            out.push('\n');
        }
    }
    out.push_str(after);
    out
}

/// The lines between the marks that are not ours. Ours are those of the template call, by their form.
fn peoples_lines<'t>(text: &'t str, lines: &[Range<usize>], found: &Scan) -> Vec<&'t str> {
    let has_open = lines.iter().any(|l| is_open(text, l, found));
    // Where the first line of our call is gone, the call is taken to begin at the mark.
    let mut in_call = !has_open;
    let mut kept: Vec<&str> = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let content = text.get(line.clone()).unwrap_or_default();
        if is_open(text, line, found) {
            in_call = true;
        } else if in_call && is_close(text, line, found) {
            in_call = false;
        } else if content.trim().is_empty() {
            // A blank line between two of theirs belongs to them.
            if !kept.is_empty() {
                kept.push(content);
            }
        } else if let Some(rest) = content.strip_prefix(CLOSE).filter(|_| in_call) {
            // Words added to the last line of our call.
            kept.push(rest);
            in_call = false;
        } else if let Some(rest) = opened_with_words(text, lines, at, found) {
            kept.push(rest);
            in_call = true;
        } else if !(is_ours(text, line, found) && (in_call || is_log(content.trim_end()))) {
            let last = balanced(text, lines, at, found);
            let theirs = lines.get(at..=last).unwrap_or_default();
            kept.extend(theirs.iter().filter_map(|l| text.get(l.clone())));
            at = last;
        }
        at += 1;
    }
    while kept.last().is_some_and(|l| l.trim().is_empty()) {
        kept.pop();
    }
    kept
}

/// The words that somebody has added to the first line of our call.
fn opened_with_words<'t>(
    text: &'t str,
    lines: &[Range<usize>],
    at: usize,
    found: &Scan,
) -> Option<&'t str> {
    let next = text.get(lines.get(at + 1)?.clone())?;
    let line = lines.get(at).filter(|line| !found.hides(line))?;
    let rest = text.get(line.clone())?.strip_prefix(OPEN)?;
    (next.starts_with(FIRST) && !rest.contains(['{', '}', '|'])).then_some(rest.trim_start())
}

/// Takes out everything that is ours wherever it stands; says where the first of it stood.
fn without_ours(old: &str) -> (String, usize) {
    let mut text = old.to_owned();
    let mut anchor = None;
    // Taking something out can join what stood around it to a new mark. Nobody does that often by mistake.
    for _ in 0..ROUNDS {
        let found = scan(&text);
        let mut ours = calls(&text, &found);
        if ours.is_empty() {
            ours = found
                .marks
                .iter()
                .flat_map(|mark| [mark_with_line(&text, mark), beside(&text, mark, &found)])
                .collect();
        }
        ours.retain(|range| !range.is_empty());
        if ours.is_empty() {
            break;
        }
        take_out(&mut text, &mut anchor, ours);
    }
    (text, anchor.unwrap_or(0))
}

fn take_out(text: &mut String, anchor: &mut Option<usize>, mut ranges: Vec<Range<usize>>) {
    ranges.sort_by_key(|r| (r.start, r.end));
    let first = ranges.first().map_or(0, |r| r.start);
    let (mut from, mut gone_before_anchor) = (0, 0);
    let mut out = String::with_capacity(text.len());
    for range in seamless(text, ranges) {
        out.push_str(text.get(from..range.start).unwrap_or_default());
        if let Some(anchor) = anchor {
            let until = range.end.min(*anchor);
            gone_before_anchor += until.saturating_sub(range.start);
        }
        from = range.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    *text = out;
    *anchor = Some(anchor.map_or(first, |a| a - gone_before_anchor));
}

/// The same stretches without seams; between words on both sides of one, which were on lines of their own, a
/// line break stays.
fn seamless(text: &str, sorted: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut joined: Vec<Range<usize>> = Vec::new();
    for range in sorted {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    let bytes = text.as_bytes();
    let word = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(|b| *b != b'\n');
    for range in &mut joined {
        let both = word(range.start.checked_sub(1)) && word(Some(range.end));
        if both && !word(range.end.checked_sub(1)) {
            range.end -= 1;
        }
    }
    joined
}

/// Our lines of every call in the form we write: from its first line to its last, without what people have
/// put between.
fn calls(text: &str, found: &Scan) -> Vec<Range<usize>> {
    let lines = lines(text, 0..text.len());
    let mut ours = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if !is_open(text, line, found) {
            at += 1;
            continue;
        }
        let mut call = vec![with_newline(text, line)];
        let mut unbroken = 1;
        let mut closed = false;
        at += 1;
        while let Some(line) = lines.get(at) {
            if is_open(text, line, found) {
                break;
            }
            if is_close(text, line, found) {
                call.push(with_newline(text, line));
                closed = true;
                at += 1;
                call.extend(logs_below(text, &lines, at, found));
                break;
            }
            if is_ours(text, line, found) {
                if unbroken == call.len() && lines_touch(&call, line) {
                    unbroken += 1;
                }
                call.push(with_newline(text, line));
            } else {
                at = balanced(text, &lines, at, found);
            }
            at += 1;
        }
        if !closed {
            // Its end is gone; what follows further down may be a call of somebody else's.
            call.truncate(unbroken);
        }
        ours.extend(call);
    }
    ours
}

/// What stands below a call of ours: logs that are shown, which would count several times within it.
fn logs_below(t: &str, lines: &[Range<usize>], at: usize, found: &Scan) -> Vec<Range<usize>> {
    let below = lines.iter().skip(at);
    let logs = below.take_while(|l| is_line(t, l, found, is_log));
    logs.map(|l| with_newline(t, l)).collect()
}

fn lines_touch(call: &[Range<usize>], next: &Range<usize>) -> bool {
    call.last().is_some_and(|last| last.end == next.start)
}

/// Our lines right below a begin or right above an end, where the rest of the call is gone.
fn beside(text: &str, mark: &Mark, found: &Scan) -> Range<usize> {
    match mark.side {
        Side::Begin => below(text, mark.range.end, found),
        Side::End => above(text, mark.range.start, found),
    }
}

fn below(text: &str, mark: usize, found: &Scan) -> Range<usize> {
    let mut end = mark;
    let mut ours = mark..mark;
    for (index, line) in text.get(mark..).unwrap_or_default().split('\n').enumerate() {
        let line = end..end + line.len();
        end = line.end + 1;
        if index == 0 {
            if !is_blank(text, &line) {
                break;
            }
            continue;
        }
        let closes = is_close(text, &line, found);
        if !closes && !is_open(text, &line, found) && !is_ours(text, &line, found) {
            break;
        }
        ours.end = line.end;
        if closes {
            break;
        }
    }
    ours
}

fn above(text: &str, mark: usize, found: &Scan) -> Range<usize> {
    let mut start = mark + 1;
    let mut ours = mark..mark;
    let mut parameters = false;
    for (index, line) in text
        .get(..mark)
        .unwrap_or_default()
        .rsplit('\n')
        .enumerate()
    {
        let line = start - 1 - line.len()..start - 1;
        start = line.start;
        if index == 0 {
            if !is_blank(text, &line) {
                break;
            }
            continue;
        }
        let parameter = is_ours(text, &line, found);
        if !parameter && !is_open(text, &line, found) && !is_close(text, &line, found) {
            // Below the opening of somebody's own call these lines are theirs.
            parameters &= depth(text.get(line).unwrap_or_default()) <= 0;
            break;
        }
        parameters |= parameter;
        ours.start = line.start;
    }
    if parameters { ours } else { 0..0 }
}

fn insert(human: &str, anchor: usize, machine: &str) -> String {
    let found = scan(human);
    let at = found
        .hidden
        .iter()
        .find(|h| h.start < anchor && anchor < h.end)
        .map_or(anchor, |h| h.start);
    let (before, after) = human.split_at_checked(at).unwrap_or(("", human));
    let mut out = before.to_owned();
    if !before.is_empty() && !before.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(&region(machine));
    if !after.is_empty() && !after.starts_with('\n') {
        out.push('\n');
    }
    out.push_str(after);
    out
}

/// A mark, with its line where it stands alone there.
fn mark_with_line(text: &str, mark: &Mark) -> Range<usize> {
    let before = text.get(..mark.range.start).unwrap_or_default();
    if before.is_empty() || before.ends_with('\n') {
        with_newline(text, &mark.range)
    } else {
        mark.range.clone()
    }
}

fn is_line(text: &str, line: &Range<usize>, found: &Scan, form: impl Fn(&str) -> bool) -> bool {
    !found.hides(line) && text.get(line.clone()).is_some_and(|l| form(l.trim_end()))
}

fn is_open(text: &str, line: &Range<usize>, found: &Scan) -> bool {
    is_line(text, line, found, |l| l == OPEN)
}

fn is_close(text: &str, line: &Range<usize>, found: &Scan) -> bool {
    is_line(text, line, found, |l| l == CLOSE)
}

/// A line as stands between the first and the last of our call. A piece of a line, cut off by a mark that
/// somebody has put into it, is none, whatever it looks like.
fn is_ours(text: &str, line: &Range<usize>, found: &Scan) -> bool {
    let (before, after) = (text.get(..line.start), text.get(line.end..));
    let begins = before.is_some_and(|t| t.is_empty() || t.ends_with('\n'));
    let ends = after.is_some_and(|t| t.is_empty() || t.starts_with('\n'));
    // What ends a call that it does not begin is a piece of somebody's.
    begins && ends && is_line(text, line, found, |l| is_inside(l) && depth(l) == 0)
}

/// The last line of somebody's call that begins in line `at`; `at` itself where none does or it never ends.
fn balanced(text: &str, lines: &[Range<usize>], at: usize, found: &Scan) -> usize {
    let mut open = 0;
    for (index, line) in lines.iter().enumerate().skip(at).take(LONGEST_CALL) {
        if index > at && is_open(text, line, found) {
            break;
        }
        open += depth(text.get(line.clone()).unwrap_or_default());
        if open <= 0 {
            return index;
        }
    }
    at
}
