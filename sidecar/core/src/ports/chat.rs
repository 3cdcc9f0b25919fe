//! A chat network: IRC.

use super::PortError;
use async_trait::async_trait;
use std::sync::Arc;

/// Something that somebody said where we listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The channel; `None` where it was said to us alone.
    pub channel: Option<String>,
    /// Who, by the name that they have taken there.
    pub nick: String,
    /// The account to which they are logged in with the network's services, in the server's own word.
    pub account: Option<String>,
    /// The server's id of it, where it gives one.
    pub id: Option<String>,
    /// What.
    pub text: String,
    /// The nick by which we are known at the moment.
    pub us: String,
    /// So many bytes of an answer fit into one line.
    pub room: usize,
}

/// A network.
#[async_trait]
pub trait Chat: Send + Sync {
    /// Its name in our configuration.
    fn network(&self) -> &str;
    /// Connects, and goes into our channels.
    async fn connect(&self) -> Result<Box<dyn Talk>, PortError>;
}

/// A connection, until it is lost.
#[async_trait]
pub trait Talk: Send {
    /// The next that was said; may be given up half-way without losing anything. The connection lives only while
    /// somebody waits here.
    async fn next(&mut self) -> Result<Said, PortError>;
    /// Through which we speak.
    fn voice(&self) -> Arc<dyn Voice>;
    /// Takes leave.
    async fn leave(self: Box<Self>, why: &str);
}

/// Speaks as fast as the network allows; what is too much is dropped, since nobody would read it.
pub trait Voice: Send + Sync {
    /// Says a line in a channel or to somebody.
    fn say(&self, to: &str, text: &str);
}
