//! The one form in which machine text is written: a call of `Template:Nova Resource`, a parameter a line.

use super::audit::is_anchor;
use super::encode;
use chrono::{DateTime, Utc};

/// First line of every call.
pub(super) const OPEN: &str = "{{Nova Resource";
/// Last line of every call.
pub(super) const CLOSE: &str = "}}";

/// How the line after it begins.
pub(super) const FIRST: &str = "|Resource Type=";

/// Whether a line has the form of one between the first and the last: a parameter, or an item of a list.
pub(super) fn is_inside(line: &str) -> bool {
    is_parameter(line) || is_listed(line) || is_row(line) || is_log(line) || is_anchor(line)
}

/// `|Some Name=…`
fn is_parameter(line: &str) -> bool {
    let Some((name, _)) = line.strip_prefix('|').and_then(|l| l.split_once('=')) else {
        return false;
    };
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && !name.ends_with(' ')
        && name.chars().all(|c| c.is_ascii_alphabetic() || c == ' ')
}

/// `* [[Nova Resource:I-…|name]] (region)`
fn is_listed(line: &str) -> bool {
    line.strip_prefix("* [[Nova Resource:")
        .and_then(|l| l.split_once('|'))
        .and_then(|(title, rest)| Some((title, rest.split_once("]] (")?)))
        .is_some_and(|(title, (label, region))| {
            !title.contains(']')
                && !label.contains(']')
                && region
                    .strip_suffix(')')
                    .is_some_and(|r| !r.contains([' ', ')']))
        })
}

/// `<tr class="nova-row"><td>[[Nova Resource:…|name]]</td><td>…</td></tr>`
fn is_row(line: &str) -> bool {
    line.strip_prefix(ROW)
        .and_then(|l| l.strip_prefix("[[Nova Resource:"))
        .and_then(|l| l.strip_suffix(ROW_END))
        .is_some_and(|cells| !cells.contains("<tr") && !cells.contains("</tr"))
}

/// The class tells our rows from those that people write in tables of their own.
const ROW: &str = "<tr class=\"nova-row\"><td>";
const ROW_END: &str = "</td></tr>";

/// A project's log, shown.
const LOG: &str = "{{Nova Resource/log|";

/// `{{Nova Resource/log|Nova Resource:…/SAL|name}}`
pub(super) fn is_log(line: &str) -> bool {
    line.strip_prefix(LOG)
        .and_then(|l| l.strip_suffix("}}"))
        .is_some_and(|inner| !inner.contains(['{', '}']) && inner.matches('|').count() == 1)
}

/// A line that shows another page, a log, under a heading of its own.
pub(super) fn shown_log(title: &str, name: &str) -> String {
    format!("\n{LOG}{title}|{}}}}}", encode::argument(name))
}

/// How many calls a line opens and leaves open.
pub(super) fn depth(line: &str) -> isize {
    let count = |sign: &str| line.matches(sign).count().cast_signed();
    count("{{") - count("}}")
}

/// A line of a table: first the page that it is about, then what there is to say in plain text.
pub(super) fn row<'c>(title: &str, name: &str, cells: impl IntoIterator<Item = &'c str>) -> String {
    let mut line = format!("\n{ROW}[[{title}|{}]]", encode::label(name));
    for cell in cells {
        line.push_str("</td><td>");
        line.push_str(&encode::plain(cell));
    }
    line + ROW_END
}

/// A call being written. Values are encoded on their way in; there is no way past that but [`Call::trusted`].
pub(super) struct Call(String);

impl Call {
    pub(super) fn new(resource_type: &str) -> Self {
        let mut call = Self(OPEN.to_owned());
        call.text("Resource Type", resource_type);
        call
    }

    /// A value; nothing is written where it is empty, so that absent facts are absent.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.trusted(name, &encode::argument(value));
    }

    pub(super) fn maybe(&mut self, name: &str, value: Option<&str>) {
        self.text(name, value.unwrap_or_default());
    }

    pub(super) fn list<S: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = S>) {
        self.trusted(name, &encode::arguments(values));
    }

    pub(super) fn time(&mut self, name: &str, value: Option<DateTime<Utc>>) {
        let text = value.map(|t| t.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        self.maybe(name, text.as_deref());
    }

    /// Text that is encoded already.
    pub(super) fn trusted(&mut self, name: &str, encoded: &str) {
        if !encoded.is_empty() {
            self.0.push_str(&format!("\n|{name}={encoded}"));
        }
    }

    pub(super) fn done(self) -> String {
        format!("{}\n{CLOSE}", self.0)
    }
}

/// The user page of a wiki user.
pub(super) fn user(name: &str) -> String {
    format!("User:{name}")
}

/// A link to a page whose title MediaWiki has accepted.
pub(super) fn link(title: &str) -> String {
    format!("[[{}]]", encode::argument(title))
}
