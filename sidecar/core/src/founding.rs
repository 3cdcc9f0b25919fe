//! Projects as a whole: made with their first people, described, and taken down with all that is theirs.
//!
//! Keystone has a project, LDAP its posix group and its entry with the roles and the sudo rules below it. The entry is
//! what makes it a project here, so it comes after the others and goes before them.

use crate::action::Action;
use crate::actor::Person;
use crate::authz::{PROJECTADMIN, Permit};
use crate::ids::{EntryUuid, ProjectId, ProjectName, Region};
use crate::membership::{Grant, Place};
use crate::message::Msg;
use crate::plan::{Change, Facts, Plan, PlannedStep, Step};
use crate::project::{ManagedProject, Project};
use crate::refusal::{Refusal, RefusalKind};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Characters of a description: it stands in lists.
pub const LONGEST_DESCRIPTION: usize = 500;

/// What a project consists of, besides its people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Part {
    /// The project in Keystone.
    Keystone,
    /// The posix group `project-<name>`.
    Group,
    /// The entry in LDAP, with its roles and its sudo rules below it.
    Entry {
        /// `description`.
        description: Option<String>,
        /// The names of its roles.
        roles: Vec<String>,
    },
}

impl Part {
    /// The name of the step that makes it.
    pub fn making(&self) -> &'static str {
        match self {
            Self::Keystone => "create-keystone-project",
            Self::Group => "create-posix-group",
            Self::Entry { .. } => "create-project",
        }
    }

    /// The name of the step that deletes it.
    pub fn deleting(&self) -> &'static str {
        match self {
            Self::Keystone => "delete-keystone-project",
            Self::Group => "delete-posix-group",
            Self::Entry { .. } => "delete-project",
        }
    }

    /// What is otherwise once it is there.
    pub fn change(&self, project: &ProjectName) -> Change {
        let (resource, after) = match self {
            Self::Keystone => (format!("/keystone-project/{project}"), json!(true)),
            Self::Group => (format!("/posix-group/project-{project}"), json!(true)),
            Self::Entry { description, .. } => (
                format!("/project/{project}"),
                json!({"description": description}),
            ),
        };
        Change {
            resource,
            before: None,
            after: Some(after),
        }
    }
}

/// What a new project is planned from.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct FoundingFacts {
    pub name: ProjectName,
    pub description: String,
    /// Who is in it from the beginning, and administers it.
    pub founders: Vec<Person>,
    /// The roles that projects of this cloud have.
    pub roles: Vec<String>,
    /// What members are assigned in Keystone; `None` where we have no account to make a project with.
    pub cloud_role: Option<String>,
    /// The project whose name is the same, or differs in capitals only.
    pub taken: Option<ProjectName>,
}

impl FoundingFacts {
    /// No project has the name already.
    pub fn name_is_free(&self) -> Result<(), Refusal> {
        let Some(taken) = &self.taken else {
            return Ok(());
        };
        let why = Msg::new("projecttaken").with(taken.as_str());
        Err(Refusal {
            kind: RefusalKind::Conflict,
            ..Refusal::field("projectname", why)
        })
    }
}

/// Plans a new project.
pub fn plan_create_project(permit: &Permit, facts: &FoundingFacts) -> Result<Plan, Refusal> {
    let name = &facts.name;
    facts.name_is_free()?;
    let Some(cloud_role) = &facts.cloud_role else {
        let why = Msg::new("nofounder");
        return Err(Refusal::new(RefusalKind::Unavailable, why));
    };
    let entry = Part::Entry {
        description: described(&facts.description)?,
        roles: facts.roles.clone(),
    };
    let parts = [Part::Keystone, Part::Group, entry].into_iter();
    let mut steps: Vec<PlannedStep> = parts
        .map(|part| {
            let back = Step::Delete {
                part: part.clone(),
                whoever: false,
            };
            PlannedStep::undone_by(Step::Make { part }, back)
        })
        .collect();
    // Its identity is known once it is made.
    let unborn = Project {
        name: name.clone(),
        entry: EntryUuid::trusted(""),
        description: None,
        members: Vec::new(),
    };
    for person in &facts.founders {
        let role = (facts.roles.iter()).any(|role| role == PROJECTADMIN);
        let role = role.then(|| Place::Role {
            role: PROJECTADMIN.to_owned(),
        });
        let cloud = Place::Cloud {
            role: cloud_role.clone(),
        };
        let places = [Place::Group, cloud].into_iter().chain(role);
        steps.extend(places.chain([Place::Project]).map(|place| {
            let grant = Grant::of(person, &unborn, place);
            let back = Step::Withdraw {
                grant: grant.clone(),
                unless_last: false,
            };
            PlannedStep::undone_by(Step::Grant { grant }, back)
        }));
    }
    let mut noted = Facts::default();
    noted.note(format!("project {name}"), "");
    for person in &facts.founders {
        noted.note(format!("person {}", person.uid), person.entry.as_str());
    }
    Ok(plan(permit, name, ProjectId::trusted(""), steps, noted))
}

/// What is to be known of a project before it is deleted.
#[derive(Clone, Debug)]
pub struct DeletionFacts {
    /// The project with its people.
    pub managed: ManagedProject,
    /// Who has a place in its group or in one of its roles, and whom Keystone has assigned the members' role.
    pub held: Vec<Grant>,
    /// The names of its living instances.
    pub instances: Vec<String>,
    /// What stands below its entry in LDAP, by DN.
    pub below: Vec<String>,
    /// We have an account to delete a project in Keystone with.
    pub founder: bool,
}

/// Plans to delete a project: what people have in it, then the project itself, which cannot be taken back.
pub fn plan_delete_project(permit: &Permit, facts: &DeletionFacts) -> Result<Plan, Refusal> {
    let project = &facts.managed.project;
    let name = &project.name;
    if !facts.instances.is_empty() {
        let still = facts.instances.join(", ");
        let why = Msg::new("projectnotempty").with(name.as_str()).with(still);
        return Err(Refusal::new(RefusalKind::Conflict, why));
    }
    if !facts.founder {
        let why = Msg::new("nofounder");
        return Err(Refusal::new(RefusalKind::Unavailable, why));
    }
    let members = project.members.iter().map(|member| Grant {
        project: name.clone(),
        project_entry: project.entry.clone(),
        person: member.entry.clone(),
        uid: member.uid.clone(),
        cn: member.cn.clone(),
        place: Place::Project,
    });
    // What counts goes before what follows it.
    let is_role = |grant: &&Grant| matches!(grant.place, Place::Role { .. });
    let roles = facts.held.iter().filter(is_role).cloned();
    let others = facts.held.iter().filter(|grant| !is_role(grant)).cloned();
    let mut steps: Vec<PlannedStep> = roles
        .chain(members)
        .chain(others)
        .map(|grant| {
            let taken = Step::Withdraw {
                grant: grant.clone(),
                unless_last: false,
            };
            PlannedStep::undone_by(taken, Step::Grant { grant })
        })
        .collect();
    let entry = Part::Entry {
        description: project.description.clone(),
        roles: Vec::new(),
    };
    for part in [entry, Part::Group, Part::Keystone] {
        let step = Step::Delete {
            part,
            whoever: true,
        };
        steps.push(PlannedStep::for_good(step, "a new one would be another"));
    }
    let mut noted = Facts::default();
    noted.note(format!("project {name}"), project.entry.as_str());
    noted.note("Keystone project", facts.managed.project_id.as_str());
    let mut uids: Vec<&str> = project.members.iter().map(|m| m.uid.as_str()).collect();
    uids.sort_unstable();
    noted.note("members", uids.join(", "));
    noted.note("below its entry", facts.below.join("; "));
    let project_id = facts.managed.project_id.clone();
    Ok(plan(permit, name, project_id, steps, noted))
}

/// Plans another description.
pub fn plan_configure_project(
    permit: &Permit,
    managed: &ManagedProject,
    description: &str,
) -> Result<Plan, Refusal> {
    let project = &managed.project;
    let after = described(description)?;
    if after == project.description {
        let why = Msg::new("samedescription").with(project.name.as_str());
        return Err(Refusal {
            kind: RefusalKind::Conflict,
            ..Refusal::field("description", why)
        });
    }
    let step = |before: &Option<String>, after: &Option<String>| Step::Describe {
        entry: project.entry.clone(),
        before: before.clone(),
        after: after.clone(),
    };
    let there = step(&project.description, &after);
    let steps = vec![PlannedStep::undone_by(
        there,
        step(&after, &project.description),
    )];
    let mut noted = Facts::default();
    noted.note(format!("project {}", project.name), project.entry.as_str());
    let now = project.description.clone().unwrap_or_default();
    noted.note("description", now);
    let project_id = managed.project_id.clone();
    Ok(plan(permit, &project.name, project_id, steps, noted))
}

/// `None` where there is none.
pub(crate) fn described(text: &str) -> Result<Option<String>, Refusal> {
    let text = one_line("description", text, LONGEST_DESCRIPTION)?;
    Ok((!text.is_empty()).then_some(text))
}

/// One line of text; what is wrong with it is said by the messages of its field.
pub(crate) fn one_line(field: &str, text: &str, longest: usize) -> Result<String, Refusal> {
    let text = text.trim();
    let wrong = |why: &str| {
        let most = i64::try_from(longest).unwrap_or(i64::MAX);
        let why = Msg::new(&format!("{field}-{why}")).with(most);
        Err(Refusal::field(field, why))
    };
    if text.chars().count() > longest {
        return wrong("long");
    }
    // Marks that turn the direction of what follows would reach beyond the text.
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.chars().any(|c| c.is_control() || turns(c)) {
        return wrong("control");
    }
    Ok(text.to_owned())
}

fn plan(
    permit: &Permit,
    name: &ProjectName,
    project_id: ProjectId,
    steps: Vec<PlannedStep>,
    facts: Facts,
) -> Plan {
    Plan {
        version: Plan::VERSION,
        action: permit.action(),
        // A project is of no region.
        region: Region::trusted(""),
        project: name.clone(),
        project_id,
        instance: None,
        name: name.to_string(),
        steps,
        facts,
    }
}

/// Whether an action is about projects as a whole.
pub fn of_projects(action: Action) -> bool {
    matches!(
        action,
        Action::ProjectCreate
            | Action::ProjectConfigure
            | Action::ProjectDelete
            | Action::ProjectQuota
    )
}
