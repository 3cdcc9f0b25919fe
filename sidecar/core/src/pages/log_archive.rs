//! Long logs: whole months go onto pages of their own, letter for letter, with what people wrote among them.

use super::log::{end, headings, title};
use super::scan::scan;
use crate::log::LogName;
use chrono::{Datelike as _, NaiveDate};

/// Begins the list of a log's archives, at the bottom of its page; not shown where the log is.
const OPEN: &str = "<noinclude>\n=== Archive ===\n";
const CLOSE: &str = "</noinclude>";

/// A month that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Month {
    /// The page that it goes to.
    pub title: String,
    /// What goes.
    pub text: String,
    /// The log's page without it, with a link to it.
    pub rest: String,
}

/// The oldest month at the bottom of a page, if that is not its newest as well.
pub fn oldest_month(log: &LogName, page: &str) -> Option<Month> {
    let headings = headings(page);
    let month = |day: &NaiveDate| (day.year(), day.month());
    let (last, _) = headings.last()?;
    let newest = headings.iter().map(|(day, _)| day).max()?;
    if month(last) == month(newest) {
        return None;
    }
    let run = headings
        .iter()
        .rev()
        .take_while(|(day, _)| month(day) == month(last));
    let (_, first) = run.last()?;
    let end = before_archive(page, end(page));
    let text = page.get(first.start..end)?;
    // What is hidden at one end would hide the rest at the other.
    let whole = scan(page).hidden.iter().all(|h| {
        let within = first.start <= h.start && h.end <= end;
        within || h.end <= first.start || end <= h.start
    });
    if !whole || text.trim().is_empty() {
        return None;
    }
    let name = format!("{:04}-{:02}", last.year(), last.month());
    let title = format!("{}/{name}", title(log));
    let (before, after) = (page.get(..first.start)?, page.get(end..)?);
    Some(Month {
        rest: linked(before, after, &format!("* [[{title}|{name}]]\n")),
        text: format!("{}\n", text.trim_end()),
        title,
    })
}

/// The archive's page with a month in it; the same where it is there already, since the answer of an edit may be lost.
pub fn archived(old: &str, month: &Month) -> String {
    if old.contains(month.text.trim_end()) {
        return old.to_owned();
    }
    match old.trim().is_empty() {
        true => month.text.clone(),
        false => format!("{}\n{old}", month.text),
    }
}

fn before_archive(page: &str, end: usize) -> usize {
    let list = page.get(..end).and_then(|text| text.rfind(OPEN));
    list.unwrap_or(end)
}

fn linked(before: &str, after: &str, link: &str) -> String {
    let before = before.trim_end();
    let gap = if before.is_empty() { "" } else { "\n\n" };
    match after.trim_start().strip_prefix(OPEN) {
        Some(_) if after.contains(link) => format!("{before}{gap}{}", after.trim_start()),
        Some(rest) => format!("{before}{gap}{OPEN}{link}{rest}"),
        None => format!("{before}{gap}{OPEN}{link}{CLOSE}\n{}", after.trim_start()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_go_one_by_one_and_nothing_is_lost() {
        let bots = LogName::trusted("bots");
        let old = "About.\n\n=== 2026-11-02 ===\n* 10:00 a: n\n\n=== 2026-10-30 ===\n* 10:00 a: o\nA word of Ann's.\n\n\
                   === 2026-10-01 ===\n* 09:00 a: p\n\n=== 2026-09-30 ===\n* 08:00 a: q\n\n\
                   <noinclude>[[Category:Server admin logs]]</noinclude>";
        let september = oldest_month(&bots, old).unwrap();
        assert_eq!(september.title, "Nova Resource:Bots/SAL/2026-09");
        assert_eq!(september.text, "=== 2026-09-30 ===\n* 08:00 a: q\n");
        let october = oldest_month(&bots, &september.rest).unwrap();
        assert_eq!(
            october.text,
            "=== 2026-10-30 ===\n* 10:00 a: o\nA word of Ann's.\n\n=== 2026-10-01 ===\n* 09:00 a: p\n"
        );
        assert_eq!(
            october.rest,
            "About.\n\n=== 2026-11-02 ===\n* 10:00 a: n\n\n<noinclude>\n=== Archive ===\n\
             * [[Nova Resource:Bots/SAL/2026-10|2026-10]]\n* [[Nova Resource:Bots/SAL/2026-09|2026-09]]\n</noinclude>\n\
             <noinclude>[[Category:Server admin logs]]</noinclude>"
        );
        // What is left is of one month.
        assert_eq!(oldest_month(&bots, &october.rest), None);
        assert_eq!(oldest_month(&bots, "no days"), None);
        // Said twice it is there once; what came late goes on top.
        let page = archived("", &october);
        assert_eq!(archived(&page, &october), page);
        assert!(
            archived("=== 2026-10-02 ===\n* x\n", &october)
                .ends_with("p\n\n=== 2026-10-02 ===\n* x\n")
        );
    }

    #[test]
    fn nothing_goes_that_would_hide_the_rest() {
        let bots = LogName::trusted("bots");
        let page = "=== 2026-11-02 ===\n* a\n<pre>\n=== 2026-11-01 ===\n</pre>\n=== 2026-10-30 ===\n* b <!-- open\n";
        let month = oldest_month(&bots, page);
        assert!(
            month.is_none_or(|m| m.text.contains("=== 2026-10-30 ===") && m.rest.contains("<pre>"))
        );
    }
}
