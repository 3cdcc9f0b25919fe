//! The store against the lab's MariaDB. Each test has a database and an account of its own.
//!
//! `eval "$(tests/lab/lab env)"; cargo test -p osm-backends --test mysql -- --ignored`

// Clippy takes helpers of tests for no tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod audit;
mod galera;
mod holds;
mod instances;
mod links;
mod logs;
mod operations;
mod pages;
mod requests;
mod suspensions;
mod tampering;
mod trouble;
mod work;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use mysql_async::Conn;
use mysql_async::prelude::Queryable;
use osm_backends::mysql::{Store, StoreConfig};
use osm_backends::secret::Secret;
use osm_core::action::Action;
use osm_core::ids::{
    EntryUuid, InstanceId, InstanceName, OperationId, ProjectId, ProjectName, Region,
};
use osm_core::instance::{Flavor, Instance, ServerRequest};
use osm_core::message::Msg;
use osm_core::plan::{Facts, Goal, Plan, PlannedStep, Step, Undo};
use osm_core::ports::{
    AuditSeals, AuditTrail, Holds, InstanceFilter, InstanceIndex, Kind, Links, Made, NewOperation,
    NewWish, Nonces, Open, OperationFilter, OperationState, OperationWork, Operations, PageDue,
    PageKey, PageRecord, Pages, Pin, Pins, StepNote, StepRecord, StepState, Submitted, Telling,
    Trace, Wish, Wished,
};
use osm_core::puppet::Puppet;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(30);

/// A connection of the server's root, who may come in by the lab's socket.
async fn root() -> Conn {
    let lab = std::env::var("LAB_DIR").expect("LAB_DIR, from `tests/lab/lab env`");
    let lab = PathBuf::from(lab);
    let password = std::fs::read_to_string(lab.join("secrets/mariadb-root")).unwrap();
    let socket = lab.join("mariadb/sock").to_string_lossy().into_owned();
    let options = mysql_async::OptsBuilder::default()
        .socket(Some(socket))
        .user(Some("root"))
        .pass(Some(password.trim_end()));
    Conn::new(options).await.expect("the database answers")
}

/// Runs statements as root; gives the first column of what the last one says.
async fn as_root(statements: &[String]) -> Vec<String> {
    let mut conn = root().await;
    let mut rows = Vec::new();
    for statement in statements {
        rows = conn.query(statement).await.expect(statement);
    }
    conn.disconnect().await.unwrap();
    rows
}

/// Makes an empty database, and an account with the rights that the store needs.
async fn new_database() -> StoreConfig {
    let port =
        std::env::var("LAB_MARIADB_PORT").expect("LAB_MARIADB_PORT, from `tests/lab/lab env`");
    let mut name = format!("osm_test_{}", Uuid::new_v4().simple());
    name.truncate(32);
    let password = Uuid::new_v4().to_string();
    as_root(&[
        format!("CREATE DATABASE {name}"),
        format!("CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY '{password}'"),
        format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX ON {name}.*
             TO '{name}'@'127.0.0.1'"
        ),
    ])
    .await;
    StoreConfig {
        host: "127.0.0.1".to_owned(),
        port: port.parse().unwrap(),
        user: name.clone(),
        password: Secret::new(password),
        name,
    }
}

async fn drop_database(config: &StoreConfig) {
    let name = &config.name;
    as_root(&[
        format!("DROP DATABASE {name}"),
        format!("DROP USER '{name}'@'127.0.0.1'"),
    ])
    .await;
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
    let config = new_database().await;
    let store = Store::connect(config.clone()).await.unwrap();
    store.migrate().await.unwrap();
    let outcome = tokio::spawn(test(store.clone(), config.clone())).await;
    store.disconnect().await.unwrap();
    drop_database(&config).await;
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
        mark: None,
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
            PlannedStep::for_good(Step::AwaitServer { goal: Goal::Active }, "it waits"),
        ],
        facts: Facts::default(),
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
        steps: vec![PlannedStep::for_good(Step::RebootServer, "for good")],
        facts: Facts::default(),
    })
}

fn note(record: &StepRecord, instance: Option<InstanceId>) -> StepNote {
    StepNote {
        record: record.clone(),
        instance,
        changes: Vec::new(),
        due: Vec::new(),
        by: (12, "Volunteer".to_owned()),
        at: at(0),
    }
}

fn keyed(mut new: NewOperation, key: &str, body_hash: &str) -> NewOperation {
    new.idempotency = Some((format!("12:{key}"), body_hash.to_owned()));
    new
}

fn recorded(new: &NewOperation) -> Submitted {
    Submitted::Recorded(new.id.clone())
}
