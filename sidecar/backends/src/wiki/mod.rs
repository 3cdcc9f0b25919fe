//! MediaWiki, through api.php of an otherwise unmodified wiki.
//!
//! Reading order: [`http`] (one signed exchange) → [`fault`] (MediaWiki's error codes in our terms) →
//! [`session`] (tokens, and whose session it is) → [`read`] and [`edit`] (the ports) → [`push`] (templates and
//! schema).

// The error that all ports share tells a lot, and is returned seldom.
#![allow(clippy::result_large_err)]

mod blocks;
mod edit;
mod fault;
mod http;
mod logged;
pub mod push;
mod read;
mod revisions;
mod session;
mod told;

use fault::Failure;
use http::{Exchange, Http};
use osm_core::ports::{EditAs, PortError};
use osm_core::signing::Keys;
use serde_json::Value;
use session::Sessions;
use std::time::Duration;
use url::Url;

/// How the wiki is reached.
#[derive(Clone, Debug)]
pub struct WikiConfig {
    /// `http://…/api.php`
    pub api_url: Url,
    /// The keys that the shim knows; the first signs.
    pub keys: Keys,
    /// How long one call may take, its answer included.
    pub timeout: Duration,
}

/// The wiki.
pub struct Wiki {
    http: Http,
    sessions: Sessions,
}

impl Wiki {
    /// How long a call may take, if nobody says otherwise: a save with all its hooks can take seconds.
    pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);

    /// Calls nothing yet.
    pub fn new(config: WikiConfig) -> Result<Self, PortError> {
        Ok(Self {
            http: Http::new(config)?,
            sessions: Sessions::default(),
        })
    }

    /// A call that changes nothing, repeated after a pause where that may help.
    async fn query(&self, target: &str, parameters: &[(&str, &str)]) -> Result<Value, PortError> {
        let exchange = Exchange {
            operation: "query",
            target,
            by: &EditAs::System { bot: false },
            parent: None,
            parameters,
        };
        let mut pauses = PAUSES.iter();
        loop {
            let failure = match self.http.exchange(&exchange).await {
                Ok(reply) => return Ok(reply),
                Err(failure) => failure,
            };
            match pauses.next() {
                Some(pause) if failure.passing() => failure.pause(*pause).await,
                _ => return Err(failure.into_error("query", target)),
            }
        }
    }
}

/// How long to wait before each repetition.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_millis(1000),
    Duration::from_millis(3000),
];
