//! What is kept of people who are blocked: with its operation or not at all, once.

use super::*;
use osm_core::membership::{Grant, Place};
use osm_core::ports::Suspensions as _;
use osm_core::suspension::Suspension;

fn kept(person: &str, by: &NewOperation, places: &[Place]) -> Suspension {
    let grant = |place: &Place| Grant {
        project: bots(),
        project_entry: EntryUuid::trusted("bots"),
        person: EntryUuid::trusted(person),
        uid: person.to_owned(),
        cn: format!("{person} ünïcode 🐢 '\"\\"),
        place: place.clone(),
    };
    Suspension {
        person: EntryUuid::trusted(person),
        wiki_user_id: 7,
        project: bots(),
        project_entry: EntryUuid::trusted("bots"),
        kept: places.iter().map(grant).collect(),
        by: "Op 🐢".to_owned(),
        since: at(0),
        latest: by.id.clone(),
        back: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn what_is_kept_stands_with_its_operation_or_not_at_all() {
    with_store(|store| async move {
        let (web, first) = (instance("web", "bots"), reboot(&instance("db", "bots")));
        let row = kept("ann", &first, &[Place::Group, Place::Project]);
        let recorded_first = Some(recorded(&first));
        assert_eq!(
            store.keep(&row, None, &first).await.unwrap(),
            recorded_first
        );
        assert_eq!(
            store.suspensions().await.unwrap(),
            std::slice::from_ref(&row)
        );
        assert!(store.operation(&first.id).await.unwrap().is_some());
        // The answer was lost and the caller asks again.
        assert_eq!(
            store.keep(&row, None, &first).await.unwrap(),
            recorded_first
        );

        // Another replica that saw nothing kept, or another operation, is told so and records nothing.
        let second = reboot(&web);
        let other = kept("ann", &second, &[Place::Group]);
        for before in [None, Some(&second.id)] {
            let outcome = store.keep(&other, before, &second).await.unwrap();
            assert_eq!(outcome, None);
        }
        assert!(store.operation(&second.id).await.unwrap().is_none());
        assert!(!store.given_back(&other).await.unwrap());
        assert_eq!(
            store.suspensions().await.unwrap(),
            std::slice::from_ref(&row)
        );

        // Where the operation cannot be recorded, what was kept stays as it was.
        let busy = NewOperation {
            id: OperationId::trusted("busy"),
            ..first.clone()
        };
        let meanwhile = kept("ann", &busy, &[Place::Group]);
        let outcome = store.keep(&meanwhile, Some(&first.id), &busy).await;
        assert_eq!(outcome.unwrap(), Some(Submitted::Busy(first.id.clone())));
        let new = kept("bob", &busy, &[Place::Group]);
        let outcome = store.keep(&new, None, &busy).await.unwrap();
        assert_eq!(outcome, Some(Submitted::Busy(first.id.clone())));
        assert_eq!(
            store.suspensions().await.unwrap(),
            std::slice::from_ref(&row)
        );

        // Given back.
        let back = Suspension {
            latest: second.id.clone(),
            back: true,
            ..row.clone()
        };
        let outcome = store.keep(&back, Some(&first.id), &second).await.unwrap();
        assert_eq!(outcome, Some(recorded(&second)));
        assert_eq!(
            store.suspensions().await.unwrap(),
            std::slice::from_ref(&back)
        );
        assert!(!store.given_back(&row).await.unwrap());
        assert!(store.given_back(&back).await.unwrap());
        assert_eq!(store.suspensions().await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn of_many_who_suspend_at_once_one_does() {
    with_store(|store| async move {
        let all: Vec<_> = (0..10)
            .map(|n| reboot(&instance(&n.to_string(), "bots")))
            .collect();
        let rows: Vec<_> = all
            .iter()
            .map(|new| kept("ann", new, &[Place::Group]))
            .collect();
        let tried = all.iter().zip(&rows);
        let outcomes = join_all(tried.map(|(new, row)| store.keep(row, None, new))).await;
        let recorded = outcomes
            .iter()
            .filter(|outcome| outcome.as_ref().unwrap().is_some());
        assert_eq!(recorded.count(), 1, "{outcomes:?}");
        let filter = OperationFilter {
            limit: 100,
            ..OperationFilter::default()
        };
        let operations = store.operations(&filter).await.unwrap();
        let latest = |row: &Suspension| row.latest.clone();
        let stands: Vec<_> = store
            .suspensions()
            .await
            .unwrap()
            .iter()
            .map(latest)
            .collect();
        assert_eq!(
            stands,
            operations.iter().map(|o| o.id.clone()).collect::<Vec<_>>()
        );
    })
    .await;
}
