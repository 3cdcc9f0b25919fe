//! Which pages there are.

use crate::ids::{InstanceId, ProjectName, Region};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// A wiki page we keep.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "page", rename_all = "kebab-case")]
pub enum PageKey {
    /// An instance's page.
    Instance {
        /// Where.
        region: Region,
        /// Which.
        id: InstanceId,
    },
    /// A project's page.
    Project {
        /// Which.
        project: ProjectName,
    },
    /// The redirect `<name>.<project>.<region>`.
    Redirect {
        /// Where.
        region: Region,
        /// In which project.
        project: ProjectName,
        /// The name.
        name: String,
    },
    /// The one page on which a noisy project's instances are summed up.
    Summary {
        /// Which.
        project: ProjectName,
    },
    /// A request's page.
    Request {
        /// Which.
        id: u64,
    },
    /// The overview of all projects.
    Projects,
    /// The overview of all instances.
    Instances,
    /// The page of the audit's anchors.
    Audit,
    /// The combined Server Admin Log.
    Logs,
}

impl PageKey {
    /// As stored: begins with the kind, holds the region first.
    pub fn stored(&self) -> String {
        match self {
            Self::Instance { region, id } => format!("instance/{region}/{id}"),
            Self::Project { project } => format!("project/{project}"),
            Self::Redirect {
                region,
                project,
                name,
            } => format!("redirect/{region}/{project}/{name}"),
            Self::Summary { project } => format!("summary/{project}"),
            Self::Request { id } => format!("request/{id}"),
            Self::Projects => "projects".to_owned(),
            Self::Instances => "instances".to_owned(),
            Self::Audit => "audit".to_owned(),
            Self::Logs => "logs".to_owned(),
        }
    }

    /// Of no interest to readers of recent changes: the system writes it, flagged as a bot's edit.
    pub fn quiet(&self) -> bool {
        !matches!(
            self,
            Self::Instance { .. } | Self::Project { .. } | Self::Request { .. }
        )
    }

    /// How long reasons are gathered before the page is written. Whoever does something looks at its own page
    /// first; what tells of everything would else be saved again at each change anywhere.
    pub fn gathers(&self) -> TimeDelta {
        match self {
            Self::Summary { .. } | Self::Projects | Self::Instances | Self::Logs => {
                TimeDelta::seconds(10)
            }
            Self::Instance { .. }
            | Self::Project { .. }
            | Self::Request { .. }
            | Self::Redirect { .. }
            | Self::Audit => TimeDelta::zero(),
        }
    }
}
