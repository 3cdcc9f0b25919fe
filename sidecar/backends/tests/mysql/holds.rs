//! The hold after an older database was restored.

use super::*;

const UNKNOWN: &str = "01JDA3V6B8R3Z6K7H4T5N9QXYZ";

fn told(id: &OperationId) -> Trace {
    Trace {
        operation: id.clone(),
        server: None,
        seen_at: "wiki page X".to_owned(),
    }
}

fn made(id: &OperationId, server: InstanceId) -> Trace {
    Trace {
        server: Some(Made {
            region: region(),
            project_id: ProjectId::trusted("id-of-bots"),
            id: server,
        }),
        ..told(id)
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn what_is_told_of_and_was_never_begun_here_is_unaccounted_for() {
    with_store(|store| async move {
        let unknown = OperationId::trusted(UNKNOWN);
        let (queued, begun, done) = (create("queued"), create("begun"), create("done"));
        for new in [&done, &begun, &queued] {
            store.submit(new).await.unwrap();
        }
        let server = InstanceId(Uuid::new_v4());
        let mine = store.claim("a", at(0), LEASE).await.unwrap().unwrap();
        let mut step = mine.steps[0].clone();
        step.state = StepState::Running;
        step.attempts = 1;
        store
            .note_step(&mine.id, mine.generation, &note(&step, None))
            .await
            .unwrap();
        let nowhere = InstanceId(Uuid::new_v4());
        let others = [&done, &begun, &queued].into_iter();
        let untouched: Vec<_> = others
            .map(|o| o.id.clone())
            .filter(|id| *id != mine.id)
            .collect();

        // Asked for after it was noted as begun: the server may be there, its page may not.
        assert_eq!(
            store.unaccounted(&[made(&mine.id, nowhere)]).await.unwrap(),
            []
        );
        assert_eq!(
            store.unaccounted(&[told(&mine.id)]).await.unwrap(),
            [told(&mine.id)]
        );
        // Once the step is done the page may be there as well.
        step.state = StepState::Done;
        store
            .note_step(&mine.id, mine.generation, &note(&step, Some(server)))
            .await
            .unwrap();
        assert_eq!(store.unaccounted(&[told(&mine.id)]).await.unwrap(), []);

        let traces = [
            told(&mine.id),
            made(&untouched[0], nowhere),
            told(&untouched[1]),
            told(&unknown),
            told(&unknown),
            made(&unknown, nowhere),
        ];
        let wanted = [traces[1].clone(), traces[2].clone(), traces[3].clone()];
        assert_eq!(store.unaccounted(&traces).await.unwrap(), wanted);
        // Somebody wrote another operation's id onto a server that is known to be this one's.
        assert_eq!(
            store.unaccounted(&[made(&unknown, server)]).await.unwrap(),
            []
        );

        store.put_hold(&wanted, at(5)).await.unwrap();
        store.put_hold(&wanted, at(6)).await.unwrap();
        assert_eq!(
            store.unaccounted(&traces).await.unwrap(),
            [],
            "one hold for each"
        );
        assert_eq!(store.hold().await.unwrap().unwrap().since, at(5));
        let lost = store.lost().await.unwrap();
        let ids: BTreeSet<_> = lost.iter().map(|l| (l.operation.clone(), l.open)).collect();
        let expected = [
            (&untouched[0], true),
            (&untouched[1], true),
            (&unknown, false),
        ];
        assert_eq!(ids, expected.map(|(id, open)| (id.clone(), open)).into());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn while_held_nothing_is_handed_out_or_taken_and_lifting_it_parks() {
    with_database(|store, config| async move {
        let (web, under_way) = (create("web"), create("under-way"));
        store.submit(&under_way).await.unwrap();
        let mine = store.claim("a", at(0), LEASE).await.unwrap().unwrap();
        store.submit(&web).await.unwrap();
        let due = PageDue {
            key: PageKey::Project { project: bots() },
            by: None,
            by_name: None,
            operation: None,
            what: "seen".to_owned(),
        };
        store.due(&due).await.unwrap();
        let later = Utc::now() + TimeDelta::days(400);

        let unknown = OperationId::trusted(UNKNOWN);
        store.put_hold(&[told(&unknown)], at(1)).await.unwrap();
        assert!(store.claim("b", at(99), LEASE).await.unwrap().is_none());
        // Whoever holds one already changes nothing with it.
        let held = store.holds(&mine.id, mine.generation).await;
        assert_eq!(held.unwrap_err().kind, Kind::Conflict);
        let refused = store.submit(&create("more")).await.unwrap();
        assert_eq!(refused, Submitted::Held);
        // Pages wait only until the cloud was read through.
        assert!(store.claim_page("b", later, LEASE).await.unwrap().is_none());
        store.read_through(at(2)).await.unwrap();
        assert!(store.claim_page("b", later, LEASE).await.unwrap().is_some());

        let parked = store.lift(Open::Park, "root", at(3)).await.unwrap();
        let parked: BTreeSet<_> = parked.into_iter().collect();
        assert_eq!(parked, [web.id.clone(), mine.id.clone()].into());
        assert_eq!(store.hold().await.unwrap(), None);
        assert!(store.claim("b", at(99), LEASE).await.unwrap().is_none());
        let stands = store.operation(&web.id).await.unwrap().unwrap();
        assert_eq!(
            (stands.state, stands.error, stands.steps[0].attempts),
            (OperationState::Parked, Some(Msg::new("restored")), 1)
        );
        let renewed = store.renew(&mine.id, mine.generation, at(99)).await;
        assert_eq!(renewed.unwrap_err().kind, Kind::Conflict);
        // The name is kept for it, and it goes on only by a person's wish.
        assert_eq!(store.submit(&create("web")).await.unwrap(), Submitted::NameTaken);
        let wished = store
            .wish(&NewWish {
                id: web.id.clone(),
                wish: Wish::Retry,
                by: (7, "Operator".to_owned()),
                request_id: "r".to_owned(),
                idempotency: None,
                at: at(4),
            })
            .await;
        assert_eq!(wished.unwrap(), Wished::Noted);
        let again = store.claim("b", at(4), LEASE).await.unwrap().unwrap();
        assert_eq!((&again.id, again.steps[0].attempts), (&web.id, 1));
        let audit = format!(
            "SELECT CONCAT(event, ' ', wiki_user_name) FROM {}.audit WHERE operation_id = '{}' ORDER BY id",
            config.name, web.id
        );
        assert_eq!(
            as_root(&[audit]).await,
            ["submitted Volunteer", "parked root", "retry Operator"]
        );

        // Another hold, lifted the other way.
        let other = OperationId::trusted(UNKNOWN.replace("XYZ", "XY0"));
        store.put_hold(&[told(&other)], at(5)).await.unwrap();
        assert_eq!(store.lost().await.unwrap().len(), 1, "only what this one is for");
        assert!(store.lift(Open::GoOn, "root", at(6)).await.unwrap().is_empty());
        let goes_on = store.claim("c", at(99), LEASE).await.unwrap().unwrap();
        assert_eq!(goes_on.id, web.id);
    })
    .await;
}
