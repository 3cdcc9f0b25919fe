//! The store against a real MariaDB or MySQL. Each test has a database of its own.
//!
//! `OSM_TEST_MYSQL=mysql://user:password@host:port cargo test -p osm-backends --test mysql -- --ignored`;
//! the account must be allowed to do everything to databases whose names begin with `osm_test_`.

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use osm_backends::mysql::{Store, StoreConfig};
use osm_backends::secret::Secret;
use osm_core::action::Action;
use osm_core::ids::InstanceName;
use osm_core::ids::{EntryUuid, InstanceId, OperationId, ProjectId, ProjectName, Region};
use osm_core::instance::{Flavor, Instance, ServerRequest};
use osm_core::message::Msg;
use osm_core::plan::{Goal, Plan, PlannedStep, Step, Undo};
use osm_core::ports::{
    InstanceFilter, InstanceIndex, Kind, Links, NewOperation, Nonces, OperationFilter,
    OperationState, OperationWork, Operations, PageDue, PageKey, PageRecord, Pages, Pin, Pins,
    StepState, Submitted,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use url::Url;
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(30);

fn server() -> StoreConfig {
    let url =
        std::env::var("OSM_TEST_MYSQL").expect("OSM_TEST_MYSQL=mysql://user:password@host:port");
    let url = Url::parse(&url).expect("OSM_TEST_MYSQL is a URL");
    StoreConfig {
        host: url.host_str().unwrap().to_owned(),
        port: url.port().unwrap_or(3306),
        user: url.username().to_owned(),
        password: Secret::new(url.password().unwrap_or_default()),
        name: format!("osm_test_{}", Uuid::new_v4().simple()),
    }
}

/// The first column of what a statement gives.
async fn run_sql(config: &StoreConfig, sql: String) -> Vec<String> {
    let options = mysql_async::OptsBuilder::default()
        .ip_or_hostname(config.host.clone())
        .tcp_port(config.port)
        .user(Some(config.user.clone()))
        .pass(Some(config.password.expose()));
    let mut conn = Conn::new(options).await.expect("the database answers");
    let rows = conn.query(sql).await.expect("the statement runs");
    conn.disconnect().await.unwrap();
    rows
}

async fn with_store<F>(test: impl FnOnce(Store) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    with_database(|store, _| test(store)).await;
}

/// Runs a test in a database of its own, which is dropped even where the test fails.
async fn with_database<F>(test: impl FnOnce(Store, StoreConfig) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let config = server();
    run_sql(&config, format!("CREATE DATABASE {}", config.name)).await;
    let store = Store::connect(config.clone()).await.unwrap();
    store.migrate().await.unwrap();
    let outcome = tokio::spawn(test(store.clone(), config.clone())).await;
    store.disconnect().await.unwrap();
    run_sql(&config, format!("DROP DATABASE {}", config.name)).await;
    if let Err(failed) = outcome {
        std::panic::resume_unwind(failed.into_panic());
    }
}

fn region() -> Region {
    Region::trusted("RegionOne")
}

fn bots() -> ProjectName {
    ProjectName::trusted("bots")
}

/// A fixed instant, so many seconds on.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 123_456_000).unwrap()
}

fn instance(name: &str, project: &str) -> Instance {
    Instance {
        region: region(),
        id: InstanceId(Uuid::new_v4()),
        project_id: ProjectId::trusted(format!("id-of-{project}")),
        project: ProjectName::trusted(project),
        name: name.to_owned(),
        status: "ACTIVE".to_owned(),
        task_state: None,
        created: at(0),
        launched: None,
        updated: at(0),
        deleted: None,
        host: None,
        availability_zone: None,
        flavor: Flavor {
            id: None,
            name: "m1.tiny".to_owned(),
            vcpus: 1,
            ram_mb: 512,
            disk_gb: 1,
            ephemeral_gb: 0,
        },
        image: None,
        addresses: Vec::new(),
        security_groups: Vec::new(),
        metadata: BTreeMap::from([("note".to_owned(), "ünïcode 🐢 '\"\\".to_owned())]),
        tags: Vec::new(),
        fault: None,
    }
}

fn operation(plan: Plan) -> NewOperation {
    NewOperation {
        id: OperationId::trusted(Uuid::new_v4().to_string()),
        plan,
        wiki_user_id: 12,
        wiki_user_name: "Volunteer".to_owned(),
        request_id: "request-1".to_owned(),
        idempotency: None,
        at: at(0),
    }
}

fn create(name: &str) -> NewOperation {
    let server = ServerRequest {
        name: InstanceName::trusted(name),
        flavor_id: "1".to_owned(),
        flavor_name: "m1.tiny".to_owned(),
        image_id: "image".to_owned(),
        image_name: "Debian".to_owned(),
        network: "lan".to_owned(),
        security_groups: Vec::new(),
    };
    operation(Plan {
        version: Plan::VERSION,
        action: Action::InstanceCreate,
        region: region(),
        project: bots(),
        project_id: ProjectId::trusted("id-of-bots"),
        instance: None,
        name: name.to_owned(),
        steps: vec![
            PlannedStep {
                step: Step::CreateServer { server },
                undo: Undo::DeleteServer,
            },
            PlannedStep {
                step: Step::AwaitServer { goal: Goal::Active },
                undo: Undo::none("waiting changes nothing"),
            },
        ],
    })
}

fn reboot(instance: &Instance) -> NewOperation {
    operation(Plan {
        version: Plan::VERSION,
        action: Action::InstanceReboot,
        region: instance.region.clone(),
        project: instance.project.clone(),
        project_id: instance.project_id.clone(),
        instance: Some(instance.id),
        name: instance.name.clone(),
        steps: vec![PlannedStep {
            step: Step::RebootServer,
            undo: Undo::none("a reboot cannot be taken back"),
        }],
    })
}

fn keyed(mut new: NewOperation, key: &str, body_hash: &str) -> NewOperation {
    new.idempotency = Some((format!("12:{key}"), body_hash.to_owned()));
    new
}

fn recorded(new: &NewOperation) -> Submitted {
    Submitted::Recorded(new.id.clone())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OSM_TEST_MYSQL"]
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
        let unknown = OperationId::trusted("unknown");
        assert!(store.operation(&unknown).await.unwrap().is_none());
        let names = store
            .names(&region(), &first.plan.project_id)
            .await
            .unwrap();
        assert_eq!(names, ["db", "web"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OSM_TEST_MYSQL"]
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
#[ignore = "needs OSM_TEST_MYSQL"]
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

        let done = OperationState::Done;
        store
            .note_state(&winner.id, winner.generation, done, None, at(1))
            .await
            .unwrap();
        let next = reboot(&server);
        assert_eq!(store.submit(&next).await.unwrap(), recorded(&next));

        // An operation that is making a server is at work on it as soon as the server is known.
        let making = create("db");
        let made = instance("db", "bots");
        store.submit(&making).await.unwrap();
        while let Some(claimed) = store.claim("a", at(2), LEASE).await.unwrap() {
            if claimed.id == making.id {
                let step = claimed.steps[0].clone();
                store
                    .note_step(&making.id, claimed.generation, &step, Some(made.id))
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
#[ignore = "needs OSM_TEST_MYSQL"]
async fn claimers_share_the_work_and_none_is_done_twice() {
    with_store(|store| async move {
        let all: Vec<_> = (0..40).map(|n| create(&format!("web-{n}"))).collect();
        for new in &all {
            store.submit(new).await.unwrap();
        }
        let claimers = (0..4).map(|n| {
            let store = store.clone();
            async move {
                let mut mine = Vec::new();
                while let Some(claimed) = store.claim(&format!("c{n}"), at(1), LEASE).await.unwrap()
                {
                    assert_eq!(claimed.generation, 1);
                    mine.push(claimed.id);
                }
                mine
            }
        });
        let claimed = join_all(claimers).await.concat();
        assert_eq!(claimed.len(), 40);
        let distinct: BTreeSet<_> = claimed.into_iter().collect();
        assert_eq!(distinct, all.iter().map(|new| new.id.clone()).collect());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OSM_TEST_MYSQL"]
async fn a_lost_lease_is_lost() {
    with_database(|store, config| async move {
        let new = create("web");
        store.submit(&new).await.unwrap();
        assert!(store.claim("early", at(-1), LEASE).await.unwrap().is_none());
        let mine = store.claim("a", at(0), LEASE).await.unwrap().unwrap();
        assert!(store.claim("b", at(29), LEASE).await.unwrap().is_none());
        store.renew(&new.id, mine.generation, at(60)).await.unwrap();
        assert!(store.claim("b", at(59), LEASE).await.unwrap().is_none());
        let theirs = store.claim("b", at(61), LEASE).await.unwrap().unwrap();
        assert_eq!(
            (theirs.id.clone(), theirs.generation),
            (mine.id.clone(), mine.generation + 1)
        );

        let mut step = mine.steps[0].clone();
        step.state = StepState::Failed;
        let running = OperationState::Running;
        let refused = [
            store.renew(&mine.id, mine.generation, at(99)).await,
            store
                .note_step(&mine.id, mine.generation, &step, None)
                .await,
            store
                .note_state(&mine.id, mine.generation, running, None, at(62))
                .await,
            store.release(&mine.id, mine.generation, at(62)).await,
        ];
        for outcome in refused {
            assert_eq!(outcome.unwrap_err().kind, Kind::Conflict);
        }

        let error = Msg::new("backend-timeout").with("nova");
        step.error = Some(error.clone());
        step.attempts = 3;
        let server = InstanceId(Uuid::new_v4());
        store
            .note_step(&mine.id, theirs.generation, &step, Some(server))
            .await
            .unwrap();
        store
            .release(&mine.id, theirs.generation, at(70))
            .await
            .unwrap();
        // Let go is let go, also for who held it.
        let outcome = store
            .note_step(&mine.id, theirs.generation, &step, None)
            .await;
        assert_eq!(outcome.unwrap_err().kind, Kind::Conflict);
        assert!(store.claim("a", at(69), LEASE).await.unwrap().is_none());
        let last = store.claim("a", at(70), LEASE).await.unwrap().unwrap();
        assert_eq!((last.steps[0].clone(), last.instance), (step, Some(server)));

        let failed = OperationState::Failed;
        for _ in 0..2 {
            // Said twice, since the first answer was lost: one audit row.
            store
                .note_state(&mine.id, last.generation, failed, Some(&error), at(71))
                .await
                .unwrap();
        }
        let over = store.operation(&mine.id).await.unwrap().unwrap();
        assert_eq!(
            (over.state, over.error, over.finished),
            (failed, Some(error), Some(at(71)))
        );
        assert!(store.claim("a", at(999), LEASE).await.unwrap().is_none());
        let audit = format!("SELECT event FROM {}.audit ORDER BY id", config.name);
        assert_eq!(run_sql(&config, audit).await, ["submitted", "failed"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OSM_TEST_MYSQL"]
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
            .note_state(&oldest.id, oldest.generation, parked, None, at(11))
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
#[ignore = "needs OSM_TEST_MYSQL"]
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
                .note_step(&new.id, claimed.generation, step, server)
                .await
                .unwrap();
            store
                .note_state(&new.id, claimed.generation, state, None, at(2))
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
#[ignore = "needs OSM_TEST_MYSQL"]
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
                "wiki read-only",
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
        let later = Utc::now() + TimeDelta::hours(2);
        let retried = store
            .claim_page("c", later, Duration::from_secs(3600))
            .await
            .unwrap()
            .unwrap();
        // By then the lease on three is over as well; who held it before has lost it.
        let taken_over = store.claim_page("b", later, LEASE).await.unwrap().unwrap();
        assert_eq!((&retried.key, retried.attempts), (&three, 1));
        assert_eq!((&taken_over.key, taken_over.attempts), (&one, 1));
        assert_eq!(
            store.page_done("b", &third).await.unwrap_err().kind,
            Kind::Conflict
        );
        store.page_done("c", &retried).await.unwrap();
        store.page_done("b", &taken_over).await.unwrap();
        assert_eq!(store.backlog().await.unwrap(), (0, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OSM_TEST_MYSQL"]
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
#[ignore = "needs OSM_TEST_MYSQL"]
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
        let clash = store
            .page_written(&page_of(3), &record(short, Some(6), 1))
            .await;
        assert_eq!(clash.unwrap_err().kind, Kind::Conflict);
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

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OSM_TEST_MYSQL"]
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
#[ignore = "needs OSM_TEST_MYSQL"]
async fn the_newest_sight_of_an_instance_stands() {
    with_store(|store| async move {
        let old = instance("web", "bots");
        let mut new = old.clone();
        new.status = "SHUTOFF".to_owned();
        // Notes may come before the first sight.
        store
            .note_creator(&region(), old.id, "Volunteer")
            .await
            .unwrap();
        store.note_reboot(&region(), old.id, at(50)).await.unwrap();
        store.note_reboot(&region(), old.id, at(40)).await.unwrap();
        assert_eq!(store.seen(&region(), old.id).await.unwrap(), None);

        assert_eq!(store.observe(&old, at(1)).await.unwrap(), None);
        assert_eq!(store.observe(&new, at(3)).await.unwrap(), Some(old.clone()));
        assert_eq!(store.observe(&old, at(2)).await.unwrap(), Some(new.clone()));
        let seen = store.seen(&region(), old.id).await.unwrap().unwrap();
        assert_eq!((seen.instance, seen.as_of), (new.clone(), at(3)));
        assert_eq!(seen.last_reboot, Some(at(50)));
        assert_eq!(seen.created_by.as_deref(), Some("Volunteer"));
        assert_eq!(
            store
                .seen(&Region::trusted("Elsewhere"), old.id)
                .await
                .unwrap(),
            None
        );

        // Seen first by many at once.
        let fresh = instance("db", "bots");
        let sights = join_all((0..10).map(|_| store.observe(&fresh, at(4)))).await;
        assert_eq!(
            sights
                .into_iter()
                .filter(|before| before.as_ref().unwrap().is_none())
                .count(),
            1
        );

        assert_eq!(store.watermark(&region()).await.unwrap(), None);
        store.set_watermark(&region(), at(5)).await.unwrap();
        store.set_watermark(&region(), at(4)).await.unwrap();
        assert_eq!(store.watermark(&region()).await.unwrap(), Some(at(5)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OSM_TEST_MYSQL"]
async fn lists_are_sorted_and_paged() {
    with_store(|store| async move {
        let mut expected = Vec::new();
        for project in ["Tools", "bots", "tools"] {
            for region in ["A", "B"] {
                // The same name twice, names that differ in case or padding only, a name with markup.
                for name in ["web", "web", "Web", "web ", "x]]{{Delete}}<script>", "é"] {
                    let mut server = instance(name, project);
                    server.region = Region::trusted(region);
                    store.observe(&server, at(1)).await.unwrap();
                    expected.push(server);
                }
            }
        }
        let mut gone = instance("gone", "bots");
        gone.deleted = Some(at(1));
        store.observe(&gone, at(1)).await.unwrap();
        let key = |i: &Instance| {
            (
                i.project.to_string(),
                i.region.to_string(),
                i.name.clone(),
                i.id.to_string(),
            )
        };
        expected.sort_by_key(key);

        let pages = async |filter: InstanceFilter| -> Vec<Instance> {
            let mut all = Vec::new();
            let mut filter = filter;
            loop {
                let page = store.list(&filter).await.unwrap();
                let Some(last) = page.last() else { return all };
                filter.after = Some(key(&last.instance));
                all.extend(page.into_iter().map(|seen| seen.instance));
            }
        };
        let live = InstanceFilter {
            limit: 5,
            ..InstanceFilter::default()
        };
        assert_eq!(pages(live.clone()).await, expected);
        let some = InstanceFilter {
            projects: Some(vec![ProjectName::trusted("tools"), bots()]),
            region: Some(Region::trusted("B")),
            ..live.clone()
        };
        let wanted: Vec<_> = expected
            .iter()
            .filter(|i| i.region.as_str() == "B" && i.project.as_str() != "Tools")
            .cloned()
            .collect();
        assert_eq!(pages(some).await, wanted);
        let all = InstanceFilter {
            deleted: true,
            ..live.clone()
        };
        assert_eq!(pages(all).await.len(), expected.len() + 1);
        let none = InstanceFilter {
            projects: Some(Vec::new()),
            ..live
        };
        assert!(pages(none).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs OSM_TEST_MYSQL"]
async fn migrations_run_once_and_errors_say_what_to_do() {
    let config = server();
    run_sql(&config, format!("CREATE DATABASE {}", config.name)).await;
    let store = Store::connect(config.clone()).await.unwrap();
    let unmigrated = store.links().await.unwrap_err();
    let outcomes = join_all((0..4).map(|_| store.migrate())).await;
    let (stands, known) = store.schema().await.unwrap();
    let shown = format!("{store:?} {config:?}");
    store.disconnect().await.unwrap();
    run_sql(&config, format!("DROP DATABASE {}", config.name)).await;

    assert!(
        unmigrated.to_string().contains("openstackmanager migrate"),
        "{unmigrated}"
    );
    let applied: Vec<_> = outcomes.into_iter().flat_map(|o| o.unwrap()).collect();
    assert_eq!(
        applied.len(),
        usize::try_from(known).unwrap(),
        "each by one of them"
    );
    assert_eq!(stands, known);
    assert!(!shown.contains(config.password.expose()));

    let wrong = StoreConfig {
        password: Secret::new("wrong-password"),
        ..config.clone()
    };
    let refused = Store::connect(wrong).await.unwrap_err();
    assert_eq!((refused.system, refused.kind), ("mysql", Kind::Denied));
    assert!(!format!("{refused} {refused:?}").contains("wrong-password"));
    let nobody_there = StoreConfig { port: 1, ..config };
    assert_eq!(
        Store::connect(nobody_there).await.unwrap_err().kind,
        Kind::Unavailable
    );
}
