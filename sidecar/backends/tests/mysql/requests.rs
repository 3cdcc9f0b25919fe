//! Requests: with what carries them out or not at all, and decided once.

use super::*;
use osm_core::ports::{
    ByRule, Decided, NewDecision, NewRequest, Noted, RequestFilter, Requests as _, Verdict,
};
use osm_core::requests::{Asked, State};

fn asked(project: &str) -> Asked {
    Asked::project(project, "for bots", "we *()\\ need 🐢 '\" it").unwrap()
}

fn request(user: u64, project: &str, key: &str) -> NewRequest {
    NewRequest {
        asked: asked(project),
        by: (user, format!("User {user} 🐢")),
        key: key.to_owned(),
        at: at(0),
        granted: None,
    }
}

fn decision(id: u64, verdict: Verdict, second: i64) -> NewDecision {
    NewDecision {
        id,
        verdict,
        by: (1, "Op".to_owned()),
        words: "as you wish".to_owned(),
        at: at(second),
    }
}

fn grant(hash: &str, operation: &NewOperation) -> Verdict {
    Verdict::Grant {
        hash: hash.to_owned(),
        operation: Box::new(operation.clone()),
    }
}

fn id_of(noted: Noted) -> u64 {
    match noted {
        Noted::Request(id) => id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_person_has_one_open_and_it_is_decided_once() {
    with_store(|store| async move {
        let id = id_of(store.ask(&request(7, "one", "a")).await.unwrap());
        // Sent twice it is one; another one waits until this is decided.
        assert_eq!(
            store.ask(&request(7, "one", "a")).await.unwrap(),
            Noted::Request(id)
        );
        assert_eq!(
            store.ask(&request(7, "two", "b")).await.unwrap(),
            Noted::OneIsOpen(id)
        );
        let other = id_of(store.ask(&request(8, "two", "c")).await.unwrap());

        // Only what was looked at is granted.
        let operation = reboot(&instance("web", "bots"));
        let wrong = grant(&asked("two").hash(), &operation);
        let outcome = store.decide(&decision(id, wrong, 1)).await.unwrap();
        assert_eq!(outcome, Decided::AnotherHash);
        assert!(store.operation(&operation.id).await.unwrap().is_none());

        let right = decision(id, grant(&asked("one").hash(), &operation), 1);
        assert_eq!(store.decide(&right).await.unwrap(), Decided::Done);
        assert!(store.operation(&operation.id).await.unwrap().is_some());
        // The answer was lost, and the caller asks again; a second approver is told.
        assert_eq!(store.decide(&right).await.unwrap(), Decided::Done);
        let late = reboot(&instance("db", "bots"));
        for verdict in [
            Verdict::Decline,
            Verdict::Withdraw,
            grant(&asked("one").hash(), &late),
        ] {
            let outcome = store.decide(&decision(id, verdict, 2)).await.unwrap();
            assert_eq!(outcome, Decided::NotOpen);
        }
        assert!(store.operation(&late.id).await.unwrap().is_none());
        let stands = store.request(id).await.unwrap().unwrap();
        assert_eq!(
            (stands.state, &stands.asked),
            (State::Granted, &asked("one"))
        );
        let decided = stands.decision.unwrap();
        assert_eq!(decided.operation, Some(operation.id));
        assert_eq!((decided.by.1.as_str(), decided.by_rule), ("Op", false));

        let store = &store;
        let of = |filter: RequestFilter| async move { store.requests(&filter).await.unwrap() };
        let filter = RequestFilter {
            limit: 10,
            ..RequestFilter::default()
        };
        let open = RequestFilter {
            state: Some(State::Open),
            ..filter.clone()
        };
        let ids = |found: Vec<osm_core::requests::Request>| {
            found.iter().map(|r| r.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(of(filter.clone()).await), [other, id]);
        assert_eq!(ids(of(open).await), [other]);
        let theirs = RequestFilter {
            wiki_user_id: Some(7),
            ..filter.clone()
        };
        assert_eq!(ids(of(theirs).await), [id]);
        let older = RequestFilter {
            before: Some(other),
            ..filter
        };
        assert_eq!(ids(of(older).await), [id]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_rule_grants_one_at_a_time_however_many_ask_at_once() {
    with_store(|store| async move {
        let operations: Vec<NewOperation> = (0..8)
            .map(|n| reboot(&instance(&format!("web-{n}"), "bots")))
            .collect();
        let asks = operations.iter().enumerate().map(|(n, operation)| {
            let new = NewRequest {
                granted: Some(ByRule {
                    operation: operation.clone(),
                    unless_since: at(-60),
                }),
                ..request(7, &format!("p{n}"), &format!("k{n}"))
            };
            let store = &store;
            async move { store.ask(&new).await.unwrap() }
        });
        let noted = futures_util::future::join_all(asks).await;
        let granted = noted.iter().filter(|n| matches!(n, Noted::Request(_)));
        assert_eq!(granted.count(), 1, "{noted:?}");
        let others = noted.iter().filter(|n| matches!(n, Noted::NotByRule));
        assert_eq!(others.count(), 7, "{noted:?}");
        let mut recorded = 0;
        for operation in &operations {
            recorded += usize::from(store.operation(&operation.id).await.unwrap().is_some());
        }
        assert_eq!(recorded, 1);
        // A later one is granted again.
        let later = NewRequest {
            granted: Some(ByRule {
                operation: reboot(&instance("later", "bots")),
                unless_since: at(1),
            }),
            ..request(7, "later", "later")
        };
        id_of(store.ask(&later).await.unwrap());
    })
    .await;
}
