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

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn anchor(day: u32, seq: u64, digit: &str) -> Anchor {
        Anchor {
            day: NaiveDate::from_ymd_opt(2026, 11, day).unwrap_or_default(),
            seq,
            hash: digit.repeat(64),
        }
    }

    #[test]
    fn lines_are_added_and_what_people_wrote_stays() {
        let (first, second, third) = (anchor(22, 3, "a"), anchor(23, 12, "b"), anchor(24, 15, "c"));
        let before = compose("", &[second.clone(), first.clone()]);
        let before = format!("Read by Olga.\n{before}\n{}", "* 2026-11-20 1 her own");
        let all = [third.clone(), second, first];
        let page = compose(&before, &all);
        let [a, b, c] = ["a", "b", "c"].map(|digit| digit.repeat(64));
        assert_eq!(
            page,
            format!(
                "Read by Olga.\n{BEGIN}\n{{{{Nova Resource\n|Resource Type=audit chain\n|Anchor List=\n\
                 * 2026-11-24 15 {c}\n* 2026-11-23 12 {b}\n* 2026-11-22 3 {a}\n}}}}\n{END}\n\
                 * 2026-11-20 1 her own"
            )
        );
        assert_eq!(anchors(&page), all);
        assert_eq!(compose(&page, &all), page);
        // Days older than those listed go.
        assert_eq!(
            anchors(&compose(&page, std::slice::from_ref(&third))),
            [third]
        );
    }

    #[test]
    fn a_database_that_was_changed_changes_no_line() {
        let (old, new) = (anchor(22, 3, "a"), anchor(24, 15, "c"));
        let page = compose("", &[new.clone(), old.clone()]);
        let forged = anchor(22, 3, "d");
        let shown = compose(&page, std::slice::from_ref(&forged));
        assert_eq!(anchors(&shown), [new.clone(), forged, old.clone()]);
        assert_eq!(anchors(&compose(&page, &[])), [new, old]);
        assert_eq!(anchors("no page of ours"), []);
    }
}
