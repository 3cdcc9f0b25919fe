//! What the system itself logs: operations, in the projects that want it.

use super::{LONGEST, LogName, NewEntry, grammar::clean};
use crate::action::Action;
use crate::ids::ProjectName;
use crate::pages::encode::cut;
use crate::plan::Plan;
use crate::ports::Operation;
use crate::suspension::blocked_by;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;

/// The projects whose operations stand in their logs.
#[derive(Clone, Debug, Default)]
pub struct Loggers(BTreeSet<String>);

impl Loggers {
    /// Of these names; `*` is all.
    pub fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(names.into_iter().collect())
    }

    fn include(&self, project: &ProjectName) -> bool {
        self.0.contains("*") || self.0.contains(project.as_str())
    }

    /// What is logged of an operation that was carried out: the deed of the person who wished it. Once, whoever
    /// says it how often, since its key is the operation's.
    pub fn entry(&self, operation: &Operation, at: DateTime<Utc>) -> Option<NewEntry> {
        let plan = &operation.plan;
        let message = deed(plan).filter(|_| self.include(&plan.project))?;
        let (id, name) = (operation.wiki_user_id, operation.wiki_user_name.clone());
        Some(NewEntry {
            log: LogName {
                project: plan.project.clone(),
                tool: None,
            },
            key: format!("operation:{}", operation.id),
            at,
            nick: name.clone(),
            by: (id != 0).then_some((id, name)),
            source: "operation".to_owned(),
            undoes: None,
            message: cut(&clean(&message), LONGEST),
        })
    }
}

/// In words, where it is worth a line.
fn deed(plan: &Plan) -> Option<String> {
    let (name, region) = (&plan.name, &plan.region);
    let granted = || plan.steps.first()?.step.granted();
    let person = || Some(&granted()?.cn);
    let role = || granted()?.place.role();
    match plan.action {
        Action::InstanceCreate => Some(format!("created instance {name} in {region}")),
        Action::InstanceDelete => Some(format!("deleted instance {name} in {region}")),
        Action::MemberAdd => person().map(|cn| format!("added {cn} to the project")),
        Action::RoleAdd => Some(format!("gave {} the role {}", person()?, role()?)),
        Action::RoleRemove => Some(format!("took the role {} from {}", role()?, person()?)),
        Action::SudoCreate => Some(format!("created the sudo rule {name}")),
        Action::SudoModify => Some(format!("changed the sudo rule {name}")),
        Action::SudoDelete => Some(format!("deleted the sudo rule {name}")),
        Action::MemberRemove => person().map(|cn| format!("removed {cn} from the project")),
        Action::PersonSuspend => person().map(|cn| match blocked_by(plan) {
            "" => format!("suspended {cn}: blocked on the wiki"),
            by => format!("suspended {cn}: blocked on the wiki by {by}"),
        }),
        Action::PersonReinstate => person()
            .map(|cn| format!("gave {cn} back their places: not blocked on the wiki any more")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_projects() {
        let bots = ProjectName::trusted("bots");
        for (names, wanted) in [
            (vec![], false),
            (vec!["bots"], true),
            (vec!["*"], true),
            (vec!["tools"], false),
        ] {
            let loggers = Loggers::new(names.iter().map(|name| (*name).to_owned()));
            assert_eq!(loggers.include(&bots), wanted, "{names:?}");
        }
    }
}
