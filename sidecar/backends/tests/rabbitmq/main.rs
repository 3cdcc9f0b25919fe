//! The RabbitMQ adapter: what real notifications hold, and the lab's broker.
//!
//! `eval "$(tests/lab/lab env)"; cargo test -p osm-backends --test rabbitmq -- --ignored`

// Clippy takes helpers of tests for no tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod decode;
mod lab;

use serde_json::{Value, json};

/// Notifications of a real cloud (the lab's), in the order heard, without what is not used.
fn samples() -> Vec<(String, String, Value)> {
    let all: Vec<Value> = serde_json::from_str(include_str!("notifications.json")).unwrap();
    all.into_iter()
        .map(|sample| {
            let text = |key: &str| sample[key].as_str().unwrap().to_owned();
            (
                text("exchange"),
                text("routing_key"),
                sample["message"].clone(),
            )
        })
        .collect()
}

/// The n-th of a kind.
fn sample(event: &str, n: usize) -> (String, String, Value) {
    samples()
        .into_iter()
        .filter(|(_, _, message)| message["event_type"] == event)
        .nth(n)
        .expect(event)
}

/// As oslo.messaging puts a message into a body.
fn body(message: &Value) -> Vec<u8> {
    json!({"oslo.version": "2.0", "oslo.message": message.to_string()})
        .to_string()
        .into_bytes()
}
