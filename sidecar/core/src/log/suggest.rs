//! Which project somebody meant.

use crate::ids::ProjectName;

/// So many are named.
const MOST: usize = 3;
/// So many signs may be otherwise.
const FAR: usize = 2;

/// The project of a name as typed: letters' case does not count.
pub fn find<'a>(typed: &str, known: &'a [ProjectName]) -> Option<&'a ProjectName> {
    let exact = known.iter().find(|name| name.as_str() == typed);
    exact.or_else(|| {
        known
            .iter()
            .find(|name| name.as_str().eq_ignore_ascii_case(typed))
    })
}

/// Projects whose names are like what was typed, the likest first.
pub fn meant(typed: &str, known: &[ProjectName]) -> Vec<String> {
    let typed = typed.to_lowercase();
    if typed.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(usize, &str)> = known
        .iter()
        .filter_map(|name| {
            let lower = name.as_str().to_lowercase();
            let far = strsim::osa_distance(&typed, &lower);
            let part = typed.len() >= 3 && (lower.starts_with(&typed) || typed.starts_with(&lower));
            // In a short name two signs are most of it.
            let near = far <= FAR.min(typed.chars().count() / 2);
            (near || part).then_some((far, name.as_str()))
        })
        .collect();
    found.sort();
    found
        .into_iter()
        .take(MOST)
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likely_ones() {
        let known =
            ["bots", "tools", "deployment-prep", "bastion", "Math"].map(ProjectName::trusted);
        for (typed, wanted) in [
            ("bost", vec!["bots"]),
            ("bot", vec!["bots"]),
            ("toolz", vec!["tools"]),
            ("deployment", vec!["deployment-prep"]),
            ("deploymentprep", vec!["deployment-prep"]),
            ("x", vec![]),
            ("", vec![]),
            ("restarted", vec![]),
        ] {
            assert_eq!(meant(typed, &known), wanted, "{typed}");
        }
        assert_eq!(find("BOTS", &known).map(ProjectName::as_str), Some("bots"));
        assert_eq!(find("math", &known).map(ProjectName::as_str), Some("Math"));
        assert_eq!(find("bost", &known), None);
    }
}
