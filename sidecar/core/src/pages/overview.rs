//! The overviews: all projects, and all instances. A table each, a line a row, so that a diff shows what came and
//! what went.

use super::project::LISTED;
use super::region;
use super::template::{Call, row};
use super::title;
use crate::ids::{ProjectName, Region};
use crate::instance::Instance;
use crate::project::Project;

/// All projects with what they are for.
pub fn projects(old: &str, projects: &[Project]) -> String {
    let mut projects: Vec<_> = projects.iter().collect();
    projects.sort_unstable_by_key(|p| &p.name);
    let rows = projects.iter().take(LISTED).map(|p| {
        let members = p.members.len().to_string();
        let what_for = p.description.as_deref().unwrap_or_default();
        let page = title::project_title(&p.name);
        row(&page, p.name.as_str(), [members.as_str(), what_for])
    });
    let mut call = Call::new("all projects");
    call.trusted("Project List", &rows.collect::<String>());
    call.maybe("List Bound", bound(projects.len()).as_deref());
    region::merge(old, &call.done())
}

/// What an overview shows of an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Shown {
    pub project: ProjectName,
    pub name: String,
    pub region: Region,
    pub flavor: String,
    pub addresses: String,
}

impl Shown {
    /// What changes seldom: an instance's state is on its own page.
    pub fn of(instance: &Instance) -> Self {
        let mut ips: Vec<_> = instance.addresses.iter().map(|a| a.ip).collect();
        ips.sort();
        ips.dedup();
        let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
        Self {
            project: instance.project.clone(),
            name: instance.name.clone(),
            region: instance.region.clone(),
            flavor: instance.flavor.name.clone(),
            addresses: ips.join(", "),
        }
    }
}

/// All instances, each with the title of its page; `noisy` projects are only named, with the page that sums up
/// theirs.
pub fn instances(old: &str, instances: &[(Shown, String)], noisy: &[ProjectName]) -> String {
    let mut instances: Vec<_> = instances.iter().collect();
    instances.sort_unstable();
    let rows = instances.iter().take(LISTED).map(|(i, page)| {
        let (project, region) = (i.project.as_str(), i.region.as_str());
        row(page, &i.name, [project, region, &i.flavor, &i.addresses])
    });
    let mut call = Call::new("all instances");
    call.trusted("Instance List", &rows.collect::<String>());
    call.maybe("List Bound", bound(instances.len()).as_deref());
    let mut noisy: Vec<_> = noisy.iter().collect();
    noisy.sort_unstable();
    let summaries = noisy
        .iter()
        .map(|p| row(&title::summary_title(p), p.as_str(), []));
    call.trusted("Summary List", &summaries.collect::<String>());
    region::merge(old, &call.done())
}

/// How many are listed, where that is not all of them.
fn bound(there: usize) -> Option<String> {
    (there > LISTED).then(|| LISTED.to_string())
}
