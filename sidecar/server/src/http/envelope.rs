//! The body that the shim sends: who asks, and what they sent.

use super::error::Fault;
use crate::actions::{ApiRequest, Caller, Params, SpecialRequest};
use osm_core::actor::WikiUser;
use serde::Deserialize;

/// The contract's version.
const VERSION: u64 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope {
    v: u64,
    request_id: String,
    actor: WikiUser,
    lang: String,
    read_only: Option<String>,
    method: Method,
    query: Params,
    form: Params,
    idempotency_key: Option<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Method {
    Get,
    Post,
}

impl Envelope {
    /// Parses a signed body; `request_id` is the signed header's.
    pub(super) fn parse(body: &[u8], request_id: &str) -> Result<Self, Fault> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let envelope: Self = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| Fault::Malformed(format!("{}: {}", error.path(), error.inner())))?;
        json.end()
            .map_err(|_| Fault::Malformed("there is more behind the envelope".to_owned()))?;
        match envelope.problem(request_id) {
            None => Ok(envelope),
            Some(problem) => Err(Fault::Malformed(problem.to_owned())),
        }
    }

    fn problem(&self, request_id: &str) -> Option<&'static str> {
        let is_lang = |text: &str| {
            (2..=35).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if self.v != VERSION {
            Some("v: this sidecar speaks version 1; update the older of shim and sidecar")
        } else if self.request_id != request_id {
            Some("request_id: not the one in the header")
        } else if !is_lang(&self.lang) {
            Some("lang: not a language code")
        } else if (self.actor.wiki_user_id == 0) != self.actor.name.is_empty() {
            Some("actor: a user has an id and a name, nobody has neither")
        } else if self.method == Method::Get && !self.form.0.is_empty() {
            Some("form: a GET has none")
        } else {
            None
        }
    }

    pub(super) fn user_id(&self) -> u64 {
        self.actor.wiki_user_id
    }

    pub(super) fn post(&self) -> bool {
        self.method == Method::Post
    }

    pub(super) fn into_special(self) -> (Caller, SpecialRequest) {
        let request = SpecialRequest {
            post: self.post(),
            query: self.query,
            form: self.form,
            idempotency_key: self.idempotency_key,
        };
        (
            caller(self.actor, self.request_id, self.lang, self.read_only),
            request,
        )
    }

    pub(super) fn into_api(self) -> (Caller, ApiRequest) {
        let post = self.post();
        // The API makes no difference between the two places a parameter can stand in.
        let mut params = self.query;
        params.0.extend(self.form.0);
        let request = ApiRequest {
            params,
            post,
            idempotency_key: self.idempotency_key,
        };
        (
            caller(self.actor, self.request_id, self.lang, self.read_only),
            request,
        )
    }
}

fn caller(user: WikiUser, request_id: String, lang: String, read_only: Option<String>) -> Caller {
    Caller {
        user,
        request_id,
        lang,
        wiki_read_only: read_only,
    }
}
