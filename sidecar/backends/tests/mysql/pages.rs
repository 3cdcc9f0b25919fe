//! The queue of pages, and titles.

use super::*;

fn page_of(id: u128) -> PageKey {
    PageKey::Instance {
        region: region(),
        id: InstanceId(Uuid::from_u128(id)),
    }
}

fn reason(key: &PageKey, by: Option<u64>, what: &str) -> PageDue {
    PageDue {
        key: key.clone(),
        by,
        by_name: by.map(|id| format!("User {id}")),
        operation: by.map(|id| OperationId::trusted(format!("op-{id}"))),
        what: what.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn pages_are_handed_out_people_first() {
    with_store(|store| async move {
        let soon = || Utc::now() + TimeDelta::seconds(1);
        assert_eq!(store.backlog().await.unwrap(), (0, None));
        let (one, two, three) = (page_of(1), page_of(2), page_of(3));
        for due in [
            reason(&one, None, "seen one"),
            reason(&two, None, "seen two"),
            reason(&three, Some(7), "made three"),
            reason(&two, Some(8), "rebooted two"),
        ] {
            store.due(&due).await.unwrap();
        }
        let (count, since) = store.backlog().await.unwrap();
        assert_eq!(count, 3);
        assert!(since.is_some_and(|since| since <= Utc::now()));

        // Two and three hold people's doings; two has waited longer.
        let second = store.claim_page("a", soon(), LEASE).await.unwrap().unwrap();
        assert_eq!((&second.key, second.attempts), (&two, 0));
        let reasons: Vec<_> = second.reasons.iter().map(|(_, due)| due.clone()).collect();
        assert_eq!(
            reasons,
            [
                reason(&two, None, "seen two"),
                reason(&two, Some(8), "rebooted two")
            ]
        );
        let third = store.claim_page("b", soon(), LEASE).await.unwrap().unwrap();
        assert_eq!(third.key, three);
        let first = store.claim_page("c", soon(), LEASE).await.unwrap().unwrap();
        assert_eq!(first.key, one);
        assert!(
            store
                .claim_page("d", soon(), LEASE)
                .await
                .unwrap()
                .is_none()
        );

        // What comes while a page is held waits for the next claim.
        store.due(&reason(&two, None, "seen again")).await.unwrap();
        assert!(
            store
                .claim_page("d", soon(), LEASE)
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(
            store.page_done("b", &second).await.unwrap_err().kind,
            Kind::Conflict
        );
        store.page_done("a", &second).await.unwrap();
        let next = store.claim_page("d", soon(), LEASE).await.unwrap().unwrap();
        assert_eq!((&next.key, next.attempts, next.reasons.len()), (&two, 0, 1));
        assert_eq!(next.reasons[0].1.what, "seen again");
        store.page_done("d", &next).await.unwrap();
        assert_eq!(
            store.page_done("d", &next).await.unwrap_err().kind,
            Kind::Conflict
        );

        // Put off, and tried again when its time has come.
        store
            .page_later(
                "c",
                &first,
                Utc::now() + TimeDelta::hours(1),
                Some("wiki read-only"),
            )
            .await
            .unwrap();
        assert!(
            store
                .claim_page("d", soon(), LEASE)
                .await
                .unwrap()
                .is_none()
        );
        // Sooner, where who was away is back.
        store.hasten().await.unwrap();
        let back = store.claim_page("c", soon(), LEASE).await.unwrap().unwrap();
        assert_eq!((&back.key, back.attempts), (&one, 1));
        let at = Utc::now() + TimeDelta::hours(1);
        store
            .page_later("c", &back, at, Some("again"))
            .await
            .unwrap();
        let later = Utc::now() + TimeDelta::hours(2);
        let retried = store.claim_page("b", later, LEASE).await.unwrap().unwrap();
        // By then the lease on three is over as well. Its owner claims it again, and what the owner
        // began under the old claim counts no more.
        let taken_over = store.claim_page("c", later, LEASE).await.unwrap().unwrap();
        assert_eq!((&retried.key, retried.attempts), (&three, 1));
        assert_eq!((&taken_over.key, taken_over.attempts), (&one, 2));
        assert_eq!(
            store.page_done("b", &third).await.unwrap_err().kind,
            Kind::Conflict
        );
        store.page_done("b", &retried).await.unwrap();
        store.page_done("c", &taken_over).await.unwrap();
        assert_eq!(store.backlog().await.unwrap(), (0, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn no_reason_is_lost_and_no_page_held_twice_under_load() {
    with_store(|store| async move {
        let reporting = Arc::new(AtomicUsize::new(4));
        let reporters = (0..4_u64).map(|n| {
            let (store, reporting) = (store.clone(), reporting.clone());
            tokio::spawn(async move {
                for round in 0..50_u64 {
                    let by = (round % 3 == 0).then_some(n);
                    let what = format!("{n}/{round}");
                    store
                        .due(&reason(&page_of(u128::from(round % 5)), by, &what))
                        .await
                        .unwrap();
                }
                reporting.fetch_sub(1, Ordering::SeqCst);
            })
        });
        let reporters: Vec<_> = reporters.collect();
        let writers = (0..4).map(|n| {
            let (store, reporting) = (store.clone(), reporting.clone());
            tokio::spawn(async move {
                let owner = format!("w{n}");
                let mut done = Vec::new();
                let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
                loop {
                    let all_told = reporting.load(Ordering::SeqCst) == 0;
                    if let Some(work) = store.claim_page(&owner, Utc::now(), LEASE).await.unwrap() {
                        store
                            .page_done(&owner, &work)
                            .await
                            .expect("held by me alone");
                        done.extend(work.reasons.into_iter().map(|(_, due)| due.what));
                    } else if all_told && store.backlog().await.unwrap().0 == 0 {
                        return done;
                    }
                    assert!(tokio::time::Instant::now() < deadline, "work is left");
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        for reporter in reporters {
            reporter.await.unwrap();
        }
        let mut done = Vec::new();
        for writer in writers {
            done.extend(writer.await.unwrap());
        }
        assert_eq!(done.len(), 200, "each reason once");
        assert_eq!(done.into_iter().collect::<BTreeSet<_>>().len(), 200);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_title_belongs_to_one_page() {
    with_store(|store| async move {
        let (one, two) = (page_of(1), page_of(2));
        let short = "Nova Resource:I-00000000";
        assert!(store.reserve_title(&one, short).await.unwrap());
        assert!(store.reserve_title(&one, short).await.unwrap());
        assert!(!store.reserve_title(&two, short).await.unwrap());
        let long = "Nova Resource:I-000000000000";
        assert!(store.reserve_title(&two, long).await.unwrap());
        assert!(!store.reserve_title(&two, short).await.unwrap());

        let record = |title: &str, page_id, revision| PageRecord {
            title: title.to_owned(),
            page_id,
            revision,
        };
        assert_eq!(
            store.page(&one).await.unwrap(),
            Some(record(short, None, 0))
        );
        assert_eq!(store.page(&page_of(3)).await.unwrap(), None);
        store
            .page_written(&one, &record(short, Some(5), 50))
            .await
            .unwrap();
        store
            .page_written(&one, &record(short, Some(5), 51))
            .await
            .unwrap();
        assert_eq!(
            store.page(&one).await.unwrap(),
            Some(record(short, Some(5), 51))
        );
        // Moved by hand to where another has its title: each keeps its own.
        store
            .page_written(&one, &record(long, Some(5), 52))
            .await
            .unwrap();
        assert_eq!(
            store.page(&one).await.unwrap(),
            Some(record(short, Some(5), 52))
        );
        store
            .page_written(&page_of(3), &record(short, Some(6), 1))
            .await
            .unwrap();
        assert_eq!(store.page(&page_of(3)).await.unwrap(), None);
        let bots = PageKey::Project { project: bots() };
        store
            .page_written(&bots, &record("Nova Resource:Bots", Some(7), 1))
            .await
            .unwrap();

        let id = |n| InstanceId(Uuid::from_u128(n));
        let many: Vec<_> = (1..2500).map(id).collect();
        let titles = store.instance_titles(&region(), &many).await.unwrap();
        let expected = [(id(1), short.to_owned()), (id(2), long.to_owned())];
        assert_eq!(titles, BTreeMap::from(expected));
        let elsewhere = Region::trusted("Elsewhere");
        assert!(
            store
                .instance_titles(&elsewhere, &many)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(
            store
                .instance_titles(&region(), &[])
                .await
                .unwrap()
                .is_empty()
        );
    })
    .await;
}
