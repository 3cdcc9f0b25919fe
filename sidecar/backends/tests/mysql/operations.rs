//! Recording and listing operations; names.

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn an_operation_is_recorded_once() {
    with_store(|store| async move {
        let first = keyed(create("web"), "k", "hash");
        assert_eq!(store.submit(&first).await.unwrap(), recorded(&first));
        // The answer was lost and the caller asks again; a second click; the key for something else.
        assert_eq!(store.submit(&first).await.unwrap(), recorded(&first));
        let again = keyed(create("web"), "k", "hash");
        let replayed = Submitted::Replayed(first.id.clone());
        assert_eq!(store.submit(&again).await.unwrap(), replayed);
        let other = keyed(create("db"), "k", "other");
        assert_eq!(store.submit(&other).await.unwrap(), Submitted::KeyReused);
        // A key is compared octet by octet, and a refusal leaves it free.
        let taken = keyed(create("web"), "K ", "hash");
        assert_eq!(store.submit(&taken).await.unwrap(), Submitted::NameTaken);
        let elsewhere = keyed(create("db"), "K ", "hash");
        assert_eq!(
            store.submit(&elsewhere).await.unwrap(),
            recorded(&elsewhere)
        );
        let known = Some(("hash".to_owned(), first.id.clone()));
        assert_eq!(store.by_key("12:k").await.unwrap(), known);
        assert_eq!(store.by_key("13:k").await.unwrap(), None);

        let stored = store.operation(&first.id).await.unwrap().unwrap();
        assert_eq!(stored.plan, first.plan);
        assert_eq!(
            (stored.state, stored.created),
            (OperationState::Queued, at(0))
        );
        let steps: Vec<_> = stored
            .steps
            .iter()
            .map(|s| (s.index, s.name.as_str(), s.state))
            .collect();
        let waiting = StepState::Waiting;
        assert_eq!(
            steps,
            [(0, "create-server", waiting), (1, "await-server", waiting)]
        );
        for unknown in ["unknown", "", "é🐢", "' OR ''='", &"x".repeat(5000)] {
            let unknown = OperationId::trusted(unknown);
            assert!(store.operation(&unknown).await.unwrap().is_none());
        }
        let names = store
            .names(&region(), &first.plan.project_id)
            .await
            .unwrap();
        assert_eq!(names, ["db", "web"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn of_many_who_want_a_name_at_once_one_gets_it() {
    with_store(|store| async move {
        let all: Vec<_> = (0..20).map(|_| create("web")).collect();
        let outcomes = join_all(all.iter().map(|new| store.submit(new))).await;
        let count = |wanted: fn(&Submitted) -> bool| {
            outcomes
                .iter()
                .filter(|o| wanted(o.as_ref().unwrap()))
                .count()
        };
        assert_eq!(count(|o| matches!(o, Submitted::Recorded(_))), 1);
        assert_eq!(count(|o| *o == Submitted::NameTaken), 19);

        // The same form sent many times at once.
        let all: Vec<_> = (0..20).map(|_| keyed(create("db"), "form", "h")).collect();
        let outcomes = join_all(all.iter().map(|new| store.submit(new))).await;
        let ids: BTreeSet<_> = outcomes
            .into_iter()
            .map(|outcome| match outcome.unwrap() {
                Submitted::Recorded(id) | Submitted::Replayed(id) => id,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn one_writer_at_a_time_on_an_instance() {
    with_store(|store| async move {
        let server = instance("web", "bots");
        let all: Vec<_> = (0..10).map(|_| reboot(&server)).collect();
        let outcomes = join_all(all.iter().map(|new| store.submit(new))).await;
        let winner = store.claim("a", at(0), LEASE).await.unwrap().unwrap();
        for (new, outcome) in all.iter().zip(outcomes) {
            let expected = if new.id == winner.id {
                recorded(new)
            } else {
                Submitted::Busy(winner.id.clone())
            };
            assert_eq!(outcome.unwrap(), expected);
        }
        // The same UUID in another region is another instance.
        let mut elsewhere = server.clone();
        elsewhere.region = Region::trusted("Elsewhere");
        let there = reboot(&elsewhere);
        assert_eq!(store.submit(&there).await.unwrap(), recorded(&there));

        let before = store.mark().await.unwrap();
        let done = OperationState::Done;
        store
            .note_state(
                &winner.id,
                winner.generation,
                done,
                None,
                Telling::default(),
                at(1),
            )
            .await
            .unwrap();
        // What a plan rests on was read before that one ended.
        let overtaken = NewOperation {
            mark: Some(before),
            ..reboot(&server)
        };
        let told = Submitted::Overtaken(winner.id.clone());
        assert_eq!(store.submit(&overtaken).await.unwrap(), told);
        let beside = NewOperation {
            mark: Some(before),
            ..reboot(&instance("db", "bots"))
        };
        assert_eq!(store.submit(&beside).await.unwrap(), recorded(&beside));
        let next = NewOperation {
            mark: Some(store.mark().await.unwrap()),
            ..reboot(&server)
        };
        assert_eq!(store.submit(&next).await.unwrap(), recorded(&next));

        // An operation that is making a server is at work on it as soon as the server is known.
        let making = create("db");
        let made = instance("db", "bots");
        store.submit(&making).await.unwrap();
        while let Some(claimed) = store.claim("a", at(2), LEASE).await.unwrap() {
            if claimed.id == making.id {
                let step = claimed.steps[0].clone();
                store
                    .note_step(&making.id, claimed.generation, &note(&step, Some(made.id)))
                    .await
                    .unwrap();
            }
        }
        let outcome = store.submit(&reboot(&made)).await.unwrap();
        assert_eq!(outcome, Submitted::Busy(making.id.clone()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn operations_are_listed_newest_first() {
    with_store(|store| async move {
        for n in 0..5 {
            let mut new = create(&format!("web-{n}"));
            new.at = at(n);
            if n == 3 {
                new.plan.project = ProjectName::trusted("tools");
            }
            store.submit(&new).await.unwrap();
        }
        let oldest = store.claim("a", at(10), LEASE).await.unwrap().unwrap();
        let parked = OperationState::Parked;
        store
            .note_state(
                &oldest.id,
                oldest.generation,
                parked,
                None,
                Telling::default(),
                at(11),
            )
            .await
            .unwrap();
        let listed = async |filter: OperationFilter| -> Vec<String> {
            let found = store.operations(&filter).await.unwrap();
            assert!(found.iter().all(|operation| operation.steps.len() == 2));
            found
                .into_iter()
                .map(|operation| operation.plan.name)
                .collect()
        };
        let all = OperationFilter {
            limit: 100,
            ..OperationFilter::default()
        };
        assert_eq!(
            listed(all.clone()).await,
            ["web-4", "web-3", "web-2", "web-1", "web-0"]
        );
        let open = OperationFilter {
            open: true,
            limit: 2,
            ..all.clone()
        };
        assert_eq!(listed(open).await, ["web-4", "web-3"]);
        let of = |projects| OperationFilter {
            open: true,
            projects: Some(projects),
            ..all.clone()
        };
        assert_eq!(listed(of(vec![bots()])).await, ["web-4", "web-2", "web-1"]);
        assert!(listed(of(Vec::new())).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_name_is_taken_while_it_is_used() {
    with_store(|store| async move {
        let ends = async |name: &str, state: OperationState, server: Option<InstanceId>| {
            let new = create(name);
            assert_eq!(store.submit(&new).await.unwrap(), recorded(&new), "{name}");
            let claimed = loop {
                let next = store.claim("a", at(1), LEASE).await.unwrap().unwrap();
                if next.id == new.id {
                    break next;
                }
            };
            let step = &claimed.steps[0];
            store
                .note_step(&new.id, claimed.generation, &note(step, server))
                .await
                .unwrap();
            store
                .note_state(
                    &new.id,
                    claimed.generation,
                    state,
                    None,
                    Telling::default(),
                    at(2),
                )
                .await
                .unwrap();
        };
        let free =
            async |name: &str| store.submit(&create(name)).await.unwrap() != Submitted::NameTaken;

        ends(
            "undone",
            OperationState::Undone,
            Some(InstanceId(Uuid::new_v4())),
        )
        .await;
        assert!(free("undone").await);
        ends("failed", OperationState::Failed, None).await;
        assert!(free("failed").await);
        ends("parked", OperationState::Parked, None).await;
        assert!(!free("parked").await);

        let mut server = instance("done", "bots");
        ends("done", OperationState::Done, Some(server.id)).await;
        assert!(
            !free("done").await,
            "the server is there, though nobody has seen it yet"
        );
        store.observe(&server, at(3)).await.unwrap();
        assert!(!free("done").await);
        server.name = "renamed".to_owned();
        store.observe(&server, at(4)).await.unwrap();
        assert!(!free("renamed").await);
        assert!(free("done").await);
        server.deleted = Some(at(5));
        store.observe(&server, at(5)).await.unwrap();
        assert!(free("renamed").await);

        // Made by others; octets decide; another project is another name.
        store
            .observe(&instance("theirs", "bots"), at(3))
            .await
            .unwrap();
        store
            .observe(&instance("Upper", "bots"), at(3))
            .await
            .unwrap();
        store
            .observe(&instance("space ", "bots"), at(3))
            .await
            .unwrap();
        store
            .observe(&instance("tool", "tools"), at(3))
            .await
            .unwrap();
        assert!(!free("theirs").await);
        for name in ["upper", "space", "tool"] {
            assert!(free(name).await, "{name}");
        }
    })
    .await;
}
