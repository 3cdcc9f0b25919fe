//! Who is in a project: what a person is given there, and the plans that give it and take it away.
//!
//! LDAP's project entry decides; its posix group, its roles and Keystone's assignments go with it.

use crate::action::Action;
use crate::actor::Person;
use crate::authz::{PROJECTADMIN, Permit, Target, is_cloudadmin};
use crate::ids::{EntryUuid, ProjectName, Region};
use crate::message::Msg;
use crate::plan::{Change, Facts, Plan, PlannedStep, Step};
use crate::project::{ManagedProject, Project};
use crate::refusal::{Refusal, RefusalKind};
use crate::sudo::{self, Rule};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A person's place in a project. It names entries by what no rename changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The project.
    pub project: ProjectName,
    /// Its LDAP entry.
    pub project_entry: EntryUuid,
    /// The person's LDAP entry.
    pub person: EntryUuid,
    /// The person's shell name when it was planned.
    pub uid: String,
    /// The person's name then, for people.
    pub cn: String,
    /// Which place.
    pub place: Place,
}

/// The places that a person can have in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", rename_all = "kebab-case")]
pub enum Place {
    /// Among the members of the project's LDAP entry: this is what counts.
    Project,
    /// Among the members of the posix group `project-<name>`.
    Group,
    /// Among the holders of a role of the project in LDAP.
    Role {
        /// The role.
        role: String,
    },
    /// Among those to whom Keystone has assigned a role in the project.
    Cloud {
        /// Keystone's name of the role.
        role: String,
    },
}

impl Place {
    /// The name of the step that gives it.
    pub fn granting(&self) -> &'static str {
        match self {
            Self::Project => "grant-project",
            Self::Group => "grant-group",
            Self::Role { .. } => "grant-role",
            Self::Cloud { .. } => "grant-cloud",
        }
    }

    /// The name of the step that takes it away.
    pub fn withdrawing(&self) -> &'static str {
        match self {
            Self::Project => "withdraw-project",
            Self::Group => "withdraw-group",
            Self::Role { .. } => "withdraw-role",
            Self::Cloud { .. } => "withdraw-cloud",
        }
    }

    /// The role, where it is one.
    pub fn role(&self) -> Option<&str> {
        match self {
            Self::Project | Self::Group => None,
            Self::Role { role } | Self::Cloud { role } => Some(role),
        }
    }
}

impl Grant {
    /// A person's place in a project.
    pub fn of(person: &Person, project: &Project, place: Place) -> Self {
        Self {
            project: project.name.clone(),
            project_entry: project.entry.clone(),
            person: person.entry.clone(),
            uid: person.uid.clone(),
            cn: person.cn.clone(),
            place,
        }
    }

    /// What an operation about it writes to: one at a time changes a person's places in a project.
    pub fn resource(&self) -> String {
        format!("/member/{}/{}", self.project, self.person)
    }

    /// What is otherwise once it is given.
    pub fn change(&self) -> Change {
        let kind = match &self.place {
            Place::Project => "member".to_owned(),
            Place::Group => "group".to_owned(),
            Place::Role { role } => format!("role/{}", part(role)),
            Place::Cloud { role } => format!("keystone/{}", part(role)),
        };
        Change {
            resource: format!("/project/{}/{kind}/{}", self.project, part(&self.uid)),
            before: None,
            after: Some(json!({"entry": self.person})),
        }
    }
}

/// A name as one part of a resource's: what is below a resource goes with it.
pub(crate) fn part(name: &str) -> String {
    name.replace('%', "%25").replace('/', "%2F")
}

/// What a plan for somebody's membership is made from.
#[derive(Clone, Debug)]
pub struct MembershipFacts {
    /// The project with its people.
    pub managed: ManagedProject,
    /// The name that was asked for.
    pub asked: String,
    /// Whose it is; `None` where nobody in LDAP has it.
    pub person: Option<Person>,
    /// Whether the person is in the project's posix group; `None` where there is no such group.
    pub in_group: Option<bool>,
    /// The role that members hold in Keystone, and whether it is assigned to the person; `None` where we have
    /// no account to assign it with.
    pub cloud_role: Option<(String, bool)>,
    /// Where it is about a role: whether the project has it.
    pub has_role: bool,
    /// Where it is about leaving the project: its sudo rules.
    pub rules: Vec<Rule>,
}

impl MembershipFacts {
    /// The person, whom the permit must be for.
    fn person(&self, permit: &Permit) -> Result<&Person, Refusal> {
        let project = &self.managed.project.name;
        let person = self.person.as_ref().ok_or_else(|| {
            let kind = RefusalKind::NotFound;
            refusal(permit, kind, "nosuchperson", &self.asked, project)
        })?;
        let covered = match permit.target() {
            Target::Person(allowed, entry) | Target::Role(allowed, _, Some(entry)) => {
                allowed == project && *entry == person.entry
            }
            Target::Project(_, allowed) | Target::Role(allowed, _, None) => allowed == project,
            Target::Everywhere | Target::Own(_) | Target::User(_) => false,
        };
        if !covered {
            let why = Msg::new("noaccount").with(project.as_str());
            return Err(Refusal::new(RefusalKind::Forbidden, why));
        }
        Ok(person)
    }

    /// The person, and their place in the role that the permit is for.
    fn role(&self, permit: &Permit) -> Result<(&Person, Grant), Refusal> {
        let person = self.person(permit)?;
        let project = &self.managed.project;
        let role = match permit.target() {
            Target::Role(_, role, _) => role.clone(),
            _ => String::new(),
        };
        if !self.has_role {
            let why = Msg::new("nosuchrole")
                .with(role)
                .with(project.name.as_str());
            return Err(Refusal {
                kind: RefusalKind::NotFound,
                ..Refusal::field("rolename", why)
            });
        }
        Ok((person, Grant::of(person, project, Place::Role { role })))
    }

    fn noted(&self, person: &Person) -> Facts {
        let project = &self.managed.project;
        let mut facts = Facts::default();
        let member = project.member(&person.entry);
        let (name, uid) = (&project.name, &person.uid);
        facts.note(format!("project {name}"), project.entry.as_str());
        facts.note("Keystone project", self.managed.project_id.as_str());
        facts.note(format!("person {uid}"), person.entry.as_str());
        let yes = |there: bool| if there { "yes" } else { "no" };
        facts.note(format!("{uid} in project"), yes(member.is_some()));
        let roles = member.map(|m| m.roles.join(", ")).unwrap_or_default();
        facts.note(format!("roles of {uid}"), roles);
        let group = self.in_group.map_or("no group", yes);
        facts.note(format!("{uid} in group"), group);
        let named = self.rules_of(person).into_iter().map(|change| change.rule);
        let named: Vec<String> = named.collect();
        if !named.is_empty() {
            facts.note(format!("sudo rules of {uid}"), named.join(", "));
        }
        if let Some((role, assigned)) = &self.cloud_role {
            facts.note(format!("{uid} is {role} in Keystone"), yes(*assigned));
        }
        facts
    }

    /// What takes the person out of the project's sudo rules.
    fn rules_of(&self, person: &Person) -> Vec<sudo::RuleChange> {
        sudo::without(&self.managed.project, &self.rules, &person.uid)
    }

    /// Keystone's place for members, where the person has it (or has it not) yet. What is so already is no
    /// step, since taking that back would change what was there before.
    fn cloud(&self, assigned: bool) -> Option<Place> {
        let (role, now) = self.cloud_role.as_ref()?;
        let role = role.clone();
        (*now == assigned).then_some(Place::Cloud { role })
    }

    fn plan(&self, permit: &Permit, person: &Person, steps: Vec<PlannedStep>) -> Plan {
        Plan {
            version: Plan::VERSION,
            action: permit.action(),
            // Membership is of no region.
            region: Region::trusted(""),
            project: self.managed.project.name.clone(),
            project_id: self.managed.project_id.clone(),
            instance: None,
            name: person.uid.clone(),
            steps,
            facts: self.noted(person),
        }
    }
}

/// Plans to put a person into a project: what counts is given last.
pub fn plan_add_member(permit: &Permit, facts: &MembershipFacts) -> Result<Plan, Refusal> {
    let project = &facts.managed.project;
    let person = facts.person(permit)?;
    if project.member(&person.entry).is_some() {
        return Err(conflict(permit, "alreadymember", person, project));
    }
    let group = (facts.in_group == Some(false)).then_some(Place::Group);
    let places = group
        .into_iter()
        .chain(facts.cloud(false))
        .chain([Place::Project]);
    let steps = places.map(|place| {
        let grant = Grant::of(person, project, place);
        PlannedStep::undone_by(given(grant.clone()), taken(grant, false))
    });
    Ok(facts.plan(permit, person, steps.collect()))
}

/// Plans to take a person out of a project with all that they have there: what counts goes before what follows.
pub fn plan_remove_member(permit: &Permit, facts: &MembershipFacts) -> Result<Plan, Refusal> {
    let project = &facts.managed.project;
    let person = facts.person(permit)?;
    let Some(member) = project.member(&person.entry) else {
        return Err(conflict(permit, "notamember", person, project));
    };
    let keep_last = !is_cloudadmin(permit.actor());
    if keep_last
        && member.holds(PROJECTADMIN)
        && !project.another_holds(PROJECTADMIN, &person.entry)
    {
        return Err(conflict(permit, "lastprojectadmin", person, project));
    }
    let roles = member
        .roles
        .iter()
        .map(|role| Place::Role { role: role.clone() });
    let group = (facts.in_group == Some(true)).then_some(Place::Group);
    let places = roles.chain([Place::Project]).chain(group);
    let places = places.chain(facts.cloud(true));
    let steps = places.map(|place| {
        let grant = Grant::of(person, project, place);
        let unless_last = keep_last
            && grant.place
                == Place::Role {
                    role: PROJECTADMIN.to_owned(),
                };
        PlannedStep::undone_by(taken(grant.clone(), unless_last), given(grant))
    });
    let rules = facts.rules_of(person).into_iter().map(|change| {
        let change_back = change.clone().reversed();
        let back = Step::SetRule {
            change: change_back,
        };
        PlannedStep::undone_by(Step::SetRule { change }, back)
    });
    Ok(facts.plan(permit, person, steps.chain(rules).collect()))
}

/// Plans to give a member of a project a role in it.
pub fn plan_add_role(permit: &Permit, facts: &MembershipFacts) -> Result<Plan, Refusal> {
    let (person, grant) = facts.role(permit)?;
    let project = &facts.managed.project;
    match project.member(&person.entry) {
        None => Err(conflict(permit, "notamember", person, project)),
        Some(member) if grant.place.role().is_some_and(|role| member.holds(role)) => {
            Err(conflict(permit, "alreadyinrole", person, project))
        }
        Some(_) => {
            let step = PlannedStep::undone_by(given(grant.clone()), taken(grant, false));
            Ok(facts.plan(permit, person, vec![step]))
        }
    }
}

/// Plans to take a role away; the last projectadmin keeps it unless a cloud admin says otherwise.
pub fn plan_remove_role(permit: &Permit, facts: &MembershipFacts) -> Result<Plan, Refusal> {
    let (person, grant) = facts.role(permit)?;
    let project = &facts.managed.project;
    let role = grant.place.role().unwrap_or_default();
    let holds = project.member(&person.entry).is_some_and(|m| m.holds(role));
    if !holds {
        return Err(conflict(permit, "notinrole", person, project));
    }
    let keep_last = role == PROJECTADMIN && !is_cloudadmin(permit.actor());
    if keep_last && !project.another_holds(PROJECTADMIN, &person.entry) {
        return Err(conflict(permit, "lastprojectadmin", person, project));
    }
    let step = PlannedStep::undone_by(taken(grant.clone(), keep_last), given(grant));
    Ok(facts.plan(permit, person, vec![step]))
}

fn given(grant: Grant) -> Step {
    Step::Grant { grant }
}

fn taken(grant: Grant, unless_last: bool) -> Step {
    Step::Withdraw { grant, unless_last }
}

/// At the field that names people, which is another one each way.
fn refusal(
    permit: &Permit,
    kind: RefusalKind,
    name: &str,
    person: &str,
    project: &ProjectName,
) -> Refusal {
    let field = match permit.action() {
        Action::MemberAdd => "member",
        _ => "members",
    };
    let why = Msg::new(name).with(person).with(project.as_str());
    Refusal {
        kind,
        ..Refusal::field(field, why)
    }
}

fn conflict(permit: &Permit, name: &str, person: &Person, project: &Project) -> Refusal {
    refusal(
        permit,
        RefusalKind::Conflict,
        name,
        &person.uid,
        &project.name,
    )
}
