//! Migrations, and what happens when the database is not as it should be.

use super::*;
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn migrations_run_once() {
    let config = new_database().await;
    let store = Store::connect(config.clone()).await.unwrap();
    let before = store.schema().await;
    let unmigrated = store.links().await.unwrap_err();
    // Replicas start together.
    let outcomes = join_all((0..4).map(|_| store.migrate())).await;
    let after = store.schema().await;
    store.disconnect().await.unwrap();
    drop_database(&config).await;

    let (stood, known) = before.unwrap();
    assert_eq!(stood, 0);
    let hint = "run `openstackmanager migrate`";
    assert!(unmigrated.to_string().contains(hint), "{unmigrated}");
    let applied: Vec<_> = outcomes.into_iter().flat_map(|o| o.unwrap()).collect();
    let number = usize::try_from(known).unwrap();
    assert_eq!(applied.len(), number, "each by one of them");
    assert_eq!(after.unwrap(), (known, known));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn errors_tell_the_kind_and_no_password() {
    with_database(|store, config| async move {
        let shown = format!("{store:?} {config:?}");
        assert!(!shown.contains(config.password.expose()));
        let wrong = StoreConfig {
            password: Secret::new("wrong-password"),
            ..config.clone()
        };
        let refused = Store::connect(wrong).await.unwrap_err();
        assert_eq!((refused.system, refused.kind), ("mysql", Kind::Denied));
        assert!(!format!("{refused} {refused:?}").contains("wrong-password"));
        let nobody_there = StoreConfig { port: 1, ..config };
        let refused = Store::connect(nobody_there).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Unavailable);

        let long = "x".repeat(2000);
        let refused = store.remember(&long, at(0)).await.unwrap_err();
        assert_eq!(refused.kind, Kind::TooLarge);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn connections_cut_while_idle_are_replaced() {
    with_database(|store, config| async move {
        join_all((0..5).map(|_| store.links())).await;
        let user = &config.user;
        as_root(&[format!("KILL CONNECTION USER '{user}'")]).await;
        let left =
            format!("SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{user}'");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        while as_root(std::slice::from_ref(&left)).await != ["0"] {
            assert!(tokio::time::Instant::now() < deadline, "still connected");
        }
        for outcome in join_all((0..5).map(|_| store.links())).await {
            assert!(outcome.unwrap().is_empty());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = StoreConfig {
        host: "127.0.0.1".to_owned(),
        port: silent.local_addr().unwrap().port(),
        user: "user".to_owned(),
        password: Secret::new("password"),
        name: "name".to_owned(),
    };
    let refused = Store::connect(config).await.unwrap_err();
    assert_eq!(refused.kind, Kind::Timeout);
}
