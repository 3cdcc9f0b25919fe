//! Answers of the HTTP layer itself. A "no" of the rules is not among them: it is a view.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request got no view.
#[derive(Debug)]
pub(super) enum Fault {
    /// Not signed as it must be. What exactly was wrong is in the log only.
    Unauthorized,
    /// Signed, but not an envelope; the text says which part.
    Malformed(String),
    /// No special page or module of that name.
    NoSuchName,
    /// No such path.
    NoSuchRoute,
    /// Only POST, or only GET.
    Method,
    /// The body is larger than the limit.
    TooLarge,
    /// Too many requests are under way.
    Busy,
    /// It took too long.
    Timeout,
    /// Nonces cannot be remembered.
    Database,
    /// A mistake of ours.
    Internal,
}

impl Fault {
    fn parts(&self) -> (StatusCode, &'static str, &str) {
        match self {
            Self::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "badsignature",
                "The request is not signed as it must be; the sidecar's log says why.",
            ),
            Self::Malformed(what) => (StatusCode::BAD_REQUEST, "malformed", what),
            Self::NoSuchName => (
                StatusCode::NOT_FOUND,
                "nosuchname",
                "There is no special page or module of that name; shim and sidecar may be of different versions.",
            ),
            Self::NoSuchRoute => (
                StatusCode::NOT_FOUND,
                "nosuchroute",
                "There is no such path.",
            ),
            Self::Method => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "This path is asked for by another method.",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "toolarge",
                "The body is larger than 1 MiB.",
            ),
            Self::Busy => (
                StatusCode::TOO_MANY_REQUESTS,
                "busy",
                "Too many requests are under way; try again in a second.",
            ),
            Self::Timeout => (
                StatusCode::SERVICE_UNAVAILABLE,
                "timeout",
                "It took too long; what was recorded goes on.",
            ),
            Self::Database => (
                StatusCode::SERVICE_UNAVAILABLE,
                "database",
                "The sidecar's database does not answer; nothing was done.",
            ),
            Self::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "The sidecar made a mistake; its log has the place.",
            ),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, code, message) = self.parts();
        let body = axum::Json(json!({"error": {"code": code, "message": message}}));
        let mut response = (status, body).into_response();
        if let Self::Busy = self {
            let second = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, second);
        }
        response
    }
}
