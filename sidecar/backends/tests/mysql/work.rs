//! Claims and leases.

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn claimers_share_the_work_and_none_is_done_twice() {
    with_store(|store| async move {
        let all: Vec<_> = (0..40).map(|n| create(&format!("web-{n}"))).collect();
        for new in &all {
            store.submit(new).await.unwrap();
        }
        let claimers = (0..4).map(|n| {
            let store = store.clone();
            async move {
                let mut mine = Vec::new();
                while let Some(claimed) = store.claim(&format!("c{n}"), at(1), LEASE).await.unwrap()
                {
                    assert_eq!(claimed.generation, 1);
                    mine.push(claimed.id);
                }
                mine
            }
        });
        let claimed = join_all(claimers).await.concat();
        assert_eq!(claimed.len(), 40);
        let distinct: BTreeSet<_> = claimed.into_iter().collect();
        assert_eq!(distinct, all.iter().map(|new| new.id.clone()).collect());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn who_is_out_of_time_is_told() {
    with_store(|store| async move {
        for (off, borne) in [(0, true), (-1, true), (1, true), (-4, false), (4, false)] {
            let outcome = store.in_time(Utc::now() + TimeDelta::seconds(off)).await;
            assert_eq!(outcome.is_ok(), borne, "{off}: {outcome:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_lost_lease_is_lost() {
    with_database(|store, config| async move {
        let new = create("web");
        store.submit(&new).await.unwrap();
        assert!(store.claim("early", at(-1), LEASE).await.unwrap().is_none());
        let mine = store.claim("a", at(0), LEASE).await.unwrap().unwrap();
        assert!(store.claim("b", at(29), LEASE).await.unwrap().is_none());
        store.renew(&new.id, mine.generation, at(60)).await.unwrap();
        assert!(store.claim("b", at(59), LEASE).await.unwrap().is_none());
        let theirs = store.claim("b", at(61), LEASE).await.unwrap().unwrap();
        assert_eq!(
            (theirs.id.clone(), theirs.generation),
            (mine.id.clone(), mine.generation + 1)
        );

        let mut step = mine.steps[0].clone();
        step.state = StepState::Failed;
        let running = OperationState::Running;
        let refused = [
            store.renew(&mine.id, mine.generation, at(99)).await,
            store.holds(&mine.id, mine.generation).await,
            store
                .note_step(&mine.id, mine.generation, &note(&step, None))
                .await,
            store
                .note_state(
                    &mine.id,
                    mine.generation,
                    running,
                    None,
                    Telling::default(),
                    at(62),
                )
                .await,
            store.release(&mine.id, mine.generation, at(62)).await,
        ];
        for outcome in refused {
            assert_eq!(outcome.unwrap_err().kind, Kind::Conflict);
        }

        let error = Msg::new("backend-timeout").with("nova");
        step.error = Some(error.clone());
        step.attempts = 3;
        let server = InstanceId(Uuid::new_v4());
        step.started = Some(at(61));
        step.ended = Some(at(63));
        store.holds(&mine.id, theirs.generation).await.unwrap();
        store
            .note_step(&mine.id, theirs.generation, &note(&step, Some(server)))
            .await
            .unwrap();
        store
            .release(&mine.id, theirs.generation, at(70))
            .await
            .unwrap();
        // Let go is let go, also for who held it.
        let outcome = store
            .note_step(&mine.id, theirs.generation, &note(&step, None))
            .await;
        assert_eq!(outcome.unwrap_err().kind, Kind::Conflict);
        assert!(store.claim("a", at(69), LEASE).await.unwrap().is_none());
        let last = store.claim("a", at(70), LEASE).await.unwrap().unwrap();
        assert_eq!((last.steps[0].clone(), last.instance), (step, Some(server)));

        let failed = OperationState::Failed;
        for _ in 0..2 {
            // Said twice, since the first answer was lost: one audit row.
            store
                .note_state(
                    &mine.id,
                    last.generation,
                    failed,
                    Some(&error),
                    Telling::default(),
                    at(71),
                )
                .await
                .unwrap();
        }
        let over = store.operation(&mine.id).await.unwrap().unwrap();
        assert_eq!(
            (over.state, over.error, over.finished),
            (failed, Some(error), Some(at(71)))
        );
        assert!(store.claim("a", at(999), LEASE).await.unwrap().is_none());
        let audit = format!("SELECT event FROM {}.audit ORDER BY id", config.name);
        assert_eq!(as_root(&[audit]).await, ["submitted", "failed"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn what_a_newer_replica_wrote_blocks_nobody() {
    with_database(|store, config| async move {
        let (newer, ours) = (create("newer"), create("ours"));
        store.submit(&newer).await.unwrap();
        store.submit(&ours).await.unwrap();
        let (seen, unseen) = (instance("seen", "bots"), instance("unseen", "bots"));
        store.observe(&seen, at(0)).await.unwrap();
        store.observe(&unseen, at(0)).await.unwrap();
        let (table, id) = (&config.name, newer.id.as_str());
        as_root(&[
            format!("UPDATE {table}.operations SET plan = '{{\"version\":99}}' WHERE id = '{id}'"),
            format!(
                "UPDATE {table}.instances SET facts = '{{\"v\":99}}' WHERE id = '{}'",
                unseen.id
            ),
        ])
        .await;

        let mut claimed = Vec::new();
        for _ in 0..2 {
            match store.claim("a", at(1), LEASE).await {
                Ok(operation) => claimed.push(operation.unwrap().id),
                Err(error) => assert_eq!(error.kind, Kind::Protocol),
            }
        }
        assert_eq!(claimed, std::slice::from_ref(&ours.id));
        assert!(store.claim("a", at(1), LEASE).await.unwrap().is_none());
        let all = OperationFilter {
            limit: 10,
            ..OperationFilter::default()
        };
        let listed = store.operations(&all).await.unwrap();
        assert_eq!(listed.iter().map(|o| &o.id).collect::<Vec<_>>(), [&ours.id]);
        let error = store.operation(&newer.id).await.unwrap_err();
        assert_eq!(error.kind, Kind::Protocol);

        let all = InstanceFilter {
            limit: 10,
            ..InstanceFilter::default()
        };
        let listed = store.list(&all).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].instance, seen);
        assert_eq!(store.observe(&unseen, at(1)).await.unwrap(), None);
        assert_eq!(store.list(&all).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn wishes_are_granted_in_the_states_they_are_for() {
    with_store(|store| async move {
        let new = create("web");
        let wish = async |wish| {
            let wish = NewWish {
                id: new.id.clone(),
                wish,
                by: (5, "Volunteer".to_owned()),
                request_id: "request-1".to_owned(),
                idempotency: None,
                at: at(5),
            };
            store
                .wish(&wish)
                .await
                .map(|wished| wished == Wished::Noted)
        };
        assert!(!wish(Wish::Cancel).await.unwrap(), "there is none yet");
        store.submit(&new).await.unwrap();
        assert!(!wish(Wish::Retry).await.unwrap());
        assert!(wish(Wish::Cancel).await.unwrap());
        assert!(!wish(Wish::Cancel).await.unwrap(), "once is enough");
        let who = store.cancelled(&new.id).await.unwrap();
        assert_eq!(who, Some((5, "Volunteer".to_owned())));
        assert!(store.operation(&new.id).await.unwrap().unwrap().cancelled);

        // Parked, it blocks nobody; a retry goes on in the direction in which it stopped, with what
        // could not be done tried anew.
        let mut mine = store.claim("a", at(0), LEASE).await.unwrap().unwrap();
        // A wish that came after the runner's last look was granted, and so it does not end as done.
        let done = OperationState::Done;
        let ended = store.note_state(
            &mine.id,
            mine.generation,
            done,
            None,
            Telling::default(),
            at(1),
        );
        assert_eq!(ended.await.unwrap_err().kind, Kind::Conflict);
        let parked = OperationState::Parked;
        for (stopped, state, again) in [
            (
                StepState::Failed,
                OperationState::Running,
                StepState::Running,
            ),
            (
                StepState::Stuck,
                OperationState::Unwinding,
                StepState::Undoing,
            ),
        ] {
            let mut step = mine.steps[0].clone();
            (step.state, step.attempts) = (stopped, 9);
            store
                .note_step(&mine.id, mine.generation, &note(&step, None))
                .await
                .unwrap();
            store
                .note_state(
                    &mine.id,
                    mine.generation,
                    parked,
                    None,
                    Telling::default(),
                    at(9),
                )
                .await
                .unwrap();
            assert!(store.claim("a", at(99), LEASE).await.unwrap().is_none());
            assert!(!wish(Wish::Cancel).await.unwrap());
            assert!(wish(Wish::Retry).await.unwrap());
            mine = store.claim("b", at(99), LEASE).await.unwrap().unwrap();
            let step = &mine.steps[0];
            assert_eq!((mine.state, step.state, step.attempts), (state, again, 1));
        }
        store
            .note_state(
                &mine.id,
                mine.generation,
                parked,
                None,
                Telling::default(),
                at(99),
            )
            .await
            .unwrap();
        assert!(wish(Wish::GiveUp).await.unwrap());
        let over = store.operation(&new.id).await.unwrap().unwrap();
        assert_eq!(over.state, OperationState::Failed);
        let (region, project) = (&new.plan.region, &new.plan.project_id);
        assert!(store.names(region, project).await.unwrap().is_empty());

        // The key of another call.
        let other = keyed(create("db"), "form", "h");
        store.submit(&other).await.unwrap();
        let reused = NewWish {
            id: new.id.clone(),
            wish: Wish::Retry,
            by: (5, "Volunteer".to_owned()),
            request_id: "request-2".to_owned(),
            idempotency: other.idempotency,
            at: at(5),
        };
        assert_eq!(store.wish(&reused).await.unwrap(), Wished::KeyReused);
    })
    .await;
}
