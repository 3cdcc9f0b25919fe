//! The list of all differences, and those of projects and pages.

use super::{Difference, PageDrift, STUCK_AFTER, STUCK_TRIES, World, people, servers};
use crate::ids::InstanceId;
use crate::ports::PageKey;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// All that is said differently.
pub fn compare(world: &World, now: DateTime<Utc>) -> Vec<Difference> {
    let mut found = projects(world);
    found.extend(people::compare(world));
    found.extend(servers::compare(world, now));
    found.extend(pages(world));
    found.extend(stuck(world, now));
    found
}

fn projects(world: &World) -> Vec<Difference> {
    let (Some(ldap), Some(keystone)) = (&world.ldap, &world.keystone) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for project in &ldap.projects {
        let open = keystone
            .iter()
            .find(|k| k.enabled && k.name == project.name.as_str());
        let Some(open) = open else {
            found.push(Difference::OnlyInLdap {
                project: project.name.clone(),
            });
            continue;
        };
        let now = (project.entry.clone(), open.id.clone());
        let pinned = world.pins.iter().find(|pin| pin.name == project.name);
        let pinned = pinned.map(|pin| (pin.entry.clone(), pin.project_id.clone()));
        // What is not pinned yet will be at the next look.
        if let Some(pinned) = pinned.filter(|pinned| *pinned != now) {
            found.push(Difference::PairBroken {
                project: project.name.clone(),
                pinned,
                now,
            });
        }
    }
    let known = |name: &str| ldap.projects.iter().any(|p| p.name.as_str() == name);
    let strangers = keystone.iter().filter(|k| !known(&k.name));
    found.extend(strangers.map(|k| Difference::OnlyInKeystone {
        name: k.name.clone(),
        id: k.id.clone(),
    }));
    found
}

fn pages(world: &World) -> Vec<Difference> {
    let ended = world.index.iter().filter(|s| s.instance.deleted.is_some());
    let ended: BTreeSet<InstanceId> = ended.map(|s| s.instance.id).collect();
    let waits: BTreeSet<&PageKey> = world.waiting.iter().map(|w| &w.key).collect();
    let differ = world
        .pages
        .iter()
        .filter(|page| !page.as_composed && !waits.contains(&page.key))
        // What an operation is at work on, it tells of itself.
        .filter(|page| !about(&page.key).is_some_and(|about| world.busy.contains(&about)));
    differ
        .map(|page| Difference::Page {
            key: page.key.clone(),
            title: page.title.clone(),
            project: page.project.clone(),
            revision: page.revision,
            what: match &page.key {
                _ if page.revision == 0 => PageDrift::Missing,
                PageKey::Instance { id, .. } if ended.contains(id) => PageDrift::NotMarkedDeleted,
                _ => PageDrift::Differs,
            },
        })
        .collect()
}

fn about(key: &PageKey) -> Option<String> {
    match key {
        PageKey::Instance { region, id } => Some(servers::resource(region, *id)),
        _ => None,
    }
}

fn stuck(world: &World, now: DateTime<Utc>) -> Vec<Difference> {
    let stuck = world
        .waiting
        .iter()
        .filter(|page| page.attempts >= STUCK_TRIES || now - page.since > STUCK_AFTER);
    stuck
        .map(|page| Difference::Stuck {
            key: page.key.clone(),
            project: match &page.key {
                PageKey::Project { project }
                | PageKey::Redirect { project, .. }
                | PageKey::Summary { project } => Some(project.clone()),
                PageKey::Instance { id, .. } => {
                    let seen = world.index.iter().find(|seen| seen.instance.id == *id);
                    seen.map(|seen| seen.instance.project.clone())
                }
                PageKey::Request { .. }
                | PageKey::Projects
                | PageKey::Instances
                | PageKey::Audit
                | PageKey::Logs => None,
            },
            since: page.since,
            why: page.error.clone().unwrap_or_default(),
        })
        .collect()
}
