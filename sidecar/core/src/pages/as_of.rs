//! As of when a page says what it says: the time at which the facts were seen for which it was last written.
//!
//! Time alone is never an edit: where nothing else is otherwise the page keeps the time that it has. The
//! revision's own time would not do, since a person's edit moves it without anybody having looked at the cloud.

use super::region::{END, whole};
use super::scan::scan;
use super::template::CLOSE;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use std::ops::Range;

/// As a line of the call; the template shows it.
const LINE: &str = "\n|As Of=";
const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

/// The page as `compose` makes it of what stands there, dated if that is something new.
pub fn dated(old: &str, at: DateTime<Utc>, compose: impl Fn(&str) -> String) -> String {
    let bare = undated(old, at);
    let composed = compose(&bare);
    if composed == bare {
        return old.to_owned();
    }
    let close = format!("\n{CLOSE}\n");
    let end = ours(&composed).map(|region| region.end.saturating_sub(END.len()));
    let before = end.and_then(|end| composed.get(..end)?.strip_suffix(&close));
    let Some(before) = before else {
        return composed;
    };
    let rest = composed.get(before.len()..).unwrap_or_default();
    let at = at.format(TIME);
    format!("{before}{LINE}{at}{rest}")
}

/// Where the region is, marks and all, unless somebody has touched the marks.
fn ours(page: &str) -> Option<Range<usize>> {
    let found = scan(page);
    whole(&found).map(|(begin, end)| begin.range.start..end.range.end)
}

/// Without the time, where the region is whole and the time is as we write it: the last line of the call, nothing but a
/// time, and one that can have been. Whatever else stands there is somebody's, and the page is not as composed.
fn undated(page: &str, at: DateTime<Utc>) -> String {
    let dated = ours(page).and_then(|region| {
        let end = region.end.saturating_sub(END.len());
        let call = page.get(..end)?.strip_suffix(&format!("\n{CLOSE}\n"))?;
        let begin = call.rfind('\n').filter(|begin| *begin > region.start)?;
        let value = call.get(begin..)?.strip_prefix(LINE)?;
        let stated = NaiveDateTime::parse_from_str(value, TIME).ok()?.and_utc();
        // Clocks differ, days do not.
        let can_be = stated <= at + TimeDelta::days(1) && stated.format(TIME).to_string() == value;
        can_be.then(|| format!("{}{}", &call[..begin], &page[call.len()..]))
    });
    dated.unwrap_or_else(|| page.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::region::{BEGIN, merge};

    fn at(second: u32) -> DateTime<Utc> {
        format!("2026-11-27T12:00:{second:02}Z").parse().unwrap()
    }

    fn facts(state: &str) -> impl Fn(&str) -> String {
        let machine = format!("{{{{Nova Resource\n|Resource Type=x\n|State={state}\n}}}}");
        move |old| merge(old, &machine)
    }

    #[test]
    fn time_alone_is_no_edit() {
        let first = dated("Mine.", at(1), facts("on"));
        assert!(
            first.contains("|State=on\n|As Of=2026-11-27T12:00:01Z\n}}\n"),
            "{first}"
        );
        assert_eq!(dated(&first, at(2), facts("on")), first);
        let second = dated(&first, at(3), facts("off"));
        assert!(second.contains("|State=off\n|As Of=2026-11-27T12:00:03Z\n}}\n"));
        assert_eq!(second.matches("As Of").count(), 1);
        assert!(second.ends_with("Mine."));
    }

    #[test]
    fn a_persons_edit_moves_no_time_and_a_page_without_one_is_let_be() {
        let first = dated("", at(1), facts("on"));
        // Also words that look like ours.
        let noted = format!("<nowiki>{BEGIN}\n|As Of=never\n</nowiki>{first}\n|As Of=often\n");
        assert_eq!(dated(&noted, at(2), facts("on")), noted);
        let undated = facts("on")("");
        assert_eq!(dated(&undated, at(2), facts("on")), undated);
    }

    #[test]
    fn what_is_no_time_of_ours_is_written_anew() {
        let first = dated("Mine.", at(1), facts("on"));
        for forged in [
            "2026-11-27T12:00:01Z|Project=tools",
            "2026-11-27T12:00:01Z\n|Project=tools",
            "2099-11-27T12:00:01Z",
            "2026-11-27T12:00:1Z",
            "2026-11-27T12:00:01Z ",
            "",
        ] {
            let edited = first.replace("2026-11-27T12:00:01Z", forged);
            let mended = dated(&edited, at(2), facts("on"));
            assert_eq!(mended, first.replace("00:01Z", "00:02Z"), "{forged}");
        }
    }

    #[test]
    fn a_torn_region_is_made_anew() {
        let torn = dated("", at(1), facts("on")).replace(END, "");
        let mended = dated(&torn, at(2), facts("on"));
        assert_eq!(mended.matches("|As Of=").count(), 1, "{mended}");
        assert!(mended.contains("12:00:02Z"));
        assert_eq!(dated(&mended, at(3), facts("on")), mended);
    }
}
