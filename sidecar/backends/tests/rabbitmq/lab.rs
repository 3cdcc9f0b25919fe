//! The lab's broker. Each test has a virtual host of its own, with the permissions that docs/INSTALL.md names.

use super::{body, sample};
use lapin::options::{BasicPublishOptions, ExchangeDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties, ExchangeKind};
use osm_backends::rabbitmq::{RabbitMq, RabbitMqConfig};
use osm_backends::secret::Secret;
use osm_core::ports::{
    Content, Event, Heard, Kind, Listening, Notice, Notifications, QueueState, Receipt,
};
use serde_json::json;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use uuid::Uuid;

const NAME: &str = "openstackmanager";
const SERVICES: &str = "nova|neutron|keystone";
const LIMIT: u32 = 5;

fn lab(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name}, from `tests/lab/lab env`"))
}

fn secret(account: &str) -> String {
    let file = PathBuf::from(lab("LAB_DIR")).join(format!("secrets/rabbitmq-{account}"));
    std::fs::read_to_string(file).unwrap().trim_end().to_owned()
}

/// The broker's own tool, as the lab starts the broker.
fn ctl(words: &[&str]) {
    let (port, folder) = (lab("LAB_RABBITMQ_PORT"), lab("LAB_DIR"));
    let done = Command::new("/usr/lib/rabbitmq/bin/rabbitmqctl")
        .args(words)
        .env("HOME", format!("{folder}/rabbitmq"))
        .env("ERL_EPMD_PORT", lab("LAB_EPMD_PORT"))
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_USE_LONGNAME", "true")
        .env("RABBITMQ_NODENAME", format!("osmlab-{port}@127.0.0.1"))
        .output()
        .unwrap();
    assert!(done.status.success(), "{words:?}: {done:?}");
}

/// A virtual host with the exchanges as OpenStack declares them, and our adapter to it.
struct Broker {
    vhost: String,
    adapter: RabbitMq,
    services: Connection,
}

impl Broker {
    async fn new(exchanges: &[&str]) -> Self {
        let vhost = format!("osm-test-{}", Uuid::new_v4().simple());
        ctl(&["add_vhost", &vhost]);
        let all = ".*";
        ctl(&["set_permissions", "-p", &vhost, "openstack", all, all, all]);
        let ours = format!("^{NAME}$");
        let read = format!("^({NAME}|{SERVICES})$");
        ctl(&["set_permissions", "-p", &vhost, NAME, &ours, &ours, &read]);
        let url = format!("amqp://127.0.0.1:{}/{vhost}", lab("LAB_RABBITMQ_PORT"));
        let as_services = url.replacen(
            "amqp://",
            &format!("amqp://openstack:{}@", secret("openstack")),
            1,
        );
        let services = Connection::connect(&as_services, ConnectionProperties::default())
            .await
            .unwrap();
        let adapter = adapter(&url, LIMIT, secret(NAME));
        let broker = Self {
            vhost,
            adapter,
            services,
        };
        for exchange in exchanges {
            broker.declare(exchange).await;
        }
        broker
    }

    async fn declare(&self, exchange: &str) {
        let channel = self.services.create_channel().await.unwrap();
        channel
            .exchange_declare(
                exchange.into(),
                ExchangeKind::Topic,
                ExchangeDeclareOptions::default(),
                FieldTable::default(),
            )
            .await
            .unwrap();
    }

    /// Speaks as Nova does, of a server.
    async fn nova(&self, event: &str, server: Uuid) {
        let (exchange, key, mut message) = sample(event, 0);
        message["payload"]["nova_object.data"]["uuid"] = json!(server);
        self.publish(&exchange, &key, &body(&message)).await;
    }

    async fn publish(&self, exchange: &str, key: &str, body: &[u8]) {
        let channel = self.services.create_channel().await.unwrap();
        channel
            .confirm_select(lapin::options::ConfirmSelectOptions::default())
            .await
            .unwrap();
        channel
            .basic_publish(
                exchange.into(),
                key.into(),
                BasicPublishOptions::default(),
                body,
                BasicProperties::default(),
            )
            .await
            .unwrap()
            .await
            .unwrap();
    }

    fn url(&self) -> String {
        format!(
            "amqp://127.0.0.1:{}/{}",
            lab("LAB_RABBITMQ_PORT"),
            self.vhost
        )
    }

    async fn listen(&self) -> Box<dyn Listening> {
        self.adapter.listen().await.unwrap()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        ctl(&["delete_vhost", &self.vhost]);
    }
}

fn adapter(url: &str, queue_length: u32, password: String) -> RabbitMq {
    RabbitMq::new(RabbitMqConfig {
        urls: vec!["amqp://127.0.0.1:9/%2F".to_owned(), url.to_owned()],
        username: NAME.to_owned(),
        password: Secret::new(password),
        queue: NAME.to_owned(),
        queue_length,
        queue_expires: Duration::from_secs(60),
    })
    .unwrap()
}

async fn next(listening: &mut dyn Listening) -> Heard {
    tokio::time::timeout(Duration::from_secs(20), listening.next())
        .await
        .expect("something is heard")
        .unwrap()
}

async fn missed(listening: &mut dyn Listening) -> String {
    match next(listening).await {
        Heard::Missed(why) => why,
        other => panic!("{other:?}"),
    }
}

async fn message(listening: &mut dyn Listening) -> (Content, Receipt) {
    match next(listening).await {
        Heard::Message { content, receipt } => (content, receipt),
        other => panic!("{other:?}"),
    }
}

async fn server(listening: &mut dyn Listening) -> (Uuid, Receipt) {
    let (content, receipt) = message(listening).await;
    let Content::Notice(notice) = content else {
        panic!("{content:?}");
    };
    match *notice {
        Notice {
            event: Event::Server(told),
            ..
        } => (told.id.0, receipt),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn what_is_not_settled_comes_again_and_what_is_does_not() {
    let broker = Broker::new(&["nova", "neutron", "keystone"]).await;
    let mut listening = broker.listen().await;
    assert!(missed(&mut *listening).await.contains("was not there"));
    let [one, other] = [Uuid::new_v4(), Uuid::new_v4()];
    broker.nova("instance.create.end", one).await;
    broker
        .publish("nova", "versioned_notifications.info", b"no JSON")
        .await;
    broker.nova("instance.create.end", other).await;
    let (heard, settled) = server(&mut *listening).await;
    assert_eq!(heard, one);
    let (unreadable, receipt) = message(&mut *listening).await;
    assert!(matches!(unreadable, Content::Malformed { .. }));
    assert_eq!(server(&mut *listening).await.0, other);
    listening.settle(&[settled, receipt]).await.unwrap();
    drop(listening);

    // The queue was there all the time, so nothing was missed; unversioned ones are not ours.
    let mut again = broker.listen().await;
    let third = Uuid::new_v4();
    broker
        .publish("nova", "notifications.info", b"unversioned")
        .await;
    broker.nova("instance.create.end", third).await;
    let mut heard = [server(&mut *again).await, server(&mut *again).await];
    heard.sort_by_key(|(id, _)| *id != other);
    assert_eq!(heard.map(|(id, _)| id), [other, third]);
    again
        .settle(&heard.map(|(_, receipt)| receipt))
        .await
        .unwrap();
    assert_eq!(again.look_after().await.unwrap(), 0);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_queue_that_nobody_reads_stays_short_and_that_is_noticed() {
    let broker = Broker::new(&["nova", "neutron", "keystone"]).await;
    drop(broker.listen().await);
    let servers: Vec<Uuid> = (0..2 * LIMIT).map(|_| Uuid::new_v4()).collect();
    // The connection's end and these come in any order: what is sent back is bounded as well.
    for server in &servers {
        broker.nova("instance.create.end", *server).await;
    }
    let (queues, missing) = broker.adapter.queues().await.unwrap();
    let ours = QueueState {
        name: NAME.to_owned(),
        waiting: Some(LIMIT),
        readers: 0,
    };
    assert_eq!(queues[0], ours);
    assert!(queues[1..].iter().all(|queue| queue.waiting.is_none()));
    assert_eq!(missing, Vec::<String>::new());

    let mut listening = broker.listen().await;
    assert!(missed(&mut *listening).await.contains("thrown away"));
    for expected in &servers[LIMIT as usize..] {
        assert_eq!(server(&mut *listening).await.0, *expected);
    }
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn exchanges_that_come_later_are_listened_to_and_never_made() {
    let broker = Broker::new(&[]).await;
    let mut listening = broker.listen().await;
    missed(&mut *listening).await;
    let (_, missing) = broker.adapter.queues().await.unwrap();
    assert_eq!(missing, ["nova", "neutron", "keystone"]);
    listening.look_after().await.unwrap();
    assert_eq!(broker.adapter.queues().await.unwrap().1.len(), 3);

    broker.declare("nova").await;
    listening.look_after().await.unwrap();
    assert!(missed(&mut *listening).await.contains("nova"));
    let id = Uuid::new_v4();
    broker.nova("instance.create.end", id).await;
    assert_eq!(server(&mut *listening).await.0, id);
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn failures_say_what_to_do() {
    let broker = Broker::new(&["nova", "neutron", "keystone"]).await;
    drop(broker.listen().await);
    let refusal = |adapter: RabbitMq| async move { adapter.listen().await.err().unwrap() };
    let other = refusal(adapter(&broker.url(), LIMIT + 1, secret(NAME))).await;
    assert_eq!(other.kind, Kind::Conflict);
    assert!(other.detail.contains("rabbitmqctl delete_queue"), "{other}");

    let wrong = "not-the-password";
    let unknown = refusal(adapter(&broker.url(), LIMIT, wrong.to_owned())).await;
    assert_eq!(unknown.kind, Kind::Denied, "{unknown}");
    assert!(!format!("{unknown:?}").contains(wrong));

    ctl(&[
        "set_permissions",
        "-p",
        &broker.vhost,
        NAME,
        "^$",
        "^$",
        "^$",
    ]);
    let denied = refusal(adapter(&broker.url(), LIMIT, secret(NAME))).await;
    assert_eq!(denied.kind, Kind::Denied);
    assert!(denied.detail.contains("docs/INSTALL.md"), "{denied}");
}

#[tokio::test]
#[ignore = "needs the lab"]
async fn a_queue_that_is_taken_away_ends_the_connection() {
    let broker = Broker::new(&["nova", "neutron", "keystone"]).await;
    let mut listening = broker.listen().await;
    missed(&mut *listening).await;
    ctl(&["delete_queue", "-p", &broker.vhost, NAME]);
    assert!(listening.look_after().await.is_err());
    let ended = tokio::time::timeout(Duration::from_secs(20), listening.next()).await;
    assert!(ended.expect("it ends").is_err());
    // And the next one knows that something was missed.
    assert!(
        missed(&mut *broker.listen().await)
            .await
            .contains("was not there")
    );
}
