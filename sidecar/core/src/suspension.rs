//! Who is blocked on the whole wiki is out of their projects until the block ends.
//!
//! What they have in a project is kept before it is taken, and given back from what was kept. Each project is an
//! operation of its own: what cannot be done in one leaves nobody in the others.

use crate::action::Action;
use crate::authz::{Permit, Target};
use crate::ids::{EntryUuid, OperationId, ProjectName, Region};
use crate::membership::{Grant, Place};
use crate::message::Msg;
use crate::plan::{Facts, Plan, PlannedStep, Step};
use crate::ports::OperationState;
use crate::project::ManagedProject;
use crate::refusal::{Refusal, RefusalKind};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The fact that says who blocked them.
const BLOCKED_BY: &str = "blocked by";

/// What a person had in a project when they were suspended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Suspension {
    /// The person's LDAP entry.
    pub person: EntryUuid,
    pub wiki_user_id: u64,
    pub project: ProjectName,
    /// Its LDAP entry: a new project of the same name is another.
    pub project_entry: EntryUuid,
    /// To be given back.
    pub kept: Vec<Grant>,
    /// Who blocked them.
    pub by: String,
    pub since: DateTime<Utc>,
    /// The operation that is at work on it, or was last.
    pub latest: OperationId,
    /// That one gives back.
    pub back: bool,
}

/// What is next for a person in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// All is as it is to be.
    Nothing,
    /// An operation is at work, or has failed: to be looked at again.
    Wait,
    /// They are taken out.
    Suspend,
    /// They are given back what was kept.
    Reinstate,
    /// They have it back: nothing is kept any more.
    Forget,
}

/// What is next: whether they are blocked, what is kept and how its latest operation stands, whether they have any
/// place there now; `again` tries anew what has failed.
pub fn next(
    blocked: bool,
    kept: Option<(&Suspension, OperationState)>,
    holds: bool,
    again: bool,
) -> Next {
    let Some((kept, state)) = kept else {
        return match blocked && holds {
            true => Next::Suspend,
            false => Next::Nothing,
        };
    };
    let done = state == OperationState::Done;
    match (blocked, kept.back) {
        // What is parked is for a person to look at.
        _ if !state.over() || state == OperationState::Parked => Next::Wait,
        (false, true) if done => Next::Forget,
        (true, _) if !holds => Next::Nothing,
        (true, _) if done || again => Next::Suspend,
        (false, false) => Next::Reinstate,
        (false, true) if again => Next::Reinstate,
        _ => Next::Wait,
    }
}

/// All that is to be given back: what was kept before, and what they had now.
pub fn kept_with(before: &[Grant], held: &[Grant]) -> Vec<Grant> {
    let same = |one: &Grant, other: &Grant| {
        one.project_entry == other.project_entry && one.place == other.place
    };
    let mut kept = before.to_vec();
    for grant in held {
        if !kept.iter().any(|known| same(known, grant)) {
            kept.push(grant.clone());
        }
    }
    kept
}

/// Plans to take a person out of a project with all that they hold there: what counts goes before what follows it.
/// The last project admin goes as well. What was taken stays taken though the rest fails: only the end of the block
/// gives it back.
pub fn plan_suspend(
    permit: &Permit,
    managed: &ManagedProject,
    held: &[Grant],
    by: &str,
) -> Result<Plan, Refusal> {
    let mut places = theirs(permit, managed, held, Action::PersonSuspend)?;
    places.sort_by_key(|grant| rank(&grant.place));
    plan(permit, managed, &places, by, |grant| {
        let taken = Step::Withdraw {
            grant,
            unless_last: false,
        };
        PlannedStep::for_good(taken, "it is given back when the block ends")
    })
}

/// Plans to give a person back what was kept of a project and they do not have: what counts comes last.
pub fn plan_reinstate(
    permit: &Permit,
    managed: &ManagedProject,
    missing: &[Grant],
    by: &str,
) -> Result<Plan, Refusal> {
    let mut places = theirs(permit, managed, missing, Action::PersonReinstate)?;
    // On the way in as on the way out, but for the role, which comes before what counts.
    places.sort_by_key(|grant| match grant.place {
        Place::Group => 0,
        Place::Cloud { .. } => 1,
        Place::Role { .. } => 2,
        Place::Project => 3,
    });
    plan(permit, managed, &places, by, |grant| {
        let back = Step::Withdraw {
            grant: grant.clone(),
            unless_last: false,
        };
        PlannedStep::undone_by(Step::Grant { grant }, back)
    })
}

/// Who blocked the person whom a plan suspends or reinstates.
pub fn blocked_by(plan: &Plan) -> &str {
    plan.facts.0.get(BLOCKED_BY).map_or("", String::as_str)
}

fn rank(place: &Place) -> u8 {
    match place {
        Place::Role { .. } => 0,
        Place::Project => 1,
        Place::Group => 2,
        Place::Cloud { .. } => 3,
    }
}

/// Those of the person whom the permit is for, in this very project.
fn theirs(
    permit: &Permit,
    managed: &ManagedProject,
    grants: &[Grant],
    action: Action,
) -> Result<Vec<Grant>, Refusal> {
    let project = &managed.project;
    let no = |why: &str| {
        let why = Msg::new(why).with(project.name.as_str());
        Err(Refusal::new(RefusalKind::Forbidden, why))
    };
    let Target::Person(allowed, entry) = permit.target() else {
        return no("noaccount");
    };
    if permit.action() != action || *allowed != project.name {
        return no("noaccount");
    }
    let of_them = |grant: &&Grant| grant.person == *entry && grant.project_entry == project.entry;
    let theirs: Vec<Grant> = grants.iter().filter(of_them).cloned().collect();
    match theirs.is_empty() {
        true => no("noaccount"),
        false => Ok(theirs),
    }
}

fn plan(
    permit: &Permit,
    managed: &ManagedProject,
    places: &[Grant],
    by: &str,
    step: impl Fn(Grant) -> PlannedStep,
) -> Result<Plan, Refusal> {
    let project = &managed.project;
    let mut facts = Facts::default();
    facts.note(format!("project {}", project.name), project.entry.as_str());
    facts.note("Keystone project", managed.project_id.as_str());
    facts.note(BLOCKED_BY, by);
    let uid = places.first().map(|grant| grant.uid.clone());
    Ok(Plan {
        version: Plan::VERSION,
        action: permit.action(),
        // Membership is of no region.
        region: Region::trusted(""),
        project: project.name.clone(),
        project_id: managed.project_id.clone(),
        instance: None,
        name: uid.unwrap_or_default(),
        steps: places.iter().cloned().map(step).collect(),
        facts,
    })
}
