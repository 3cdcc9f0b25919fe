//! What must be unique: links, pins, nonces.

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn links_pins_and_nonces_are_unique() {
    with_store(|store| async move {
        let entry = |n: u128| EntryUuid::trusted(Uuid::from_u128(n).to_string());
        assert_eq!(store.link_of(1).await.unwrap(), None);
        assert!(
            store
                .link(1, &entry(1), "proved", "Volunteer")
                .await
                .unwrap()
        );
        assert!(
            store
                .link(1, &entry(1), "operator", "Operator")
                .await
                .unwrap(),
            "stands already"
        );
        assert!(!store.link(1, &entry(2), "proved", "x").await.unwrap());
        assert!(!store.link(2, &entry(1), "proved", "x").await.unwrap());
        assert_eq!(store.link_of(1).await.unwrap(), Some(entry(1)));
        assert_eq!(
            store.links().await.unwrap(),
            BTreeMap::from([(entry(1), 1)])
        );
        assert!(store.unlink(1).await.unwrap());
        assert!(!store.unlink(1).await.unwrap());
        assert!(
            store
                .link(2, &entry(1), "operator", "Operator")
                .await
                .unwrap()
        );

        let pin = |name: &str, e: u128, project: &str| Pin {
            name: ProjectName::trusted(name),
            entry: entry(e),
            project_id: ProjectId::trusted(project),
        };
        let bots = pin("bots", 1, "p1");
        assert_eq!(store.pin(&bots).await.unwrap(), bots);
        assert_eq!(store.pin(&bots).await.unwrap(), bots);
        for other in [
            pin("bots", 2, "p1"),
            pin("bots", 1, "p2"),
            pin("x", 1, "p3"),
            pin("x", 3, "p1"),
        ] {
            assert_eq!(store.pin(&other).await.unwrap(), bots);
        }
        let capital = pin("Bots", 4, "p4");
        assert_eq!(store.pin(&capital).await.unwrap(), capital);
        assert_eq!(store.pins().await.unwrap(), [capital, bots]);

        let until = Utc::now() + TimeDelta::seconds(120);
        let seen = join_all((0..10).map(|_| store.remember("nonce", until))).await;
        assert_eq!(
            seen.into_iter()
                .filter(|fresh| *fresh.as_ref().unwrap())
                .count(),
            1
        );
        assert!(!store.remember("nonce", until).await.unwrap());
        assert!(store.remember("other", until).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn nonces_too_old_to_pass_are_thrown_away() {
    with_database(|store, config| async move {
        let past = Utc::now() - TimeDelta::seconds(1);
        assert!(store.remember("old", past).await.unwrap());
        assert!(
            store
                .remember("new", Utc::now() + TimeDelta::hours(1))
                .await
                .unwrap()
        );
        // Each process throws away when it begins, and each minute.
        let other = Store::connect(config.clone()).await.unwrap();
        other.remember("another", past).await.unwrap();
        let kept = format!("SELECT nonce FROM {}.nonces ORDER BY nonce", config.name);
        assert_eq!(as_root(&[kept]).await, ["another", "new"]);
        other.disconnect().await.unwrap();
    })
    .await;
}
