//! The lab's services, with a database of the test's own and names that nobody else has.

use crate::apart::{accounted_for, apart};
use crate::asked::{api, caller, new_operation};
use crate::beside;
use crate::mariadb::Root;
pub use crate::mariadb::as_root;
use chrono::Utc;
use futures_util::future::join_all;
use openstackmanager::actions::Context;
use openstackmanager::app;
use openstackmanager::config::{Config, Secrets};
use openstackmanager::faults::Points;
use openstackmanager::operations::{Effects, Founding, Patience, Runner};
use osm_backends::ldap::Ldap;
use osm_backends::mysql::Store;
use osm_backends::openstack::{Assigner, OpenStack};
use osm_backends::secret::Secret;
use osm_backends::wiki::Wiki;
use osm_core::ids::{InstanceId, OperationId, ProjectId, ProjectName, Region};
use osm_core::instance::Instance;
use osm_core::log::deeds::Loggers;
use osm_core::plan::Plan;
use osm_core::ports::{
    ComputeRead, Identity, InstanceIndex, NewWish, Operation, OperationFilter, Operations, Since,
    Submitted, Wish, Wished,
};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use ulid::Ulid;

/// Longer than anything takes that comes to an end.
const LIMIT: Duration = Duration::from_secs(180);

pub struct World {
    pub config: Config,
    pub store: Arc<Store>,
    pub cloud: Arc<OpenStack>,
    pub directory: Arc<Ldap>,
    pub wiki: Arc<Wiki>,
    pub assigner: Option<Arc<Assigner>>,
    pub context: Context,
    /// Of the database.
    pub password: Secret,
    /// All servers of this test have names that begin so.
    pub prefix: String,
    pub project_id: ProjectId,
    pub secrets: Secrets,
    root: Root,
    lab_database: String,
}

impl World {
    /// `tweak` changes the lab's configuration of the sidecar.
    pub async fn new(tweak: impl FnOnce(&mut Config)) -> Self {
        Self::on(Root::of_lab(), tweak).await
    }

    /// The same with another database, whose address `tweak` puts into the configuration.
    pub async fn on(root: Root, tweak: impl FnOnce(&mut Config)) -> Self {
        let (mut config, mut secrets) = Config::load(&lab().join("sidecar.toml"), &|_| None)
            .expect("LAB_DIR, from `tests/lab/lab env`");
        let lab_database = config.database.name.clone();
        let tag = Ulid::generate().to_string().to_lowercase();
        let tag = &tag[tag.len() - 8..];
        config.database.name = format!("osm_durability_{tag}");
        let name = &config.database.name;
        let password = Ulid::generate().to_string();
        root.run(&[
            format!("CREATE DATABASE {name}"),
            format!("CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY '{password}'"),
            format!("GRANT ALL ON {name}.* TO '{name}'@'127.0.0.1'"),
        ])
        .await;
        config.database.user = name.clone();
        secrets.database_password = Secret::new(password.as_str());
        tweak(&mut config);
        let store = Arc::new(app::store(&config, &secrets).await.unwrap());
        store.migrate().await.unwrap();
        apart(&root, &config.database.name).await;
        let cloud = Arc::new(app::cloud(&config, &secrets, OpenStack::CALL_TIMEOUT).unwrap());
        let directory = Arc::new(app::directory(&config, &secrets).unwrap());
        let wiki = Arc::new(app::wiki(&config, &secrets).unwrap());
        let assigner = app::assigner(&config, &secrets).unwrap();
        let restored = Arc::new(openstackmanager::restored::Restored {
            holds: store.clone(),
            wiki: wiki.clone(),
            compute: cloud.clone(),
            index: store.clone(),
            operations: store.clone(),
            settings: Arc::new(app::settings(&config)),
            clock: Utc::now,
        });
        let context = Context {
            book: app::book(store.clone(), directory.clone(), wiki.clone(), &config),
            restored,
            late: beside::late(&store),
            drift: beside::drift(&store, &cloud, &directory),
            compute: cloud.clone(),
            directory: directory.clone(),
            identity: cloud.clone(),
            wiki: Arc::new(app::wiki(&config, &secrets).unwrap()),
            links: store.clone(),
            pins: store.clone(),
            requests: store.clone(),
            operations: store.clone(),
            pages: store.clone(),
            index: store.clone(),
            settings: Arc::new(app::settings(&config)),
            work: Arc::default(),
            clock: Utc::now,
            blocks: Arc::default(),
            attempts: Arc::default(),
        };
        let projects = cloud.our_projects().await.unwrap();
        let bots = projects.iter().find(|p| p.name == "bots").unwrap();
        Self {
            project_id: bots.id.clone(),
            prefix: format!("d{tag}"),
            config,
            store,
            cloud,
            directory,
            wiki,
            password: secrets.database_password.clone(),
            assigner,
            context,
            secrets,
            root,
            lab_database,
        }
    }

    pub fn region(&self) -> Region {
        self.config.regions[0].name.clone()
    }

    /// Calls an API module, as a bot of a cloud admin does.
    pub async fn api(&self, module: &str, params: &[(&str, &str)]) -> Json {
        api(&self.context, &caller(1, true), module, params).await
    }

    /// The plan that a dry run shows.
    pub async fn planned(&self, module: &str, params: &[(&str, &str)]) -> Plan {
        let mut params = params.to_vec();
        params.push(("dryrun", "1"));
        let reply = self.api(module, &params).await;
        let result = &reply["result"];
        let plan = result.get("plan").unwrap_or(&result["plans"][0]);
        serde_json::from_value(plan.clone())
            .unwrap_or_else(|why| panic!("{module} {params:?}: {why} in {reply}"))
    }

    pub async fn submit(&self, plan: Plan) -> OperationId {
        self.try_submit(plan).await.unwrap()
    }

    /// `None` where another operation is at work on the same.
    pub async fn try_submit(&self, plan: Plan) -> Option<OperationId> {
        match self.store.submit(&new_operation(plan)).await.unwrap() {
            Submitted::Recorded(id) => Some(id),
            Submitted::Busy(_) => None,
            other => panic!("not recorded: {other:?}"),
        }
    }

    pub async fn wish(&self, id: &OperationId, wish: Wish) -> bool {
        self.store.wish(&wished(id, wish)).await.unwrap() == Wished::Noted
    }

    pub async fn operation(&self, id: &OperationId) -> Operation {
        self.store.operation(id).await.unwrap().unwrap()
    }

    /// Runs what is recorded until nothing is open any more.
    pub async fn run(&self, points: Points) {
        self.run_with(self.runner(points)).await;
    }

    pub async fn run_with(&self, runner: Runner) {
        let (stop, stopped) = watch::channel(false);
        let runner = tokio::spawn(Arc::new(runner).run(stopped));
        self.over().await;
        stop.send(true).unwrap();
        runner.await.unwrap();
    }

    /// Waits until nothing is open any more.
    pub async fn over(&self) {
        eventually("all operations are over", async || {
            self.open().await.is_empty()
        })
        .await;
    }

    pub fn runner(&self, points: Points) -> Runner {
        Runner {
            work: self.store.clone(),
            index: self.store.clone(),
            compute: self.cloud.clone(),
            directory: self.directory.clone(),
            effects: Effects::new(
                self.cloud.clone(),
                self.directory.clone(),
                self.assigner.clone(),
            ),
            founding: Founding {
                links: self.store.clone(),
                first_uid: 30_000,
                pins: self.store.clone(),
                numbers: self.store.clone(),
                identity: self.cloud.clone(),
                first_gid: self.config.ldap.first_project_gid,
            },
            work_bell: Arc::new(Notify::new()),
            page_bell: Arc::new(Notify::new()),
            loggers: Loggers::default(),
            owner: Ulid::generate().to_string(),
            traced: |_, work| work,
            clock: Utc::now,
            patience: Patience {
                pause: Duration::from_millis(100),
                quiet: Duration::from_secs(2),
                tries: 3,
                workers: self.config.operations.workers,
                ..Patience::default()
            },
            points,
        }
    }

    pub async fn open(&self) -> Vec<Operation> {
        let filter = OperationFilter {
            open: true,
            limit: 1000,
            ..OperationFilter::default()
        };
        self.store.operations(&filter).await.unwrap()
    }

    /// The test's own servers, as Nova tells of them.
    pub async fn servers(&self) -> Vec<Instance> {
        let all = self.cloud.servers(&self.region(), Since::Everything).await;
        let all = all.unwrap().into_iter();
        all.filter(|s| s.name.starts_with(&self.prefix)).collect()
    }

    /// Makes servers of these names, those that are not there yet.
    pub async fn make(&self, names: &[String]) {
        let there = self.servers().await;
        for name in names {
            let name = format!("{}-{name}", self.prefix);
            if !there.iter().any(|s| s.name == name) {
                let plan = self.planned("novainstance", &creation(&name)).await;
                self.submit(plan).await;
            }
        }
        self.run(Points::default()).await;
    }

    /// A server that runs, known to the index as the observer would have it.
    pub async fn server(&self, name: &str) -> Instance {
        let full = format!("{}-{name}", self.prefix);
        let find = async || self.servers().await.into_iter().find(|s| s.name == full);
        let mut found = match find().await {
            Some(found) => found,
            None => {
                self.make(&[name.to_owned()]).await;
                find().await.unwrap()
            }
        };
        found.project = ProjectName::trusted("bots");
        self.store.observe(&found, Utc::now()).await.unwrap();
        found
    }

    /// What there is, by name: to be compared before and after.
    pub async fn listing(&self) -> BTreeMap<String, String> {
        let mut listing = BTreeMap::new();
        for server in self.servers().await {
            let mut groups = server.security_groups.clone();
            groups.sort();
            let what = format!("{} {groups:?}", server.status);
            listing.insert(format!("server {} {}", server.name, server.id), what);
        }
        self.list_people(&mut listing).await;
        self.list_rules(&mut listing).await;
        self.list_quotas(&mut listing).await;
        let names = self.store.names(&self.region(), &self.project_id).await;
        for name in names.unwrap() {
            listing.insert(format!("name {name}"), String::new());
        }
        for operation in self.open().await {
            listing.insert(format!("open {}", operation.id), String::new());
        }
        listing
    }

    /// Audit rows of an operation, as (event, detail).
    pub async fn audit(&self, id: &OperationId) -> Vec<String> {
        let name = &self.config.database.name;
        let sql = format!("SELECT event FROM {name}.audit WHERE operation_id = '{id}' ORDER BY id");
        self.root.run(&[sql]).await
    }

    /// The claims of a process that is dead for certain end now, which spares a test their time.
    pub async fn claims_end(&self) {
        let name = &self.config.database.name;
        let end = |table| {
            format!("UPDATE {name}.{table} SET due_at = UTC_TIMESTAMP(6) WHERE owner IS NOT NULL")
        };
        self.root.run(&["operations", "page_queue"].map(end)).await;
    }

    /// Deletes the servers and the database.
    pub async fn end(self) {
        self.remove_projects().await;
        self.remove_rules().await;
        self.remove_people().await;
        let servers = self.servers().await;
        join_all(servers.iter().map(|server| self.delete(server.id))).await;
        let name = &self.config.database.name;
        let sql = format!("SELECT CONVERT(id USING utf8mb4) FROM {name}.operations");
        accounted_for(&self.lab_database, &self.root.run(&[sql]).await).await;
        self.root
            .run(&[
                format!("DROP DATABASE {name}"),
                format!("DROP USER '{name}'@'127.0.0.1'"),
            ])
            .await;
    }

    /// Deletes a server behind our back, and waits until it is gone.
    pub async fn delete(&self, id: InstanceId) {
        use osm_core::ports::ComputeWrite as _;
        let (region, project) = (self.region(), &self.project_id);
        self.cloud
            .delete_server(&region, project, id)
            .await
            .unwrap();
        eventually("the server is gone", async || {
            self.cloud
                .server(&region, project, id)
                .await
                .unwrap()
                .is_none()
        })
        .await;
    }
}

/// The parameters of a create.
pub fn creation(name: &str) -> [(&str, &str); 6] {
    [
        ("subaction", "create"),
        ("project", "bots"),
        ("instancename", name),
        ("instanceType", "m1.tiny"),
        ("imageType", "debian-12"),
        ("groups", "default"),
    ]
}

pub fn lab() -> PathBuf {
    PathBuf::from(std::env::var("LAB_DIR").expect("LAB_DIR, from `tests/lab/lab env`"))
}

/// Waits for a condition.
pub async fn eventually(what: &str, holds: impl AsyncFn() -> bool) {
    eventually_else(|| what.to_owned(), holds).await;
}

/// The same; what is missing is said as it is in the end.
pub async fn eventually_else(what: impl Fn() -> String, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {}", what()));
}

/// What an operator wishes of an operation.
pub fn wished(id: &OperationId, wish: Wish) -> NewWish {
    NewWish {
        id: id.clone(),
        wish,
        by: (1, "Operator".to_owned()),
        request_id: "request".to_owned(),
        idempotency: None,
        at: Utc::now(),
    }
}
