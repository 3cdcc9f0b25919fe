//! Everything the system can do, by name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An action. Each has an entry in the server's catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// See the instances of a project.
    InstanceList,
    /// Start an instance.
    InstanceCreate,
    /// Reboot an instance.
    InstanceReboot,
    /// Read an instance's console output.
    InstanceConsole,
    /// Delete an instance.
    InstanceDelete,
    /// See projects.
    ProjectList,
    /// Follow an operation.
    OperationShow,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::InstanceList,
        Self::InstanceCreate,
        Self::InstanceReboot,
        Self::InstanceConsole,
        Self::InstanceDelete,
        Self::ProjectList,
        Self::OperationShow,
    ];

    /// The name, as stored, logged and configured.
    pub fn name(self) -> &'static str {
        match self {
            Self::InstanceList => "instance-list",
            Self::InstanceCreate => "instance-create",
            Self::InstanceReboot => "instance-reboot",
            Self::InstanceConsole => "instance-console",
            Self::InstanceDelete => "instance-delete",
            Self::ProjectList => "project-list",
            Self::OperationShow => "operation-show",
        }
    }

    /// Whether it changes anything.
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::InstanceCreate | Self::InstanceReboot | Self::InstanceDelete
        )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
