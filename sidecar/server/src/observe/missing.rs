//! Servers that our copy has and Nova did not list. An empty answer is no word on any of them: each is asked for.

use crate::telemetry::metrics;
use osm_core::instance::Instance;
use osm_core::ports::PortError;
use tracing::{info, warn};

/// The server as one that is no more, where Nova says so. One that cannot be asked for keeps nobody from hearing
/// of the others; the next full comparison asks for it again.
pub(super) fn gone(
    known: Instance,
    asked: Result<Option<Instance>, PortError>,
) -> Option<Instance> {
    match asked {
        Ok(Some(_)) => None,
        Ok(None) => {
            info!(instance = %known.id, "Nova says it is gone");
            Some(Instance {
                status: "DELETED".to_owned(),
                ..known
            })
        }
        Err(error) => {
            warn!(%error, instance = %known.id, "not listed, and not to be asked for either");
            metrics::backend_error(&error);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::looks::tests::known;
    use super::*;
    use osm_core::ports::Kind;

    #[test]
    fn an_error_is_no_word_on_it_and_no_reason_to_stop() {
        let server = || known().instance;
        let error = PortError::new("nova", "show", "it", Kind::Unavailable, "502");
        assert_eq!(gone(server(), Err(error)), None);
        assert_eq!(gone(server(), Ok(Some(server()))), None);
        let deleted = gone(server(), Ok(None)).map(|gone| gone.status);
        assert_eq!(deleted.as_deref(), Some("DELETED"));
    }
}
