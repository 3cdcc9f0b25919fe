//! The Server Admin Log in the database: order, once, and who writes.

use super::*;
use osm_core::log::{LogName, NewEntry};
use osm_core::ports::{
    Accepted, Elections, HookProgress, LogFilter, LogTokens, LogWriting, Logs, Speakers,
};

fn said(log: &str, key: &str, message: &str) -> NewEntry {
    NewEntry {
        log: LogName::trusted(log),
        key: key.to_owned(),
        at: at(0),
        nick: "ada".to_owned(),
        by: None,
        source: "irc:lab/#cloud".to_owned(),
        undoes: None,
        message: message.to_owned(),
    }
}

fn all() -> LogFilter {
    LogFilter {
        limit: 10_000,
        ..LogFilter::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn entries_are_numbered_without_gaps_and_accepted_once() {
    with_store(|store| async move {
        let each = (0..200).map(|n| {
            let store = store.clone();
            async move {
                let log = if n % 2 == 0 { "bots" } else { "tools.x" };
                let entry = said(log, &format!("k{n}"), &format!("ünï 🐢 {n}"));
                store.accept(&entry, None).await.unwrap()
            }
        });
        let mut seqs: Vec<u64> = (join_all(each).await.into_iter())
            .map(|accepted| match accepted {
                Accepted::Now(seq) => seq,
                other => panic!("{other:?}"),
            })
            .collect();
        seqs.sort();
        let twice: Vec<u64> = (1..=100).flat_map(|n| [n, n]).collect();
        assert_eq!(seqs, twice);
        let again = async |entry: NewEntry| store.accept(&entry, None).await.unwrap();
        let (mut same, mut undo) = (
            said("bots", "k0", "ünï 🐢 0"),
            said("bots", "k0", "ünï 🐢 0"),
        );
        // When and by which of their names somebody said it again does not matter.
        (same.nick, same.at) = ("ada_".to_owned(), at(9));
        let before = again(same).await;
        assert!(matches!(before, Accepted::Before(_)), "{before:?}");
        undo.undoes = Some(1);
        for other in [
            said("bots", "k0", "x"),
            said("bots.x", "k0", "ünï 🐢 0"),
            undo,
        ] {
            assert_eq!(again(other).await, Accepted::Otherwise);
        }
        assert_eq!(store.entries(&all()).await.unwrap().len(), 200);
        let some = LogFilter {
            log: Some(LogName::trusted("tools.x")),
            text: Some("ÜNÏ 🐢 1".to_owned()),
            ..all()
        };
        let found = store.entries(&some).await.unwrap();
        assert!(!found.is_empty());
        assert!(
            found
                .iter()
                .all(|(_, e)| e.said.message.starts_with("ünï 🐢 1"))
        );
        assert!(found.windows(2).all(|w| w[0].0 > w[1].0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn what_waits_is_handed_out_in_order_until_it_is_written() {
    with_store(|store| async move {
        for n in 1..=5 {
            let entry = said("bots", &format!("k{n}"), &format!("m{n}"));
            assert_eq!(store.accept(&entry, None).await.unwrap(), Accepted::Now(n));
        }
        assert_eq!(store.log_backlog().await.unwrap(), (5, Some(at(0))));
        let mine = store.claim_log("a", at(1), LEASE).await.unwrap().unwrap();
        let seqs: Vec<u64> = mine.entries.iter().map(|e| e.seq).collect();
        assert_eq!(
            (seqs, mine.tried_from, mine.attempts),
            (vec![1, 2, 3, 4, 5], None, 0)
        );
        assert!(store.claim_log("b", at(2), LEASE).await.unwrap().is_none());
        // The first try counts until something is known of it.
        store.log_tried("a", &mine, 70).await.unwrap();
        store.log_tried("a", &mine, 75).await.unwrap();
        // Its owner slept: another takes over, and is told of the try.
        let theirs = store.claim_log("b", at(60), LEASE).await.unwrap().unwrap();
        assert_eq!(theirs.tried_from, Some(70));
        for refused in [
            store.log_tried("a", &mine, 80).await,
            store.log_written("a", &mine, 5, 80, at(61)).await,
            store.log_later("a", &mine, at(62), "x").await,
        ] {
            assert_eq!(refused.unwrap_err().kind, Kind::Conflict);
        }
        // What came meanwhile waits for the next turn, as does what was not written.
        store.accept(&said("bots", "k6", "m6"), None).await.unwrap();
        store
            .log_written("b", &theirs, 3, 71, at(62))
            .await
            .unwrap();
        assert_eq!(
            store.revision(&LogName::trusted("bots"), 3).await.unwrap(),
            Some(71)
        );
        assert_eq!(
            store.revision(&LogName::trusted("bots"), 4).await.unwrap(),
            None
        );
        let next = store.claim_log("a", at(63), LEASE).await.unwrap().unwrap();
        let seqs: Vec<u64> = next.entries.iter().map(|e| e.seq).collect();
        assert_eq!(
            (seqs, next.tried_from, next.attempts),
            (vec![4, 5, 6], None, 0)
        );
        store
            .log_later("a", &next, at(100), "the wiki is away")
            .await
            .unwrap();
        assert!(store.claim_log("a", at(99), LEASE).await.unwrap().is_none());
        let last = store.claim_log("a", at(100), LEASE).await.unwrap().unwrap();
        assert_eq!(last.attempts, 1);
        store.log_written("a", &last, 6, 72, at(101)).await.unwrap();
        assert!(
            store
                .claim_log("a", at(9999), LEASE)
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(store.log_backlog().await.unwrap(), (0, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn what_the_wiki_will_not_have_is_passed_over_and_stays_without_a_revision() {
    with_store(|store| async move {
        for n in 1..=3 {
            let entry = said("bots", &format!("k{n}"), &format!("m{n}"));
            store.accept(&entry, None).await.unwrap();
        }
        let work = store.claim_log("a", at(1), LEASE).await.unwrap().unwrap();
        let theirs = store.log_passed_over("b", &work, 1, at(2)).await;
        assert_eq!(theirs.unwrap_err().kind, Kind::Conflict);
        store.log_passed_over("a", &work, 1, at(2)).await.unwrap();
        let work = store.claim_log("a", at(3), LEASE).await.unwrap().unwrap();
        let seqs: Vec<u64> = work.entries.iter().map(|e| e.seq).collect();
        assert_eq!(
            (seqs, work.tried_from, work.attempts),
            (vec![2, 3], None, 0)
        );
        store.log_written("a", &work, 3, 70, at(4)).await.unwrap();
        let bots = LogName::trusted("bots");
        for (seq, wanted) in [(1, None), (2, Some(70)), (3, Some(70))] {
            assert_eq!(store.revision(&bots, seq).await.unwrap(), wanted, "{seq}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn of_two_who_hear_the_same_one_is_elected() {
    with_store(|store| async move {
        let name = "irc:lab";
        let together = ["a", "b"].map(|owner| {
            let store = store.clone();
            async move { store.elect(name, owner, at(0), LEASE).await.unwrap() }
        });
        let elected = join_all(together).await;
        assert_eq!(elected.iter().filter(|e| **e).count(), 1);
        let (a, b) = if elected[0] { ("a", "b") } else { ("b", "a") };
        assert!(store.elect(name, a, at(20), LEASE).await.unwrap());
        assert!(!store.elect(name, b, at(40), LEASE).await.unwrap());
        // Nobody else: what it hears after its time it may still accept.
        let heard = |owner: &'static str, key: &'static str| {
            let store = store.clone();
            async move {
                let entry = said("bots", key, "x");
                store.accept(&entry, Some((name, owner))).await.unwrap()
            }
        };
        assert_eq!(heard(a, "k1").await, Accepted::Now(1));
        assert!(store.elect(name, b, at(50), LEASE).await.unwrap());
        assert_eq!(heard(a, "k2").await, Accepted::NotOurs);
        assert_eq!(heard(b, "k2").await, Accepted::Now(2));
        // Nor what the other has accepted: both would answer.
        assert_eq!(heard(a, "k2").await, Accepted::NotOurs);
        assert_eq!(heard(b, "k2").await, Accepted::Before(2));
        store.resign(name, a).await.unwrap();
        assert!(!store.elect(name, a, at(51), LEASE).await.unwrap());
        store.resign(name, b).await.unwrap();
        assert!(store.elect(name, a, at(51), LEASE).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_token_is_known_by_its_hash_until_it_is_revoked() {
    with_store(|store| async move {
        let (bots, tools) = (ProjectName::trusted("bots"), ProjectName::trusted("tools"));
        let make = async |project, name, hash| {
            let made = store.make_token(project, name, hash, "ada", at(0)).await;
            made.unwrap()
        };
        assert!(make(&bots, "backup", "h1").await);
        assert!(!make(&bots, "backup", "h2").await, "the name is taken");
        assert!(make(&tools, "backup", "h3").await);
        assert_eq!(store.token_used("h2", at(5)).await.unwrap(), None);
        let used = store.token_used("h1", at(5)).await.unwrap().unwrap();
        assert_eq!((used.project, used.used_at), (bots.clone(), None));
        // Noted once a minute.
        for (now, noted) in [(6, at(5)), (64, at(5)), (66, at(5)), (67, at(66))] {
            let used = store.token_used("h1", at(now)).await.unwrap().unwrap();
            assert_eq!(used.used_at, Some(noted), "{now}");
        }
        assert!(store.revoke_token(&bots, "backup").await.unwrap());
        assert!(!store.revoke_token(&bots, "backup").await.unwrap());
        assert_eq!(store.token_used("h1", at(70)).await.unwrap(), None);
        let left = store.tokens(None).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!((&left[0].project, &*left[0].made_by), (&tools, "ada"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_logs_code_that_others_saw_is_burnt() {
    with_store(|store| async move {
        store.offer("h1", (7, "Ada"), at(600)).await.unwrap();
        assert!(!store.burn("h2").await.unwrap());
        assert!(store.burn("h1").await.unwrap());
        assert!(!store.burn("h1").await.unwrap());
        let redeemed = store.redeem("h1", "lab", "mallory", at(1)).await.unwrap();
        assert_eq!(redeemed, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn an_operation_is_logged_once_with_its_end() {
    with_store(|store| async move {
        let new = create("web-1");
        store.submit(&new).await.unwrap();
        let mine = store.claim("a", at(0), LEASE).await.unwrap().unwrap();
        let entry = said("bots", &format!("operation:{}", mine.id), "created web-1");
        let end = async |generation| {
            let told = Telling {
                entry: Some(&entry),
                ..Telling::default()
            };
            let done = OperationState::Done;
            store
                .note_state(&mine.id, generation, done, None, told, at(1))
                .await
        };
        // Not by whoever has lost it.
        assert_eq!(
            end(mine.generation + 1).await.unwrap_err().kind,
            Kind::Conflict
        );
        assert_eq!(store.entries(&all()).await.unwrap().len(), 0);
        for _ in 0..2 {
            end(mine.generation).await.unwrap();
        }
        let there = store.entries(&all()).await.unwrap();
        assert_eq!(there.len(), 1);
        assert_eq!(
            (there[0].1.seq, &*there[0].1.said.message),
            (1, "created web-1")
        );
        let work = store.claim_log("a", at(2), LEASE).await.unwrap().unwrap();
        assert_eq!(work.entries.len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_hook_is_told_from_its_first_day_in_the_order_of_each_log() {
    with_store(|store| async move {
        let say = async |log, key| store.accept(&said(log, key, key), None).await.unwrap();
        say("bots", "before").await;
        let next = async || {
            let next = store.next_for_hook("hook").await.unwrap();
            next.map(|e| (e.said.log.to_string(), e.seq, e.said.message))
        };
        for _ in 0..2 {
            store.begin_hook("hook").await.unwrap();
            assert_eq!(next().await, None);
        }
        say("bots", "1").await;
        say("tools", "2").await;
        say("bots", "3").await;
        store.begin_hook("hook").await.unwrap();
        for wanted in [("bots", 2, "1"), ("tools", 1, "2"), ("bots", 3, "3")] {
            let (log, seq, message) = next().await.unwrap();
            assert_eq!((&*log, seq, &*message), wanted);
            let log = LogName::trusted(&log);
            store.posted_to_hook("hook", &log, seq).await.unwrap();
            store.posted_to_hook("hook", &log, seq - 1).await.unwrap();
        }
        assert_eq!(next().await, None);
    })
    .await;
}
