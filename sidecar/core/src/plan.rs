//! A plan: what will be done, step by step, each with its undo. Plain data, stored before the first effect.

use crate::action::Action;
use crate::ids::{InstanceId, ProjectId, ProjectName, Region};
use crate::instance::ServerRequest;
use serde::{Deserialize, Serialize};

/// What will be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of the stored form.
    pub version: u8,
    /// For which action.
    pub action: Action,
    /// Where.
    pub region: Region,
    /// In which project.
    pub project: ProjectName,
    /// Its Keystone id.
    pub project_id: ProjectId,
    /// To which instance, where it is there already.
    pub instance: Option<InstanceId>,
    /// The instance's name, for people.
    pub name: String,
    /// In order.
    pub steps: Vec<PlannedStep>,
}

impl Plan {
    /// The stored form written now.
    pub const VERSION: u8 = 1;

    /// Whether anything of it can be taken back.
    pub fn can_be_taken_back(&self) -> bool {
        self.steps
            .iter()
            .any(|planned| !matches!(planned.undo, Undo::None { .. }))
    }

    /// One writer at a time per resource: what this plan writes to.
    pub fn resource(&self) -> String {
        match self.instance {
            Some(id) => format!("{}/instance/{id}", self.region),
            None => format!("{}/name/{}/{}", self.region, self.project_id, self.name),
        }
    }
}

/// A step with its undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// What is done.
    pub step: Step,
    /// How it is taken back.
    pub undo: Undo,
}

/// One effect. Each may be run twice and does its work once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
pub enum Step {
    /// Ask Nova for a server, marked with the operation's id.
    CreateServer {
        /// The request.
        server: ServerRequest,
    },
    /// Wait until the server is as wanted.
    AwaitServer {
        /// As wanted.
        goal: Goal,
    },
    /// Soft reboot.
    RebootServer,
    /// Delete.
    DeleteServer,
}

impl Step {
    /// The name, as stored, logged and shown.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateServer { .. } => "create-server",
            Self::AwaitServer { .. } => "await-server",
            Self::RebootServer => "reboot-server",
            Self::DeleteServer => "delete-server",
        }
    }
}

/// What a server is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Running, nothing under way.
    Active,
    /// Not there.
    Gone,
}

/// How a step is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case")]
pub enum Undo {
    /// Delete the server that this operation made.
    DeleteServer,
    /// Nothing can or need be done.
    None {
        /// Why.
        why: String,
    },
}

impl Undo {
    /// No undo, with the reason.
    pub fn none(why: &str) -> Self {
        Self::None {
            why: why.to_owned(),
        }
    }
}
