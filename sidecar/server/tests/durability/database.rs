//! The database away, hung, cut, killed, and full: nothing runs without its record, nothing is lost.

use crate::asked::new_operation;
use crate::mariadb::Mariadb;
use crate::neighbours::refused;
use crate::network::{Ends, came_to_rest, case, plans, with_faults};
use crate::proxy::Mode;
use crate::world::{World, eventually};
use openstackmanager::faults::Points;
use openstackmanager::operations::{Patience, Runner};
use osm_core::ids::OperationId;
use osm_core::ports::{
    Kind, NewOperation, OperationState, Operations as _, PortError, StepState, Submitted,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use ulid::Ulid;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn the_database_fails_for_a_while_and_all_is_done_once() {
    with_faults(async |world, faulty| {
        // The commit is done, and nobody is told.
        let lost = Mode::Lost("COMMIT");
        let modes = [lost, Mode::Refused, Mode::Hung, Mode::Slow, Mode::Cut(20)];
        faulty.acquainted(world).await;
        for (n, mode) in modes.into_iter().enumerate() {
            case(world, faulty, &faulty.mysql, mode, Ends::AfterAWhile, n).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_submission_whose_answer_is_lost_is_found_by_its_key() {
    with_faults(async |world, faulty| {
        let plan = world.planned("novaprobe", &[]).await;
        let new = NewOperation {
            idempotency: Some(("1:key".to_owned(), "hash".to_owned())),
            ..new_operation(plan)
        };
        faulty.mysql.set(Mode::Lost("COMMIT"));
        let error = faulty.store.submit(&new).await.unwrap_err();
        assert!(error.uncertain(), "{error:?}");
        faulty.mysql.set(Mode::Pass);
        let again = NewOperation {
            id: OperationId::trusted(Ulid::generate().to_string()),
            ..new.clone()
        };
        let found = faulty.store.submit(&again).await.unwrap();
        assert_eq!(found, Submitted::Replayed(new.id));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn the_database_is_killed_in_the_middle_and_all_is_done_once() {
    let mut mariadb = Mariadb::new(&[]).await;
    let port = mariadb.port;
    let world = World::on(mariadb.root(), |config| config.database.port = port).await;
    let all = plans(&world, 0).await;
    let before = world.listing().await;
    let mut ids = Vec::new();
    for plan in all {
        ids.push(world.submit(plan).await);
    }
    // Twice: when the effects are about to be done, and when the second of them was.
    let (noted, sent) = (Arc::<Notify>::default(), Arc::<Notify>::default());
    let points = {
        let (noted, sent, seen) = (noted.clone(), sent.clone(), AtomicUsize::new(0));
        Points::watched(move |name| {
            if name.ends_with(".noted") {
                noted.notify_one();
            }
            if name.ends_with(".sent") && seen.fetch_add(1, Ordering::SeqCst) == 1 {
                sent.notify_one();
            }
            Box::pin(async { None })
        })
    };
    let (stop, stopped) = watch::channel(false);
    let runner = tokio::spawn(Arc::new(short_leases(&world, points)).run(stopped));
    for kill in [noted, sent] {
        kill.notified().await;
        mariadb.kill().await;
        mariadb.start().await;
    }
    eventually("all operations are over", async || {
        world.open().await.is_empty()
    })
    .await;
    stop.send(true).unwrap();
    runner.await.unwrap();
    for id in &ids {
        assert_eq!(world.operation(id).await.state, OperationState::Done);
        came_to_rest(&world, &before, id, "killed").await;
    }
    world.end().await;
}

fn short_leases(world: &World, points: Points) -> Runner {
    let runner = world.runner(points);
    Runner {
        patience: Patience {
            lease: Duration::from_secs(3),
            ..runner.patience
        },
        ..runner
    }
}

/// All tables in one file that grows no further.
fn disk(size: &str) -> [String; 2] {
    [
        "--innodb-file-per-table=0".to_owned(),
        format!("--innodb-data-file-path=ibdata1:16M:autoextend:max:{size}"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_full_disk_takes_nothing_on_and_loses_nothing() {
    let mut mariadb = Mariadb::new(&disk("32M").each_ref().map(String::as_str)).await;
    let port = mariadb.port;
    let world = World::on(mariadb.root(), |config| config.database.port = port).await;
    let root = mariadb.root();
    let filler = format!("{}.filler", world.config.database.name);
    root.run(&[format!("CREATE TABLE {filler} (a LONGBLOB) ENGINE=InnoDB")])
        .await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(world.submit(world.planned("novaprobe", &[]).await).await);
    }
    // The disk is full when the first operation is about to have its effect.
    let (begun, full) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
    let points = {
        let (begun, full) = (begun.clone(), full.clone());
        Points::watched(move |name| {
            begun.fetch_add(usize::from(name.ends_with(".begin")), Ordering::SeqCst);
            let fills = name.ends_with(".noted") && begun.load(Ordering::SeqCst) == 1;
            let (root, filler, full) = (root.clone(), filler.clone(), full.clone());
            Box::pin(async move {
                if fills {
                    for bytes in [1 << 20, 1 << 16, 1 << 13] {
                        let fill = format!("INSERT INTO {filler} VALUES (REPEAT('x', {bytes}))");
                        while let Ok(()) = root.try_run(&fill).await {}
                    }
                    full.store(true, Ordering::SeqCst);
                }
                None
            })
        })
    };
    let runner = short_leases(&world, points);
    let runner = Runner {
        patience: Patience {
            workers: 1,
            ..runner.patience
        },
        ..runner
    };
    let (stop, stopped) = watch::channel(false);
    let runner = tokio::spawn(Arc::new(runner).run(stopped));
    eventually("the disk is full", async || full.load(Ordering::SeqCst)).await;
    // What there is still room for is taken.
    let error: PortError = loop {
        // Another person each time: there is a bound for each.
        let new = NewOperation {
            wiki_user_id: ids.len() as u64,
            ..new_operation(world.planned("novaprobe", &[]).await)
        };
        match world.store.submit(&new).await {
            Ok(Submitted::Recorded(id)) => ids.push(id),
            Ok(other) => panic!("not recorded: {other:?}"),
            Err(error) => break error,
        };
        assert!(ids.len() < 500, "the disk is never full");
    };
    assert_eq!(error.kind, Kind::Unavailable, "{error:?}");
    assert!(error.detail.contains("make room"), "{error:?}");
    refused(&world.api("novaprobe", &[]).await, "mysql", Mode::Pass);
    assert!(!world.open().await.is_empty());
    // To drop a table needs room too.
    let room = disk("64M");
    mariadb.restart(&room.each_ref().map(String::as_str)).await;
    eventually("all operations are over", async || {
        world.open().await.is_empty()
    })
    .await;
    stop.send(true).unwrap();
    runner.await.unwrap();
    assert!(begun.load(Ordering::SeqCst) > ids.len(), "none had to wait");
    for id in ids {
        let over = world.operation(&id).await;
        assert_eq!(over.state, OperationState::Done, "{over:?}");
        assert!(over.steps.iter().all(|s| s.state == StepState::Done));
        let audit = world.audit(&id).await;
        let ends = audit.iter().filter(|event| *event == "done").count();
        assert_eq!(ends, 1, "{audit:?}");
    }
    world.end().await;
}
