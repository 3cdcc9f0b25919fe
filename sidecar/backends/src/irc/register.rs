//! The way in: capabilities, SASL, a nick.

use super::stream::Lines;
use super::voice::Voice;
use super::{IrcConfig, error};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use irc_proto::{CapSubCommand, Command, Response};
use osm_core::ports::{Kind, PortError};
use std::collections::BTreeSet;
use tracing::warn;

/// What we ask for where the server has it: who is logged in to which account, and ids of messages.
const WANTED: [&str; 4] = [
    "account-tag",
    "account-notify",
    "extended-join",
    "message-tags",
];
/// So long may a part of what SASL sends be.
const PART: usize = 400;

/// Let in.
pub(super) struct Entered {
    pub lines: Lines,
    pub voice: Voice,
    pub nick: String,
    /// The capabilities that we have.
    pub has: BTreeSet<String>,
    /// Logged in with services.
    pub identified: bool,
}

/// Enters with the nick that is wanted, or one like it where somebody has it.
pub(super) async fn enter(
    config: &IrcConfig,
    mut lines: Lines,
    voice: Voice,
) -> Result<Entered, PortError> {
    voice.at_once("CAP LS 302");
    voice.at_once(format!("NICK {}", config.nick));
    voice.at_once(format!(
        "USER {} 0 * :The Server Admin Log",
        user(&config.nick)
    ));
    let mut nick = config.nick.clone();
    let mut offered = BTreeSet::new();
    let mut has = BTreeSet::new();
    let mut identified = false;
    loop {
        match lines.next().await?.command {
            Command::PING(token, _) => voice.at_once(format!("PONG :{token}")),
            Command::CAP(_, CapSubCommand::LS, more, list) => {
                // A list that goes on has a star before it.
                let (last, list) = match (more.as_deref(), list) {
                    (Some("*"), list) => (false, list),
                    (more, list) => (true, list.or(more.map(str::to_owned))),
                };
                let list = list.unwrap_or_default();
                let names = list.split_whitespace().filter_map(|c| c.split('=').next());
                offered.extend(names.map(str::to_owned));
                if last {
                    let sasl = config.account.as_ref().map(|_| "sasl");
                    let ask: Vec<&str> = (WANTED.into_iter().chain(sasl))
                        .filter(|c| offered.contains(*c))
                        .collect();
                    match ask.is_empty() {
                        true => voice.at_once("CAP END"),
                        false => voice.at_once(format!("CAP REQ :{}", ask.join(" "))),
                    }
                }
            }
            Command::CAP(_, CapSubCommand::ACK, more, list) => {
                let list = list.or(more).unwrap_or_default();
                has.extend(list.split_whitespace().map(str::to_owned));
                match has.contains("sasl") {
                    true => voice.at_once("AUTHENTICATE PLAIN"),
                    false => voice.at_once("CAP END"),
                }
            }
            Command::CAP(_, CapSubCommand::NAK, ..) => voice.at_once("CAP END"),
            Command::AUTHENTICATE(word) if word == "+" => authenticate(config, &voice),
            Command::Response(Response::RPL_SASLSUCCESS, _) => {
                identified = true;
                voice.at_once("CAP END");
            }
            Command::Response(
                Response::ERR_NICKLOCKED
                | Response::ERR_SASLFAIL
                | Response::ERR_SASLTOOLONG
                | Response::ERR_SASLABORT
                | Response::ERR_SASLALREADY,
                words,
            ) => {
                // Without its account it can log all the same; services may only be away.
                warn!(
                    network = config.network,
                    ?words,
                    "the IRC services do not take our account"
                );
                voice.at_once("CAP END");
            }
            Command::Response(
                Response::ERR_NICKNAMEINUSE
                | Response::ERR_NICKCOLLISION
                | Response::ERR_UNAVAILRESOURCE,
                _,
            ) => {
                nick = another(&nick, &config.nick);
                voice.at_once(format!("NICK {nick}"));
            }
            Command::Response(Response::ERR_ERRONEOUSNICKNAME, words) => {
                let detail = format!("the server does not take the nick: {}", words.join(" "));
                return Err(error(config, "enter", Kind::Rejected, detail));
            }
            Command::Response(Response::RPL_WELCOME, words) => {
                return Ok(Entered {
                    // The server may have cut it.
                    nick: words.first().cloned().unwrap_or(nick),
                    lines,
                    voice,
                    has,
                    identified,
                });
            }
            Command::ERROR(why) => return Err(error(config, "enter", Kind::Unavailable, why)),
            _ => {}
        }
    }
}

fn authenticate(config: &IrcConfig, voice: &Voice) {
    let Some((account, password)) = &config.account else {
        return;
    };
    let secret = STANDARD.encode(format!("\0{account}\0{}", password.expose()));
    let mut rest = secret.as_str();
    while rest.len() >= PART {
        let (part, more) = rest.split_at(PART);
        voice.at_once(format!("AUTHENTICATE {part}"));
        rest = more;
    }
    let rest = if rest.is_empty() { "+" } else { rest };
    voice.at_once(format!("AUTHENTICATE {rest}"));
}

/// The next to try: with a stroke, then two, never longer than what was wanted or the nine letters that every server
/// takes.
fn another(tried: &str, wanted: &str) -> String {
    let strokes = tried.len() - tried.trim_end_matches('_').len() + 1;
    let most = wanted.len().max(9);
    let room = most.saturating_sub(strokes).max(1);
    let stem: String = wanted.trim_end_matches('_').chars().take(room).collect();
    format!("{stem}{}", "_".repeat(strokes.min(most)))
}

fn user(nick: &str) -> String {
    let plain = nick.chars().filter(char::is_ascii_alphanumeric).take(9);
    let plain: String = plain.collect();
    if plain.is_empty() {
        "log".to_owned()
    } else {
        plain
    }
}

#[cfg(test)]
mod tests {
    use super::another;

    #[test]
    fn nicks_to_try() {
        let mut nick = "cloudlog".to_owned();
        let mut tried = Vec::new();
        for _ in 0..3 {
            nick = another(&nick, "cloudlog");
            tried.push(nick.clone());
        }
        assert_eq!(tried, ["cloudlog_", "cloudlo__", "cloudl___"]);
    }
}
