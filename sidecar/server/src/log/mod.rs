//! The Server Admin Log. [`Book`] accepts what is said, wherever it was said; [`writer`] puts it onto pages;
//! [`bot`] listens on IRC.

pub mod bot;
pub mod poster;
mod scripts;
mod speakers;
pub mod writer;

use crate::actions::Clock;
use chrono::TimeDelta;
use osm_core::actor::Person;
use osm_core::ids::ProjectName;
use osm_core::log::policy::{Barred, Policy, judge};
use osm_core::log::{LONGEST, LogName, NewEntry, suggest};
use osm_core::pages::encode::cut;
use osm_core::ports::{
    Accepted, Accounts, Directory, Links, LogTokens, Logs, PortError, Speakers, WikiRead,
};
use scripts::Paces;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, broadcast, watch};
use tracing::warn;
use url::Url;

/// How long LDAP's list of projects is taken for good; a name that is not in it is asked for sooner.
const FRESH: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(2);
/// What was said longer ago is not taken back by a word.
const UNDO: TimeDelta = TimeDelta::hours(24);
/// So often an entry is offered to a database that gave no clear answer.
const TRIES: u32 = 3;
/// How long somebody is kept waiting for the wiki, and when meanwhile it is asked what another replica wrote.
const PATIENCE: [u64; 4] = [300, 500, 600, 600];

/// Entries up to this one of a log stand on its page with this revision.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Written {
    pub log: LogName,
    pub first: u64,
    pub last: u64,
    pub revision: u64,
}

/// Somebody's saying, before it is known whether there is such a log.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Saying<'a> {
    pub name: &'a str,
    pub key: String,
    pub nick: &'a str,
    pub by: Option<(u64, String)>,
    pub source: String,
    pub message: &'a str,
    /// Of the channel in which it was said.
    pub policy: Policy,
    /// The election by which we heard it, and who we are.
    pub election: Option<(&'a str, &'a str)>,
}

/// What became of a saying.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Accepted, at this place.
    Accepted(LogName, u64),
    /// Another replica has heard it, too, and answers.
    NotOurs,
    /// Something else was logged under the same key; this was not.
    Otherwise,
    /// There is no such project; these are like it.
    Unknown(Vec<String>),
    /// The speaker may not.
    Barred(Barred),
    /// It cannot be told whether there is.
    DirectoryAway,
    /// It is not accepted, or nobody knows.
    StoreAway,
}

/// Accepts entries.
pub struct Book {
    /// The database.
    pub logs: Arc<dyn Logs>,
    /// Whose accounts of chat networks are.
    pub speakers: Arc<dyn Speakers>,
    /// Who in LDAP wiki users are.
    pub links: Arc<dyn Links>,
    /// Whose accounts are, by LDAP's word.
    pub accounts: Arc<dyn Accounts>,
    /// The attribute in which LDAP says it, by network.
    pub attributes: BTreeMap<String, String>,
    /// The wiki, which knows names.
    pub wiki: Arc<dyn WikiRead>,
    /// Names of wiki users as they were when they were last asked for.
    pub names: Mutex<BTreeMap<u64, String>>,
    /// LDAP.
    pub directory: Arc<dyn Directory>,
    /// By which scripts log.
    pub tokens: Arc<dyn LogTokens>,
    /// How fast they do.
    pub paces: Paces,
    /// Rings when entries wait.
    pub bell: Arc<Notify>,
    /// Counts what this process has accepted.
    pub accepted: watch::Sender<u64>,
    /// Tells what this process has written.
    pub written: broadcast::Sender<Written>,
    /// Below which the wiki's pages are.
    pub articles: Url,
    /// The time.
    pub clock: Clock,
    /// LDAP's projects, and when they were read.
    pub known: Mutex<Option<(Instant, Arc<Vec<ProjectName>>)>>,
}

impl Book {
    /// Accepts a saying: after that it is never lost.
    pub async fn accept(&self, saying: Saying<'_>) -> Outcome {
        let log = match self.find(saying.name).await {
            Ok(Ok(log)) => log,
            Ok(Err(meant)) => return Outcome::Unknown(meant),
            Err(error) => {
                warn!(%error, "a project cannot be looked for; nothing is logged");
                return Outcome::DirectoryAway;
            }
        };
        let entry = NewEntry {
            log,
            key: saying.key,
            at: (self.clock)(),
            nick: saying.nick.to_owned(),
            by: saying.by,
            source: saying.source,
            undoes: None,
            message: saying.message.to_owned(),
        };
        self.accepted(entry, saying.policy, saying.election).await
    }

    /// Takes the speaker's last entry back: by another one, which says so.
    pub async fn undo(&self, saying: Saying<'_>) -> Option<(u64, Outcome)> {
        let since = (self.clock)() - UNDO;
        let last = match self.logs.last_of(saying.nick, &saying.source, since).await {
            Ok(last) => last?,
            Err(error) => {
                warn!(%error, "what somebody last logged cannot be read");
                return Some((0, Outcome::StoreAway));
            }
        };
        // Another's nick is quickly taken; what was somebody's own edit is theirs to take back.
        let id = |by: &Option<(u64, String)>| by.as_ref().map(|(id, _)| *id);
        if last.said.by.is_some() && id(&last.said.by) != id(&saying.by) {
            return None;
        }
        let entry = NewEntry {
            log: last.said.log,
            key: saying.key,
            at: (self.clock)(),
            nick: saying.nick.to_owned(),
            by: saying.by,
            source: saying.source,
            undoes: Some(last.seq),
            message: cut(
                &format!("took back #{}: {}", last.seq, last.said.message),
                LONGEST,
            ),
        };
        let outcome = self.accepted(entry, saying.policy, saying.election).await;
        Some((last.seq, outcome))
    }

    async fn accepted(
        &self,
        entry: NewEntry,
        policy: Policy,
        election: Option<(&str, &str)>,
    ) -> Outcome {
        if let Some(no) = self.barred(policy, &entry).await {
            return no;
        }
        match self.put(&entry, election).await {
            Ok(Accepted::Now(seq) | Accepted::Before(seq)) => {
                self.bell.notify_one();
                self.accepted.send_modify(|count| *count += 1);
                Outcome::Accepted(entry.log, seq)
            }
            Ok(Accepted::NotOurs) => Outcome::NotOurs,
            Ok(Accepted::Otherwise) => Outcome::Otherwise,
            Err(error) => {
                warn!(%error, "an entry could not be accepted");
                Outcome::StoreAway
            }
        }
    }

    /// What keeps an entry out, if anything does: a policy, or that nobody can say who the speaker is.
    async fn barred(&self, policy: Policy, entry: &NewEntry) -> Option<Outcome> {
        let by = entry.by.as_ref();
        let person = match by.filter(|_| policy == Policy::Members) {
            Some((id, _)) => match self.person(*id).await {
                Ok(person) => person,
                Err(error) => {
                    warn!(%error, "who somebody is cannot be asked; nothing is logged");
                    return Some(match error.system {
                        "mysql" => Outcome::StoreAway,
                        _ => Outcome::DirectoryAway,
                    });
                }
            },
            None => None,
        };
        let judged = judge(policy, by, person.as_ref(), &entry.log);
        judged.err().map(Outcome::Barred)
    }

    /// A wiki user's person in LDAP.
    async fn person(&self, wiki_user: u64) -> Result<Option<Person>, PortError> {
        match self.links.link_of(wiki_user).await? {
            Some(entry) => self.directory.person(&entry).await,
            None => Ok(None),
        }
    }

    /// Offered again under the same key, it is accepted once.
    async fn put(
        &self,
        entry: &NewEntry,
        election: Option<(&str, &str)>,
    ) -> Result<Accepted, PortError> {
        let mut tries = 1;
        loop {
            match self.logs.accept(entry, election).await {
                Err(error) if error.transient() && tries < TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    /// The revision with which an entry came onto its page, if that is soon.
    pub async fn soon(
        &self,
        log: &LogName,
        seq: u64,
        mut written: broadcast::Receiver<Written>,
    ) -> Option<u64> {
        for pause in PATIENCE {
            let told = async {
                loop {
                    match written.recv().await {
                        Ok(it) if it.log == *log && (it.first..=it.last).contains(&seq) => {
                            return it.revision;
                        }
                        Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                        Err(broadcast::error::RecvError::Closed) => {
                            std::future::pending::<()>().await;
                        }
                    }
                }
            };
            if let Ok(revision) = tokio::time::timeout(Duration::from_millis(pause), told).await {
                return Some(revision);
            }
            // Another replica may have written it.
            if let Ok(Some(revision)) = self.logs.revision(log, seq).await {
                return Some(revision);
            }
        }
        None
    }

    /// The log that somebody names, or names like it.
    async fn find(&self, typed: &str) -> Result<Result<LogName, Vec<String>>, PortError> {
        let (project, tool) = match typed.split_once('.') {
            Some((project, tool)) => (project, Some(tool)),
            None => (typed, None),
        };
        let mut known = self.projects(FRESH).await?;
        if suggest::find(project, &known).is_none() {
            known = self.projects(AGAIN).await?;
        }
        let found = suggest::find(project, &known).and_then(|name| {
            LogName::parse(&match tool {
                Some(tool) => format!("{name}.{tool}"),
                None => name.to_string(),
            })
        });
        Ok(found.ok_or_else(|| suggest::meant(project, &known)))
    }

    /// LDAP's projects. While it is away, those that it had when it was last asked.
    async fn projects(&self, fresh: Duration) -> Result<Arc<Vec<ProjectName>>, PortError> {
        let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = lock().clone();
        if let Some((at, known)) = &before
            && at.elapsed() < fresh
        {
            return Ok(known.clone());
        }
        match self.directory.projects().await {
            Ok(all) => {
                let names: Arc<Vec<ProjectName>> =
                    Arc::new(all.into_iter().map(|p| p.name).collect());
                *lock() = Some((Instant::now(), names.clone()));
                Ok(names)
            }
            Err(error) => match before {
                Some((_, known)) => {
                    warn!(%error, "LDAP is away; projects are those that it had");
                    Ok(known)
                }
                None => Err(error),
            },
        }
    }
}
