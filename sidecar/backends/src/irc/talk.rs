//! What is said in our channels; keeping them, and our nick.

use super::register::Entered;
use super::stream::Lines;
use super::voice::Voice;
use super::whois::Asked;
use super::{IrcConfig, LINE, error};
use async_trait::async_trait;
use irc_proto::{Command, Message, Prefix, Response};
use osm_core::log::grammar::{Line, read};
use osm_core::ports::{Kind, PortError, Said, Talk, Voice as Port};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tracing::{info, warn};

/// How often it is looked whether a channel or our nick is missing, or the server silent.
const LOOK: Duration = Duration::from_secs(20);
/// A server that says nothing for so long is asked; after twice as long it is lost.
const SILENT: Duration = Duration::from_secs(60);
/// Longest user and host that a server puts before our own words.
const USER: usize = 12;
const HOST: usize = 64;
/// So many people's accounts are remembered.
const REMEMBERED: usize = 10_000;

/// A connection that is let in.
pub(super) struct Channels {
    config: IrcConfig,
    lines: Lines,
    voice: Voice,
    nick: String,
    has: BTreeSet<String>,
    identified: bool,
    joined: BTreeSet<String>,
    /// Accounts by nick, of those of whom the server told it.
    accounts: BTreeMap<String, String>,
    asked: Asked,
    look: Interval,
    heard: Instant,
}

impl Channels {
    pub fn new(config: IrcConfig, entered: Entered) -> Self {
        // Not at once: who has our nick still has it, and servers count what they have to refuse.
        let mut look = interval_at(Instant::now() + LOOK, LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        info!(network = config.network, nick = entered.nick, has = ?entered.has, "in on IRC");
        let channels = Self {
            config,
            lines: entered.lines,
            voice: entered.voice,
            nick: entered.nick,
            has: entered.has,
            identified: entered.identified,
            joined: BTreeSet::new(),
            accounts: BTreeMap::new(),
            asked: Asked::default(),
            look,
            heard: Instant::now(),
        };
        channels.go_in();
        // The services, which know us by our account, free it at once.
        if channels.identified {
            channels.want_nick();
        }
        channels
    }

    /// What is missing is asked for again.
    fn look_after(&mut self) -> Result<(), PortError> {
        let silent = self.heard.elapsed();
        if silent > 2 * SILENT {
            return Err(error(
                &self.config,
                "hear",
                Kind::Timeout,
                "the server is silent",
            ));
        }
        if silent > SILENT {
            self.voice.at_once("PING :still there");
        }
        self.go_in();
        self.want_nick();
        Ok(())
    }

    fn go_in(&self) {
        for channel in &self.config.channels {
            if !self.joined.contains(&folded(channel)) {
                self.voice.at_once(format!("JOIN {channel}"));
            }
        }
    }

    /// Takes our nick back where somebody has it. The services know us by our account, so no password is sent that
    /// somebody else might read who calls himself like them.
    fn want_nick(&self) {
        if self.nick != self.config.nick {
            if self.identified {
                self.voice
                    .at_once(format!("PRIVMSG NickServ :GHOST {}", self.config.nick));
            }
            self.voice.at_once(format!("NICK {}", self.config.nick));
        }
    }

    fn take(&mut self, message: Message) -> Result<(), PortError> {
        self.heard = Instant::now();
        match &message.command {
            Command::Response(number, words) => self.asked.heard(*number as u16, words),
            Command::Raw(number, words) => {
                self.asked.heard(number.parse().unwrap_or_default(), words);
            }
            _ => {}
        }
        let who = match &message.prefix {
            Some(Prefix::Nickname(nick, ..)) => nick.clone(),
            // A nick without user and host looks like a server's name to the parser where it has a dot.
            Some(Prefix::ServerName(name)) => name.clone(),
            None => String::new(),
        };
        let ours = folded(&who) == folded(&self.nick);
        match message.command {
            Command::PING(token, _) => self.voice.at_once(format!("PONG :{token}")),
            Command::JOIN(channel, account, _) if ours => {
                info!(network = self.config.network, channel, "listening on IRC");
                self.joined.insert(folded(&channel));
                let _ = account;
            }
            // With extended-join the account stands where keys would; a star is none.
            Command::JOIN(_, account, _) if self.has.contains("extended-join") => {
                self.account(&who, account.as_deref());
            }
            Command::ACCOUNT(account) => self.account(&who, Some(&account)),
            Command::PART(channel, _) if ours => self.lost(&channel, "left"),
            Command::KICK(channel, whom, _) if folded(&whom) == folded(&self.nick) => {
                self.lost(&channel, "kicked out");
            }
            Command::NICK(new) if ours => {
                info!(
                    network = self.config.network,
                    nick = new,
                    "another nick on IRC"
                );
                self.nick = new;
            }
            Command::NICK(new) => {
                self.asked.left(&who);
                if let Some(account) = self.accounts.remove(&folded(&who)) {
                    self.accounts.insert(folded(&new), account);
                }
                self.freed(&who);
            }
            Command::QUIT(_) => {
                self.gone(&who);
                self.freed(&who);
            }
            // Whom we see in no channel any more may come back as somebody else.
            Command::PART(..) => self.gone(&who),
            Command::KICK(_, whom, _) => self.gone(&whom),
            Command::PRIVMSG(to, text) if !ours && !who.is_empty() => {
                let tag = |name: &str| {
                    let tags = message.tags.iter().flatten();
                    let mut found = tags.filter(|tag| tag.0 == name);
                    found
                        .next()
                        .and_then(|tag| tag.1.clone())
                        .filter(|v| !v.is_empty())
                };
                if let Some(said) = self.said(&who, &to, text, tag("account"), tag("msgid")) {
                    self.put(said, message.prefix.as_ref());
                }
            }
            Command::Response(
                Response::ERR_BANNEDFROMCHAN
                | Response::ERR_INVITEONLYCHAN
                | Response::ERR_BADCHANNELKEY
                | Response::ERR_CHANNELISFULL
                | Response::ERR_NOSUCHCHANNEL
                | Response::ERR_NOCHANMODES,
                words,
            ) => warn!(
                network = self.config.network,
                ?words,
                "cannot get into a channel"
            ),
            Command::ERROR(why) => {
                return Err(error(&self.config, "hear", Kind::Unavailable, why));
            }
            _ => {}
        }
        Ok(())
    }

    /// Hands on what was said; the server is asked who it was where that matters and it has not said so.
    fn put(&mut self, said: Said, prefix: Option<&Prefix>) {
        let from = match prefix {
            Some(Prefix::Nickname(_, user, host)) => (user.as_str(), host.as_str()),
            _ => ("", ""),
        };
        let matters = matches!(
            read(&said.text, &said.us),
            Line::Log { .. } | Line::Undo | Line::Link(_)
        );
        let ask = matters && said.account.is_none() && !self.has.contains("account-tag");
        let nick = said.nick.clone();
        if self.asked.put(said, from, ask, Instant::now()) {
            self.voice.in_turn(format!("WHOIS {nick}"));
        }
    }

    fn said(
        &self,
        who: &str,
        to: &str,
        text: String,
        account: Option<String>,
        id: Option<String>,
    ) -> Option<Said> {
        let private = folded(to) == folded(&self.nick);
        // By its configured name. One that a server sent us to instead is none of ours.
        let mut ours = self.config.channels.iter();
        let channel = ours.find(|channel| folded(channel) == folded(to)).cloned();
        if !private && channel.is_none() {
            return None;
        }
        if private && text.starts_with("\u{1}VERSION") {
            let version = env!("CARGO_PKG_VERSION");
            let answer = format!("NOTICE {who} :\u{1}VERSION OpenStackManager {version}\u{1}");
            self.voice.in_turn(answer);
            return None;
        }
        // With account-tag who has none is not logged in.
        let told = self.has.contains("extended-join") && self.has.contains("account-notify");
        let known = || self.accounts.get(&folded(who)).filter(|_| told).cloned();
        let account = match self.has.contains("account-tag") {
            true => account,
            false => known(),
        };
        let around = ":!@ PRIVMSG  :\r\n".len() + self.nick.len() + USER + HOST;
        let room = LINE.saturating_sub(around + channel.as_deref().unwrap_or(who).len());
        Some(Said {
            channel,
            nick: who.to_owned(),
            account,
            id,
            text,
            us: self.nick.clone(),
            room,
        })
    }

    fn account(&mut self, who: &str, account: Option<&str>) {
        match account {
            Some(account) if account != "*" && self.accounts.len() < REMEMBERED => {
                self.accounts.insert(folded(who), account.to_owned());
            }
            _ => {
                self.accounts.remove(&folded(who));
            }
        }
    }

    fn gone(&mut self, nick: &str) {
        self.asked.left(nick);
        self.accounts.remove(&folded(nick));
    }

    fn lost(&mut self, channel: &str, how: &str) {
        warn!(
            network = self.config.network,
            channel, how, "out of a channel on IRC; going in again"
        );
        self.joined.remove(&folded(channel));
        // Who leaves now or takes another nick does so unseen: the server is asked anew.
        self.accounts.clear();
        self.asked.all_left();
        // Not at once: whoever puts us out is not to be fought with.
        self.look.reset();
    }

    /// Somebody left a nick: ours?
    fn freed(&self, nick: &str) {
        if folded(nick) == folded(&self.config.nick) {
            self.want_nick();
        }
    }
}

#[async_trait]
impl Talk for Channels {
    async fn next(&mut self) -> Result<Said, PortError> {
        loop {
            if let Some(said) = self.asked.next(Instant::now()) {
                return Ok(said);
            }
            let late = self.asked.until();
            tokio::select! {
                message = self.lines.next() => self.take(message?)?,
                _ = self.look.tick() => self.look_after()?,
                () = sleep_until(late.unwrap_or_else(Instant::now)), if late.is_some() => {}
            }
        }
    }

    fn voice(&self) -> Arc<dyn Port> {
        Arc::new(self.voice.clone())
    }

    async fn leave(self: Box<Self>, why: &str) {
        self.voice.at_once(format!("QUIT :{why}"));
        let Self { mut lines, .. } = *self;
        // Until the server has closed: what is said last is said.
        let closed = async { while lines.next().await.is_ok() {} };
        let _ = tokio::time::timeout(Duration::from_secs(2), closed).await;
    }
}

/// As IRC compares names, in the widest of its ways.
pub(super) fn folded(name: &str) -> String {
    let fold = |c: char| match c {
        '[' => '{',
        ']' => '}',
        '\\' => '|',
        '~' => '^',
        c => c.to_ascii_lowercase(),
    };
    name.chars().map(fold).collect()
}
