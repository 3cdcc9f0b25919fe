//! Each step and each undo run twice, failed, failed while undone.

use crate::kinds::KINDS;
use crate::world::World;
use openstackmanager::faults::Points;
use osm_core::action::Action;
use osm_core::plan::{PlannedStep, Undo};
use osm_core::ports::{
    ComputeRead as _, Kind as ErrorKind, OperationState, PortError, StepState, Wish,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// An error to happen at the points that a rule chooses: at each of them once, or always.
fn failing(
    at: impl Fn(&str) -> bool + Send + Sync + 'static,
    kind: ErrorKind,
    always: bool,
) -> (Points, Arc<Mutex<BTreeSet<String>>>) {
    let seen: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let hit = seen.clone();
    let points = Points::watched(move |name| {
        let new = at(name) && (seen.lock().unwrap().insert(name.to_owned()) || always);
        let error = PortError::new(
            "nova",
            "be tested",
            name,
            kind,
            "a failure made for the test",
        );
        Box::pin(async move { new.then_some(error) })
    });
    (points, hit)
}

/// What cannot be gone back on stands before the step, so that it can only be gone on with.
fn no_way_back(steps: &[PlannedStep], failed: usize) -> bool {
    steps[..failed].iter().any(PlannedStep::irrevocable)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn each_step_run_twice_does_its_work_once() {
    let world = World::new(|_| ()).await;
    for kind in KINDS {
        let plan = (kind.plan)(&world, "").await;
        let steps = plan.steps.len();
        let changes = plan.changes(None).len();
        let before = world.servers().await.len();
        let id = world.submit(plan).await;
        // Each effect happens, and its answer is lost.
        let (points, hit) = failing(|name| name.ends_with(".sent"), ErrorKind::Timeout, false);
        world.run(points).await;
        let action = kind.action;
        let over = world.operation(&id).await;
        assert_eq!(over.state, OperationState::Done, "{action}: {over:?}");
        assert_eq!(hit.lock().unwrap().len(), steps, "{action}");
        let audit = world.audit(&id).await;
        let changed = audit.iter().filter(|event| *event == "changed").count();
        assert_eq!(changed, changes, "{action}: {audit:?}");
        if let (Action::InstanceReboot, Some(id)) = (action, over.plan.instance) {
            let (region, project) = (world.region(), &world.project_id);
            let deeds = world.cloud.deeds(&region, project, id).await.unwrap();
            let reboots = deeds.iter().filter(|deed| deed.action == "reboot");
            assert_eq!(reboots.count(), 1, "{deeds:?}");
        }
        let (now, name) = (world.servers().await, over.plan.name);
        let expected = match action.name() {
            "instance-create" => before + 1,
            "instance-delete" | "instance-remove-stray" => before - 1,
            _ => before,
        };
        assert_eq!(now.len(), expected, "{action} {name}");
        assert!(
            now.iter().filter(|s| s.name == name).count() <= 1,
            "{action}"
        );
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_failed_step_leaves_the_world_as_it_was() {
    let world = World::new(|_| ()).await;
    for kind in KINDS {
        let action = kind.action;
        let steps = (kind.plan)(&world, "").await.steps.len();
        for failed in 0..steps {
            let plan = (kind.plan)(&world, "").await;
            let (planned, before) = (plan.steps.clone(), world.listing().await);
            let id = world.submit(plan).await;
            let at = format!("{action}/{failed}-");
            let (points, hit) = failing(
                move |name| name.starts_with(&at) && name.ends_with(".noted") && !undoing(name),
                ErrorKind::Denied,
                true,
            );
            world.run(points).await;
            assert_eq!(hit.lock().unwrap().len(), 1, "{action} {failed}");
            let over = world.operation(&id).await;
            assert!(over.error.is_some(), "{action} {failed}: it is told why");
            if no_way_back(&planned, failed) {
                assert_eq!(over.state, OperationState::Parked, "{action} {failed}");
                assert!(world.wish(&id, Wish::Retry).await);
                world.run(Points::default()).await;
                let over = world.operation(&id).await;
                assert_eq!(
                    over.state,
                    OperationState::Done,
                    "{action} {failed}: {over:?}"
                );
                continue;
            }
            let state = over.state;
            let left = matches!(state, OperationState::Failed | OperationState::Undone);
            assert!(left, "{action} {failed}: {over:?}");
            assert_eq!(world.listing().await, before, "{action} {failed}");
        }
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn an_undo_may_run_twice_and_may_fail_and_is_told() {
    let world = World::new(|_| ()).await;
    for kind in KINDS {
        let action = kind.action;
        let steps = (kind.plan)(&world, "").await.steps;
        let with_undo = |step: &PlannedStep| !matches!(step.undo, Undo::None { .. });
        let Some(undone) = steps.iter().position(with_undo) else {
            continue;
        };
        // The effect is there and its answer is always lost, so that it is taken back after the last try.
        let last = steps.len() - 1;
        let failed = move |name: &str| {
            let at = name.starts_with(&format!("{action}/{last}-"));
            at && name.ends_with(".sent") && !undoing(name)
        };

        // Each undo twice.
        let plan = (kind.plan)(&world, "").await;
        let before = world.listing().await;
        let id = world.submit(plan).await;
        let again: Mutex<BTreeSet<String>> = Mutex::default();
        let (points, _) = failing(
            move |name| {
                let undo = undoing(name) && name.ends_with(".sent");
                failed(name) || (undo && again.lock().unwrap().insert(name.to_owned()))
            },
            ErrorKind::Timeout,
            true,
        );
        world.run(points).await;
        let over = world.operation(&id).await;
        assert_eq!(over.state, OperationState::Undone, "{action}: {over:?}");
        assert!(over.steps[undone].attempts > 1, "{action}: {over:?}");
        assert_eq!(world.listing().await, before, "{action}");

        // The undo cannot be done: parked, told, and gone on with when it can.
        let plan = (kind.plan)(&world, "").await;
        let before = world.listing().await;
        let id = world.submit(plan).await;
        let (points, _) = failing(
            move |name| failed(name) || (undoing(name) && name.ends_with(".noted")),
            ErrorKind::Timeout,
            true,
        );
        world.run(points).await;
        let over = world.operation(&id).await;
        assert_eq!(over.state, OperationState::Parked, "{action}: {over:?}");
        assert!(over.error.is_some(), "{action}");
        let stuck = over.steps.iter().filter(|s| s.state == StepState::Stuck);
        // Each undo was tried, whatever became of the others.
        let undos = steps.iter().filter(|step| with_undo(step)).count();
        assert_eq!(stuck.count(), undos, "{action}: {over:?}");
        assert!(world.wish(&id, Wish::Retry).await);
        world.run(Points::default()).await;
        let over = world.operation(&id).await;
        assert_eq!(over.state, OperationState::Undone, "{action}: {over:?}");
        assert_eq!(world.listing().await, before, "{action}");
    }
    world.end().await;
}

fn undoing(point: &str) -> bool {
    point.contains("-undo-")
}
