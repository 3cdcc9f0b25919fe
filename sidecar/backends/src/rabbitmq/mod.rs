//! RabbitMQ: hears what the cloud's services tell of by themselves.
//!
//! One durable queue for all replicas, bounded in length and forgotten when nobody reads it for a while, so
//! that the broker, on which the whole cloud hangs, is never filled by us. The exchanges are OpenStack's: they
//! are looked for and never made.
//!
//! Reading order: `listening` (a connection's life) → `decode` (what a message holds) → `state`.

// The error that all ports share tells a lot, and is returned seldom.
#![allow(clippy::result_large_err)]

mod decode;
mod listening;
mod state;

pub use decode::decode;

use crate::secret::Secret;
use async_trait::async_trait;
use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, ErrorKind, ExchangeKind};
use osm_core::ports::{Kind, Listening, Notifications, PortError, QueueState};
use std::str::FromStr;
use std::time::Duration;

/// Where the services speak, and what of it we want to hear.
const SOURCES: [(&str, &str); 3] = [
    ("nova", "versioned_notifications.*"),
    ("neutron", "notifications.*"),
    ("keystone", "notifications.*"),
];
/// Queues that oslo.messaging makes when it speaks, whether or not anybody reads them.
const OTHERS: [&str; 6] = [
    "notifications.info",
    "notifications.error",
    "notifications.warn",
    "versioned_notifications.info",
    "versioned_notifications.error",
    "versioned_notifications.warn",
];
/// A broker that does not answer within this is away.
const ANSWER: Duration = Duration::from_secs(15);
/// Silence after which a connection is held for lost, in seconds.
const HEARTBEAT: u16 = 20;

/// Where the broker is, as whom we read it, and our queue there.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct RabbitMqConfig {
    /// `amqp://` or `amqps://` addresses, without user and password; tried in this order.
    pub urls: Vec<String>,
    pub username: String,
    pub password: Secret,
    pub queue: String,
    /// More messages than this are not kept: the oldest are thrown away.
    pub queue_length: u32,
    /// The queue is forgotten when nobody has read it for so long.
    pub queue_expires: Duration,
}

/// The broker.
#[derive(Debug)]
pub struct RabbitMq {
    config: RabbitMqConfig,
}

impl RabbitMq {
    /// Speaks to nobody yet.
    pub fn new(config: RabbitMqConfig) -> Result<Self, PortError> {
        for url in &config.urls {
            AMQPUri::from_str(url).map_err(|why| {
                PortError::new("rabbitmq", "read", "[rabbitmq] urls", Kind::Rejected, why)
            })?;
        }
        Ok(Self { config })
    }

    async fn connect(&self) -> Result<Connection, PortError> {
        let mut last = PortError::new(
            "rabbitmq",
            "read",
            "[rabbitmq] urls",
            Kind::Rejected,
            "it is empty",
        );
        for url in &self.config.urls {
            match self.connect_to(url).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_to(&self, url: &str) -> Result<Connection, PortError> {
        let mut uri = AMQPUri::from_str(url)
            .map_err(|why| PortError::new("rabbitmq", "connect to", url, Kind::Rejected, why))?;
        uri.authority.userinfo.username = self.config.username.clone();
        uri.authority.userinfo.password = self.config.password.expose().to_owned();
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let properties =
            ConnectionProperties::default().with_connection_name("openstackmanager".into());
        answer("connect to", url, Connection::connect_uri(uri, properties)).await
    }

    /// How a queue stands; a broker closes the channel on which one asks for what is not there.
    async fn queue_state(
        &self,
        connection: &Connection,
        name: &str,
    ) -> Result<QueueState, PortError> {
        let channel = answer("open a channel to", name, connection.create_channel()).await?;
        let asked = channel.queue_declare(
            name.into(),
            QueueDeclareOptions::default().passive(),
            FieldTable::default(),
        );
        let (waiting, readers) = match answer("look at queue", name, asked).await {
            Ok(queue) => (Some(queue.message_count()), queue.consumer_count()),
            Err(error) if error.kind == Kind::NotFound => (None, 0),
            Err(error) => return Err(error),
        };
        Ok(QueueState {
            name: name.to_owned(),
            waiting,
            readers,
        })
    }

    async fn exchange_is_there(
        &self,
        connection: &Connection,
        name: &str,
    ) -> Result<bool, PortError> {
        let channel = answer("open a channel to", name, connection.create_channel()).await?;
        let asked = channel.exchange_declare(
            name.into(),
            ExchangeKind::Topic,
            ExchangeDeclareOptions {
                passive: true,
                ..ExchangeDeclareOptions::default()
            },
            FieldTable::default(),
        );
        match answer("look at exchange", name, asked).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Notifications for RabbitMq {
    async fn listen(&self) -> Result<Box<dyn Listening>, PortError> {
        Ok(Box::new(
            listening::Open::begin(self.config.clone(), self.connect().await?).await?,
        ))
    }

    async fn queues(&self) -> Result<(Vec<QueueState>, Vec<String>), PortError> {
        let connection = self.connect().await?;
        let mut queues = Vec::new();
        for name in [self.config.queue.as_str()].into_iter().chain(OTHERS) {
            queues.push(self.queue_state(&connection, name).await?);
        }
        let mut missing = Vec::new();
        for (exchange, _) in SOURCES {
            if !self.exchange_is_there(&connection, exchange).await? {
                missing.push(exchange.to_owned());
            }
        }
        Ok((queues, missing))
    }
}

/// The broker's answer, within bounds, in the shape of all ports.
async fn answer<T>(
    operation: &str,
    target: &str,
    asked: impl Future<Output = lapin::Result<T>>,
) -> Result<T, PortError> {
    match tokio::time::timeout(ANSWER, asked).await {
        Ok(outcome) => outcome.map_err(|error| port_error(operation, target, &error)),
        Err(_) => Err(PortError::new(
            "rabbitmq",
            operation,
            target,
            Kind::Timeout,
            format!("no answer within {} s", ANSWER.as_secs()),
        )),
    }
}

fn port_error(operation: &str, target: &str, error: &lapin::Error) -> PortError {
    let kind = match error.kind() {
        ErrorKind::ProtocolError(error) => match error.kind() {
            AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => Kind::NotFound,
            AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) => Kind::Denied,
            AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED) => Kind::Conflict,
            AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => Kind::Denied,
            _ => Kind::Unavailable,
        },
        _ => Kind::Unavailable,
    };
    PortError::new("rabbitmq", operation, target, kind, error.to_string())
}
