//! The page of the audit's anchors: how far the chain reached on which day, and the hash that it had there.

use super::region::{self, BEGIN, END};
use super::template::Call;
use crate::audit::Anchor;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// So many days are listed. Each hash stands for all that was sealed before it, so older ones are not missed.
pub const LISTED: u32 = 100;

/// The whole page from the newest anchors: what people wrote stays.
///
/// An anchor that stands there stays as well, beside ours where we know another: a database that was changed
/// must not change what was known before.
pub fn compose(old: &str, newest: &[Anchor]) -> String {
    let oldest = newest.iter().map(|anchor| anchor.day).min();
    let standing = anchors(old)
        .into_iter()
        .filter(|anchor| oldest.is_none_or(|day| anchor.day >= day));
    let all: BTreeSet<Reverse<Anchor>> = newest
        .iter()
        .cloned()
        .chain(standing)
        .map(Reverse)
        .collect();
    let lines: Vec<String> = all
        .iter()
        .map(|Reverse(a)| format!("\n* {} {} {}", a.day, a.seq, a.hash))
        .collect();
    let mut call = Call::new("audit chain");
    call.trusted("Anchor List", &lines.concat());
    region::merge(old, &call.done())
}

/// The anchors that a page holds between our marks.
pub fn anchors(page: &str) -> Vec<Anchor> {
    let ours = page
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END));
    let lines = ours.map_or("", |(ours, _)| ours).lines();
    lines.filter_map(anchor).collect()
}

/// A line as we write it.
pub(super) fn is_anchor(line: &str) -> bool {
    anchor(line).is_some()
}

/// `* 2026-11-24 123 <hash>`
fn anchor(line: &str) -> Option<Anchor> {
    let mut words = line.trim_end().strip_prefix("* ")?.split(' ');
    let (day, seq, hash) = (words.next()?, words.next()?, words.next()?);
    let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    let good = words.next().is_none() && hash.len() == 64 && hash.chars().all(hex);
    Some(Anchor {
        day: day.parse().ok().filter(|_| good)?,
        seq: seq.parse().ok()?,
        hash: hash.to_owned(),
    })
}
