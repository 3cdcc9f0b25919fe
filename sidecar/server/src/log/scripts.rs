//! Scripts log by a project's token: tools log, people need not.

use super::{Book, Outcome, Saying};
use osm_core::ids::ProjectName;
use osm_core::log::policy::Policy;
use osm_core::log::token::{Logged, NotLogged, Sent, hash};
use osm_core::pages::log::title;
use osm_core::ports::{LogToken, PortError};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::{info, warn};
use ulid::Ulid;
use uuid::Uuid;

/// So many messages a token may send at once, then one in so long.
const BURST: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// When each token will have said all that it has sent, as fast as it may. Each replica counts its own.
#[derive(Debug, Default)]
pub struct Paces(Mutex<HashMap<u64, Instant>>);

impl Paces {
    fn admit(&self, token: u64, now: Instant) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = all.entry(token).or_insert(now);
        let admitted = *ahead <= now + PAUSE * (BURST - 1);
        if admitted {
            *ahead = (*ahead).max(now) + PAUSE;
        }
        admitted
    }
}

/// A token that nobody could guess. It is shown once; who looks for such texts finds it by its beginning.
fn new_token() -> String {
    let chance = || Uuid::new_v4().simple();
    format!("osmlog_{}{}", chance(), chance())
}

impl Book {
    /// The token that somebody comes with.
    pub async fn token(&self, token: &str) -> Result<LogToken, NotLogged> {
        match self.tokens.token_used(&hash(token), (self.clock)()).await {
            Ok(token) => token.ok_or(NotLogged::NoToken),
            Err(error) => {
                warn!(%error, "a token cannot be looked for; nothing is logged");
                Err(NotLogged::Away)
            }
        }
    }

    /// Logs what a script sends. The entry is the system's edit and stands under the token's name.
    pub async fn by_token(&self, token: &LogToken, sent: &Sent) -> Result<Logged, NotLogged> {
        let message = sent.judge(&token.project)?;
        if !self.paces.admit(token.id, Instant::now()) {
            return Err(NotLogged::TooMany);
        }
        let key = match &sent.key {
            Some(key) => key.clone(),
            None => Ulid::generate().to_string(),
        };
        let saying = Saying {
            name: &sent.project,
            key: format!("token:{}:{key}", token.id),
            nick: &token.name,
            by: None,
            source: "token".to_owned(),
            message: &message,
            policy: Policy::Anyone,
            election: None,
        };
        match self.accept(saying).await {
            Outcome::Accepted(log, entry) => {
                info!(%log, entry, token = token.name, "logged by a token");
                Ok(Logged {
                    page: title(&log),
                    log: log.to_string(),
                    entry,
                })
            }
            Outcome::Otherwise => Err(NotLogged::OtherSaying),
            Outcome::Unknown(_) => Err(NotLogged::NoProject(sent.project.clone())),
            Outcome::NotOurs | Outcome::Barred(_) | Outcome::DirectoryAway | Outcome::StoreAway => {
                Err(NotLogged::Away)
            }
        }
    }

    /// Makes a token for a project: the token, or `None` where the project has one of that name.
    pub async fn make_token(
        &self,
        project: &ProjectName,
        name: &str,
        by: &str,
    ) -> Result<Option<String>, PortError> {
        let token = new_token();
        let (hash, now) = (hash(&token), (self.clock)());
        let made = self.tokens.make_token(project, name, &hash, by, now);
        Ok(made.await?.then_some(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_s_pace() {
        let (paces, now) = (Paces::default(), Instant::now());
        let at = |seconds: u64| now + Duration::from_secs(seconds);
        let sent = |token, seconds, times: u32| {
            (0..times)
                .filter(|_| paces.admit(token, at(seconds)))
                .count()
        };
        assert_eq!(sent(1, 0, 100), 60);
        assert_eq!(sent(2, 0, 1), 1, "each has its own");
        assert_eq!(sent(1, 1, 10), 1);
        assert_eq!(sent(1, 31, 100), 30);
        assert_eq!(sent(1, 1000, 100), 60);
    }

    #[test]
    fn tokens_are_long_and_not_alike() {
        let (one, other) = (new_token(), new_token());
        assert_eq!(one.len(), "osmlog_".len() + 64);
        assert_ne!(one, other);
    }
}
