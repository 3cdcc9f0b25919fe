//! What the wiki's recent changes tell of our own operations.

use super::Wiki;
use super::read::{list_at, text_at};
use osm_core::ids::OperationId;
use osm_core::pages::summary;
use osm_core::ports::{Kind, PortError};

/// The tag of our edits: the extension puts it, and nobody can put it by hand.
pub(super) const TAG: &str = "openstackmanager";

impl Wiki {
    /// The operations that the newest of our edits name, each with its page.
    pub(super) async fn told(&self, limit: u32) -> Result<Vec<(OperationId, String)>, PortError> {
        let limit = limit.to_string();
        let reply = self
            .query(
                "recent changes",
                &[
                    ("action", "query"),
                    ("list", "recentchanges"),
                    ("rctag", TAG),
                    ("rcprop", "title|comment"),
                    ("rclimit", &limit),
                ],
            )
            .await?;
        let Some(changes) = reply.pointer("/query/recentchanges") else {
            return Err(PortError::new(
                "wiki",
                "query",
                "recent changes",
                Kind::Protocol,
                "the answer has no list of them",
            ));
        };
        let mut told = Vec::new();
        for change in list_at(changes, "") {
            // Absent where it is hidden.
            let comment = text_at(change, "/comment").unwrap_or_default();
            let title = text_at(change, "/title").unwrap_or_default();
            told.extend(summary::operations(comment).map(|id| (id, title.to_owned())));
        }
        Ok(told)
    }
}
