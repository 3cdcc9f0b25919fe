//! A project's page.

use super::encode;
use super::region;
use super::template::{Call, link, user};
use super::title::summary_title;
use crate::authz::PROJECTADMIN;
use crate::ids::{ProjectName, Region};
use crate::project::{ManagedProject, Member, WikiNames};
use crate::quota::Limits;
use chrono::{DateTime, Utc};

/// Most instances that a project's page lists; the special page has them all.
pub const LISTED: usize = 500;

/// An instance as a project's page lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Title of its page.
    pub title: String,
    /// Its name.
    pub name: String,
    /// Where it runs.
    pub region: Region,
}

/// What a project's page is composed from.
#[derive(Clone, Debug)]
pub struct ProjectPage<'a> {
    /// LDAP's facts and the Keystone id.
    pub project: &'a ManagedProject,
    /// Names of the wiki users linked to LDAP entries.
    pub wiki_names: &'a WikiNames,
    /// Its living instances, in any order; `None` where the project is noisy, and another page sums them up.
    pub instances: Option<&'a [Listed]>,
    /// The quota that was last set here, in each region where one was.
    pub quotas: &'a [(Region, Limits)],
}

impl ProjectPage<'_> {
    /// The machine's part of the page.
    pub fn machine(&self) -> String {
        let project = &self.project.project;
        let mut call = Call::new("project");
        call.text("Project Name", project.name.as_str());
        call.maybe("Description", project.description.as_deref());
        let admins = project.members.iter().filter(|m| m.holds(PROJECTADMIN));
        call.trusted("Admin", &self.linked(admins));
        call.trusted("Member", &self.linked(project.members.iter()));
        let mut unlinked: Vec<_> = project
            .members
            .iter()
            .filter(|m| !self.wiki_names.contains_key(&m.entry))
            .map(|m| m.cn.as_str())
            .collect();
        unlinked.sort_unstable();
        call.list("Unlinked Member", unlinked);
        let quotas = self.quotas.iter();
        let quotas = quotas.map(|(region, limits)| format!("{region}: {}", limits.words()));
        call.list("Quota", quotas);
        match self.instances {
            Some(instances) => {
                call.trusted("Number of Instances", &instances.len().to_string());
                call.trusted("Instance List", &instance_list(instances));
            }
            None => call.trusted("Instance Summary", &link(&summary_title(&project.name))),
        }
        call.done()
    }

    /// The whole page: what people wrote stays. `documentation` adds an open section to a new page.
    pub fn compose(&self, old: &str, documentation: bool) -> String {
        if documentation && old.trim().is_empty() {
            region::new_page(&self.machine())
        } else {
            region::merge(old, &self.machine())
        }
    }

    fn linked<'m>(&self, members: impl Iterator<Item = &'m Member>) -> String {
        let mut names: Vec<_> = members
            .filter_map(|m| self.wiki_names.get(&m.entry))
            .collect();
        names.sort_unstable();
        names.dedup();
        let links: Vec<_> = names.into_iter().map(|n| link(&user(n))).collect();
        links.join(encode::SEPARATOR)
    }
}

/// The whole page of a project that was deleted; what people wrote stays.
pub fn deleted(old: &str, name: &ProjectName, at: DateTime<Utc>) -> String {
    let mut call = Call::new("deleted project");
    call.text("Project Name", name.as_str());
    call.time("Deletion Time", Some(at));
    region::merge(old, &call.done())
}

/// A line an instance, so that a diff shows which came and which went.
fn instance_list(instances: &[Listed]) -> String {
    let mut instances: Vec<_> = instances.iter().collect();
    instances.sort_unstable_by_key(|i| (&i.name, &i.region, &i.title));
    let lines = instances.iter().take(LISTED).map(|i| {
        let label = encode::label(&i.name);
        let region = encode::plain(i.region.as_str());
        format!("\n* [[{}|{label}]] ({region})", i.title)
    });
    lines.collect()
}
