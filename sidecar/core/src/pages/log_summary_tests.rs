use super::log::{numbers, summary};
use super::log_tests::entry;
use crate::log::{Entry, LogName};

#[test]
fn summaries_name_entries() {
    let bots = LogName::trusted("bots");
    let some = |from: u64, to: u64, message: &str| -> Vec<Entry> {
        let each = |seq| entry(seq, "2026-11-27T10:00:00Z", "a(log 9)", message);
        (from..=to).map(each).collect()
    };
    for (entries, wanted) in [
        (
            some(12, 12, "x (log 13) [[y]]"),
            "(log bots 12) a&#40;log 9): x &#40;log 13) &#91;\u{2060}&#91;y&#93;&#93;",
        ),
        (
            some(12, 57, "x"),
            "(log bots 12-57) 46 entries, the last a&#40;log 9): x",
        ),
    ] {
        let text = summary(&entries);
        assert_eq!(text, wanted);
        let ends = (entries[0].seq, entries[entries.len() - 1].seq);
        assert_eq!(numbers(&bots, &text), Some(ends));
        // Another log whose page is the same.
        for other in ["bots.rb", "bot", "12", "Bots"] {
            assert_eq!(numbers(&LogName::trusted(other), &text), None, "{other}");
        }
        assert_eq!(
            numbers(&bots, &super::summary::on_behalf("A (log 1)", &text)),
            Some(ends)
        );
    }
    let long = summary(&some(1, 1, &"(".repeat(1000)));
    assert!(long.chars().count() <= 500);
    assert_eq!(numbers(&bots, &long), Some((1, 1)));
    // Of an older version.
    for (old, wanted) in [("(log 12) a: x", (12, 12)), ("(log 12-57) a", (12, 57))] {
        assert_eq!(numbers(&bots, old), Some(wanted));
    }
    // A log that is called like a number.
    let twelve = LogName::trusted("12-57");
    assert_eq!(numbers(&twelve, "(log 12-57 3) a"), Some((3, 3)));
    assert_eq!(numbers(&bots, "(log 12-57 3) a"), None);
    for none in ["", "(log )", "(log x)", "(log 5-3)", "(log 5", "log 5)"] {
        assert_eq!(numbers(&bots, none), None, "{none}");
    }
}
