//! Work in flight, chosen by chance from a seed: mostly cheap, some of it wished back.

use crate::kinds::configured;
use crate::world::{World, creation};
use fastrand::Rng;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use osm_core::ids::{InstanceId, OperationId};
use osm_core::instance::Instance;
use osm_core::plan::Plan;
use osm_core::ports::{Operation, Wish};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const IN_FLIGHT: usize = 20;
/// Servers made by chance that stand at once.
const EXTRA: usize = 2;
/// Of so many, one is wished back.
const WISHED_BACK: usize = 8;

type Make = for<'l> fn(&'l mut Load<'_>) -> LocalBoxFuture<'l, Option<Plan>>;

/// How often each is chosen, and how it is made; `None` where there is nothing to do it to now.
const SORTS: [(usize, Make); 5] = [
    (12, |load| async { Some(load.probe()) }.boxed_local()),
    (8, |load| {
        async {
            let name = load.free("subject").await?.0;
            Some(configured(load.world, name).await)
        }
        .boxed_local()
    }),
    (1, |load| {
        async {
            let (_, id) = load.free("subject").await?;
            Some(load.on_server("reboot", id).await)
        }
        .boxed_local()
    }),
    (1, |load| load.create().boxed_local()),
    (1, |load| {
        async {
            let (_, id) = load.free("extra").await?;
            Some(load.on_server("delete", id).await)
        }
        .boxed_local()
    }),
];

pub struct Load<'w> {
    world: &'w World,
    pub random: Rng,
    probe: Plan,
    made: usize,
    /// The highest generation seen of each operation: it only grows.
    generations: BTreeMap<OperationId, u64>,
}

impl<'w> Load<'w> {
    /// Makes the servers that work is done to; nothing must run yet.
    pub async fn new(world: &'w World, seed: u64) -> Self {
        println!("SEED={seed}");
        world
            .make(&["a", "b", "c"].map(|which| format!("subject-{which}")))
            .await;
        Self {
            world,
            random: Rng::with_seed(seed),
            probe: world.planned("novaprobe", &[]).await,
            made: 0,
            generations: BTreeMap::new(),
        }
    }

    /// Has so much in flight until an instant has come.
    pub async fn keep_up(&mut self, instant: Duration) {
        let submitting = async {
            loop {
                self.top_up().await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let _ = tokio::time::timeout(instant, submitting).await;
    }

    /// Submits until so much is in flight.
    pub async fn top_up(&mut self) {
        loop {
            let open = self.open().await;
            if open.len() >= IN_FLIGHT {
                return;
            }
            if self.random.usize(..WISHED_BACK) == 0
                && let Some(operation) = self.random.choice(&open)
            {
                self.world.wish(&operation.id, Wish::Cancel).await;
            }
            let all: usize = SORTS.iter().map(|(often, _)| often).sum();
            let mut chosen = self.random.usize(..all);
            for (often, make) in SORTS {
                if chosen < often {
                    if let Some(plan) = make(self).await {
                        self.world.try_submit(plan).await;
                    }
                    break;
                }
                chosen -= often;
            }
        }
    }

    /// What is open.
    async fn open(&mut self) -> Vec<Operation> {
        let open = self.world.open().await;
        for operation in &open {
            let seen = self.generations.entry(operation.id.clone()).or_default();
            assert!(operation.generation >= *seen, "{operation:?}");
            *seen = operation.generation;
        }
        open
    }

    fn probe(&mut self) -> Plan {
        self.made += 1;
        Plan {
            name: format!("{}-{}", self.world.prefix, self.made),
            ..self.probe.clone()
        }
    }

    async fn create(&mut self) -> Option<Plan> {
        let there = self.world.servers().await;
        let open = self.open().await;
        let extra = |name: &str| name.contains("-extra-");
        let standing = there.iter().map(|s| s.name.as_str());
        let coming = open.iter().map(|o| o.plan.name.as_str());
        let extras: BTreeSet<&str> = standing.chain(coming).filter(|name| extra(name)).collect();
        if extras.len() >= EXTRA {
            return None;
        }
        self.made += 1;
        let name = format!("{}-extra-{}", self.world.prefix, self.made);
        Some(self.world.planned("novainstance", &creation(&name)).await)
    }

    async fn on_server(&self, word: &str, id: InstanceId) -> Plan {
        let id = id.to_string();
        let params = [("subaction", word), ("instanceid", id.as_str())];
        self.world.planned("novainstance", &params).await
    }

    /// A server of such a name, without the prefix, that runs and that nobody is at work on.
    async fn free(&mut self, kind: &str) -> Option<(String, InstanceId)> {
        let begin = format!("{}-", self.world.prefix);
        let open = self.open().await;
        let busy = |server: &Instance| {
            let names = |o: &Operation| o.plan.name == server.name;
            open.iter().any(names)
        };
        let free: Vec<(String, InstanceId)> = self
            .world
            .servers()
            .await
            .into_iter()
            .filter(|s| s.status == "ACTIVE" && s.settled() && !busy(s))
            .filter_map(|s| Some((s.name.strip_prefix(&begin)?.to_owned(), s.id)))
            .filter(|(name, _)| name.starts_with(kind))
            .collect();
        let (name, id) = self.random.choice(free)?;
        self.world.server(&name).await;
        Some((name, id))
    }
}

/// From `SEED`, or by chance.
pub fn seed() -> u64 {
    let given = std::env::var("SEED").ok();
    given.map_or_else(|| fastrand::u64(..), |text| text.parse().expect("SEED"))
}
