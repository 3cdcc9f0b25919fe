//! The page of a noisy project's instances: counts and the latest few, since a page for each of thousands of
//! short-lived servers would tell nobody anything.

use super::instance::storage_gb;
use super::region;
use super::template::Call;
use crate::ids::ProjectName;
use crate::instance::Instance;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many of the latest are named.
const LATEST: usize = 10;

/// The page while the project is noisy: its living instances, in any order.
pub fn summed_up(old: &str, project: &ProjectName, instances: &[Instance]) -> String {
    let sum = |of: fn(&Instance) -> u64| instances.iter().map(of).sum::<u64>().to_string();
    let mut call = Call::new("instance summary");
    call.text("Project", project.as_str());
    call.text("Number of Instances", &instances.len().to_string());
    call.text("Number of CPUs", &sum(|i| i.flavor.vcpus.into()));
    call.text("RAM Size", &sum(|i| i.flavor.ram_mb));
    call.text("Amount of Storage", &sum(storage_gb));
    call.list("State Counts", counts(instances, |i| &i.status));
    call.list("Type Counts", counts(instances, |i| &i.flavor.name));
    let mut latest: Vec<_> = instances.iter().collect();
    latest.sort_unstable_by_key(|i| (Reverse(i.created), i.id));
    let latest = latest.iter().take(LATEST).map(|i| {
        let created = i.created.format("%Y-%m-%d %H:%M");
        format!("{} ({}, {created} UTC)", i.name, i.status)
    });
    call.list("Latest Instances", latest);
    region::merge(old, &call.done())
}

/// The page when each of the project's instances has one of its own again.
pub fn no_longer(old: &str, project: &ProjectName) -> String {
    let mut call = Call::new("instance summary");
    call.text("Project", project.as_str());
    region::merge(old, &call.done())
}

/// "ACTIVE: 12", the most first.
fn counts<'i>(instances: &'i [Instance], of: impl Fn(&'i Instance) -> &'i String) -> Vec<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for instance in instances {
        *counts.entry(of(instance)).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let words = counts.iter().map(|(what, n)| format!("{what}: {n}"));
    words.collect()
}
