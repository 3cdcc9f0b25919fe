//! IRC: hears what is said in channels, and answers.
//!
//! The protocol's lines are read by `irc-proto`; the connection is our own, since the crate `irc` ends it at the
//! first byte that is no UTF-8, has no SASL, and has no word for what a lost nick or a full queue needs.
//!
//! Reading order: [`stream`] (bytes, lines; [`tls`]) → [`register`] (capabilities, SASL, a nick) → [`talk`] (what is
//! said, keeping the nick and the channels) → [`whois`] (who it was, where the server does not say) → [`voice`]
//! (speaking no faster than is allowed).

// The error that all ports share tells a lot, and is returned seldom.
#![allow(clippy::result_large_err)]

mod register;
mod stream;
mod talk;
mod tls;
mod voice;
mod whois;

use crate::secret::Secret;
use async_trait::async_trait;
use osm_core::ports::{Chat, Kind, PortError, Talk};
use std::path::PathBuf;
use std::time::Duration;

/// A server that has not let us in after this will not.
const REGISTER: Duration = Duration::from_secs(60);

/// The longest line, with its end.
const LINE: usize = 512;

/// A network, and who we are there.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct IrcConfig {
    /// Its name in our configuration.
    pub network: String,
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// Authorities in PEM that are believed besides this machine's.
    pub ca_file: Option<PathBuf>,
    pub nick: String,
    pub channels: Vec<String>,
    /// The account with the network's services, and its password: for SASL.
    pub account: Option<(String, Secret)>,
    /// So many lines are said at once.
    pub burst: u32,
    /// Then one in so long.
    pub pause: Duration,
}

/// A network.
pub struct Irc {
    config: IrcConfig,
}

impl Irc {
    /// Calls nothing yet.
    pub fn new(config: IrcConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl Chat for Irc {
    fn network(&self) -> &str {
        &self.config.network
    }

    async fn connect(&self) -> Result<Box<dyn Talk>, PortError> {
        let config = &self.config;
        let entering = async {
            let (lines, write) = stream::open(config).await?;
            let voice = voice::Voice::new(write, config.burst, config.pause);
            register::enter(config, lines, voice).await
        };
        match tokio::time::timeout(REGISTER, entering).await {
            Ok(entered) => Ok(Box::new(talk::Channels::new(config.clone(), entered?))),
            Err(_) => Err(error(
                config,
                "enter",
                Kind::Timeout,
                "no welcome within a minute",
            )),
        }
    }
}

fn error(config: &IrcConfig, operation: &str, kind: Kind, detail: impl Into<String>) -> PortError {
    let IrcConfig {
        network,
        host,
        port,
        ..
    } = config;
    PortError::new(
        "irc",
        operation,
        format!("{network} ({host}:{port})"),
        kind,
        detail,
    )
}
