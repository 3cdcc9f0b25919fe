//! Each step and each undo run twice, failed, failed while undone: an operation of each kind at once.

use crate::kinds::{KINDS, Kind, subjects};
use crate::world::{World, wished};
use chrono::{SubsecRound as _, Utc};
use openstackmanager::faults::Points;
use osm_core::action::Action;
use osm_core::ids::OperationId;
use osm_core::plan::{Plan, PlannedStep};
use osm_core::ports::{
    ComputeRead as _, Kind as ErrorKind, Operation, OperationState, Operations as _, PortError,
    StepState, Wish, Wished,
};
use std::collections::{BTreeMap, BTreeSet};
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

/// A plan of each kind, to be done to something of its own.
async fn plans(world: &World) -> BTreeMap<Action, Plan> {
    let of = |kind: &Kind| format!("-{}", kind.action);
    world.make(&subjects(of)).await;
    let mut plans = BTreeMap::new();
    for kind in KINDS {
        plans.insert(kind.action, (kind.plan)(world, &of(&kind)).await);
    }
    plans
}

/// Has them done, and gives back how they ended.
async fn run(world: &World, plans: &BTreeMap<Action, Plan>, points: Points) -> Vec<Operation> {
    let mut ids = Vec::new();
    for plan in plans.values() {
        ids.push(world.submit(plan.clone()).await);
    }
    world.run(points).await;
    operations(world, &ids).await
}

async fn operations(world: &World, ids: &[OperationId]) -> Vec<Operation> {
    let mut found = Vec::new();
    for id in ids {
        found.push(world.operation(id).await);
    }
    found
}

/// What stood still is gone on with.
async fn retried(world: &World, parked: &[&Operation], end: OperationState) {
    let ids: Vec<OperationId> = parked
        .iter()
        .map(|operation| operation.id.clone())
        .collect();
    for id in &ids {
        assert!(world.wish(id, Wish::Retry).await);
    }
    world.run(Points::default()).await;
    for over in operations(world, &ids).await {
        assert_eq!(over.state, end, "{over:?}");
    }
}

/// What cannot be gone back on stands before the step, so that it can only be gone on with.
fn no_way_back(plan: &Plan, failed: usize) -> bool {
    plan.steps[..failed].iter().any(PlannedStep::irrevocable)
}

/// All of it can be taken back, also from its end.
fn wholly(plan: &Plan) -> bool {
    plan.can_be_taken_back() && !plan.steps.iter().any(PlannedStep::irrevocable)
}

fn undoing(point: &str) -> bool {
    point.contains("-undo-")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn run_twice_failed_and_failed_while_undone() {
    let world = World::new(|_| ()).await;
    a_failed_step_leaves_the_world_as_it_was(&world).await;
    an_undo_may_run_twice_and_may_fail_and_is_told(&world).await;
    a_wish_at_the_last_moment_is_granted(&world).await;
    each_step_run_twice_does_its_work_once(&world).await;
    world.end().await;
}

async fn each_step_run_twice_does_its_work_once(world: &World) {
    let plans = plans(world).await;
    let before = world.servers().await;
    // Nova's clock knows whole seconds.
    let begun = Utc::now().trunc_subsecs(0);
    // Each effect happens, and its answer is lost.
    let (points, hit) = failing(|name| name.ends_with(".sent"), ErrorKind::Timeout, false);
    let ended = run(world, &plans, points).await;
    let hit = hit.lock().unwrap().clone();
    for over in ended {
        let action = over.plan.action;
        assert_eq!(over.state, OperationState::Done, "{action}: {over:?}");
        let here = format!("{action}/");
        let lost = hit.iter().filter(|point| point.starts_with(&here));
        assert_eq!(lost.count(), over.plan.steps.len(), "{action}");
        let audit = world.audit(&over.id).await;
        let changed = audit.iter().filter(|event| *event == "changed").count();
        assert_eq!(
            changed,
            over.plan.changes(None).len(),
            "{action}: {audit:?}"
        );
        if let (Action::InstanceReboot, Some(id)) = (action, over.plan.instance) {
            let (region, project) = (world.region(), &world.project_id);
            let deeds = world.cloud.deeds(&region, project, id).await.unwrap();
            let reboots = deeds
                .iter()
                .filter(|d| d.action == "reboot" && d.at >= begun);
            assert_eq!(reboots.count(), 1, "{deeds:?}");
        }
        let name = over.plan.name;
        let known = before.iter().filter(|server| server.name == name).count();
        let expected = match action {
            Action::InstanceCreate => 1,
            Action::InstanceDelete | Action::InstanceRemoveStray => 0,
            _ => known,
        };
        let now = world.servers().await;
        let there = now.iter().filter(|server| server.name == name).count();
        assert_eq!(there, expected, "{action} {name}");
    }
}

async fn a_failed_step_leaves_the_world_as_it_was(world: &World) {
    for failed in 0.. {
        let mut plans = plans(world).await;
        plans.retain(|_, plan| failed < plan.steps.len());
        if plans.is_empty() {
            break;
        }
        let before = world.listing().await;
        let (points, hit) = failing(
            move |name| {
                let here = name.contains(&format!("/{failed}-"));
                here && name.ends_with(".noted") && !undoing(name)
            },
            ErrorKind::Denied,
            true,
        );
        let ended = run(world, &plans, points).await;
        assert_eq!(hit.lock().unwrap().len(), plans.len(), "{failed}");
        let (stuck, back): (Vec<_>, Vec<_>) = ended
            .iter()
            .partition(|over| no_way_back(&over.plan, failed));
        for over in &back {
            let taken_back = [OperationState::Failed, OperationState::Undone];
            assert!(taken_back.contains(&over.state), "{failed}: {over:?}");
            // What was made before that is told there and back, what never was is not told at all.
            let audit = world.audit(&over.id).await;
            let changed = audit.iter().filter(|event| *event == "changed").count();
            let made = over.plan.steps[..failed].iter();
            let made = made.filter(|s| s.step.change(&over.plan, None).is_some());
            assert_eq!(changed, 2 * made.count(), "{failed}: {over:?} {audit:?}");
        }
        for over in &stuck {
            assert_eq!(over.state, OperationState::Parked, "{failed}: {over:?}");
        }
        let told = ended.iter().all(|over| over.error.is_some());
        assert!(told, "{failed}: it is told why: {ended:?}");
        let elsewhere = |mut listing: BTreeMap<String, String>| {
            listing.retain(|what, _| !stuck.iter().any(|over| what.contains(&over.plan.name)));
            listing
        };
        let now = world.listing().await;
        assert_eq!(elsewhere(now), elsewhere(before), "{failed}");
        retried(world, &stuck, OperationState::Done).await;
    }
}

async fn a_wish_at_the_last_moment_is_granted(world: &World) {
    let mut plans = plans(world).await;
    plans.retain(|_, plan| wholly(plan));
    let before = world.listing().await;
    let mut ids = BTreeMap::new();
    for (action, plan) in &plans {
        ids.insert(format!("{action}/over"), world.submit(plan.clone()).await);
    }
    let (store, wishes) = (world.store.clone(), Mutex::new(ids.clone()));
    let points = Points::watched(move |name| {
        let id = wishes.lock().unwrap().remove(name);
        let store = store.clone();
        Box::pin(async move {
            if let Some(id) = id {
                let noted = store.wish(&wished(&id, Wish::Cancel)).await;
                assert_eq!(noted.unwrap(), Wished::Noted);
            }
            None
        })
    });
    world.run(points).await;
    for over in operations(world, &ids.into_values().collect::<Vec<_>>()).await {
        assert_eq!(over.state, OperationState::Undone, "{over:?}");
    }
    assert_eq!(world.listing().await, before);
}

async fn an_undo_may_run_twice_and_may_fail_and_is_told(world: &World) {
    let mut plans = plans(world).await;
    plans.retain(|_, plan| wholly(plan));
    // The effect is there and its answer is always lost, so that it is taken back after the last try.
    let lasts = plans
        .iter()
        .map(|(action, plan)| format!("{action}/{}-", plan.steps.len() - 1));
    let lasts: Vec<String> = lasts.collect();
    let failed = move |name: &str| {
        let at = lasts.iter().any(|last| name.starts_with(last));
        at && name.ends_with(".sent") && !undoing(name)
    };
    let before = world.listing().await;

    // Each undo twice.
    let (failed_once, again) = (failed.clone(), Mutex::<BTreeSet<String>>::default());
    let (points, _) = failing(
        move |name| {
            let undo = undoing(name) && name.ends_with(".sent");
            failed_once(name) || (undo && again.lock().unwrap().insert(name.to_owned()))
        },
        ErrorKind::Timeout,
        true,
    );
    for over in run(world, &plans, points).await {
        assert_eq!(over.state, OperationState::Undone, "{over:?}");
        let undone = over
            .plan
            .steps
            .iter()
            .position(PlannedStep::has_undo)
            .unwrap();
        assert!(over.steps[undone].attempts > 1, "{over:?}");
    }
    assert_eq!(world.listing().await, before);

    // No undo can be done: parked, told, and gone on with when it can.
    let (points, _) = failing(
        move |name| failed(name) || (undoing(name) && name.ends_with(".noted")),
        ErrorKind::Timeout,
        true,
    );
    let ended = run(world, &plans, points).await;
    for over in &ended {
        assert_eq!(over.state, OperationState::Parked, "{over:?}");
        assert!(over.error.is_some(), "{over:?}");
        let stuck = over.steps.iter().filter(|s| s.state == StepState::Stuck);
        // Each undo was tried, whatever became of the others.
        let undos = over
            .plan
            .steps
            .iter()
            .filter(|step| step.has_undo())
            .count();
        assert_eq!(stuck.count(), undos, "{over:?}");
    }
    let parked: Vec<&Operation> = ended.iter().collect();
    retried(world, &parked, OperationState::Undone).await;
    assert_eq!(world.listing().await, before);
}
