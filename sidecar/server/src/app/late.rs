//! The neighbours, to be asked whether they are there.

use super::{App, ask, settings};
use crate::config::Config;
use crate::http::Ask;
use crate::late::Late;
use chrono::{TimeDelta, Utc};
use osm_core::ports::{ComputeRead as _, Directory as _, Identity as _, Since, WikiRead as _};

/// The cloud is read once in `poll_seconds`; so many times later it is late.
const ROUNDS: i32 = 3;
/// What a reading may take.
const READING: TimeDelta = TimeDelta::seconds(60);

impl App {
    /// Those without whom nothing can be done.
    pub(super) fn neighbours(&self) -> Vec<(&'static str, Ask<()>)> {
        let (store, directory) = (self.store.clone(), self.directory.clone());
        let (cloud, wiki) = (self.quick.clone(), self.wiki.clone());
        vec![
            ("mysql", ask(store, |it| async move { it.ping().await })),
            ("ldap", ask(directory, |it| async move { it.ping().await })),
            ("keystone", ask(cloud, |it| async move { it.ping().await })),
            (
                "wiki",
                ask(wiki, |it| async move { it.info().await.map(|_| ()) }),
            ),
        ]
    }

    /// Looks after who is away.
    pub(super) fn late(&self, config: &Config) -> Late {
        let regions = settings(config).region_names();
        let mut neighbours = self.neighbours();
        let asked = regions.clone();
        let nova = ask(self.quick.clone(), move |cloud| {
            let asked = asked.clone();
            async move {
                for region in &asked {
                    // What changes from now on is a short list.
                    cloud.servers(region, Since::Changed(Utc::now())).await?;
                }
                Ok(())
            }
        });
        neighbours.push(("nova", nova));
        let poll = i64::try_from(config.observe.poll_seconds).unwrap_or(i64::MAX / 10);
        let behind = TimeDelta::try_seconds(poll)
            .and_then(|poll| poll.checked_mul(ROUNDS))
            .map_or(TimeDelta::MAX, |behind| behind + READING);
        let (pages, index) = (self.store.clone(), self.store.clone());
        Late::new(neighbours, pages, index, (regions, behind), Utc::now)
    }
}
