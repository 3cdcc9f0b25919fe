//! Which pages tell of a change to an instance.

use super::overview::Shown;
use crate::ids::{InstanceId, ProjectName, Region};
use crate::instance::Instance;
use crate::ports::PageKey;

/// An instance, as pages are found by it.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Touched<'i> {
    pub region: &'i Region,
    pub project: &'i ProjectName,
    pub id: InstanceId,
}

impl<'i> Touched<'i> {
    /// The same of an instance that is known.
    pub fn of(instance: &'i Instance) -> Self {
        Self {
            region: &instance.region,
            project: &instance.project,
            id: instance.id,
        }
    }

    /// Its own page first, then what counts states and types: where something about it is otherwise.
    pub fn facts(self) -> Vec<PageKey> {
        vec![
            PageKey::Instance {
                region: self.region.clone(),
                id: self.id,
            },
            PageKey::Summary {
                project: self.project.clone(),
            },
        ]
    }

    /// The same, where what lists show of it is otherwise.
    pub fn shown(self) -> Vec<PageKey> {
        let mut pages = self.facts();
        pages.push(PageKey::Instances);
        pages
    }

    /// All that tell of it: it came, it went, or it is called otherwise. All the names it had or has.
    pub fn everywhere(self, names: &[&str]) -> Vec<PageKey> {
        let mut pages = self.facts();
        pages.push(PageKey::Project {
            project: self.project.clone(),
        });
        pages.extend(names.iter().map(|name| PageKey::Redirect {
            region: self.region.clone(),
            project: self.project.clone(),
            name: (*name).to_owned(),
        }));
        pages.push(PageKey::Instances);
        pages
    }
}

/// The pages that tell of what has become of an instance. `noisy`: its project has one page for all.
pub fn by_change(old: Option<&Instance>, new: &Instance, noisy: bool) -> Vec<PageKey> {
    let touched = Touched::of(new);
    let mut pages = match old {
        None => touched.everywhere(&[&new.name]),
        Some(old) if old.name != new.name => touched.everywhere(&[&old.name, &new.name]),
        Some(old) if old.deleted.is_some() != new.deleted.is_some() => {
            touched.everywhere(&[&new.name])
        }
        Some(old) if Shown::of(old) != Shown::of(new) => touched.shown(),
        Some(_) => touched.facts(),
    };
    pages.retain(|page| match page {
        PageKey::Summary { .. } => noisy,
        PageKey::Project { .. } | PageKey::Instances => !noisy,
        // A page that is there from before goes on telling what is so.
        _ => true,
    });
    pages
}
