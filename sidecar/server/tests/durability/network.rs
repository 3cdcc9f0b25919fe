//! Each neighbour in turn refused, hung, slow, cut in the middle of an answer, and doing what it was asked
//! with the answer lost: for a while, and for good.
//!
//! Half of the kinds of plan are at work at once under a fault, the other half under the next.
//! `OSM_ALL_FAULTS=1` takes all kinds under all faults.

use crate::keystone::{Admin, INTERFACE};
use crate::kinds::{KINDS, Kind};
use crate::proxy::{Mode, Proxy};
use crate::world::World;
use futures_util::FutureExt as _;
use openstackmanager::actions::Context;
use openstackmanager::app;
use openstackmanager::config::Config;
use openstackmanager::faults::Points;
use openstackmanager::operations::{Effects, Patience, Runner};
use osm_backends::ldap::Ldap;
use osm_backends::mysql::Store;
use osm_backends::openstack::{Assigner, OpenStack};
use osm_core::action::Action;
use osm_core::ids::OperationId;
use osm_core::plan::Plan;
use osm_core::ports::{ComputeRead as _, Operation, OperationState, Wish};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// So that what hangs is given up soon.
const CALL: Duration = Duration::from_secs(3);
const LEASE: Duration = Duration::from_secs(3);
/// The services that the catalogue leads to.
const KINDS_OF_SERVICE: [&str; 3] = ["compute", "image", "network"];

#[derive(Clone)]
/// The sidecar's neighbours, each behind a proxy; `World` goes past them.
pub struct Faulty {
    pub nova: Arc<Proxy>,
    pub glance: Arc<Proxy>,
    pub neutron: Arc<Proxy>,
    pub keystone: Arc<Proxy>,
    pub mysql: Arc<Proxy>,
    pub ldap: Arc<Proxy>,
    pub cloud: Arc<OpenStack>,
    pub store: Arc<Store>,
    directory: Arc<Ldap>,
    assigner: Option<Arc<Assigner>>,
    pub context: Context,
    config: Config,
}

impl Faulty {
    async fn of(world: &World, admin: &Admin) -> Self {
        let mut config = world.config.clone();
        let of = async |kind| {
            let proxy = Proxy::before(address(&admin.public(kind).await.1)).await;
            let region = world.region().to_string();
            admin.point(kind, &region, proxy.address).await;
            proxy
        };
        let (nova, glance, neutron) = (of("compute").await, of("image").await, of("network").await);
        let keystone = behind(&mut config.keystone.auth_url).await;
        let ldap = behind(&mut config.ldap.url).await;
        let there = format!("{}:{}", config.database.host, config.database.port);
        let mysql = Proxy::before(there.parse().unwrap()).await;
        config.database.port = mysql.address.port();
        config.keystone.region_interface = INTERFACE.to_owned();
        let cloud = Arc::new(app::cloud(&config, &world.secrets, CALL).unwrap());
        let store = Arc::new(app::store(&config, &world.secrets).await.unwrap());
        let directory: Arc<Ldap> = Arc::new(app::directory(&config, &world.secrets).unwrap());
        let context = Context {
            compute: cloud.clone(),
            directory: directory.clone(),
            identity: cloud.clone(),
            links: store.clone(),
            pins: store.clone(),
            operations: store.clone(),
            pages: store.clone(),
            index: store.clone(),
            settings: Arc::new(app::settings(&config)),
            ..world.context.clone()
        };
        Self {
            nova,
            glance,
            neutron,
            keystone,
            mysql,
            ldap,
            cloud,
            store,
            directory,
            assigner: app::assigner(&config, &world.secrets).unwrap(),
            context,
            config,
        }
    }

    /// With a client of the cloud that knows nobody yet.
    pub fn anew(&self, world: &World) -> Self {
        let cloud = Arc::new(app::cloud(&self.config, &world.secrets, CALL).unwrap());
        Self {
            cloud,
            ..self.clone()
        }
    }

    pub fn runner(&self, world: &World, points: Points) -> Runner {
        let runner = world.runner(points);
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
            patience: Patience {
                lease: LEASE,
                ..runner.patience
            },
            ..runner
        }
    }

    /// Token, version and names are known after it, so that a fault meets the effect itself.
    pub async fn acquainted(&self, world: &World) {
        let (region, project) = (world.region(), &world.project_id);
        let id = world.server("subject").await.id;
        self.cloud.server(&region, project, id).await.unwrap();
    }
}

async fn behind(url: &mut Url) -> Arc<Proxy> {
    let proxy = Proxy::before(address(url)).await;
    url.set_port(Some(proxy.address.port())).unwrap();
    proxy
}

fn address(url: &Url) -> SocketAddr {
    url.socket_addrs(|| None).unwrap()[0]
}

/// Gives a test its proxies, and takes everything away after it, also after one that failed.
pub async fn with_faults(test: impl AsyncFnOnce(&World, &Faulty)) {
    let world = World::new(|_| ()).await;
    let admin = Admin::login().await;
    admin.unpoint(&KINDS_OF_SERVICE).await;
    let outcome = AssertUnwindSafe(async {
        let faulty = Faulty::of(&world, &admin).await;
        test(&world, &faulty).await;
    });
    let outcome = outcome.catch_unwind().await;
    admin.unpoint(&KINDS_OF_SERVICE).await;
    world.end().await;
    if let Err(why) = outcome {
        resume_unwind(why);
    }
}

/// When a fault ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ends {
    /// After a lease and more.
    AfterAWhile,
    /// When each operation has.
    AfterAll,
    Never,
}

/// Points that make the fault begin right before the first effect, and end as told.
fn fault(proxy: &Arc<Proxy>, mode: Mode, ends: Ends, operations: usize) -> Points {
    let (proxy, begun) = (proxy.clone(), AtomicBool::new(false));
    let (tried, met) = (Names::default(), Names::default());
    Points::watched(move |name| {
        let noted = name.ends_with(".noted");
        if noted && !begun.swap(true, Ordering::SeqCst) {
            proxy.set(mode);
            if ends == Ends::AfterAWhile {
                let proxy = proxy.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(2 * LEASE).await;
                    proxy.set(Mode::Pass);
                });
            }
        }
        let first_step = name.contains("/0-") && !name.contains("-undo-");
        // Its effect was met by the fault where it came through all the same, or is tried again. There is one
        // operation of each kind, so that a name stands for one.
        let again = noted && !tried.lock().unwrap().insert(name.to_owned());
        if first_step && (again || name.ends_with(".sent")) {
            let mut met = met.lock().unwrap();
            met.insert(name.split('/').next().unwrap().to_owned());
            if ends == Ends::AfterAll && met.len() == operations {
                proxy.set(Mode::Pass);
            }
        }
        Box::pin(async { None })
    })
}

type Names = Mutex<BTreeSet<String>>;

fn all_faults() -> bool {
    std::env::var_os("OSM_ALL_FAULTS").is_some()
}

/// Plans that can be under way together: of half the kinds, the next ones in the next case; or of all.
pub async fn plans(world: &World, case: usize) -> Vec<Plan> {
    let half = KINDS.len() / 2;
    let taken = if all_faults() { KINDS.len() } else { half };
    let kinds = (0..taken).map(|i| &KINDS[(i + half * case) % KINDS.len()]);
    let kinds: Vec<_> = kinds.zip(words()).collect();
    // Together is faster than one by one.
    let subjects = kinds
        .iter()
        .filter_map(|(kind, _)| Some((kind.subject?, of(kind))));
    let subjects: Vec<String> = subjects.map(|(name, of)| format!("{name}{of}")).collect();
    world.make(&subjects).await;
    let mut plans = Vec::new();
    for (kind, new) in &kinds {
        let of = match kind.action {
            Action::InstanceCreate => new.as_str(),
            _ => of(kind),
        };
        plans.push((kind.plan)(world, of).await);
    }
    plans
}

/// What several kinds would be done to is as many things.
fn of(kind: &Kind) -> &'static str {
    match kind.action {
        Action::InstanceConfigure => "-other",
        Action::DriftRepair => "-third",
        _ => "",
    }
}

/// Words for names that nobody had before.
fn words() -> impl Iterator<Item = String> {
    std::iter::repeat_with(|| format!("-{}", ulid::Ulid::generate()).to_lowercase())
}

/// Runs all kinds of plan under a fault, and looks what became of each.
pub async fn case(
    world: &World,
    faulty: &Faulty,
    proxy: &Arc<Proxy>,
    mode: Mode,
    ends: Ends,
    n: usize,
) {
    let rounds = if all_faults() { 2 } else { 1 };
    for round in 0..rounds {
        let plans = plans(world, n + round).await;
        let before = world.listing().await;
        let mut ids = Vec::new();
        for plan in plans {
            ids.push(world.submit(plan).await);
        }
        let points = fault(proxy, mode, ends, ids.len());
        world.run_with(faulty.runner(world, points)).await;
        proxy.set(Mode::Pass);
        for id in &ids {
            let over = world.operation(id).await;
            let told = format!("{mode:?} {ends:?} {}: {over:?}", over.plan.action);
            if ends != Ends::Never {
                assert_eq!(over.state, OperationState::Done, "{told}");
            } else if over.state != OperationState::Done {
                assert!(over.error.is_some(), "{told}");
            }
            if over.state == OperationState::Parked {
                assert!(world.wish(id, Wish::Retry).await);
            }
        }
        world
            .run_with(faulty.runner(world, Points::default()))
            .await;
        for id in &ids {
            came_to_rest(world, &before, id, &format!("{mode:?} {ends:?}")).await;
        }
    }
}

/// Wholly done, and once; or all as before.
pub async fn came_to_rest(
    world: &World,
    before: &BTreeMap<String, String>,
    id: &OperationId,
    case: &str,
) {
    let over: Operation = world.operation(id).await;
    let told = format!("{case} {}: {over:?}", over.plan.action);
    let name = &over.plan.name;
    let keys = [
        format!("server {name} "),
        format!("member {name}"),
        format!("group {name}"),
    ];
    let of = |listing: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        let its = listing
            .iter()
            .filter(|(key, _)| keys.iter().any(|k| key.starts_with(k)));
        its.map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    let (was, is) = (of(before), of(&world.listing().await));
    let changes = over.plan.changes(None).len();
    let audit = world.audit(id).await;
    let changed = audit.iter().filter(|event| *event == "changed").count();
    if over.state != OperationState::Done {
        let back = matches!(over.state, OperationState::Failed | OperationState::Undone);
        assert!(back, "{told}");
        assert_eq!(was, is, "{told}");
        return;
    }
    assert_eq!(changed, changes, "{told} {audit:?}");
    match over.plan.action.name() {
        "instance-create" => assert_eq!((was.len(), is.len()), (0, 1), "{told} {is:?}"),
        "instance-delete" | "instance-remove-stray" => {
            assert_eq!((was.len(), is.len()), (1, 0), "{told} {is:?}");
        }
        "instance-configure" | "member-add" | "member-remove" | "person-suspend"
        | "person-reinstate" => assert_ne!(was, is, "{told}"),
        _ => assert_eq!(was, is, "{told}"),
    }
    if over.plan.action.name() == "instance-create" {
        // The quota is for all.
        world.delete(over.instance.unwrap()).await;
    }
}

pub const MODES: [Mode; 5] = [
    Mode::Lost(""),
    Mode::Refused,
    Mode::Hung,
    Mode::Slow,
    // In the middle of most bodies.
    Mode::Cut(700),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn nova_fails_for_a_while_and_all_is_done_once() {
    with_faults(async |world, faulty| {
        faulty.acquainted(world).await;
        for (n, mode) in MODES.into_iter().enumerate() {
            let before = faulty.nova.struck();
            case(world, faulty, &faulty.nova, mode, Ends::AfterAll, n).await;
            assert!(
                mode == Mode::Refused || faulty.nova.struck() > before,
                "{mode:?}"
            );
        }
        // Else no effect was met: these had happened, and nobody was told.
        assert!(faulty.nova.lost_successes() > 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn nova_fails_for_good_and_nothing_is_half_done() {
    with_faults(async |world, faulty| {
        faulty.acquainted(world).await;
        for (n, mode) in MODES.into_iter().enumerate() {
            if !all_faults() && !matches!(mode, Mode::Lost(_) | Mode::Refused) {
                continue;
            }
            case(world, faulty, &faulty.nova, mode, Ends::Never, n + 1).await;
        }
    })
    .await;
}
