//! The store on a Galera cluster of three, of which two are killed in the end. `tests/galera/cluster.py` makes the
//! cluster and runs this.

use super::*;

const OPERATIONS: usize = 200;
/// Connections are new in the first ones, which is where a cluster has its traps.
const ROUNDS: usize = 5;

fn of_cluster(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name}, from tests/galera/cluster.py"))
}

fn nodes() -> Vec<StoreConfig> {
    let account = of_cluster("GALERA_ACCOUNT");
    of_cluster("GALERA_PORTS")
        .split(',')
        .map(|port| StoreConfig {
            host: "127.0.0.1".to_owned(),
            port: port.parse().unwrap(),
            user: account.clone(),
            password: Secret::new(of_cluster("GALERA_PASSWORD")),
            name: account.clone(),
        })
        .collect()
}

fn kill(node: usize) {
    let pids = of_cluster("GALERA_PIDS");
    let pid = pids.split(',').nth(node).unwrap();
    let done = std::process::Command::new("kill")
        .args(["-KILL", pid])
        .status();
    assert!(done.unwrap().success());
}

fn numbered(what: &str) -> Vec<NewOperation> {
    let new = |n| NewOperation {
        // Each person has a bounded number under way.
        wiki_user_id: n as u64,
        ..create(&format!("{what}-{n}"))
    };
    (0..OPERATIONS).map(new).collect()
}

/// All of them, through the nodes in turn, many at once.
async fn submitted(stores: &[Store], all: &[NewOperation]) {
    let submitting = (0..8).map(|lane| async move {
        for (n, new) in all.iter().enumerate().filter(|(n, _)| n % 8 == lane) {
            let outcome = patiently(|| stores[n % stores.len()].submit(new)).await;
            assert_eq!(outcome, recorded(new));
        }
    });
    join_all(submitting).await;
}

/// As the runner and the documenter do: what is unavailable is asked again.
async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, osm_core::ports::PortError>>,
{
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => assert!(error.transient(), "{error}"),
        }
    }
}

/// Claims until nothing is left or the node is gone; two claimers a node.
async fn claimed(stores: &[Store], now: i64) -> Vec<(OperationId, u64)> {
    let claimers = stores.iter().enumerate().flat_map(|(node, store)| {
        (0..2).map(move |n| async move {
            let owner = format!("node{node}/{n}");
            let mut mine = Vec::new();
            loop {
                match store.claim(&owner, at(now), LEASE).await {
                    Ok(Some(o)) => mine.push((o.id, o.generation)),
                    Ok(None) => return mine,
                    Err(error) => {
                        assert!(error.transient(), "{error}");
                        if store.ping().await.is_err() {
                            return mine;
                        }
                    }
                }
            }
        })
    });
    join_all(claimers).await.concat()
}

fn ids<'a>(of: impl IntoIterator<Item = &'a OperationId>) -> BTreeSet<OperationId> {
    of.into_iter().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Galera cluster: tests/galera/cluster.py"]
async fn galera_shares_the_work_and_outlives_a_node() {
    let mut stores = Vec::new();
    for node in nodes() {
        stores.push(Store::connect(node).await.unwrap());
    }
    // Replicas of a new version are started on all nodes at once: a lock of one node stops none of the others.
    for outcome in join_all(stores.iter().map(Store::migrate)).await {
        outcome.unwrap();
    }
    for store in &stores {
        let (there, known) = store.schema().await.unwrap();
        assert_eq!(there, known);
    }

    // Each is claimed once, though a row locked on one node is locked on no other.
    for round in 0..ROUNDS {
        let all = numbered(&format!("first-{round}"));
        submitted(&stores, &all).await;
        let claims = claimed(&stores, 1).await;
        assert_eq!(
            claims.len(),
            OPERATIONS,
            "round {round}: none twice, none left"
        );
        assert_eq!(
            ids(claims.iter().map(|(id, _)| id)),
            ids(all.iter().map(|new| &new.id))
        );
        for (id, generation) in claims {
            assert_eq!(generation, 1);
            let over = OperationState::Undone;
            patiently(|| {
                stores[0].note_state(&id, generation, over, None, Telling::default(), at(1))
            })
            .await;
        }
    }

    // One name, wished for on all nodes at once.
    for n in 0..20 {
        let wishes: Vec<_> = stores.iter().map(|_| create(&format!("one-{n}"))).collect();
        let outcomes = stores.iter().zip(&wishes);
        let outcomes = outcomes.map(|(store, new)| patiently(move || store.submit(new)));
        let outcomes = join_all(outcomes).await;
        let won = outcomes
            .iter()
            .zip(&wishes)
            .filter(|(o, w)| **o == recorded(w));
        assert_eq!(won.count(), 1, "{outcomes:?}");
        let lost = outcomes.iter().filter(|o| **o == Submitted::NameTaken);
        assert_eq!(lost.count(), 2, "{outcomes:?}");
        for wish in &wishes {
            let id = patiently(|| stores[0].operation(&wish.id)).await;
            if let Some(o) = id {
                let done = patiently(|| stores[0].claim("x", at(1), LEASE))
                    .await
                    .unwrap();
                assert_eq!(done.id, o.id);
                let over = OperationState::Undone;
                patiently(|| {
                    stores[0].note_state(
                        &o.id,
                        done.generation,
                        over,
                        None,
                        Telling::default(),
                        at(1),
                    )
                })
                .await;
            }
        }
    }

    pages_are_claimed_once(&stores).await;

    // A node dies in the middle of it. What its claimers held, or do not know that they hold, is claimed
    // again when the leases end; nothing else is.
    let more = numbered("second");
    submitted(&stores, &more).await;
    let (claims, ()) = tokio::join!(claimed(&stores, 1), async { kill(2) });
    let once = ids(claims.iter().map(|(id, _)| id));
    assert_eq!(once.len(), claims.len(), "none twice");
    let survivors = &stores[..2];
    let left = ids(more.iter().map(|new| &new.id));
    let mut seen = once.clone();
    let again = claimed(survivors, 1 + 60).await;
    assert_eq!(ids(again.iter().map(|(id, _)| id)).len(), again.len());
    seen.extend(again.iter().map(|(id, _)| id.clone()));
    assert!(seen.is_superset(&left), "none is lost");
    submitted(survivors, &numbered("third")).await;

    // The last node alone cannot know whether it is the one cut off: it takes nothing.
    kill(1);
    let refused = loop {
        match stores[0].submit(&create("alone")).await {
            Err(error) => break error,
            Ok(outcome) => assert!(matches!(
                outcome,
                Submitted::Recorded(_) | Submitted::NameTaken
            )),
        }
    };
    assert_eq!(refused.kind, Kind::Unavailable, "{refused}");
}

async fn pages_are_claimed_once(stores: &[Store]) {
    let key = |n: usize| PageKey::Redirect {
        region: region(),
        project: bots(),
        name: format!("page-{n}"),
    };
    for n in 0..60 {
        for store in stores {
            let due = PageDue {
                key: key(n),
                by: None,
                by_name: None,
                operation: None,
                what: format!("reason {n}"),
            };
            patiently(|| store.due(&due)).await;
        }
    }
    let writers = stores.iter().enumerate().map(|(n, store)| async move {
        let (owner, mut mine) = (format!("node{n}"), Vec::new());
        let soon = Utc::now() + TimeDelta::seconds(60);
        while let Some(work) = patiently(|| store.claim_page(&owner, soon, LEASE)).await {
            patiently(|| store.page_done(&owner, &work)).await;
            mine.push((work.key.stored(), work.reasons.len()));
        }
        mine
    });
    let written = join_all(writers).await.concat();
    let pages: BTreeSet<_> = written.iter().map(|(page, _)| page.clone()).collect();
    assert_eq!(pages, (0..60).map(|n| key(n).stored()).collect());
    let reasons: usize = written.iter().map(|(_, reasons)| reasons).sum();
    assert_eq!(
        reasons,
        60 * stores.len(),
        "each reason is dealt with once: {written:?}"
    );
}
