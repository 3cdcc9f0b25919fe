//! The id by which our request is found again in each service's log.

use std::future::Future;
use uuid::Uuid;

tokio::task_local! {
    static REQUEST_ID: Uuid;
}

/// Runs a future whose calls to OpenStack carry this request's id.
///
/// The services take only `req-<uuid>`. An id that is no UUID becomes one by its name (UUID version 5), so
/// the same id always gives the same; each call's log line shows it.
pub async fn with_request_id<F: Future>(id: &str, future: F) -> F::Output {
    REQUEST_ID.scope(as_uuid(id), future).await
}

/// The id to send; a fresh one outside of any request.
pub(super) fn current() -> String {
    let id = REQUEST_ID
        .try_with(|id| *id)
        .unwrap_or_else(|_| Uuid::new_v4());
    format!("req-{id}")
}

fn as_uuid(id: &str) -> Uuid {
    Uuid::parse_str(id.strip_prefix("req-").unwrap_or(id))
        .unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, id.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_id_of_the_request_is_sent() {
        let id = "0b1c2d3e-0000-4000-8000-123456789abc";
        assert_eq!(
            with_request_id(id, async { current() }).await,
            format!("req-{id}")
        );
        let of_the_wiki = || with_request_id("4f1d2c3b4a5968778695a4b3", async { current() });
        assert_eq!(of_the_wiki().await, of_the_wiki().await);
        assert_ne!(current(), current());
    }
}
