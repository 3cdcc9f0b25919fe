//! Work in flight, chosen by chance from a seed: mostly cheap, some of it wished back.

use crate::kinds::configured;
use crate::world::{World, creation};
use fastrand::Rng;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use osm_core::ids::{InstanceId, OperationId};
use osm_core::plan::Plan;
use osm_core::ports::{Operation, Wish};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const IN_FLIGHT: usize = 20;
/// Servers made by chance that stand at once.
const EXTRA: usize = 2;
/// People who come and go.
const PEOPLE: usize = 6;
/// Of so many, one is wished back.
const WISHED_BACK: usize = 8;

type Make = for<'l> fn(&'l mut Load<'_>) -> LocalBoxFuture<'l, Option<Plan>>;

/// How often each is chosen, and how it is made; `None` where there is nothing to do it to now.
const SORTS: [(usize, Make); 6] = [
    (12, |load| async { Some(load.probe()) }.boxed_local()),
    (8, |load| {
        async {
            let name = load.free("subject").await?.0;
            Some(configured(load.world, name).await)
        }
        .boxed_local()
    }),
    (8, |load| load.member().boxed_local()),
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
    /// Names of servers, without the prefix: those made first, and those made since by chance.
    servers: Vec<String>,
    /// What was open at the last look.
    open: Vec<Operation>,
    /// The highest generation seen of each operation: it only grows.
    generations: BTreeMap<OperationId, u64>,
}

impl<'w> Load<'w> {
    /// Makes the servers that work is done to; nothing must run yet.
    pub async fn new(world: &'w World, seed: u64) -> Self {
        println!("SEED={seed}");
        let servers = Vec::from(["a", "b", "c"].map(|which| format!("subject-{which}")));
        world.make(&servers).await;
        Self {
            world,
            random: Rng::with_seed(seed),
            probe: world.planned("novaprobe", &[]).await,
            made: 0,
            servers,
            open: Vec::new(),
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
            self.look().await;
            if self.open.len() >= IN_FLIGHT {
                return;
            }
            if self.random.usize(..WISHED_BACK) == 0
                && let Some(operation) = self.random.choice(&self.open)
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

    async fn look(&mut self) {
        self.open = self.world.open().await;
        for operation in &self.open {
            let seen = self.generations.entry(operation.id.clone()).or_default();
            assert!(operation.generation >= *seen, "{operation:?}");
            *seen = operation.generation;
        }
    }

    fn probe(&mut self) -> Plan {
        self.made += 1;
        Plan {
            name: format!("{}-{}", self.world.prefix, self.made),
            ..self.probe.clone()
        }
    }

    async fn create(&mut self) -> Option<Plan> {
        let there = self.running().await;
        let busy = self.busy();
        self.servers
            .retain(|name| there.contains_key(name) || busy.contains(name));
        if self
            .servers
            .iter()
            .filter(|s| s.starts_with("extra"))
            .count()
            >= EXTRA
        {
            return None;
        }
        self.made += 1;
        let name = format!("extra-{}", self.made);
        self.servers.push(name.clone());
        let name = format!("{}-{name}", self.world.prefix);
        Some(self.world.planned("novainstance", &creation(&name)).await)
    }

    /// Who is in the project leaves it, who is not comes in.
    async fn member(&mut self) -> Option<Plan> {
        let person = format!("person-{}", self.random.usize(..PEOPLE));
        if self.busy().contains(&person) {
            return None;
        }
        let uid = self.world.person(&person).await;
        let (word, field) = match self.world.is_member(&uid).await {
            true => ("deletemember", "members"),
            false => ("addmember", "member"),
        };
        let params = [("subaction", word), ("projectname", "bots"), (field, &uid)];
        Some(self.world.planned("novaproject", &params).await)
    }

    async fn on_server(&self, word: &str, id: InstanceId) -> Plan {
        let id = id.to_string();
        let params = [("subaction", word), ("instanceid", id.as_str())];
        self.world.planned("novainstance", &params).await
    }

    /// A server of such a name that runs and that nobody is at work on.
    async fn free(&mut self, kind: &str) -> Option<(String, InstanceId)> {
        let busy = self.busy();
        let free = |name: &&String| name.starts_with(kind) && !busy.contains(*name);
        let free: Vec<String> = self.servers.iter().filter(free).cloned().collect();
        let name = self.random.choice(free)?;
        let id = *self.running().await.get(&name)?;
        self.world.server(&name).await;
        Some((name, id))
    }

    /// Names of servers that operations are at work on.
    fn busy(&self) -> BTreeSet<String> {
        let names = self.open.iter().map(|o| self.short(&o.plan.name));
        names.collect()
    }

    async fn running(&self) -> BTreeMap<String, InstanceId> {
        let servers = self.world.servers().await.into_iter();
        servers
            .filter(|s| s.status == "ACTIVE" && s.settled())
            .map(|s| (self.short(&s.name), s.id))
            .collect()
    }

    fn short(&self, name: &str) -> String {
        let short = name.strip_prefix(&self.world.prefix);
        short.unwrap_or(name).trim_start_matches('-').to_owned()
    }
}

/// From `SEED`, or by chance.
pub fn seed() -> u64 {
    let given = std::env::var("SEED").ok();
    given.map_or_else(|| fastrand::u64(..), |text| text.parse().expect("SEED"))
}
