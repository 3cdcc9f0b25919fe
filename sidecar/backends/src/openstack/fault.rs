//! A service's "no", in our terms.

use super::http::Reply;
use super::request::{Request, Service};
use crate::secret::Secret;
use osm_core::ports::{Kind, PortError};
use serde_json::Value;

/// How much of a service's message is kept.
const LONGEST: usize = 300;

/// The error that a reply without success means.
pub(super) fn error(request: &Request, reply: &Reply, secret: &Secret) -> PortError {
    let fault = Fault::read(&reply.body);
    let status = reply.status.as_u16();
    let said = fault.as_ref().map(|f| f.message.to_lowercase());
    let said = said.as_deref().unwrap_or_default();
    let over_quota = [
        "quota exceeded",
        "over a limit",
        "maximum number of ports exceeded",
    ];
    let kind = match status {
        403 | 409 | 413 if over_quota.iter().any(|words| said.contains(words)) => Kind::Quota,
        401 | 403 => Kind::Denied,
        // Only the service itself can say that there is no such thing, not something on the way to it.
        404 if fault
            .as_ref()
            .is_some_and(|f| f.speaks_for(request.service)) =>
        {
            Kind::NotFound
        }
        404 => Kind::Protocol,
        409 => Kind::Conflict,
        // Nova's word of old for too many requests.
        413 if reply.retry_after().is_some() => Kind::RateLimited(reply.retry_after()),
        413 => Kind::TooLarge,
        429 => Kind::RateLimited(reply.retry_after()),
        400..=499 => Kind::Rejected,
        500..=599 => Kind::Unavailable,
        _ => Kind::Protocol,
    };
    let detail = match &fault {
        Some(fault) => format!("{} (HTTP {status})", hide(&fault.message, secret)),
        None if status == 404 => format!(
            "HTTP {status} from something that is not {}; is its address in the catalogue right?",
            request.service.system()
        ),
        None => format!("HTTP {status} without a message"),
    };
    let mut error = request.error(kind, detail);
    error.request_id = reply.request_id();
    error
}

/// One line of bounded length.
pub(super) fn shorten(text: &str) -> String {
    // The services' web layer ends its messages so.
    let text = text.replace("<br />", " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

fn hide(message: &str, secret: &Secret) -> String {
    let message = if secret.expose().is_empty() {
        message.to_owned()
    } else {
        message.replace(secret.expose(), "(hidden)")
    };
    shorten(&message)
}

struct Fault {
    message: String,
    /// `{"itemNotFound": {"message": …}}`, as against `{"message": …}`.
    nested: bool,
}

impl Fault {
    fn read(body: &[u8]) -> Option<Self> {
        let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
            return None;
        };
        let nested = body
            .values()
            .find_map(|v| v.get("message")?.as_str())
            .or_else(|| body.get("NeutronError")?.as_str());
        let (message, nested) = match nested {
            Some(message) => (message, true),
            None => (body.get("message")?.as_str()?, false),
        };
        let page = message.to_ascii_lowercase();
        let html = page.contains("<html") || page.contains("<!doctype");
        (!html).then(|| Self {
            message: message.to_owned(),
            nested,
        })
    }

    /// A flat fault comes from the services' common web layer (an address that leads nowhere);
    /// Glance alone uses that form for its own.
    fn speaks_for(&self, service: Service) -> bool {
        self.nested || service == Service::Image
    }
}
