//! The bot in a test.

use crate::servers::{BOTH, Kind};
use osm_backends::irc::{Irc, IrcConfig};
use osm_core::ports::{Chat as _, PortError, Said, Voice};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

/// For everything that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);
pub const CHANNEL: &str = "#cloud";

/// The same with each of the servers, at the same time.
pub async fn on_both(test: impl AsyncFn(Kind)) {
    let [one, other] = BOTH;
    tokio::join!(test(one), test(other));
}

/// A bot that says all it has to at once.
pub fn config(port: u16) -> IrcConfig {
    IrcConfig {
        network: "test".to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        tls: false,
        ca_file: None,
        nick: "cloudlog".to_owned(),
        channels: vec![CHANNEL.to_owned()],
        account: None,
        burst: 10,
        pause: Duration::from_millis(1),
    }
}

/// It listens all the time.
pub struct Bot {
    said: UnboundedReceiver<Result<Said, PortError>>,
    pub voice: Arc<dyn Voice>,
}

impl Bot {
    pub async fn enter(config: IrcConfig) -> Result<Self, PortError> {
        let mut talk = Irc::new(config).connect().await?;
        let voice = talk.voice();
        let (tell, said) = unbounded_channel();
        tokio::spawn(async move {
            loop {
                let next = talk.next().await;
                let lost = next.is_err();
                if tell.send(next).is_err() || lost {
                    break;
                }
            }
        });
        Ok(Self { said, voice })
    }

    pub async fn next(&mut self) -> Result<Said, PortError> {
        let next = timeout(PATIENCE, self.said.recv()).await;
        next.expect("nothing was said for a minute")
            .expect("the bot has ended")
    }

    /// The text that it hears next.
    pub async fn hears(&mut self) -> String {
        self.next().await.unwrap().text
    }
}
