//! A text as lines, by where they stand in it.

use std::ops::Range;

/// The lines of a stretch, without their line breaks.
pub(super) fn lines(text: &str, within: Range<usize>) -> Vec<Range<usize>> {
    let mut start = within.start;
    text.get(within)
        .unwrap_or_default()
        .split('\n')
        .map(|line| {
            let range = start..start + line.len();
            start = range.end + 1;
            range
        })
        .collect()
}

pub(super) fn with_newline(text: &str, line: &Range<usize>) -> Range<usize> {
    let newline = text.get(line.end..).is_some_and(|t| t.starts_with('\n'));
    line.start..line.end + usize::from(newline)
}

pub(super) fn is_blank(text: &str, line: &Range<usize>) -> bool {
    text.get(line.clone()).is_some_and(|l| l.trim().is_empty())
}
