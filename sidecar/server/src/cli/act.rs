//! An action from the command line, as the wiki's API does it: the same plans, refusals and operations.

use super::english::text;
use super::{Failure, operator, say};
use crate::actions::{ApiReply, ApiRequest, Caller, Context, Params};
use osm_core::ports::WikiRead;
use osm_core::view::FieldValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use ulid::Ulid;

/// What is needed to act for a wiki user.
pub struct Hand {
    /// The actions.
    pub context: Context,
    /// Who is who.
    pub wiki: Arc<dyn WikiRead>,
}

impl Hand {
    /// Calls an API module for a wiki user, whose rights and block are the wiki's word. Says the answer as
    /// JSON, and on standard error a refusal in words; `false` then.
    pub(super) async fn act(
        &self,
        name: &str,
        module: &str,
        words: &[String],
    ) -> Result<bool, Failure> {
        let user = self.wiki.account(name).await?;
        let user = user.ok_or_else(|| Failure::Refused(format!("the wiki has no user {name}")))?;
        let mut params = params(words)?;
        let key = match params.0.remove("idempotencykey") {
            Some(FieldValue::One(key)) => Some(key),
            _ => None,
        };
        let caller = Caller {
            user,
            request_id: by_hand(),
            lang: "en".to_owned(),
            wiki_read_only: None,
        };
        let request = ApiRequest {
            params,
            post: true,
            idempotency_key: key,
        };
        let reply = self.context.api(module, &caller, &request).await;
        let reply = reply.ok_or_else(|| {
            Failure::Refused(format!(
                "there is no action {module}: `openstackmanager contract` lists them"
            ))
        })?;
        // Made of texts and numbers only, so it can always be written.
        say(serde_json::to_string_pretty(&reply).unwrap_or_default());
        match reply {
            ApiReply::Error { error } => {
                eprintln!("openstackmanager: {}", text(&error.message));
                Ok(false)
            }
            ApiReply::Result { .. } => Ok(true),
        }
    }
}

/// The audit and the logs tell by this that it was done here, and who sat at the keyboard.
fn by_hand() -> String {
    let letters: String = operator()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(20)
        .collect();
    format!("cli-{letters}-{}", Ulid::generate())
}

/// `name=value`; a name given several times is a list.
fn params(words: &[String]) -> Result<Params, Failure> {
    let mut params: BTreeMap<String, FieldValue> = BTreeMap::new();
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            return Err(Failure::Refused(format!(
                "{word:?} is no parameter: write it as name=value"
            )));
        };
        let value = value.to_owned();
        let values = match params.remove(name) {
            None => FieldValue::One(value),
            Some(FieldValue::One(first)) => FieldValue::Many(vec![first, value]),
            Some(FieldValue::Many(mut all)) => {
                all.push(value);
                FieldValue::Many(all)
            }
        };
        params.insert(name.to_owned(), values);
    }
    Ok(Params(params))
}
