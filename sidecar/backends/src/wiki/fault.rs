//! MediaWiki's "no" in our terms.

use osm_core::pages::encode::cut;
use osm_core::ports::{Edited, Kind, PortError};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// A longer wish of the wiki is the caller's business.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why a call did not end well.
#[derive(Debug)]
pub(super) struct Failure {
    why: Why,
    retry_after: Option<Duration>,
    request_id: Option<String>,
}

#[derive(Debug)]
enum Why {
    /// The connection was never made: nothing has happened.
    NotSent(String),
    /// The exchange itself went wrong.
    Exchange(Kind, String),
    /// MediaWiki answered with an error.
    Told { code: String, info: String },
}

/// The wiki cannot write at the moment: nothing has happened.
const BUSY: [&str; 3] = ["readonly", "maxlag", "ratelimited"];
/// The page is not as the parent revision says.
const CONFLICT: [&str; 8] = [
    "editconflict",
    "edit-conflict",
    "articleexists",
    "missingtitle",
    "pagedeleted",
    "edit-already-exists",
    "edit-gone-missing",
    "nosuchrevid",
];
/// The session is not what it was taken for.
const SESSION: [&str; 5] = [
    "badtoken",
    "assertuserfailed",
    "assertnameduserfailed",
    "assertanonfailed",
    "notoken",
];

impl Failure {
    pub fn not_sent(detail: String) -> Self {
        Why::NotSent(detail).into()
    }

    pub fn exchange(kind: Kind, detail: String) -> Self {
        Why::Exchange(kind, detail).into()
    }

    pub fn status(status: u16, retry_after: Option<Duration>) -> Self {
        let kind = match status {
            401 | 403 => Kind::Denied,
            404 => Kind::Rejected,
            413 => Kind::TooLarge,
            429 => Kind::RateLimited(retry_after),
            500.. => Kind::Unavailable,
            _ => Kind::Protocol,
        };
        Self {
            retry_after,
            ..Self::exchange(
                kind,
                format!("HTTP {status} without MediaWiki's word on why"),
            )
        }
    }

    /// The error that an answer tells, if it does.
    pub fn told(reply: &Value, retry_after: Option<Duration>) -> Option<Self> {
        let error = reply.get("errors")?.get(0)?;
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let why = Why::Told {
            code: text("code").to_owned(),
            info: cut(text("text"), 500),
        };
        Some(Self {
            retry_after,
            ..why.into()
        })
    }

    pub fn of_request(self, id: String) -> Self {
        Self {
            request_id: Some(id),
            ..self
        }
    }

    /// Asking again for something that changes nothing may help.
    pub fn passing(&self) -> bool {
        self.busy()
            || match &self.why {
                Why::NotSent(_) => true,
                Why::Exchange(kind, _) => matches!(
                    kind,
                    Kind::Unavailable | Kind::Timeout | Kind::RateLimited(_)
                ),
                Why::Told { code, .. } => code.starts_with("internal_api_error"),
            }
    }

    /// Nothing has happened, and asking again may help.
    pub fn busy(&self) -> bool {
        match &self.why {
            Why::NotSent(_) | Why::Exchange(Kind::RateLimited(_), _) => true,
            Why::Told { code, .. } => BUSY.contains(&code.as_str()),
            Why::Exchange(..) => false,
        }
    }

    /// A new token may help.
    pub fn of_session(&self) -> bool {
        matches!(&self.why, Why::Told { code, .. } if SESSION.contains(&code.as_str()))
    }

    /// Waits as long as the wiki asked for, else as long as said.
    pub async fn pause(&self, otherwise: Duration) {
        tokio::time::sleep(self.retry_after.unwrap_or(otherwise).min(LONGEST_PAUSE)).await;
    }

    /// What an edit came to: MediaWiki's own word on the page is an outcome, all else an error.
    pub fn into_edited(self, target: &str) -> Result<Edited, PortError> {
        match self.why {
            Why::Told { code, .. } if CONFLICT.contains(&code.as_str()) => Ok(Edited::Conflict),
            Why::Told { code, info } if is_refusal(&code) => Ok(Edited::Refused { code, info }),
            _ => Err(self.into_error("edit", target)),
        }
    }

    pub fn into_error(self, operation: &str, target: &str) -> PortError {
        let (kind, detail) = match self.why {
            Why::NotSent(detail) => (Kind::Unavailable, detail),
            Why::Exchange(kind, detail) => (kind, detail),
            Why::Told { code, info } => {
                (kind_of(&code, self.retry_after), format!("{info} ({code})"))
            }
        };
        PortError {
            request_id: self.request_id,
            ..PortError::new("wiki", operation, target, kind, detail)
        }
    }
}

impl From<Why> for Failure {
    fn from(why: Why) -> Self {
        Self {
            why,
            retry_after: None,
            request_id: None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::NotSent(detail) | Why::Exchange(_, detail) => f.write_str(detail),
            Why::Told { code, info } => write!(f, "{info} ({code})"),
        }
    }
}

/// A word on this edit by this user; not on the wiki's state, the session, or our signature.
fn is_refusal(code: &str) -> bool {
    !(BUSY.contains(&code)
        || SESSION.contains(&code)
        || code == "osm-badsignature"
        || code.starts_with("internal_api_error"))
}

fn kind_of(code: &str, retry_after: Option<Duration>) -> Kind {
    match code {
        "ratelimited" => Kind::RateLimited(retry_after),
        "readonly" | "maxlag" => Kind::Unavailable,
        "osm-badsignature" | "osm-nouser" | "permissiondenied" | "readapidenied" => Kind::Denied,
        "missingtitle" | "nosuchpageid" => Kind::NotFound,
        "contenttoobig" => Kind::TooLarge,
        _ if SESSION.contains(&code) => Kind::Denied,
        _ if CONFLICT.contains(&code) => Kind::Conflict,
        _ if code.starts_with("internal_api_error") => Kind::Unavailable,
        _ => Kind::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(code: &str) -> Failure {
        Failure::told(&json!({"errors": [{"code": code, "text": "words"}]}), None).unwrap()
    }

    #[test]
    fn an_edit_ends_as_mediawiki_says() {
        for code in CONFLICT {
            assert_eq!(
                told(code).into_edited("X").unwrap(),
                Edited::Conflict,
                "{code}"
            );
        }
        for code in [
            "protectedpage",
            "blocked",
            "abusefilter-disallowed",
            "titleblacklist-forbidden",
            "spamblacklist",
            "cantcreate",
            "hookaborted",
            "osm-nouser",
            "osm-namespace",
            "readapidenied",
        ] {
            let edited = told(code).into_edited("X").unwrap();
            assert!(
                matches!(edited, Edited::Refused { code: c, .. } if c == code),
                "{code}"
            );
        }
    }

    #[test]
    fn what_may_pass_is_an_error_with_its_class() {
        for (code, kind, busy) in [
            ("readonly", Kind::Unavailable, true),
            ("maxlag", Kind::Unavailable, true),
            ("ratelimited", Kind::RateLimited(None), true),
            ("badtoken", Kind::Denied, false),
            ("osm-badsignature", Kind::Denied, false),
            ("internal_api_error_DBQueryError", Kind::Unavailable, false),
        ] {
            assert_eq!(told(code).busy(), busy, "{code}");
            assert_eq!(
                told(code).into_edited("X").unwrap_err().kind,
                kind,
                "{code}"
            );
        }
        assert!(
            !Failure::exchange(Kind::Timeout, String::new()).busy(),
            "it may have been done"
        );
        assert!(Failure::not_sent(String::new()).busy());
        assert_eq!(
            Failure::status(502, None).into_error("edit", "X").kind,
            Kind::Unavailable
        );
    }
}
