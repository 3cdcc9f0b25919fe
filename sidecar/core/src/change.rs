//! What a plan has otherwise in the world, named as the audit names it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Something that a step makes otherwise. Its undo makes it as it was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What: begins with the region, or with a slash where it is of no region.
    pub resource: String,
    /// `None`: it was not there.
    pub before: Option<Json>,
    /// `None`: it is no longer there.
    pub after: Option<Json>,
}

impl Change {
    /// The change, or the one back.
    #[must_use]
    pub fn when(self, there: bool) -> Self {
        if there { self } else { self.reversed() }
    }

    /// The change back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            resource: self.resource,
            before: self.after,
            after: self.before,
        }
    }
}
