//! A connection's life: our queue is there, bound to what can be heard, and read.

use super::{RabbitMqConfig, SOURCES, answer, decode, port_error};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, Consumer};
use osm_core::ports::{Heard, Kind, Listening, PortError, Receipt};
use std::collections::VecDeque;
use tracing::{info, warn};

/// Messages held unsettled by one replica.
const AHEAD: u16 = 200;

/// A queue that is read.
pub(super) struct Open {
    config: RabbitMqConfig,
    connection: Connection,
    channel: Channel,
    consumer: Consumer,
    /// Exchanges that are not there yet.
    deaf_to: Vec<(&'static str, &'static str)>,
    missed: VecDeque<String>,
    /// Messages were thrown away when the queue was last looked at.
    full: bool,
}

impl Open {
    pub(super) async fn begin(
        config: RabbitMqConfig,
        connection: Connection,
    ) -> Result<Self, PortError> {
        let queue = config.queue.clone();
        let mut missed = VecDeque::new();
        // Passively first: whether it was there says whether something may have been missed.
        let waiting = match ready(&connection, &queue).await {
            Ok(waiting) => waiting,
            Err(error) if error.kind == Kind::NotFound => {
                missed.push_back(format!(
                    "queue {queue} was not there: new, or nobody had read it for too long"
                ));
                0
            }
            Err(error) => return Err(error),
        };
        let channel = channel(&connection, &queue).await?;
        let declared = channel.queue_declare(
            queue.as_str().into(),
            QueueDeclareOptions::durable(),
            arguments(&config),
        );
        answer("declare queue", &queue, declared)
            .await
            .map_err(|error| advise(error, &queue))?;
        let bounded = channel.basic_qos(AHEAD, BasicQosOptions::default());
        answer("bound what is sent from", &queue, bounded).await?;
        let full = waiting >= config.queue_length;
        if full {
            missed.push_back(too_long(&queue));
        }
        let consumed = channel.basic_consume(
            queue.as_str().into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = answer("read queue", &queue, consumed).await?;
        let mut open = Self {
            config,
            connection,
            channel,
            consumer,
            deaf_to: SOURCES.to_vec(),
            missed,
            full,
        };
        open.bind().await?;
        for (exchange, _) in &open.deaf_to {
            warn!(
                exchange,
                "there is no such exchange yet: its service has not spoken; looked for again"
            );
        }
        Ok(open)
    }

    /// Binds to the exchanges that are there. They go when the broker restarts, and come when a service speaks.
    async fn bind(&mut self) -> Result<(), PortError> {
        let mut missing = Vec::new();
        for (exchange, key) in std::mem::take(&mut self.deaf_to) {
            // On a channel of its own, since a broker closes it where there is no such exchange.
            let channel = channel(&self.connection, exchange).await?;
            let bound = channel.queue_bind(
                self.config.queue.as_str().into(),
                exchange.into(),
                key.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            );
            match answer("bind our queue to exchange", exchange, bound).await {
                Ok(()) => {}
                Err(error) if error.kind == Kind::NotFound => missing.push((exchange, key)),
                Err(error) => return Err(advise(error, exchange)),
            }
        }
        self.deaf_to = missing;
        Ok(())
    }
}

#[async_trait]
impl Listening for Open {
    async fn next(&mut self) -> Result<Heard, PortError> {
        if let Some(why) = self.missed.pop_front() {
            return Ok(Heard::Missed(why));
        }
        let queue = &self.config.queue;
        match self.consumer.next().await {
            Some(Ok(delivery)) => Ok(heard(&delivery)),
            Some(Err(error)) => Err(port_error("read queue", queue, &error)),
            None => Err(PortError::new(
                "rabbitmq",
                "read queue",
                queue,
                Kind::Unavailable,
                "the broker has ended it: the connection or the queue is gone",
            )),
        }
    }

    async fn settle(&mut self, receipts: &[Receipt]) -> Result<(), PortError> {
        for Receipt(tag) in receipts {
            let settled = self.channel.basic_ack(*tag, BasicAckOptions::default());
            answer("settle messages of", &self.config.queue, settled).await?;
        }
        Ok(())
    }

    async fn look_after(&mut self) -> Result<u32, PortError> {
        if !self.deaf_to.is_empty() {
            let before = self.deaf_to.clone();
            self.bind().await?;
            for (exchange, _) in before {
                if !self.deaf_to.iter().any(|(still, _)| *still == exchange) {
                    info!(exchange, "now there, and listened to");
                    self.missed
                        .push_back(format!("exchange {exchange} was not listened to before"));
                }
            }
        }
        let waiting = ready(&self.connection, &self.config.queue).await?;
        let full = waiting >= self.config.queue_length;
        if full && !self.full {
            self.missed.push_back(too_long(&self.config.queue));
        }
        self.full = full;
        Ok(waiting)
    }
}

fn heard(delivery: &Delivery) -> Heard {
    Heard::Message {
        content: decode(delivery.exchange.as_str(), &delivery.data),
        receipt: Receipt(delivery.delivery_tag),
    }
}

/// How many messages wait.
async fn ready(connection: &Connection, queue: &str) -> Result<u32, PortError> {
    let channel = channel(connection, queue).await?;
    let asked = channel.queue_declare(
        queue.into(),
        QueueDeclareOptions::default().passive(),
        FieldTable::default(),
    );
    Ok(answer("look at queue", queue, asked).await?.message_count())
}

async fn channel(connection: &Connection, target: &str) -> Result<Channel, PortError> {
    answer(
        "open a channel to read",
        target,
        connection.create_channel(),
    )
    .await
}

/// What keeps the broker from being filled by us.
fn arguments(config: &RabbitMqConfig) -> FieldTable {
    let number = |n: u128| AMQPValue::LongLongInt(i64::try_from(n).unwrap_or(i64::MAX));
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), number(config.queue_length.into()));
    arguments.insert(
        "x-overflow".into(),
        AMQPValue::LongString("drop-head".into()),
    );
    arguments.insert("x-expires".into(), number(config.queue_expires.as_millis()));
    arguments
}

fn too_long(queue: &str) -> String {
    format!("queue {queue} is as long as it may be: the oldest messages were thrown away")
}

/// The broker's words do not say what to do.
fn advise(error: PortError, target: &str) -> PortError {
    let advice = match error.kind {
        Kind::Conflict => format!(
            "; it was made with other values of queue_length or queue_hours: delete it \
             (rabbitmqctl delete_queue {target}) and it is made anew"
        ),
        Kind::Denied => "; compare the account's permissions with docs/INSTALL.md".to_owned(),
        _ => String::new(),
    };
    PortError {
        detail: error.detail.clone() + &advice,
        ..error
    }
}
