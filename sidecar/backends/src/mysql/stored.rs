//! JSON as stored: each with the version of its form, so that a later one can be told from it.

use super::failure::Failure;
use osm_core::message::Msg;
use osm_core::plan::Plan;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u8,
    data: T,
}

fn unreadable(what: &'static str, why: impl ToString) -> Failure {
    Failure::Stored {
        what,
        why: why.to_string(),
    }
}

/// Text to store.
pub(super) fn encode<T: Serialize>(what: &'static str, data: T) -> Result<String, Failure> {
    serde_json::to_string(&Versioned { v: VERSION, data }).map_err(|e| unreadable(what, e))
}

/// What was stored; refused where its version is another than ours.
pub(super) fn decode<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Failure> {
    #[derive(Deserialize)]
    struct Version {
        v: u8,
    }
    let Version { v } = serde_json::from_str(text).map_err(|e| unreadable(what, e))?;
    if v != VERSION {
        return Err(unreadable(
            what,
            format!("its version is {v}, not {VERSION}"),
        ));
    }
    let stored: Versioned<T> = serde_json::from_str(text).map_err(|e| unreadable(what, e))?;
    Ok(stored.data)
}

/// A plan carries its own version.
pub(super) fn encode_plan(plan: &Plan) -> Result<String, Failure> {
    serde_json::to_string(plan).map_err(|e| unreadable("plan", e))
}

/// A plan as stored.
pub(super) fn decode_plan(text: &str) -> Result<Plan, Failure> {
    #[derive(Deserialize)]
    struct Version {
        version: u8,
    }
    let Version { version } = serde_json::from_str(text).map_err(|e| unreadable("plan", e))?;
    if version != Plan::VERSION {
        return Err(unreadable(
            "plan",
            format!("its version is {version}, not {}", Plan::VERSION),
        ));
    }
    serde_json::from_str(text).map_err(|e| unreadable("plan", e))
}

/// A message, where there is one.
pub(super) fn encode_msg(msg: Option<&Msg>) -> Result<Option<String>, Failure> {
    msg.map(|msg| encode("message", msg)).transpose()
}

/// A message as stored.
pub(super) fn decode_msg(text: Option<String>) -> Result<Option<Msg>, Failure> {
    text.map(|text| decode("message", &text)).transpose()
}

/// What can be read; a newer replica's row must not hide the others from this one.
pub(super) fn readable<T>(row: &str, read: Result<T, Failure>) -> Option<T> {
    read.inspect_err(|failure| tracing::warn!(row, %failure, "left out"))
        .ok()
}
