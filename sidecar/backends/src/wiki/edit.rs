//! Saving pages.

use super::http::Exchange;
use super::{PAUSES, Wiki};
use async_trait::async_trait;
use osm_core::pages::title::is_request;
use osm_core::ports::{Edit, EditAs, Edited, Kind, PortError, WikiWrite};
use serde_json::Value;

#[async_trait]
impl WikiWrite for Wiki {
    async fn edit(&self, edit: &Edit) -> Result<Edited, PortError> {
        let mut pauses = PAUSES.iter();
        let mut fresh_session = false;
        loop {
            let failure = match self.try_edit(edit).await {
                Ok(reply) => return edited(edit, &reply),
                Err(failure) => failure,
            };
            if failure.of_session() && !fresh_session {
                // The token has run out, or the user was renamed.
                self.sessions.forget(&edit.by);
                fresh_session = true;
                continue;
            }
            match pauses.next() {
                // Only where nothing can have happened: whether a lost edit was saved, the caller reads.
                Some(pause) if failure.busy() => failure.pause(*pause).await,
                _ => return failure.into_edited(&edit.title),
            }
        }
    }
}

impl Wiki {
    async fn try_edit(&self, edit: &Edit) -> Result<Value, super::Failure> {
        let session = self.session(&edit.by).await?;
        let parent = edit.parent.to_string();
        let mut parameters = vec![
            ("action", "edit"),
            ("title", edit.title.as_str()),
            ("text", edit.text.as_str()),
            ("summary", edit.summary.as_str()),
            ("assertuser", session.name.as_str()),
            ("maxlag", "5"),
            ("watchlist", watchlist(edit)),
        ];
        if edit.parent == 0 {
            parameters.push(("createonly", "1"));
        } else {
            parameters.extend([("nocreate", "1"), ("baserevid", parent.as_str())]);
        }
        if edit.by == (EditAs::System { bot: true }) {
            parameters.push(("bot", "1"));
        }
        // Last, so that an edit cut short on its way has no token.
        parameters.push(("token", session.token.as_str()));
        self.http
            .exchange(&Exchange {
                operation: "edit",
                target: &edit.title,
                by: &edit.by,
                parent: Some(edit.parent),
                parameters: &parameters,
            })
            .await
    }
}

/// Reads MediaWiki's answer to an edit that it did not answer with an error.
fn edited(edit: &Edit, reply: &Value) -> Result<Edited, PortError> {
    let protocol = |detail: &str| {
        Err(PortError::new(
            "wiki",
            "edit",
            &edit.title,
            Kind::Protocol,
            detail,
        ))
    };
    let Some(result) = reply.get("edit") else {
        return protocol("the answer does not say what came of it");
    };
    let number = |name: &str| result.get(name).and_then(Value::as_u64);
    if result.get("result").and_then(Value::as_str) != Some("Success") {
        // Captchas and some filters answer so.
        let text = |name: &str| result.get(name).and_then(Value::as_str);
        let named = ["captcha", "spamblacklist", "abusefilter"]
            .into_iter()
            .find(|n| result.get(*n).is_some());
        return Ok(Edited::Refused {
            code: text("code").or(named).unwrap_or("failure").to_owned(),
            info: text("info")
                .or(text("warning"))
                .unwrap_or("the wiki did not save it")
                .to_owned(),
        });
    }
    if result.get("nochange").and_then(Value::as_bool) == Some(true) {
        return Ok(Edited::Unchanged);
    }
    match (number("pageid"), number("newrevid")) {
        (Some(page_id), Some(revision)) => Ok(Edited::Saved { page_id, revision }),
        _ => protocol("the answer names no revision"),
    }
}

/// What the system writes for a person is not what they chose to watch, but who asks for something wants to hear what
/// becomes of it.
fn watchlist(edit: &Edit) -> &'static str {
    match is_request(&edit.title) && edit.parent == 0 {
        true => "watch",
        false => "nochange",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers() {
        let edit = Edit {
            title: "X".to_owned(),
            text: String::new(),
            summary: String::new(),
            by: EditAs::User(1),
            parent: 7,
        };
        let refused = |code: &str, info: &str| Edited::Refused {
            code: code.to_owned(),
            info: info.to_owned(),
        };
        for (reply, wanted) in [
            (
                json!({"edit": {"result": "Success", "pageid": 3, "oldrevid": 7, "newrevid": 8}}),
                Edited::Saved {
                    page_id: 3,
                    revision: 8,
                },
            ),
            (
                json!({"edit": {"result": "Success", "pageid": 3, "nochange": true}}),
                Edited::Unchanged,
            ),
            (
                json!({"edit": {"result": "Failure", "captcha": {"type": "simple"}}}),
                refused("captcha", "the wiki did not save it"),
            ),
            (
                json!({"edit": {"result": "Failure", "code": "abusefilter-warning", "info": "Hit filter"}}),
                refused("abusefilter-warning", "Hit filter"),
            ),
        ] {
            assert_eq!(super::edited(&edit, &reply).unwrap(), wanted);
        }
        assert!(
            super::edited(&edit, &json!({"batchcomplete": true}))
                .unwrap_err()
                .uncertain()
        );
        assert!(super::edited(&edit, &json!({"edit": {"result": "Success"}})).is_err());
    }
}
