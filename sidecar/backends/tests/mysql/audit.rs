//! The audit's chain: every row is in it once, in any order of commits and with any number of sealers.

use super::*;
use osm_core::audit::{Anchor, Finding, Walk, Witness};
use osm_core::plan::Change;
use osm_core::replay::State;
use serde_json::json;

/// Everything wrong that `audit verify` finds in the database; read in small pieces.
pub(super) async fn findings(store: &Store, witness: Option<Anchor>) -> Vec<Finding> {
    let anchors = witness.map(|anchor| (Witness::WikiPage, anchor));
    let mut walk = Walk::new(anchors);
    let mut found = Vec::new();
    loop {
        let piece = store.seals(walk.seq(), 3).await.unwrap();
        if piece.is_empty() {
            break;
        }
        for (seal, row) in piece {
            found.extend(walk.step(&seal, row.as_ref()));
        }
    }
    found.extend(walk.end());
    let covered = store.coverage(0, 1000).await.unwrap();
    found.extend(covered.into_iter().filter_map(|s| s.finding()));
    let waiting = store.waiting(0, 1000).await.unwrap();
    let missing = waiting.into_iter().filter(|(_, there)| !there);
    found.extend(missing.map(|(id, _)| Finding::WaitingMissing(id)));
    let (untold, _) = store.untold("", 1000).await.unwrap();
    found.extend(untold.into_iter().map(Finding::Untold));
    found
}

pub(super) async fn seal(store: &Store, owner: &str, seconds: i64) -> usize {
    store.seal(owner, at(seconds), LEASE).await.unwrap().rows
}

/// Submits so many operations, each with one audit row.
pub(super) async fn submit(store: &Store, prefix: &str, count: usize) -> Vec<NewOperation> {
    let all: Vec<_> = (0..count)
        .map(|n| create(&format!("{prefix}-{n}")))
        .map(|mut new| {
            new.wiki_user_id = u64::try_from(prefix.len()).unwrap();
            new
        })
        .collect();
    for new in &all {
        assert_eq!(store.submit(new).await.unwrap(), recorded(new));
    }
    all
}

pub(super) async fn numbers(sql: String) -> Vec<u64> {
    let rows = as_root(&[sql]).await;
    rows.iter().map(|number| number.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn rows_committed_in_any_order_are_sealed_once() {
    with_database(|store, config| async move {
        let new = submit(&store, "seed", 1).await.remove(0);
        assert_eq!(seal(&store, "a", 0).await, 1);
        // Three transactions write in one order and commit in another, with sealing in between.
        let write = format!(
            "INSERT INTO {0}.audit (at, event, operation_id, region, project, wiki_user_id,
               wiki_user_name, request_id, detail)
             SELECT at, 'changed', operation_id, region, project, wiki_user_id, wiki_user_name,
               request_id, '{{}}' FROM {0}.audit WHERE operation_id = '{1}' LIMIT 1",
            config.name, new.id
        );
        let note = format!(
            "INSERT INTO {}.audit_unsealed VALUES (LAST_INSERT_ID())",
            config.name
        );
        let mut open = Vec::new();
        for _ in 0..3 {
            let mut conn = root().await;
            for sql in [
                "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
                "BEGIN",
                &write,
                &note,
            ] {
                conn.query_drop(sql).await.unwrap();
            }
            open.push(conn);
        }
        assert_eq!(seal(&store, "a", 1).await, 0, "nothing of it is committed");
        for (second, place) in [(2, 1), (3, 1), (4, 0)] {
            open.remove(place).query_drop("COMMIT").await.unwrap();
            assert_eq!(seal(&store, "a", second).await, 1);
        }
        let sealed = format!(
            "SELECT audit_id FROM {}.audit_seals ORDER BY seq",
            config.name
        );
        let [first, x, y, z] = numbers(sealed).await[..] else {
            panic!("four rows are sealed");
        };
        assert!(first < z && z < x && x < y, "by commit, not by id");
        assert_eq!(findings(&store, None).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn many_write_and_many_seal_and_there_is_one_chain() {
    with_database(|store, config| async move {
        let done = AtomicUsize::new(0);
        let writers = ["a", "bb", "ccc", "dddd"].map(|name| async {
            submit(&store, name, 25).await;
            done.fetch_add(1, Ordering::SeqCst);
        });
        // Their leases end at once: each claims the election from the others all the time.
        let sealers = (0..4).map(|number| {
            let (store, done) = (&store, &done);
            async move {
                let owner = format!("sealer-{number}");
                let mut sealed = 0;
                loop {
                    let last = done.load(Ordering::SeqCst) == 4;
                    let lease = Duration::ZERO;
                    let one = store.seal(&owner, Utc::now(), lease).await.unwrap().rows;
                    sealed += one;
                    if last && one == 0 {
                        return sealed;
                    }
                }
            }
        });
        let (_, sealed) = tokio::join!(join_all(writers), join_all(sealers));
        seal(&store, "last", 0).await;
        let count = |table: &str| numbers(format!("SELECT COUNT(*) FROM {}.{table}", config.name));
        assert_eq!(count("audit").await, [100]);
        assert_eq!(count("audit_seals").await, [100]);
        assert_eq!(count("audit_unsealed").await, [0]);
        assert!(
            sealed.iter().sum::<usize>() <= 100,
            "none twice: {sealed:?}"
        );
        assert_eq!(findings(&store, None).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn the_elected_one_seals_and_is_followed() {
    with_store(|store| async move {
        submit(&store, "web", 1).await;
        let all = join_all((0..8).map(|n| {
            let store = store.clone();
            async move { seal(&store, &format!("sealer-{n}"), 0).await }
        }));
        assert_eq!(all.await.iter().sum::<usize>(), 1);
        submit(&store, "db", 1).await;
        // Whoever sealed first is left to it while its lease runs.
        let (mut rows, mut owners) = (0, 0);
        for n in 0..8 {
            let one = seal(&store, &format!("sealer-{n}"), 29).await;
            rows += one;
            owners += usize::from(one > 0);
        }
        assert_eq!((rows, owners), (1, 1));
        submit(&store, "mail", 1).await;
        assert_eq!(seal(&store, "other", 58).await, 0);
        assert_eq!(
            seal(&store, "other", 59).await,
            1,
            "the lease of 29 has run out"
        );
        assert_eq!(findings(&store, None).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_day_that_the_chain_grew_has_an_anchor_and_its_page_is_due() {
    const DAY: i64 = 24 * 60 * 60;
    with_store(|store| async move {
        let once = async |seconds: i64| {
            let sealed = store.seal("a", at(seconds), LEASE).await.unwrap();
            (sealed.rows, sealed.anchored)
        };
        assert_eq!(once(0).await, (0, false), "there is no chain to anchor");
        submit(&store, "web", 2).await;
        assert_eq!(once(1).await, (2, true), "at once, in a fresh database");
        submit(&store, "db", 1).await;
        assert_eq!(once(2).await, (1, false), "one a day");
        assert_eq!(
            once(DAY).await,
            (0, true),
            "what came after the day's anchor"
        );
        assert_eq!(once(2 * DAY).await, (0, false), "nothing has come");
        submit(&store, "mail", 1).await;
        assert_eq!(once(3 * DAY).await, (1, true));

        let anchors = store.anchors(9).await.unwrap();
        let days: Vec<_> = anchors
            .iter()
            .map(|a| (at(0).date_naive() - a.day, a.seq))
            .collect();
        let ago = |days: i64| TimeDelta::days(-days);
        assert_eq!(days, [(ago(3), 4), (ago(1), 3), (ago(0), 2)]);
        assert_eq!(store.anchors(1).await.unwrap(), anchors[..1]);
        let work = store
            .claim_page("d", Utc::now() + TimeDelta::seconds(1), LEASE)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((&work.key, work.reasons.len()), (&PageKey::Audit, 3));
        assert_eq!(work.reasons[2].1.what, "audit chain at 4");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn what_was_written_before_there_was_a_chain_begins_it() {
    with_database(|store, config| async move {
        submit(&store, "web", 3).await;
        seal(&store, "a", 0).await;
        submit(&store, "old", 2).await;
        let db = &config.name;
        as_root(&[
            format!("DELETE FROM {db}.audit_unsealed"),
            format!("DELETE FROM {db}.schema_version WHERE version >= 4"),
        ])
        .await;
        assert_eq!(findings(&store, None).await.len(), 2);
        store.migrate().await.unwrap();
        assert_eq!(findings(&store, None).await, []);
        assert_eq!(seal(&store, "a", 1).await, 2);
        assert_eq!(findings(&store, None).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn effects_are_told_up_to_a_time() {
    with_store(|store| async move {
        let new = submit(&store, "web", 1).await.remove(0);
        let claimed = store.claim("a", at(0), LEASE).await.unwrap().unwrap();
        let change = |after: Option<serde_json::Value>| Change {
            resource: "RegionOne/instance/1".to_owned(),
            before: None,
            after,
        };
        for (seconds, change) in [
            (10, change(Some(json!({"name": "web"})))),
            (20, change(Some(json!({"name": "web"}))).reversed()),
        ] {
            let note = StepNote {
                changes: vec![change],
                at: at(seconds),
                ..note(&claimed.steps[0], None)
            };
            store
                .note_step(&new.id, claimed.generation, &note)
                .await
                .unwrap();
        }
        let state = async |until: i64| {
            let (mut state, mut after) = (State::default(), 0);
            loop {
                let (effects, next) = store.effects(after, at(until), 1).await.unwrap();
                effects.into_iter().for_each(|effect| state.apply(effect));
                match next {
                    Some(next) => after = next,
                    None => return state.0,
                }
            }
        };
        assert!(state(9).await.is_empty());
        let found = state(10).await;
        let stands = &found["RegionOne/instance/1"];
        assert_eq!(stands.value, json!({"name": "web"}));
        assert_eq!(
            (stands.operation.as_str(), stands.person.as_str(), stands.at),
            (new.id.as_str(), "Volunteer", at(10))
        );
        assert!(state(20).await.is_empty());
    })
    .await;
}
