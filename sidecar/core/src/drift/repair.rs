//! What mends a difference: a plan like any other, or a word to the operator.

use super::{Difference, PageDrift, ServerDrift, differing};
use crate::action::Action;
use crate::authz::{Permit, Target};
use crate::ids::{ProjectId, ProjectName, Region};
use crate::message::Msg;
use crate::plan::{Facts, Plan, PlannedStep, Step};
use crate::ports::PageKey;
use crate::refusal::{Refusal, RefusalKind};

/// Who mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repair {
    /// A plan; these rights are needed for it, all of them.
    Plan(Vec<Action>),
    /// Only an operator can judge; what they are to do.
    Operator(Msg),
}

impl Difference {
    /// How it is mended.
    pub fn repair(&self) -> Repair {
        match self {
            // LDAP says who is a member; what follows from it is put right by who could have done it.
            Self::Place { has: false, .. } => {
                Repair::Plan(vec![Action::DriftRepair, Action::MemberAdd])
            }
            Self::Place { has: true, .. } => {
                Repair::Plan(vec![Action::DriftRepair, Action::MemberRemove])
            }
            Self::Server { .. }
            | Self::Page {
                project: Some(_), ..
            } => Repair::Plan(vec![Action::DriftRepair]),
            // The audit's: who changed what nobody but we may is to be found out first.
            Self::Page { project: None, .. } => Repair::Operator(Msg::new("drift-todo-auditpage")),
            Self::Stray { used: false, .. } => Repair::Plan(vec![Action::InstanceRemoveStray]),
            Self::OnlyInLdap { .. }
            | Self::OnlyInKeystone { .. }
            | Self::PairBroken { .. }
            | Self::UnknownAssigned { .. }
            | Self::Stray { used: true, .. }
            | Self::Stuck { .. } => {
                Repair::Operator(Msg::new(&format!("drift-todo-{}", self.kind())))
            }
        }
    }

    /// What the rules see it as being about.
    pub fn target(&self) -> Target {
        match self {
            Self::Place { grant, .. } => {
                Target::Person(grant.project.clone(), grant.person.clone())
            }
            Self::Server {
                region, project, ..
            }
            | Self::Stray {
                region, project, ..
            } => Target::Project(region.clone(), project.clone()),
            other => match other.project() {
                Some(project) => Target::Project(Region::trusted(""), project.clone()),
                None => Target::Everywhere,
            },
        }
    }

    /// What a plan rests on: where that is otherwise by the time it is confirmed, it is not carried out.
    fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        match self {
            Self::Place { grant, has, .. } => {
                let place = grant.change().resource;
                facts.note(place, if *has { "yes" } else { "no" });
                facts.note(format!("person {}", grant.uid), grant.person.as_str());
            }
            Self::Server { id, what, .. } => facts.note(
                format!("instance {id}"),
                match what {
                    ServerDrift::Unknown => "not known".to_owned(),
                    ServerDrift::Gone => "gone".to_owned(),
                    ServerDrift::Facts { differ, .. } => differing(differ),
                },
            ),
            Self::Page {
                title,
                what,
                revision,
                ..
            } => {
                let what = match what {
                    PageDrift::Missing => "missing",
                    PageDrift::NotMarkedDeleted => "not marked deleted",
                    PageDrift::Differs => "differs",
                };
                facts.note(title.as_str(), format!("{what}, revision {revision}"));
            }
            _ => {}
        }
        facts
    }
}

/// Plans what mends a difference. A stray has a plan of its own: [`crate::instance::plan_remove_stray`].
pub fn plan_repair(
    permit: &Permit,
    difference: &Difference,
    project_id: &ProjectId,
) -> Result<Plan, Refusal> {
    let forbidden = || Refusal::new(RefusalKind::Forbidden, Msg::new("needcloudadmin"));
    if *permit.target() != difference.target() {
        return Err(forbidden());
    }
    let plan = |region: &Region, project: &ProjectName, name: &str, steps| Plan {
        version: Plan::VERSION,
        action: permit.action(),
        region: region.clone(),
        project: project.clone(),
        project_id: project_id.clone(),
        instance: None,
        name: name.to_owned(),
        steps,
        facts: difference.facts(),
    };
    let nowhere = Region::trusted("");
    let written = |page: PageKey| {
        let step = Step::WritePage { page };
        PlannedStep::for_good(step, "it only has the page looked at")
    };
    match difference {
        Difference::Place { grant, has, .. } => {
            let give = || Step::Grant {
                grant: grant.clone(),
            };
            let take = || Step::Withdraw {
                grant: grant.clone(),
                unless_last: false,
            };
            let step = match has {
                false => PlannedStep::undone_by(give(), take()),
                true => PlannedStep::undone_by(take(), give()),
            };
            Ok(plan(&nowhere, &grant.project, &grant.uid, vec![step]))
        }
        Difference::Server {
            region,
            id,
            project,
            name,
            what,
            ..
        } => {
            let read = PlannedStep::for_good(Step::ReadServer, "reading changes nothing");
            // The name that our copy had leads nowhere then.
            let renamed = match what {
                ServerDrift::Facts { old_name, .. } if old_name != name => {
                    Some(written(PageKey::Redirect {
                        region: region.clone(),
                        project: project.clone(),
                        name: old_name.clone(),
                    }))
                }
                _ => None,
            };
            let steps = [read].into_iter().chain(renamed).collect();
            Ok(Plan {
                instance: Some(*id),
                ..plan(region, project, name, steps)
            })
        }
        Difference::Page {
            key,
            title,
            project: Some(project),
            ..
        } => Ok(plan(&nowhere, project, title, vec![written(key.clone())])),
        _ => Err(Refusal::new(
            RefusalKind::Conflict,
            Msg::new("drift-operator"),
        )),
    }
}
