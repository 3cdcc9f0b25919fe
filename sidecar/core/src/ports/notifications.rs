//! What the cloud's services tell of by themselves.

use super::PortError;
use crate::ids::{InstanceId, ProjectId};
use crate::told::Told;
use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something about a server, with its facts.
    Server(Box<Told>),
    /// A server is no more: Nova's word.
    Gone {
        /// Which.
        id: InstanceId,
        /// Its Keystone project.
        project_id: ProjectId,
        /// When it ended, where that is said.
        ended: Option<DateTime<Utc>>,
    },
    /// Something about a server changed; only Nova can say what.
    Look {
        /// Which.
        id: InstanceId,
        /// The Keystone project of what changed; not necessarily the server's.
        project_id: ProjectId,
        /// Nova itself hears of it only after this was told.
        early: bool,
    },
    /// Something changed that any server of a project may show.
    LookAtProject(ProjectId),
    /// Projects, or who is in them.
    Projects,
}

/// Who did it, as OpenStack knows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct Initiator {
    pub user_id: String,
    pub user_name: String,
    /// The id of the user's domain: a name means one user within a domain only.
    pub domain_id: String,
    pub project_id: Option<String>,
    /// The request that all this follows from, the same in all services.
    pub request_id: Option<String>,
}

/// An event, when it was told, and whose doing it is where that is said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Notice {
    pub event: Event,
    pub at: DateTime<Utc>,
    pub by: Option<Initiator>,
}

/// What a message holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// An event.
    Notice(Box<Notice>),
    /// Nothing that a page tells of.
    Nothing,
    /// It cannot be read: the kind of message and what is wrong with it, without its content.
    Malformed {
        /// Exchange and kind of event.
        kind: String,
        /// Why.
        why: String,
    },
}

/// What stands for a message until it is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt(pub u64);

/// What is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A message. It comes again, to us or to another replica, until it is settled.
    Message {
        /// What it holds.
        content: Content,
        /// To be given back when its effect is put down.
        receipt: Receipt,
    },
    /// From here on more is heard than before, or messages were thrown away: some may have been missed.
    Missed(String),
}

/// A queue, as its broker tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct QueueState {
    pub name: String,
    /// Messages that wait; `None` where there is no such queue.
    pub waiting: Option<u32>,
    /// How many read it.
    pub readers: u32,
}

/// The broker.
#[async_trait]
pub trait Notifications: Send + Sync {
    /// Begins to listen.
    async fn listen(&self) -> Result<Box<dyn Listening>, PortError>;
    /// For health checks: our own queue first, then those that OpenStack's services make and that somebody
    /// has to read; and the names of exchanges that are not there.
    async fn queues(&self) -> Result<(Vec<QueueState>, Vec<String>), PortError>;
}

/// A connection, until it is lost.
#[async_trait]
pub trait Listening: Send {
    /// The next that is heard; may be given up half-way without losing anything.
    async fn next(&mut self) -> Result<Heard, PortError>;
    /// These need not come again.
    async fn settle(&mut self, receipts: &[Receipt]) -> Result<(), PortError>;
    /// To be called now and then: looks after what could not be listened to yet, and says how many messages
    /// wait in our queue.
    async fn look_after(&mut self) -> Result<u32, PortError>;
}
