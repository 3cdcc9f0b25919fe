//! Two replicas of one database: one dies, one is asleep for longer than its claims hold, at a known place
//! and at random ones.

use crate::invariants;
use crate::kinds::configured;
use crate::load::{Load, seed};
use crate::process::Replica;
use crate::world::{World, as_root, creation, eventually};
use osm_core::ids::OperationId;
use std::collections::BTreeSet;
use std::time::Duration;

/// How often one of the two is put to sleep, wherever it is.
const NAPS: usize = 4;
/// For so long more work comes in.
const WHILE: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn two_replicas_one_killed_one_asleep() {
    let world = World::new(|config| {
        config.operations.lease_seconds = 6;
        config.observe.poll_seconds = 1;
    })
    .await;
    let mut load = Load::new(&world, seed()).await;
    let (one, two) = (Replica::new(&world), Replica::new(&world));

    // Effects have happened, and whoever made them dies before noting it.
    let ids = change_and_create(&world, "killed").await;
    one.start(&points("sent")).await;
    one.wait_held(&points("sent")).await;
    load.keep_up(WHILE).await;
    two.start(&[]).await;
    one.kill();
    over(&world, &ids).await;
    two.kill();
    one.start(&[]).await;
    world.over().await;
    one.kill();

    // Effects are to come, and whoever was to make them wakes up when another has made them.
    let ids = change_and_create(&world, "asleep").await;
    one.start(&points("noted")).await;
    one.wait_held(&points("noted")).await;
    one.signal("-STOP");
    two.start(&[]).await;
    over(&world, &ids).await;
    let before = told(&world, &ids).await;
    one.go();
    one.signal("-CONT");
    eventually(
        "the one that slept sees that it has lost both",
        async || {
            let said = one.said();
            let lost = |id: &&OperationId| {
                let lines = said.lines().filter(|line| line.contains(id.as_str()));
                lines.clone().any(|line| line.contains("lost the claim"))
                    || lines.clone().any(|line| line.contains("no longer held"))
            };
            ids.iter().filter(lost).count() == ids.len()
        },
    )
    .await;
    assert_eq!(told(&world, &ids).await, before);

    for nap in 0..NAPS {
        let sleeper = [&one, &two][nap % 2];
        let instant = Duration::from_millis(load.random.u64(..2000));
        load.keep_up(instant).await;
        sleeper.signal("-STOP");
        let claims = claims(&world).await;
        load.keep_up(WHILE).await;
        eventually("what the sleeper held is taken over", async || {
            let now = self::claims(&world).await;
            now.is_disjoint(&claims)
        })
        .await;
        sleeper.signal("-CONT");
    }
    world.over().await;
    invariants::hold(&world).await;
    drop((one, two));
    world.end().await;
}

async fn change_and_create(world: &World, name: &str) -> [OperationId; 2] {
    let change = configured(world, "subject-a".to_owned()).await;
    let name = format!("{}-{name}", world.prefix);
    let create = world.planned("novainstance", &creation(&name)).await;
    [world.submit(change).await, world.submit(create).await]
}

/// Of the first steps of the two.
fn points(phase: &str) -> [String; 2] {
    let steps = [
        "instance-configure/0-add-security-group",
        "instance-create/0-create-server",
    ];
    steps.map(|step| format!("{step}.{phase}"))
}

async fn over(world: &World, ids: &[OperationId]) {
    eventually("the other replica has done them", async || {
        let open = world.open().await;
        !open.iter().any(|operation| ids.contains(&operation.id))
    })
    .await;
}

/// All that is recorded of operations.
async fn told(world: &World, ids: &[OperationId]) -> Vec<String> {
    let mut told = Vec::new();
    for id in ids {
        told.push(format!("{:?}", world.operation(id).await));
        told.extend(world.audit(id).await);
    }
    told
}

/// Operations that somebody holds, with the number of the claim.
async fn claims(world: &World) -> BTreeSet<String> {
    let name = &world.config.database.name;
    let sql = format!(
        "SELECT CONCAT(id, ' ', generation) FROM {name}.operations WHERE owner IS NOT NULL"
    );
    as_root(&[sql]).await.into_iter().collect()
}
