//! The steps of a plan, each with how it is taken back.

use crate::message::Msg;
use crate::plan::Step;
use serde::{Deserialize, Serialize};

/// A step with its undo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// What is done.
    pub step: Step,
    /// How it is taken back.
    pub undo: Undo,
}

impl PlannedStep {
    /// A step that another one takes back.
    pub fn undone_by(step: Step, back: Step) -> Self {
        let undo = Undo::Do {
            step: Box::new(back),
        };
        Self { step, undo }
    }

    /// A step that cannot be taken back or need not be; `why` is for whoever reads the stored plan.
    pub fn for_good(step: Step, why: &str) -> Self {
        let undo = Undo::None {
            why: why.to_owned(),
        };
        Self { step, undo }
    }

    /// It can be taken back.
    pub fn has_undo(&self) -> bool {
        !matches!(self.undo, Undo::None { .. })
    }

    /// Once done, the world cannot be made as it was.
    pub fn irrevocable(&self) -> bool {
        !self.has_undo() && self.step.has_effect()
    }
}

/// How a step is taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "kebab-case")]
pub enum Undo {
    /// Delete the server that this operation made, if it made one.
    DeleteServer,
    /// Do the opposite.
    Do {
        /// The opposite.
        step: Box<Step>,
    },
    /// Nothing can or need be done.
    None {
        /// Why.
        why: String,
    },
}

impl Undo {
    /// How it is taken back, for people, before anything is done.
    pub fn told(&self, of: &PlannedStep) -> Msg {
        match self {
            Self::DeleteServer => Msg::new("undo-delete-server"),
            Self::Do { .. } => Msg::new("undo-do"),
            Self::None { .. } if of.step.has_effect() => {
                Msg::new(&format!("undo-none-{}", of.step.name()))
            }
            Self::None { .. } => Msg::new("undo-nothing"),
        }
    }
}
