//! CSRF tokens, and the proof that a session is the one meant.

use super::Wiki;
use super::fault::Failure;
use super::http::Exchange;
use osm_core::ports::{EditAs, Kind};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Who we are in the wiki's eyes when we act for somebody.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The user's name: said with each edit, so that MediaWiki refuses where it is another's.
    pub name: String,
    pub token: String,
}

/// Sessions by user id; 0 is the system user.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<u64, Session>>);

impl Sessions {
    fn get(&self, by: &EditAs) -> Option<Session> {
        self.lock().get(&key(by)).cloned()
    }

    fn put(&self, by: &EditAs, session: Session) {
        self.lock().insert(key(by), session);
    }

    pub fn forget(&self, by: &EditAs) {
        self.lock().remove(&key(by));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Session>> {
        // Each change is one insert or remove: a panic elsewhere leaves the map whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(by: &EditAs) -> u64 {
    match by {
        EditAs::User(id) => *id,
        EditAs::System { .. } => 0,
    }
}

impl Wiki {
    /// The session of a user, asked for where it is not known yet.
    pub(super) async fn session(&self, by: &EditAs) -> Result<Session, Failure> {
        if let Some(session) = self.sessions.get(by) {
            return Ok(session);
        }
        let reply = self
            .http
            .exchange(&Exchange {
                operation: "get a token",
                target: "",
                by,
                parent: None,
                parameters: &[("action", "query"), ("meta", "tokens|userinfo")],
            })
            .await?;
        let text = |path: &str| {
            reply
                .pointer(path)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let id = reply.pointer("/query/userinfo/id").and_then(Value::as_u64);
        let right_one = match by {
            EditAs::User(wanted) => id == Some(*wanted),
            EditAs::System { .. } => id.is_some_and(|id| id != 0),
        };
        let session = Session {
            name: text("/query/userinfo/name").to_owned(),
            token: text("/query/tokens/csrftoken").to_owned(),
        };
        if !right_one || session.name.is_empty() || session.token.is_empty() {
            return Err(Failure::exchange(
                Kind::Denied,
                format!(
                    "the wiki gave a session of user {id:?} instead; is the extension's session provider on?"
                ),
            ));
        }
        self.sessions.put(by, session.clone());
        Ok(session)
    }
}
