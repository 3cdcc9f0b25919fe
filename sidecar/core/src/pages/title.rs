//! What pages are called.

use crate::ids::{InstanceId, ProjectName, Region, ucfirst};
use unicode_normalization::UnicodeNormalization as _;

/// The namespace of all pages here.
pub const NAMESPACE: &str = "Nova Resource";
/// The page of the audit's anchors. No project's page: a project's name holds no space.
pub const AUDIT: &str = "Nova Resource:Audit chain";
/// The combined Server Admin Log; outside of the namespace, where people have always looked for it.
pub const LOGS: &str = "Server Admin Log";
/// The overview of all projects.
pub const PROJECTS: &str = "Nova Resource:All projects";
/// The overview of all instances.
pub const INSTANCES: &str = "Nova Resource:All instances";
/// How many digits of the UUID an instance's title has, unless that title is taken.
pub const DIGITS: usize = 8;
/// MediaWiki's bound for a title without its namespace, in bytes.
const LONGEST: usize = 255;

/// An instance's page: `Nova Resource:I-3f9a2c1e`.
pub fn instance_title(id: InstanceId, digits: usize) -> String {
    format!("{NAMESPACE}:I-{}", id.short(digits))
}

/// Whether a title as MediaWiki writes it is one of a resource's page.
pub fn is_resource(title: &str) -> bool {
    title
        .strip_prefix(NAMESPACE)
        .is_some_and(|rest| rest.starts_with(':'))
}

/// A project's page, with the first letter raised as MediaWiki does.
pub fn project_title(project: &ProjectName) -> String {
    format!("{NAMESPACE}:{}", ucfirst(project.as_str()))
}

/// A request's page. No project's: a project's name holds no space.
pub fn request_title(id: u64) -> String {
    format!("{NAMESPACE}:Request {id}")
}

/// Whether a title as MediaWiki writes it is one of a request's page.
pub fn is_request(title: &str) -> bool {
    let number = title.strip_prefix(NAMESPACE);
    let number = number.and_then(|rest| rest.strip_prefix(":Request "));
    number.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// Where a noisy project's instances are summed up: below the project's page.
pub fn summary_title(project: &ProjectName) -> String {
    format!("{}/Instances", project_title(project))
}

/// The redirect of a name: `Nova Resource:<name>.<project>.<region>`. `None` where that cannot be a title, or not
/// this one: names given outside the wiki may hold anything.
pub fn redirect_title(name: &str, project: &ProjectName, region: &Region) -> Option<String> {
    let text = format!("{name}.{project}.{region}");
    let good = !name.is_empty()
        && text.len() <= LONGEST
        && text.nfc().eq(text.chars())
        && !text.starts_with([':', '.', '/'])
        && !text.chars().any(never_in_titles)
        && spaces_collapsed(&text) == text
        && !["~~~", "/./", "/../", "::"]
            .iter()
            .any(|s| text.contains(s))
        && !text.ends_with("/.")
        && !text.ends_with("/..");
    good.then(|| format!("{NAMESPACE}:{}", ucfirst(&text)))
}

/// Signs that MediaWiki refuses in titles, drops from them, or reads as an escape.
fn never_in_titles(c: char) -> bool {
    c.is_control()
        || "#<>[]|{}_%&\u{ad}\u{fffd}".contains(c)
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || (c.is_whitespace() && c != ' ')
}

/// Whether two titles name the same page, as MediaWiki normalises titles.
pub fn same_title(a: &str, b: &str) -> bool {
    normalised(a) == normalised(b)
}

/// A title as MediaWiki would write it: spaces for underscores, none at the ends or in runs, composed
/// form, first letters raised.
pub fn normalised(title: &str) -> String {
    let spaced: String = title.replace('_', " ").nfc().collect();
    let title = spaces_collapsed(&spaced);
    match title.split_once(':') {
        Some((namespace, text)) => {
            format!(
                "{}:{}",
                ucfirst(namespace.trim_end()),
                ucfirst(text.trim_start())
            )
        }
        None => ucfirst(&title),
    }
}

fn spaces_collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
