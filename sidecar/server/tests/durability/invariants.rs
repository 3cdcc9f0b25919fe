//! What holds at rest, whatever happened on the way.

use crate::world::{World, as_root, eventually};
use osm_core::ids::{InstanceId, ProjectName};
use osm_core::instance::Instance;
use osm_core::membership::{Grant, Place};
use osm_core::plan::{Change, Step};
use osm_core::ports::{
    Directory as _, InstanceFilter, InstanceIndex as _, Links as _, Operation, OperationFilter,
    OperationState, Operations as _, PageKey, Pages as _, Seen, WikiRead as _,
};
use osm_core::project::Project;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// All of it; a replica must run, since the index and the wiki follow the cloud.
pub async fn hold(world: &World) {
    let filter = OperationFilter {
        limit: u32::MAX,
        ..OperationFilter::default()
    };
    let operations = world.store.operations(&filter).await.unwrap();
    // Nothing of its own looked lost to it on the way.
    let name = &world.config.database.name;
    let sql = format!(
        "SELECT CONVERT(id USING utf8mb4) FROM {name}.lost_operations
         WHERE id IN (SELECT id FROM {name}.operations)"
    );
    assert_eq!(as_root(&[sql]).await, Vec::<String>::new(), "{name}");
    for operation in &operations {
        assert!(operation.state.over(), "{operation:?}");
        assert_ne!(operation.state, OperationState::Parked, "{operation:?}");
        audit_is_whole(world, operation).await;
    }
    servers_are_those_made(world, &operations).await;
    places_and_groups_are_as_audited(world, &operations).await;
    crate::quotas::are_as_done(world, &operations).await;
    index_is_as_nova_says(world).await;
    wiki_tells_of_each_server(world).await;
}

/// No orphans, no doubles, and no name kept for what is gone.
async fn servers_are_those_made(world: &World, operations: &[Operation]) {
    let done = operations
        .iter()
        .filter(|operation| operation.state == OperationState::Done);
    let (mut made, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut deleted = BTreeSet::new();
    for operation in done {
        for planned in &operation.plan.steps {
            match planned.step {
                Step::CreateServer { .. } => {
                    made.insert(operation.instance.unwrap());
                    names.insert((operation.plan.name.clone(), operation.instance));
                }
                Step::DeleteServer => {
                    deleted.insert(operation.plan.instance.unwrap());
                }
                _ => {}
            }
        }
    }
    names.retain(|(_, id)| id.is_some_and(|id| !deleted.contains(&id)));
    let expected: BTreeSet<InstanceId> = made.difference(&deleted).copied().collect();
    let there: BTreeSet<InstanceId> = world.servers().await.iter().map(|s| s.id).collect();
    assert_eq!(there, expected, "servers of {}", world.prefix);
    let names: BTreeSet<String> = names.into_iter().map(|(name, _)| name).collect();
    let database = &world.config.database.name;
    let sql = format!("SELECT CONVERT(name USING utf8mb4) FROM {database}.names");
    let reserved: BTreeSet<String> = as_root(&[sql]).await.into_iter().collect();
    assert_eq!(reserved, names, "names kept");
}

/// The last word of the audit on each place in a project, each key and each security group is what there is.
async fn places_and_groups_are_as_audited(world: &World, operations: &[Operation]) {
    let name = &world.config.database.name;
    let sql = format!("SELECT detail FROM {name}.audit WHERE event = 'changed' ORDER BY id");
    let (mut last, mut rules) = (BTreeMap::new(), BTreeMap::new());
    for row in as_root(&[sql]).await {
        let change = change(&serde_json::from_str(&row).unwrap());
        rules.insert(change.resource.clone(), change.after.clone());
        last.insert(change.resource, change.after.is_some());
    }
    for server in world.servers().await {
        let its = format!("{}/instance/{}/security-group/", server.region, server.id);
        for (group, there) in &last {
            if let Some(group) = group.strip_prefix(&its) {
                let is_in = server.security_groups.iter().any(|g| g == group);
                assert_eq!(is_in, *there, "{group} {server:?}");
            }
        }
    }
    let steps = operations.iter().flat_map(|o| &o.plan.steps);
    for planned in steps.clone() {
        if let Step::AddKey { key } | Step::RemoveKey { key } = &planned.step
            && let Some(there) = last.get(&key.change().resource)
        {
            let keys = world.directory.keys(&key.person).await.unwrap().unwrap();
            assert_eq!(keys.contains(&key.line), *there, "{key:?}");
        }
        if let Step::Keypair { keypair, .. } = &planned.step
            && let Some(there) = last.get(&keypair.change().resource)
        {
            assert_eq!(world.has_keypair(keypair).await, *there, "{keypair:?}");
        }
        if let Step::SetRule { change } = &planned.step
            && let Some(after) = rules.get(&change.change(&ProjectName::trusted("bots")).resource)
        {
            let rule = world.rule(&change.rule).await;
            let now = rule.map(|rule| json!(rule.values));
            assert_eq!(now, *after, "{change:?}");
        }
    }
    for planned in steps.clone() {
        if let Step::Person { account, .. } = &planned.step {
            let person = world.directory.person_by_uid(&account.uid).await.unwrap();
            let linked = world.store.link_of(account.wiki_user_id).await.unwrap();
            let there = last.get(&account.change().resource).copied();
            assert_eq!(person.is_some(), there.unwrap_or(false), "{account:?}");
            let there = last.get(&account.link_change().resource).copied();
            assert_eq!(linked.is_some(), there.unwrap_or(false), "{account:?}");
            assert!(
                linked.is_none() || linked == person.map(|p| p.entry),
                "{account:?}"
            );
        }
    }
    for grant in steps.filter_map(|planned| planned.step.granted()) {
        if let Some(there) = last.get(&grant.change().resource)
            && !matches!(grant.place, Place::Cloud { .. })
        {
            // Where an operation makes or deletes a project there is none to be in before and after it.
            let project = world.directory.project(&grant.project).await.unwrap();
            let held = match project {
                Some(Project { entry, .. }) => {
                    let grant = Grant {
                        project_entry: entry,
                        ..grant.clone()
                    };
                    world.directory.holds(&grant).await.unwrap()
                }
                None => None,
            };
            assert_eq!(held == Some(true), *there, "{grant:?}");
        }
    }
}

fn change(detail: &Json) -> Change {
    serde_json::from_value(detail["data"]["change"].clone()).unwrap()
}

async fn index_is_as_nova_says(world: &World) {
    eventually("the index is as Nova says", async || {
        let known = known(world).await.into_iter().map(|seen| seen.instance);
        let living = known.filter(|instance| instance.deleted.is_none());
        facts(living) == facts(world.servers().await)
    })
    .await;
}

fn facts(instances: impl IntoIterator<Item = Instance>) -> BTreeMap<InstanceId, String> {
    let told = |i: Instance| {
        let groups: BTreeSet<&String> = i.security_groups.iter().collect();
        let facts = format!("{} {} {:?} {groups:?}", i.name, i.status, i.task_state);
        (i.id, facts)
    };
    instances.into_iter().map(told).collect()
}

/// The test's own servers in the index, ended ones too.
async fn known(world: &World) -> Vec<Seen> {
    let filter = InstanceFilter {
        deleted: true,
        limit: u32::MAX,
        ..InstanceFilter::default()
    };
    let all = world.store.list(&filter).await.unwrap().into_iter();
    all.filter(|seen| seen.instance.name.starts_with(&world.prefix))
        .collect()
}

async fn wiki_tells_of_each_server(world: &World) {
    let database = &world.config.database.name;
    let known = known(world).await;
    let ours = |key: &String| {
        let of = |seen: &Seen| key.ends_with(&seen.instance.id.to_string());
        key.contains(&world.prefix) || known.iter().any(of)
    };
    eventually("the pages are written", async || {
        let sql = format!("SELECT CONVERT(page_key USING utf8mb4) FROM {database}.page_queue");
        !as_root(&[sql]).await.iter().any(ours)
    })
    .await;
    let mut titles = Vec::new();
    for seen in &known {
        let key = PageKey::Instance {
            region: world.region(),
            id: seen.instance.id,
        };
        let record = world.store.page(&key).await.unwrap();
        titles.push(record.unwrap_or_else(|| panic!("no page: {seen:?}")).title);
    }
    let pages = world.wiki.pages(&titles).await.unwrap();
    for (seen, page) in known.iter().zip(pages) {
        let state = match seen.instance.deleted {
            Some(_) => "|Resource Type=deleted instance\n",
            None => "|Instance State=ACTIVE\n",
        };
        let told = page.text.contains(state) && page.text.contains(&seen.instance.name);
        assert!(told, "{state} {seen:?} {page:?}");
    }
}

/// One row of the beginning, one of the end; in between what the plan changes, once, and where it was taken
/// back, each change back after it.
async fn audit_is_whole(world: &World, operation: &Operation) {
    let (name, id) = (&world.config.database.name, &operation.id);
    let sql = format!(
        "SELECT CONCAT(event, ' ', detail) FROM {name}.audit WHERE operation_id = '{id}' ORDER BY id"
    );
    let rows = as_root(&[sql]).await;
    let events: Vec<(&str, Json)> = rows
        .iter()
        .map(|row| row.split_once(' ').unwrap())
        .map(|(event, detail)| (event, serde_json::from_str(detail).unwrap()))
        .collect();
    let count = |event: &str| events.iter().filter(|(e, _)| *e == event).count();
    assert_eq!(count("submitted"), 1, "{id}: {rows:?}");
    assert_eq!(events.first().unwrap().0, "submitted", "{id}: {rows:?}");
    let ends = ["done", "undone", "failed", "parked"].map(count);
    assert_eq!(ends.iter().sum::<usize>(), 1, "{id}: {rows:?}");
    assert_eq!(events.last().unwrap().0, operation.state.name(), "{id}");
    let changed: Vec<Change> = events
        .iter()
        .filter(|(event, _)| *event == "changed")
        .map(|(_, detail)| change(detail))
        .collect();
    let planned = operation.plan.changes(operation.instance);
    match operation.state {
        OperationState::Done => assert_eq!(changed, planned, "{id}"),
        OperationState::Failed => assert_eq!(changed, [], "{id}"),
        _ => {
            let (there, back) = changed.split_at(changed.len() / 2);
            assert!(planned.starts_with(there), "{id}: {rows:?}");
            let reversed: Vec<Change> = there.iter().rev().cloned().map(Change::reversed).collect();
            assert_eq!(back, reversed, "{id}: {rows:?}");
        }
    }
}
