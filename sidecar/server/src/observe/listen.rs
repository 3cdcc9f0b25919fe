//! Hears notifications and has what they tell of looked at. A message is settled when its effect is in MySQL,
//! so that one that is heard by a process that dies is heard again.

use super::Observer;
use super::change::settle;
use super::looks::{About, Look, Looks, Verdict};
use super::ours::Ours;
use super::who::Who;
use crate::late::Late;
use crate::telemetry::metrics;
use futures_util::StreamExt as _;
use osm_core::ids::{InstanceId, ProjectId, ProjectName, Region};
use osm_core::instance::Instance;
use osm_core::ports::{
    Content, Heard, InstanceFilter, Listening, Notifications, PortError, Receipt, Seen,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{info, warn};

/// Between two tries to reach the broker, doubled up to the longest.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// How often the connection and the queue are looked after.
const CARE: Duration = Duration::from_secs(10);
/// Looks taken at once: each may be a call to Nova.
const AT_ONCE: usize = 4;
/// Looks that fail so often are left to the next comparison.
const TRIES: u32 = 5;
/// Servers of one project that are asked for one by one; more are compared with everything else.
const ONE_BY_ONE: u32 = 50;
/// Kinds of unreadable messages that are told of, once each.
const KINDS: usize = 100;

/// Listens to the cloud.
pub struct Listener {
    /// Who knows what is known, and puts down what is new.
    pub observer: Arc<Observer>,
    /// The broker.
    pub feed: Arc<dyn Notifications>,
    /// The region whose services speak there.
    pub region: Region,
    /// For whose doing it is.
    pub who: Who,
    /// Told whether the broker is there.
    pub late: Arc<Late>,
}

impl Listener {
    /// Listens until told to stop; a lost connection is made again.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let (mut wait, mut before) = (SHORTEST, false);
        while !*shutdown.borrow() {
            let ended = match self.feed.listen().await {
                Ok(mut listening) => {
                    info!("listening to notifications");
                    metrics::notifications_connected(true);
                    self.late.heard("rabbitmq", true);
                    if before {
                        // The broker may have been away, and what it did not keep is lost.
                        self.observer.missed.notify_one();
                    }
                    (before, wait) = (true, SHORTEST);
                    self.attend(listening.as_mut(), &mut shutdown).await
                }
                Err(error) => Err(error),
            };
            metrics::notifications_connected(false);
            if let Err(error) = ended {
                self.late.heard("rabbitmq", false);
                warn!(%error, "no notifications; the cloud is looked at every {:?}, and here again in {wait:?}", self.observer.poll);
                metrics::backend_error(&error);
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    _ = shutdown.changed() => {}
                }
                wait = (2 * wait).min(LONGEST);
            }
        }
    }

    /// One connection, to its end.
    async fn attend(
        &self,
        listening: &mut dyn Listening,
        shutdown: &mut watch::Receiver<bool>,
    ) -> Result<(), PortError> {
        let mut looks = Looks::new(self.who.people_domain.clone());
        let mut unreadable = BTreeSet::new();
        let mut care = tokio::time::interval(CARE);
        care.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*shutdown.borrow() {
            let due = looks.next();
            tokio::select! {
                heard = listening.next() => match heard? {
                    Heard::Message { content, receipt } => {
                        let settled = self.take(content, receipt, &mut looks, &mut unreadable);
                        listening.settle(settled.as_slice()).await?;
                    }
                    Heard::Missed(why) => {
                        info!(why, "notifications may have been missed: everything is compared");
                        self.observer.missed.notify_one();
                    }
                },
                () = until(due) => {
                    let settled = self.look(&mut looks).await;
                    listening.settle(&settled).await?;
                }
                _ = care.tick() => metrics::notifications_waiting(listening.look_after().await?),
                _ = shutdown.changed() => {}
            }
        }
        Ok(())
    }

    /// Notes what is to be looked at; gives the receipt back where there is nothing to it.
    fn take(
        &self,
        content: Content,
        receipt: Receipt,
        looks: &mut Looks,
        unreadable: &mut BTreeSet<String>,
    ) -> Option<Receipt> {
        match content {
            Content::Notice(notice) => {
                let lag = (self.observer.clock)() - notice.at;
                metrics::notification("event");
                metrics::notifications_lag(lag.num_seconds());
                looks.add(*notice, receipt, Instant::now());
                return None;
            }
            Content::Nothing => metrics::notification("ignored"),
            Content::Malformed { kind, why } => {
                metrics::notification("malformed");
                if unreadable.len() < KINDS && unreadable.insert(kind.clone()) {
                    warn!(
                        kind,
                        why,
                        "a notification cannot be read; others of its kind are passed over silently"
                    );
                }
            }
        }
        Some(receipt)
    }

    /// Takes all looks that are due; gives back what they have settled.
    async fn look(&self, looks: &mut Looks) -> Vec<Receipt> {
        let due = looks.due(Instant::now());
        let known = async {
            Ok((
                self.observer.names().await?,
                self.observer.under_way().await?,
            ))
        };
        let (names, ours) = match known.await {
            Ok(known) => known,
            Err(error) => {
                warn!(%error, "what was told waits");
                metrics::backend_error(&error);
                for (about, look) in due {
                    looks.again(about, look, Instant::now());
                }
                return Vec::new();
            }
        };
        let taken = futures_util::stream::iter(due).map(async |(about, look)| {
            let taken = self.look_at(&about, &look, &names, &ours).await;
            (about, look, taken)
        });
        let taken: Vec<_> = taken.buffer_unordered(AT_ONCE).collect().await;
        let mut settled = Vec::new();
        for (about, look, taken) in taken {
            let now = Instant::now();
            match taken {
                Ok(()) => looks.done(about, &look, now),
                Err(error) => {
                    warn!(%error, ?about, tries = look.tries, "could not look at what was told");
                    metrics::backend_error(&error);
                    if look.tries < TRIES {
                        looks.again(about, look, now);
                        continue;
                    }
                    // A comparison is repeated until it succeeds, and makes up for it.
                    self.observer.missed.notify_one();
                }
            }
            settled.extend(look.receipts);
        }
        settled
    }

    async fn look_at(
        &self,
        about: &About,
        look: &Look,
        names: &BTreeMap<ProjectId, ProjectName>,
        ours: &Ours,
    ) -> Result<(), PortError> {
        match about {
            About::Projects => self.observer.look_at_projects().await,
            About::Server(id) => {
                let known = self.observer.index.seen(&self.region, *id).await?;
                self.look_at_server(*id, known, look, names, ours).await
            }
            About::ServersOf(project) => {
                let Some(name) = names.get(project) else {
                    return Ok(());
                };
                let filter = InstanceFilter {
                    projects: Some(vec![name.clone()]),
                    region: Some(self.region.clone()),
                    limit: ONE_BY_ONE + 1,
                    ..InstanceFilter::default()
                };
                let servers = self.observer.index.list(&filter).await?;
                if servers.len() > ONE_BY_ONE as usize {
                    self.observer.missed.notify_one();
                    return Ok(());
                }
                for known in servers {
                    let id = known.instance.id;
                    self.look_at_server(id, Some(known), look, names, ours)
                        .await?;
                }
                Ok(())
            }
        }
    }

    async fn look_at_server(
        &self,
        id: InstanceId,
        known: Option<Seen>,
        look: &Look,
        names: &BTreeMap<ProjectId, ProjectName>,
        ours: &Ours,
    ) -> Result<(), PortError> {
        let now = (self.observer.clock)();
        let documented = |project: &ProjectId| names.contains_key(project);
        let (instance, as_of) = match look.judge(known.as_ref(), documented, now) {
            Verdict::Nothing => return Ok(()),
            Verdict::Is(instance, as_of) => (*instance, as_of),
            Verdict::Ask(project) => {
                let answered = self.observer.compute.server(&self.region, &project, id);
                match (answered.await?, known) {
                    (Some(instance), _) => (look.complete(instance), now),
                    (None, Some(known)) => (look.vanished(&known.instance), now),
                    (None, None) => return Ok(()),
                }
            }
        };
        let Some(project) = names.get(&instance.project_id) else {
            return Ok(());
        };
        let instance = settle(Instance {
            project: project.clone(),
            ..instance
        });
        let by = self.who.is(look.doer(&instance.project_id)).await;
        self.observer.see(instance, as_of, ours, by.as_ref()).await
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
