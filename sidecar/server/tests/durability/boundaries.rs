//! `kill -9` of the real process at every boundary of every kind of plan: one operation of each kind is held at
//! its first point, the process killed and started again, the operation held at its second point, and so on
//! to its end; and the same on the way back for those that can be taken back.

use crate::invariants;
use crate::kinds::{KINDS, subjects};
use crate::process::Replica;
use crate::world::{World, eventually};
use openstackmanager::faults::Points;
use osm_core::action::Action;
use osm_core::ids::OperationId;
use osm_core::plan::Plan;
use osm_core::ports::{OperationState, Wish};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

const PHASES: [&str; 4] = ["begin", "noted", "sent", "done"];

/// An operation, the points on its way, and how it is to end.
struct Way {
    id: OperationId,
    points: Vec<String>,
    end: OperationState,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn killed_at_every_boundary() {
    let world = World::new(|config| {
        config.operations.lease_seconds = 6;
        config.operations.workers = (4 * KINDS.len()).min(64);
        config.observe.poll_seconds = 1;
    })
    .await;
    let mut names = subjects(|kind| format!("-{}", kind.action));
    names.push(format!("subject-back-{}", Action::InstanceConfigure));
    world.make(&names).await;

    let (mut plans, mut back) = (Vec::new(), Vec::new());
    for kind in KINDS {
        let plan = (kind.plan)(&world, &format!("-{}", kind.action)).await;
        if plan.can_be_taken_back() {
            back.push((kind.plan)(&world, &format!("-back-{}", kind.action)).await);
        }
        plans.push(plan);
    }
    let mut ways = taken_back(&world, back).await;
    for plan in plans {
        ways.push(Way {
            points: ahead(&plan),
            id: world.submit(plan).await,
            end: OperationState::Done,
        });
    }

    let replica = Replica::new(&world);
    let rounds = ways.iter().map(|way| way.points.len()).max().unwrap();
    for round in 0..rounds {
        let points = ways.iter().filter_map(|way| way.points.get(round));
        let points: Vec<String> = points.cloned().collect();
        replica.start(&points).await;
        replica.wait_held(&points).await;
        replica.kill();
        // Those that run out are for `kills` and `replicas`.
        world.claims_end().await;
    }
    replica.start(&[]).await;
    world.over().await;
    for way in ways {
        let over = world.operation(&way.id).await;
        assert_eq!(over.state, way.end, "{over:?}");
    }
    invariants::hold(&world).await;
    drop(replica);
    world.end().await;
}

fn ahead(plan: &Plan) -> Vec<String> {
    let action = plan.action;
    let steps = plan.steps.iter().enumerate();
    let points = steps.flat_map(|(index, planned)| {
        let name = planned.step.name();
        PHASES.map(|phase| format!("{action}/{index}-{name}.{phase}"))
    });
    points.chain([format!("{action}/over")]).collect()
}

fn back(plan: &Plan) -> Vec<String> {
    let action = plan.action;
    let steps = plan.steps.iter().enumerate().rev();
    let points = steps
        .filter(|(_, step)| step.has_undo())
        .flat_map(|(index, planned)| {
            let name = planned.step.name();
            PHASES.map(|phase| format!("{action}/{index}-undo-{name}.{phase}"))
        });
    points.chain([format!("{action}/over")]).collect()
}

/// Operations on their way back: their process died within the last step that can be undone, what it did was not
/// noted yet, and then somebody wished them taken back.
async fn taken_back(world: &World, plans: Vec<Plan>) -> Vec<Way> {
    let last = |plan: &Plan| {
        let mut steps = plan.steps.iter().enumerate();
        let (index, planned) = steps.rfind(|(_, step)| step.has_undo()).unwrap();
        format!("{}/{index}-{}.sent", plan.action, planned.step.name())
    };
    let lasts: BTreeSet<String> = plans.iter().map(last).collect();
    let mut ways = Vec::new();
    for plan in plans {
        ways.push(Way {
            points: back(&plan),
            id: world.submit(plan).await,
            end: OperationState::Undone,
        });
    }
    let reached: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let (ends, noted) = (lasts.clone(), reached.clone());
    let watched = Points::watched(move |name| {
        let here = ends.contains(name) && noted.lock().unwrap().insert(name.to_owned());
        Box::pin(async move {
            if here {
                std::future::pending::<()>().await;
            }
            None
        })
    });
    let (_stop, stopped) = watch::channel(false);
    let runner = tokio::spawn(Arc::new(world.runner(watched)).run(stopped));
    eventually("all are within that step", async || {
        *reached.lock().unwrap() == lasts
    })
    .await;
    runner.abort();
    assert!(runner.await.unwrap_err().is_cancelled());
    for way in &ways {
        assert!(world.wish(&way.id, Wish::Cancel).await);
    }
    ways
}
