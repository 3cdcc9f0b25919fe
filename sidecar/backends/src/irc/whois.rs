//! Whose account it is where the server does not say so by itself: it is asked, WHOIS, each time that it matters.
//!
//! What was said waits for the answer, in its order. The server answers after what we have heard so far, and tells
//! who leaves a nick; so the answer is about whoever speaks, unless they have left it meanwhile, or have another
//! user and host than those by which they spoke.

use super::talk::folded;
use osm_core::ports::Said;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Whoever the server says nothing of after this is nobody.
const PATIENCE: Duration = Duration::from_secs(10);
/// So much waits at most; what is said beyond is said by nobody.
const MOST: usize = 1000;

/// What was said and is not handed on yet.
#[derive(Default)]
pub(super) struct Asked {
    waiting: VecDeque<Waiting>,
    /// Of the answer that is coming in: nick, user and host, account.
    heard: Option<Answer>,
}

struct Waiting {
    said: Said,
    /// Folded.
    nick: String,
    /// User and host.
    from: (String, String),
    until: Instant,
    open: bool,
}

struct Answer {
    nick: String,
    from: (String, String),
    account: Option<String>,
}

impl Asked {
    /// Puts what was said into the row. True where the server is to be asked who it was.
    pub fn put(&mut self, said: Said, from: (&str, &str), ask: bool, now: Instant) -> bool {
        let nick = folded(&said.nick);
        let open = ask && self.waiting.len() < MOST;
        // One answer is for all that was said before it.
        let first = !self.waiting.iter().any(|w| w.open && w.nick == nick);
        self.waiting.push_back(Waiting {
            said,
            nick,
            from: (from.0.to_owned(), from.1.to_owned()),
            until: now + PATIENCE,
            open,
        });
        open && first
    }

    /// The next that is to be handed on.
    pub fn next(&mut self, now: Instant) -> Option<Said> {
        let done = |waiting: &&Waiting| !waiting.open || waiting.until <= now;
        self.waiting.front().filter(|waiting| done(waiting))?;
        self.waiting.pop_front().map(|next| next.said)
    }

    /// When something is handed on without an answer.
    pub fn until(&self) -> Option<Instant> {
        self.waiting.front().map(|waiting| waiting.until)
    }

    /// A line of an answer: its number and words, of which the first is us.
    pub fn heard(&mut self, number: u16, words: &[String]) {
        let Some(nick) = words.get(1).map(|nick| folded(nick)) else {
            return;
        };
        match (number, words.get(2), words.get(3)) {
            // RPL_WHOISUSER
            (311, Some(user), Some(host)) => {
                self.heard = Some(Answer {
                    nick,
                    from: (user.clone(), host.clone()),
                    account: None,
                });
            }
            // RPL_WHOISLOGGEDIN
            (330, Some(account), _) => {
                if let Some(answer) = self.heard.as_mut().filter(|it| it.nick == nick) {
                    answer.account = Some(account.clone());
                }
            }
            // RPL_ENDOFWHOIS
            (318, ..) => {
                let answer = self.heard.take().filter(|it| it.nick == nick);
                for waiting in self.waiting.iter_mut().filter(|w| w.open && w.nick == nick) {
                    waiting.open = false;
                    if let Some(answer) = answer.as_ref().filter(|it| it.from == waiting.from) {
                        waiting.said.account = answer.account.clone();
                    }
                }
            }
            _ => {}
        }
    }

    /// Somebody has left a nick: what they said stays theirs, whoever has it next.
    pub fn left(&mut self, nick: &str) {
        let nick = folded(nick);
        for waiting in self.waiting.iter_mut().filter(|w| w.nick == nick) {
            waiting.open = false;
        }
        self.heard = self.heard.take().filter(|answer| answer.nick != nick);
    }

    /// Anybody may have left their nick unseen.
    pub fn all_left(&mut self) {
        for waiting in &mut self.waiting {
            waiting.open = false;
        }
        self.heard = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(nick: &str, text: &str) -> Said {
        Said {
            channel: Some("#cloud".to_owned()),
            nick: nick.to_owned(),
            account: None,
            id: None,
            text: text.to_owned(),
            us: "cloudlog".to_owned(),
            room: 400,
        }
    }

    fn answered(asked: &mut Asked, nick: &str, host: &str, account: Option<&str>) {
        let words = |more: &[&str]| -> Vec<String> {
            let first = ["cloudlog", nick];
            let all = first.iter().chain(more);
            all.map(|word| (*word).to_owned()).collect()
        };
        asked.heard(311, &words(&["user", host, "*", "A person"]));
        if let Some(account) = account {
            asked.heard(330, &words(&[account, "is logged in as"]));
        }
        asked.heard(318, &words(&["End of /WHOIS list."]));
    }

    /// What is handed on: text and account.
    fn handed(asked: &mut Asked, now: Instant) -> Vec<(String, Option<String>)> {
        let next = || asked.next(now).map(|said| (said.text, said.account));
        std::iter::from_fn(next).collect()
    }

    #[tokio::test]
    async fn the_answer_is_for_all_that_was_said_before_it() {
        let (mut asked, now, from) = (Asked::default(), Instant::now(), ("user", "host"));
        assert!(asked.put(said("Ada", "1"), from, true, now));
        assert!(!asked.put(said("ada", "2"), from, true, now));
        assert!(!asked.put(said("ben", "3"), from, false, now));
        assert_eq!(handed(&mut asked, now), []);
        answered(&mut asked, "ben", "host", Some("Ben"));
        assert_eq!(handed(&mut asked, now), []);
        answered(&mut asked, "ADA", "host", Some("Lovelace"));
        let account = Some("Lovelace".to_owned());
        let wanted = [("1", account.clone()), ("2", account), ("3", None)];
        let wanted = wanted.map(|(text, account)| (text.to_owned(), account));
        assert_eq!(handed(&mut asked, now), wanted);
        assert!(asked.put(said("ada", "4"), from, true, now), "asked anew");
    }

    #[tokio::test]
    async fn whoever_takes_the_nick_is_somebody_else() {
        for (left, host, account) in [
            (true, "host", None),
            (false, "another", None),
            (false, "host", Some("Lovelace")),
        ] {
            let (mut asked, now) = (Asked::default(), Instant::now());
            asked.put(said("ada", "1"), ("user", "host"), true, now);
            if left {
                asked.left("ada");
            }
            answered(&mut asked, "ada", host, Some("Lovelace"));
            let account = account.map(str::to_owned);
            assert_eq!(handed(&mut asked, now), [("1".to_owned(), account)]);
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_good() {
        let (mut asked, now) = (Asked::default(), Instant::now());
        asked.put(said("ada", "1"), ("user", "host"), true, now);
        assert_eq!(asked.until(), Some(now + PATIENCE));
        assert_eq!(handed(&mut asked, now + PATIENCE), [("1".to_owned(), None)]);
        assert_eq!(asked.until(), None);
    }
}
