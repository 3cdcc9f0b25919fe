//! `Nova Resource:<name>.<project>.<region>`: leads to the instance that has the name.

use super::region;
use super::template::{Call, link};
use crate::ids::{ProjectName, Region};

/// The page of a name in use: a redirect to the instance's page. What people wrote below the redirect stays.
pub fn in_use(old: &str, target: &str) -> String {
    let rest = human_rest(old);
    let line = format!("#REDIRECT [[{target}]]");
    if rest.is_empty() {
        line
    } else {
        format!("{line}\n{rest}")
    }
}

/// The page of a name that no instance has now.
pub fn no_longer_in_use(
    old: &str,
    name: &str,
    project: &ProjectName,
    region: &Region,
    last: &str,
) -> String {
    let mut call = Call::new("unused name");
    call.text("Instance Name", name);
    call.text("Project", project.as_str());
    call.text("Region", region.as_str());
    call.trusted("Last Instance", &link(last));
    region::merge(&human_rest(old), &call.done())
}

/// The page without its redirect and without our region.
fn human_rest(old: &str) -> String {
    let rest = region::remove(old);
    let trimmed = rest.trim_start();
    // The target stands on its line; what only begins like a redirect is somebody's text.
    let (line, below) = trimmed.split_once('\n').unwrap_or((trimmed, ""));
    let is_redirect = line
        .get(..9)
        .is_some_and(|word| word.eq_ignore_ascii_case("#REDIRECT"));
    match line.split_once("]]") {
        Some((_, "")) if is_redirect => below.to_owned(),
        Some((_, beside)) if is_redirect => format!("{beside}\n{below}"),
        _ => rest,
    }
}
