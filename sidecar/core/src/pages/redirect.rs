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
    let is_redirect = trimmed
        .get(..9)
        .is_some_and(|word| word.eq_ignore_ascii_case("#REDIRECT"));
    match trimmed.find("]]") {
        Some(end) if is_redirect => {
            let rest = trimmed.get(end + 2..).unwrap_or_default();
            rest.strip_prefix('\n').unwrap_or(rest).to_owned()
        }
        _ => rest,
    }
}
