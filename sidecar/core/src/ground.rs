//! On what ground somebody may do something. The decision itself names it, so that what is explained is what is
//! enforced; a refusal names its reason in the same way.

use crate::action::Action;
use crate::authz::PROJECTADMIN;
use crate::ids::{EntryUuid, ProjectName};
use crate::membership::Place;
use crate::message::Msg;
use crate::plan::Step;
use crate::ports::Operation;
use chrono::{DateTime, Utc};

/// What made the answer a yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The wiki's rights `listall` and `manageproject` together.
    CloudAdmin,
    /// The wiki's right `listall`: it is only looked at.
    SeesAll,
    /// It is of no project, and open to everybody who is logged in.
    Everybody,
    /// It is the person's own.
    Own,
    /// The community makes shell accounts, and the wiki's right `loginviashell` is held.
    MayHaveShell,
    /// Everybody with a linked account may.
    Linked,
    /// They administer a project, this one at least.
    Administers(ProjectName),
    /// They are a member of the project.
    Member(ProjectName),
    /// They hold a role in the project.
    Role(ProjectName, String),
    /// It is themselves that they take out of it.
    Leaving(ProjectName),
    /// They asked for it, and a rule grants it.
    Granted,
    /// It is the system's own doing.
    System,
}

impl Ground {
    /// In a line: what somebody is that lets them.
    pub fn told(&self) -> Msg {
        match self {
            Self::CloudAdmin => Msg::new("why-cloudadmin"),
            Self::SeesAll => Msg::new("why-listall"),
            Self::Everybody => Msg::new("why-everybody"),
            Self::Own => Msg::new("why-own"),
            Self::MayHaveShell => Msg::new("why-shell"),
            Self::Linked => Msg::new("why-linked"),
            Self::Administers(project) => {
                let role = Msg::new("why-role").with(PROJECTADMIN);
                role.with(project.as_str())
            }
            Self::Member(project) => Msg::new("why-member").with(project.as_str()),
            Self::Role(project, role) => {
                let role = Msg::new("why-role").with(role.as_str());
                role.with(project.as_str())
            }
            Self::Leaving(project) => Msg::new("why-leaving").with(project.as_str()),
            Self::Granted => Msg::new("why-granted"),
            Self::System => Msg::new("why-system"),
        }
    }

    /// The place in a project that it rests on, which somebody gave at some time.
    pub fn place(&self) -> Option<(&ProjectName, Place)> {
        let role = |role: &str| Place::Role {
            role: role.to_owned(),
        };
        match self {
            Self::Member(project) | Self::Leaving(project) => Some((project, Place::Project)),
            Self::Administers(project) => Some((project, role(PROJECTADMIN))),
            Self::Role(project, name) => Some((project, role(name))),
            _ => None,
        }
    }
}

/// Who gave a place, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Given {
    pub by: String,
    pub at: DateTime<Utc>,
}

/// Who gave a place that somebody has, out of the operations that are done, newest first. Where the last word on it
/// took the place away, or there is none, it was given by other means than ours. A block takes nothing for good, so
/// that and its end say nothing.
pub fn given(done: &[Operation], person: &EntryUuid, place: &Place) -> Option<Given> {
    let block = |of: &Operation| {
        matches!(
            of.plan.action,
            Action::PersonSuspend | Action::PersonReinstate
        )
    };
    let lasting = done.iter().filter(|operation| !block(operation));
    let mut words = lasting.flat_map(|operation| {
        let steps = operation.plan.steps.iter().rev();
        steps.map(move |planned| (operation, &planned.step))
    });
    let about = |step: &Step| {
        let grant = step.granted();
        grant.is_some_and(|grant| grant.person == *person && grant.place == *place)
    };
    let (operation, step) = words.find(|(_, step)| about(step))?;
    matches!(step, Step::Grant { .. }).then(|| Given {
        by: operation.wiki_user_name.clone(),
        at: operation.finished.unwrap_or(operation.created),
    })
}
