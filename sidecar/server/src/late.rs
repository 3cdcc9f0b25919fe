//! Who is away and since when, and how far what is shown lags behind: for a word on every special page.
//!
//! A page must not wait for a neighbour to be told that it is away. So each process asks by itself every few
//! seconds, and pages read what was heard last.

use crate::actions::Clock;
use crate::http::Ask;
use crate::telemetry::metrics;
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use futures_util::future::join_all;
use osm_core::ids::Region;
use osm_core::message::Msg;
use osm_core::ports::{InstanceIndex, Pages, PortError};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tracing::{info, warn};

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(5);
/// A neighbour that says nothing for so long is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pages that wait for longer are late.
const PAGES: TimeDelta = TimeDelta::seconds(60);

/// What was heard last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    away: BTreeMap<&'static str, DateTime<Utc>>,
    /// How many pages wait, and since when the oldest does.
    pages: (u64, Option<DateTime<Utc>>),
    /// As of when each region is known.
    cloud: BTreeMap<Region, DateTime<Utc>>,
}

/// Looks after it.
pub struct Late {
    /// Neighbours by name.
    pub neighbours: Vec<(&'static str, Ask<()>)>,
    /// Pages that wait.
    pub pages: Arc<dyn Pages>,
    /// As of when the cloud is known.
    pub index: Arc<dyn InstanceIndex>,
    /// The regions.
    pub regions: Vec<Region>,
    /// A region that was read longer ago is late.
    pub behind: TimeDelta,
    /// The time.
    pub clock: Clock,
    state: Mutex<State>,
}

impl Late {
    /// Nothing is known to be late yet.
    pub fn new(
        neighbours: Vec<(&'static str, Ask<()>)>,
        pages: Arc<dyn Pages>,
        index: Arc<dyn InstanceIndex>,
        (regions, behind): (Vec<Region>, TimeDelta),
        clock: Clock,
    ) -> Self {
        Self {
            neighbours,
            pages,
            index,
            regions,
            behind,
            clock,
            state: Mutex::default(),
        }
    }

    /// Asks until told to stop.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow() {
            self.round().await;
            tokio::select! {
                () = tokio::time::sleep(ROUND) => {}
                _ = shutdown.changed() => {}
            }
        }
    }

    async fn round(&self) {
        let asking = self.neighbours.iter().map(async |(name, ask)| {
            let answer = tokio::time::timeout(PATIENCE, ask()).await;
            self.heard(name, matches!(answer, Ok(Ok(()))))
        });
        let back = join_all(asking).await.contains(&true);
        // The longer it was away, the longer pages would wait for their next try.
        if back && let Err(error) = self.pages.hasten().await {
            metrics::backend_error(&error);
        }
        // Where the database does not answer the old figures stay, and it is named as away.
        if let Err(error) = self.measure().await {
            metrics::backend_error(&error);
        }
    }

    async fn measure(&self) -> Result<(), PortError> {
        let pages = self.pages.backlog().await?;
        let mut cloud = BTreeMap::new();
        for region in &self.regions {
            if let Some(at) = self.index.watermark(region).await? {
                metrics::cloud_age(region.as_str(), ((self.clock)() - at).num_seconds());
                cloud.insert(region.clone(), at);
            }
        }
        self.change(|state| (state.pages, state.cloud) = (pages, cloud));
        Ok(())
    }

    /// A neighbour answered, or did not; says whether it is back.
    pub fn heard(&self, name: &'static str, there: bool) -> bool {
        let now = (self.clock)();
        let mut back = false;
        self.change(|state| match there {
            true => {
                if let Some(since) = state.away.remove(name) {
                    info!(name, %since, "is back");
                    back = true;
                }
            }
            false => {
                state.away.entry(name).or_insert_with(|| {
                    warn!(name, "is away");
                    now
                });
            }
        });
        metrics::neighbour_away(name, !there);
        back
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        // Nothing in here can be half done.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
    }

    /// What people should know: who is away, since when and what that means, and what lags though all are there.
    /// A wiki that is read-only takes no signed request of ours, and says itself what is the matter with it.
    pub fn told(&self, wiki_read_only: bool) -> Vec<Msg> {
        let mut now = State::default();
        self.change(|state| now = state.clone());
        if wiki_read_only {
            now.away.remove("wiki");
            now.pages = (0, None);
        }
        now.told((self.clock)(), self.behind)
    }
}

impl State {
    fn told(&self, now: DateTime<Utc>, behind: TimeDelta) -> Vec<Msg> {
        let away = self.away.iter();
        let mut told: Vec<Msg> = away
            .map(|(name, since)| {
                Msg::new(&format!("banner-away-{name}")).with(since.trunc_subsecs(0))
            })
            .collect();
        let here = |name| !self.away.contains_key(name);
        // Without the one whom they come from it is clear why they lag.
        if here("nova") && here("keystone") {
            let late = self.cloud.iter().filter(|(_, at)| now - **at > behind);
            told.extend(late.map(|(region, at)| {
                Msg::new("banner-late-cloud")
                    .with(region.as_str())
                    .with(at.trunc_subsecs(0))
            }));
        }
        if let (waiting, Some(since)) = self.pages
            && now - since > PAGES
            && here("wiki")
        {
            let waiting = i64::try_from(waiting).unwrap_or(i64::MAX);
            told.push(
                Msg::new("banner-late-pages")
                    .with(waiting)
                    .with(since.trunc_subsecs(0)),
            );
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap_or_default()
    }

    fn told(state: &State) -> Vec<String> {
        let told = state.told(at(0), TimeDelta::seconds(90));
        let key = |msg: &Msg| msg.key.replace("openstackmanager-banner-", "");
        told.iter().map(key).collect()
    }

    #[test]
    fn who_is_away_is_told_and_what_follows_from_it_is_not() {
        let mut state = State::default();
        assert!(told(&state).is_empty());
        state.pages = (3, Some(at(-61)));
        state.cloud.insert(Region::trusted("R"), at(-91));
        assert_eq!(told(&state), ["late-cloud", "late-pages"]);
        state.away.insert("wiki", at(-70));
        state.away.insert("nova", at(-95));
        assert_eq!(told(&state), ["away-nova", "away-wiki"]);
        state = State::default();
        state.pages = (3, Some(at(-59)));
        state.cloud.insert(Region::trusted("R"), at(-89));
        assert!(told(&state).is_empty());
    }
}
