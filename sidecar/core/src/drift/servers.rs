//! Nova is the truth about servers; the index is our copy of it.

use super::{Difference, LATE, ServerDrift, World};
use crate::ids::{InstanceId, Region};
use crate::instance::{Instance, META_OPERATION};
use crate::ports::Seen;
use chrono::{DateTime, Utc};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// What an operation on a server writes to.
pub(super) fn resource(region: &Region, id: InstanceId) -> String {
    format!("{region}/instance/{id}")
}

pub(super) fn compare(world: &World, now: DateTime<Utc>) -> Vec<Difference> {
    let index: BTreeMap<InstanceId, &Seen> =
        world.index.iter().map(|s| (s.instance.id, s)).collect();
    let mut found = Vec::new();
    for (read_at, servers) in world.servers.values() {
        let listed: BTreeSet<InstanceId> = servers.iter().map(|server| server.id).collect();
        for server in servers {
            let Some(project) = world.name(&server.project_id) else {
                continue;
            };
            if moving(world, server, now) {
                continue;
            }
            if let Some(used) = world.strays.get(&server.id) {
                found.push(Difference::Stray {
                    region: server.region.clone(),
                    id: server.id,
                    project: project.clone(),
                    name: server.name.clone(),
                    used: *used,
                });
            }
            let what = match index.get(&server.id) {
                None => Some(ServerDrift::Unknown),
                // It was seen after we began to read.
                Some(seen) if seen.as_of > *read_at => None,
                Some(seen) => differs(&seen.instance, server),
            };
            found.extend(what.map(|what| Difference::Server {
                region: server.region.clone(),
                id: server.id,
                project: project.clone(),
                project_id: server.project_id.clone(),
                name: server.name.clone(),
                what,
            }));
        }
        let lost = world.index.iter().map(|seen| &seen.instance).filter(|i| {
            i.deleted.is_none()
                && !listed.contains(&i.id)
                && world.gone.contains(&i.id)
                && !world.busy.contains(&resource(&i.region, i.id))
                && world
                    .servers
                    .get(&i.region)
                    .is_some_and(|(at, _)| at == read_at)
        });
        found.extend(lost.map(|i| Difference::Server {
            region: i.region.clone(),
            id: i.id,
            project: i.project.clone(),
            project_id: i.project_id.clone(),
            name: i.name.clone(),
            what: ServerDrift::Gone,
        }));
    }
    found
}

/// Something is under way with it, or was a moment ago.
fn moving(world: &World, server: &Instance, now: DateTime<Utc>) -> bool {
    let made_by = server.metadata.get(META_OPERATION);
    server.deleted.is_some()
        || !server.settled()
        || now - server.updated < LATE
        || world.busy.contains(&resource(&server.region, server.id))
        || made_by.is_some_and(|operation| world.busy.contains(operation))
}

/// Fact by fact, as both are stored; `updated` moves without anything to tell.
fn differs(ours: &Instance, nova: &Instance) -> Option<ServerDrift> {
    let nova = Instance {
        project: ours.project.clone(),
        updated: ours.updated,
        ..nova.clone()
    }
    .following(ours);
    if ours.deleted.is_none() && *ours == nova {
        return None;
    }
    let facts = |instance: &Instance| match serde_json::to_value(instance) {
        Ok(Json::Object(facts)) => facts,
        _ => serde_json::Map::new(),
    };
    let (old, new) = (facts(ours), facts(&nova));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let value = |facts: &serde_json::Map<String, Json>, name: &String| match facts.get(name) {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let differ: BTreeMap<String, (String, String)> = names
        .into_iter()
        .map(|name| (name.clone(), (value(&old, name), value(&new, name))))
        .filter(|(_, (old, new))| old != new)
        .collect();
    (!differ.is_empty()).then(|| ServerDrift::Facts {
        differ,
        old_name: ours.name.clone(),
    })
}
