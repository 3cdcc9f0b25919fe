//! A create whose answer was lost comes true a second time, late: the comparison removes the server that its
//! operation does not stand for, unless somebody has used it.

use crate::invariants;
use crate::process::Replica;
use crate::world::{World, as_root, creation, eventually};
use openstackmanager::faults::Points;
use osm_core::ids::{InstanceId, OperationId};
use osm_core::plan::{Plan, Step};
use osm_core::ports::{
    ComputeRead as _, ComputeWrite as _, OperationState, Operations as _, Tagged,
};
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_late_double_is_removed_unless_used() {
    let world = World::new(|config| config.observe.poll_seconds = 1).await;
    let mut plans = Vec::new();
    for name in ["first", "second"] {
        let name = format!("{}-{name}", world.prefix);
        let plan = world.planned("novainstance", &creation(&name)).await;
        plans.push((world.submit(plan.clone()).await, plan));
    }
    world.run(Points::default()).await;
    let (unused, used) = (
        double(&world, &plans[0]).await,
        double(&world, &plans[1]).await,
    );
    let (region, project) = (world.region(), &world.project_id);
    let reboot = world.cloud.reboot_server(&region, project, used);
    reboot.await.unwrap();
    // What is late is not looked for while it may still come.
    let name = &world.config.database.name;
    let past = "SET finished_at = finished_at - INTERVAL 1 MINUTE";
    as_root(&[format!("UPDATE {name}.operations {past}")]).await;

    let replica = Replica::new(&world);
    replica.start(&[]).await;
    let removal = OperationId::trusted(format!("stray-{unused}"));
    eventually("the double is removed", async || {
        let removal = world.store.operation(&removal).await.unwrap();
        removal.is_some_and(|removal| removal.state == OperationState::Done)
    })
    .await;
    assert_eq!(
        world.audit(&removal).await,
        ["submitted", "changed", "done"]
    );
    eventually("the used one is left alone", async || {
        let id = used.to_string();
        let said = replica.said();
        let mut lines = said.lines().filter(|line| line.contains(&id));
        lines.any(|line| line.contains("left alone"))
    })
    .await;
    let there = world.cloud.server(&region, project, used).await.unwrap();
    assert!(there.is_some_and(|server| server.deleted.is_none()));
    world.delete(used).await;
    invariants::hold(&world).await;
    drop(replica);
    world.end().await;
}

/// The same request once more, as the cloud has it when it was sent twice.
async fn double(world: &World, (id, plan): &(OperationId, Plan)) -> InstanceId {
    let Step::CreateServer { server } = &plan.steps[0].step else {
        panic!("{plan:?}");
    };
    let tagged = Tagged {
        operation: id.clone(),
        metadata: BTreeMap::new(),
    };
    let (region, project) = (world.region(), &world.project_id);
    let made = world.cloud.create_server(&region, project, server, &tagged);
    let made = made.await.unwrap();
    eventually("the double runs", async || {
        let server = world.cloud.server(&region, project, made).await.unwrap();
        server.is_some_and(|server| server.status == "ACTIVE" && server.settled())
    })
    .await;
    made
}
