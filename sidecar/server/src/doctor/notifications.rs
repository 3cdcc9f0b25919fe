//! RabbitMQ: whether it answers, how our queue stands, and which queues fill up because nobody reads them.

use super::Report;
use crate::config::Config;
use osm_core::ports::{Notifications, QueueState};

/// Fewer messages than this in a queue that nobody reads may be those of a service's start.
const FEW: u32 = 100;

pub(super) async fn check(feed: Option<&dyn Notifications>, config: &Config, report: &mut Report) {
    let (Some(feed), Some(rabbitmq)) = (feed, &config.rabbitmq) else {
        return report.warn(
            "rabbitmq",
            "notifications are not listened to: pages follow the cloud by observe.poll_seconds only",
            "give the program an account there and a section [rabbitmq] (docs/INSTALL.md)",
        );
    };
    let (queues, missing) = match feed.queues().await {
        Ok(answer) => answer,
        Err(error) => {
            return report.wrong(
                "rabbitmq",
                &error,
                "see that RabbitMQ runs, and that urls, username and password in [rabbitmq] are right",
            );
        }
    };
    let (ours, others) = match queues.split_first() {
        Some((ours, others)) => (Some(ours), others),
        None => (None, [].as_slice()),
    };
    if let Some(ours) = ours {
        our_queue(ours, rabbitmq.queue_length, report);
    }
    for queue in others {
        unread(queue, report);
    }
    if !missing.is_empty() {
        report.warn(
            "rabbitmq",
            &format!("there is no exchange {} yet", missing.join(", ")),
            "a service makes its own when it first speaks; if it never does, set driver = messagingv2 in \
             [oslo_messaging_notifications] of that service (docs/INSTALL.md)",
        );
    }
    if config.keystone.people_domain_id.is_none() {
        report.warn(
            "rabbitmq",
            "keystone.people_domain_id is not set: what people do past the wiki is told by the system user",
            "set it to the id of the Keystone domain of LDAP's people",
        );
    }
}

fn our_queue(queue: &QueueState, bound: u32, report: &mut Report) {
    let name = &queue.name;
    match queue.waiting {
        None => report.warn(
            "rabbitmq",
            &format!("there is no queue {name}"),
            "start `openstackmanager serve`, which makes it",
        ),
        Some(waiting) if queue.readers == 0 => report.warn(
            "rabbitmq",
            &format!("nobody reads queue {name}, where {waiting} messages wait"),
            "start `openstackmanager serve`; its log says why it does not listen",
        ),
        Some(waiting) if waiting >= bound => report.warn(
            "rabbitmq",
            &format!("queue {name} is full with {waiting} messages: the oldest are thrown away"),
            "see the log of `openstackmanager serve` for what it waits for",
        ),
        Some(waiting) => report.fine(
            "rabbitmq",
            &format!(
                "queue {name}: messages waiting: {waiting}, readers: {}",
                queue.readers
            ),
        ),
    }
}

fn unread(queue: &QueueState, report: &mut Report) {
    if let Some(waiting) = queue.waiting.filter(|waiting| *waiting >= FEW)
        && queue.readers == 0
    {
        report.warn(
            "rabbitmq",
            &format!(
                "nobody reads queue {}, where {waiting} messages wait: it grows until the broker is full",
                queue.name
            ),
            "let whatever reads it run, or delete it and bound its kind by a policy: rabbitmqctl set_policy \
             unread '^(versioned_)?notifications\\.' '{\"max-length\":10000}' --apply-to queues",
        );
    }
}
