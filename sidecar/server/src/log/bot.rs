//! Listens on an IRC network and answers. Of several replicas one does, by an election for each network.

use super::{Book, Outcome, Saying};
use crate::actions::Clock;
use osm_core::log::grammar::{Line, read};
use osm_core::log::policy::Policy;
use osm_core::log::reply::{Reply, line};
use osm_core::ports::{Chat, Elections, PortError, Said, Talk, Voice};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};
use ulid::Ulid;

/// How long a replica that is silent stays elected.
const LEASE: Duration = Duration::from_secs(10);
/// How often the others look whether nobody is.
const LOOK: Duration = Duration::from_secs(2);
/// A connection that lasted so long was a good one: after it waiting begins anew.
const GOOD: Duration = Duration::from_secs(60);
/// The longest wait for a network that is away.
const LONGEST: u64 = 300;

/// A bot on one network.
pub struct Bot {
    /// The network.
    pub chat: Arc<dyn Chat>,
    /// Who may log from which channel.
    pub policies: BTreeMap<String, Policy>,
    /// Where entries are accepted.
    pub book: Arc<Book>,
    /// Who listens.
    pub elections: Arc<dyn Elections>,
    /// The name of this process in elections.
    pub owner: String,
    /// The time.
    pub clock: Clock,
}

impl Bot {
    /// Listens until told to stop.
    pub async fn run(self: Arc<Self>, mut shutdown: watch::Receiver<bool>) {
        let mut failures: u32 = 0;
        while !*shutdown.borrow() {
            let pause = if self.elected().await {
                let begun = Instant::now();
                let outcome = self.listen(&mut shutdown).await;
                if begun.elapsed() > GOOD {
                    failures = 0;
                }
                self.resign().await;
                match outcome {
                    Ok(()) => LOOK,
                    Err(error) => {
                        failures += 1;
                        let pause = back_off(failures);
                        warn!(%error, ?pause, "the connection to IRC is lost");
                        pause
                    }
                }
            } else {
                LOOK
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // Not `changed`: whoever was listening has seen that already.
                _ = shutdown.wait_for(|stop| *stop) => {}
            }
        }
    }

    fn election(&self) -> String {
        format!("irc:{}", self.chat.network())
    }

    async fn elected(&self) -> bool {
        let (name, now) = (self.election(), (self.clock)());
        let elected = self.elections.elect(&name, &self.owner, now, LEASE).await;
        elected.unwrap_or_else(|error| {
            warn!(%error, "it cannot be asked who listens on IRC");
            false
        })
    }

    async fn resign(&self) {
        if let Err(error) = self.elections.resign(&self.election(), &self.owner).await {
            warn!(%error, "another replica listens on IRC only when our time is over");
        }
    }

    /// Until the connection is lost, another is elected, or we are told to stop.
    async fn listen(
        self: &Arc<Self>,
        shutdown: &mut watch::Receiver<bool>,
    ) -> Result<(), PortError> {
        let connecting = self.chat.connect();
        tokio::pin!(connecting);
        let mut renew = tokio::time::interval(LEASE / 3);
        let mut until = Instant::now() + LEASE;
        let mut talk: Box<dyn Talk> = loop {
            tokio::select! {
                talk = &mut connecting => break talk?,
                _ = renew.tick() => {
                    if !self.renewed(&mut until).await {
                        return Ok(());
                    }
                }
                _ = shutdown.changed() => return Ok(()),
            }
        };
        let voice = talk.voice();
        loop {
            tokio::select! {
                said = talk.next() => self.take(said?, &voice).await,
                _ = renew.tick() => {
                    if !self.renewed(&mut until).await {
                        info!("another replica listens on IRC from now on");
                        talk.leave("another takes over").await;
                        return Ok(());
                    }
                }
                _ = shutdown.changed() => {
                    talk.leave("stopped").await;
                    return Ok(());
                }
            }
        }
    }

    /// An election that cannot be asked about counts until its end.
    async fn renewed(&self, until: &mut Instant) -> bool {
        let (name, now) = (self.election(), (self.clock)());
        let begun = Instant::now();
        match self.elections.elect(&name, &self.owner, now, LEASE).await {
            Ok(true) => {
                *until = begun + LEASE;
                true
            }
            Ok(false) => false,
            Err(error) => {
                warn!(%error, "who listens on IRC could not be renewed");
                Instant::now() < *until
            }
        }
    }

    /// What was said is accepted in its order; the answer may wait for the wiki.
    async fn take(self: &Arc<Self>, said: Said, voice: &Arc<dyn Voice>) {
        let to = said.channel.clone().unwrap_or_else(|| said.nick.clone());
        let answer = |reply: &Reply| voice.say(&to, &line(reply, &said.nick, said.room));
        let asked = read(&said.text, &said.us);
        let network = self.chat.network();
        match (&asked, &said.channel) {
            (Line::Other, _) => return,
            // Said by mistake where everybody sees it: whoever says it to us now is not to become its wiki user.
            (Line::Link(code), Some(_)) => {
                if self.book.burn(code).await {
                    answer(&Reply::Burnt);
                }
                return;
            }
            (Line::Link(code), None) => {
                let account = said.account.as_deref();
                return answer(&self.book.redeem(code, network, account).await);
            }
            // Who speaks to us alone is told how to log where others see it.
            (Line::Help, _) | (_, None) => return answer(&self.help()),
            (Line::Nothing, _) => return answer(&Reply::Empty { name: None }),
            (Line::OneWord(word), _) => {
                let name = Some(word.clone());
                return answer(&Reply::Empty { name });
            }
            (Line::Undo | Line::Log { .. }, Some(_)) => {}
        }
        let written = self.book.written.subscribe();
        let election = self.election();
        let channel = said.channel.as_deref().unwrap_or_default();
        let policy = self.policies.get(channel).copied().unwrap_or_default();
        let by = match self.book.speaker(network, said.account.as_deref()).await {
            Ok(by) => by,
            // Then the system writes the entry; where it matters who speaks, nobody does.
            Err(error) => {
                warn!(%error, "it cannot be asked whose account it is");
                if policy != Policy::Anyone {
                    return answer(&Reply::Unsure);
                }
                None
            }
        };
        let mut saying = Saying {
            name: "",
            key: match &said.id {
                Some(id) => format!("irc:{network}:{id}"),
                None => Ulid::generate().to_string(),
            },
            nick: &said.nick,
            by,
            source: format!("irc:{network}/{channel}"),
            message: "",
            policy,
            election: Some((&election, &self.owner)),
        };
        let (undone, outcome) = if let Line::Log { name, message } = &asked {
            (saying.name, saying.message) = (name, message);
            (None, self.book.accept(saying).await)
        } else {
            match self.book.undo(saying).await {
                Some((seq, outcome)) => (Some(seq), outcome),
                None => return answer(&Reply::NothingToUndo),
            }
        };
        let (log, seq) = match (outcome, &asked) {
            (Outcome::Accepted(log, seq), _) => (log, seq),
            (Outcome::NotOurs, _) => return,
            // The network gave the same id before. What was said under it was answered.
            (Outcome::Otherwise, _) => {
                info!(
                    network,
                    "a saying that was accepted before reads otherwise now"
                );
                return;
            }
            (Outcome::Unknown(meant), Line::Log { name, .. }) => {
                let name = name.clone();
                return answer(&Reply::Unknown { name, meant });
            }
            (Outcome::Barred(why), _) => {
                let link = self.link(&why.page());
                return answer(&Reply::NotAllowed { why, link });
            }
            (Outcome::DirectoryAway, _) => return answer(&Reply::Away { part: "LDAP" }),
            (Outcome::StoreAway | Outcome::Unknown(_), _) => return answer(&Reply::Unsure),
        };
        let (bot, voice) = (Arc::clone(self), Arc::clone(voice));
        tokio::spawn(async move {
            let reply = match (bot.book.soon(&log, seq, written).await, undone) {
                (Some(_), Some(undone)) => Reply::TakenBack { log, seq: undone },
                (Some(revision), None) => Reply::Logged {
                    link: bot.link(&format!("Special:Diff/{revision}")),
                },
                (None, _) => Reply::Waiting { log, seq },
            };
            voice.say(&to, &line(&reply, &said.nick, said.room));
        });
    }

    fn help(&self) -> Reply {
        Reply::Help {
            link: self.link("Server_Admin_Log"),
        }
    }

    fn link(&self, page: &str) -> String {
        format!("{}{page}", self.book.articles)
    }
}

/// 2, 4, 8 … seconds, at most five minutes, and some more by chance, so that not all come back at once.
fn back_off(failures: u32) -> Duration {
    let seconds = (1_u64 << failures.min(9)).min(LONGEST);
    let chance = Ulid::generate().random() % 1000;
    Duration::from_secs(seconds) + Duration::from_millis(u64::try_from(chance).unwrap_or_default())
}
