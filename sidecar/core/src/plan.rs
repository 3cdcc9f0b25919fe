//! A plan: what will be done, step by step, each with its undo. Plain data, stored before the first effect.
//!
//! Stored plans live on: what is added has a default, and `tests/stored/` keeps a sample of each form.

use crate::accounts::Account;
use crate::action::Action;
use crate::authz::Target;
pub use crate::change::Change;
pub use crate::facts::Facts;
use crate::founding::{Part, of_projects};
use crate::ids::{EntryUuid, InstanceId, ProjectId, ProjectName, Region};
use crate::instance::ServerRequest;
use crate::keys::Held;
use crate::keys::keypairs::Keypair;
use crate::membership::{Grant, Place};
use crate::ports::PageKey;
use crate::quota::QuotaChange;
use crate::sudo::RuleChange;
pub use crate::undo::{PlannedStep, Undo};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

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
    /// What it was made from.
    #[serde(default, skip_serializing_if = "Facts::is_empty")]
    pub facts: Facts,
}

impl Plan {
    /// The stored form written now.
    pub const VERSION: u8 = 1;

    /// Whether anything of it can be taken back.
    pub fn can_be_taken_back(&self) -> bool {
        self.steps.iter().any(PlannedStep::has_undo)
    }

    /// One writer at a time per resource: what this plan writes to.
    pub fn resource(&self) -> String {
        if let Some(PlannedStep { step, .. }) = self.steps.first()
            && let Some(resource) = step.resource(self)
        {
            return resource;
        }
        match self.instance {
            Some(id) => format!("{}/instance/{id}", self.region),
            None => format!("{}/name/{}/{}", self.region, self.project_id, self.name),
        }
    }

    /// What it is done to, as the rules see it: who may not do it may not have it taken back either.
    pub fn target(&self) -> Target {
        let project = self.project.clone();
        if of_projects(self.action) {
            return Target::Project(self.region.clone(), project);
        }
        match self.steps.first().map(|planned| &planned.step) {
            Some(Step::AddKey { key } | Step::RemoveKey { key }) => Target::Own(key.person.clone()),
            Some(Step::Person { account, .. }) => Target::User(account.wiki_user_id),
            Some(Step::Grant { grant } | Step::Withdraw { grant, .. }) => match &grant.place {
                Place::Role { role }
                    if matches!(self.action, Action::RoleAdd | Action::RoleRemove) =>
                {
                    Target::Role(project, role.clone(), Some(grant.person.clone()))
                }
                _ => Target::Person(project, grant.person.clone()),
            },
            _ => Target::Project(self.region.clone(), project),
        }
    }

    /// What the world has in other ways once all of it is done; `made` is the server that it made, once known.
    pub fn changes(&self, made: Option<InstanceId>) -> Vec<Change> {
        let steps = self.steps.iter();
        steps.filter_map(|s| s.step.change(self, made)).collect()
    }
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
    /// Put a server into a security group.
    AddSecurityGroup {
        /// The group's name.
        group: String,
    },
    /// Take a server out of a security group.
    RemoveSecurityGroup {
        /// The group's name.
        group: String,
    },
    /// Give a person a place in a project.
    Grant {
        /// Who, and which.
        grant: Grant,
    },
    /// Take a person's place in a project away.
    Withdraw {
        /// Who, and which.
        grant: Grant,
        /// Not where nobody else in the project has one like it.
        #[serde(default)]
        unless_last: bool,
    },
    /// Put an SSH public key to a person's entry.
    AddKey {
        /// Whose, and which.
        key: Held,
    },
    /// Take one away from there.
    RemoveKey {
        /// Whose, and which.
        key: Held,
    },
    /// Have a key as a keypair in Nova, or not.
    Keypair {
        /// Whose, where, and which.
        keypair: Keypair,
        /// To have it.
        there: bool,
    },
    /// Have LDAP's entry of a person, marked with the operation's id, or not have it.
    Person {
        /// Who.
        account: Account,
        /// To have it.
        there: bool,
    },
    /// Have a wiki user connected with it, or not.
    Link {
        /// Who.
        account: Account,
        /// To have it.
        there: bool,
    },
    /// Make a part of a project, marked with the operation's id.
    Make {
        /// Which.
        part: Part,
    },
    /// Delete a part of a project.
    Delete {
        /// Which.
        part: Part,
        /// Whoever made it; otherwise only what this operation has made.
        #[serde(default)]
        whoever: bool,
    },
    /// Say what a project is for.
    Describe {
        /// Its LDAP entry.
        entry: EntryUuid,
        /// What it says now.
        before: Option<String>,
        /// What it is to say.
        after: Option<String>,
    },
    /// Make, change or delete a sudo rule of a project.
    SetRule {
        /// Which, and how.
        change: RuleChange,
    },
    /// Have a project's quota in the plan's region say otherwise.
    SetQuota {
        /// What it says now, and then.
        change: QuotaChange,
    },
    /// Read a server from Nova into our copy, and have its pages looked at.
    ReadServer,
    /// Have a page written as the facts make it.
    WritePage {
        /// Which.
        page: PageKey,
    },
    /// Nothing: shows that operations are recorded and carried out.
    Nothing,
}

impl Step {
    /// All names.
    pub const NAMES: [&str; 36] = [
        "create-server",
        "await-server",
        "reboot-server",
        "delete-server",
        "add-security-group",
        "remove-security-group",
        "grant-project",
        "grant-group",
        "grant-role",
        "grant-cloud",
        "withdraw-project",
        "withdraw-group",
        "withdraw-role",
        "withdraw-cloud",
        "add-key",
        "remove-key",
        "create-keypair",
        "delete-keypair",
        "create-person",
        "delete-person",
        "link-person",
        "unlink-person",
        "create-keystone-project",
        "create-posix-group",
        "create-project",
        "delete-keystone-project",
        "delete-posix-group",
        "delete-project",
        "describe-project",
        "create-sudo-rule",
        "change-sudo-rule",
        "delete-sudo-rule",
        "set-quota",
        "read-server",
        "write-page",
        "nothing",
    ];

    /// The name, as stored, logged and shown.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateServer { .. } => "create-server",
            Self::AwaitServer { .. } => "await-server",
            Self::RebootServer => "reboot-server",
            Self::DeleteServer => "delete-server",
            Self::AddSecurityGroup { .. } => "add-security-group",
            Self::RemoveSecurityGroup { .. } => "remove-security-group",
            Self::Grant { grant } => grant.place.granting(),
            Self::Withdraw { grant, .. } => grant.place.withdrawing(),
            Self::AddKey { .. } => "add-key",
            Self::RemoveKey { .. } => "remove-key",
            Self::Keypair { there: true, .. } => "create-keypair",
            Self::Keypair { there: false, .. } => "delete-keypair",
            Self::Person { there: true, .. } => "create-person",
            Self::Person { there: false, .. } => "delete-person",
            Self::Link { there: true, .. } => "link-person",
            Self::Link { there: false, .. } => "unlink-person",
            Self::Make { part } => part.making(),
            Self::Delete { part, .. } => part.deleting(),
            Self::Describe { .. } => "describe-project",
            Self::SetRule { change } => change.step(),
            Self::SetQuota { .. } => "set-quota",
            Self::ReadServer => "read-server",
            Self::WritePage { .. } => "write-page",
            Self::Nothing => "nothing",
        }
    }

    /// It makes something otherwise.
    pub fn has_effect(&self) -> bool {
        !matches!(
            self,
            Self::AwaitServer { .. } | Self::ReadServer | Self::WritePage { .. } | Self::Nothing
        )
    }

    /// What it gives or takes, where it is that.
    pub fn granted(&self) -> Option<&Grant> {
        match self {
            Self::Grant { grant } | Self::Withdraw { grant, .. } => Some(grant),
            _ => None,
        }
    }

    /// The resource of a plan that begins with this step, where it is not the plan's instance or name.
    fn resource(&self, plan: &Plan) -> Option<String> {
        match self {
            Self::Nothing => Some(format!("/probe/{}", plan.name)),
            Self::WritePage { page } => Some(format!("/page/{}", page.stored())),
            Self::AddKey { key } | Self::RemoveKey { key } => {
                Some(format!("/key/{}/{}", key.person, plan.name))
            }
            Self::Person { account, .. } => Some(account.resource()),
            Self::SetRule { change } => Some(change.resource(&plan.project)),
            // One at a time changes a project as a whole.
            _ if of_projects(plan.action) => Some(format!("/project/{}", plan.project)),
            _ => self.granted().map(Grant::resource),
        }
    }

    /// What is otherwise once this is done. A server counts as gone when it is, not when that was asked for.
    pub fn change(&self, plan: &Plan, made: Option<InstanceId>) -> Option<Change> {
        let id = made.or(plan.instance);
        let name = id.map_or_else(|| format!("new {}", plan.name), |id| id.to_string());
        let server = format!("{}/instance/{name}", plan.region);
        let facts = || json!({"name": plan.name, "project": plan.project});
        let group = |group: &str, before: Option<Json>, after: Option<Json>| Change {
            resource: format!("{server}/security-group/{group}"),
            before,
            after,
        };
        let there = || Some(json!(true));
        match self {
            Self::CreateServer { .. } => Some(Change {
                resource: server,
                before: None,
                after: Some(facts()),
            }),
            Self::AwaitServer { goal: Goal::Gone } => Some(Change {
                resource: server,
                before: Some(facts()),
                after: None,
            }),
            Self::AddSecurityGroup { group: g } => Some(group(g, None, there())),
            Self::RemoveSecurityGroup { group: g } => Some(group(g, there(), None)),
            Self::Grant { grant } => Some(grant.change()),
            Self::Withdraw { grant, .. } => Some(grant.change().reversed()),
            Self::AddKey { key } => Some(key.change()),
            Self::RemoveKey { key } => Some(key.change().reversed()),
            Self::Keypair { keypair, there } => Some(keypair.change().when(*there)),
            Self::Person { account, there } => Some(account.change().when(*there)),
            Self::Link { account, there } => Some(account.link_change().when(*there)),
            Self::Make { part } => Some(part.change(&plan.project)),
            Self::Delete { part, .. } => Some(part.change(&plan.project).reversed()),
            Self::Describe { before, after, .. } => Some(Change {
                resource: format!("/project/{}/description", plan.project),
                before: before.as_ref().map(|text| json!(text)),
                after: after.as_ref().map(|text| json!(text)),
            }),
            Self::SetRule { change } => Some(change.change(&plan.project)),
            Self::SetQuota { change } => Some(change.change(&plan.region, &plan.project)),
            Self::AwaitServer { goal: Goal::Active }
            | Self::RebootServer
            | Self::DeleteServer
            | Self::ReadServer
            | Self::WritePage { .. }
            | Self::Nothing => None,
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
