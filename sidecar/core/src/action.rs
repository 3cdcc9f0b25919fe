//! Everything the system can do, by name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An action. Each has an entry in the server's catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// See the instances of a project.
    InstanceList,
    /// Start an instance.
    InstanceCreate,
    /// Reboot an instance.
    InstanceReboot,
    /// Read an instance's console output.
    InstanceConsole,
    /// Delete an instance.
    InstanceDelete,
    /// Choose an instance's security groups.
    InstanceConfigure,
    /// Remove a server that no operation stands for.
    InstanceRemoveStray,
    /// See projects.
    ProjectList,
    /// Make a project.
    ProjectCreate,
    /// Ask for what one may not do oneself.
    RequestMake,
    /// Grant such a request, or decline it.
    RequestDecide,
    /// Withdraw one's own.
    RequestWithdraw,
    /// Say what a project is for.
    ProjectConfigure,
    /// Delete a project.
    ProjectDelete,
    /// Say how much a project may use.
    ProjectQuota,
    /// Put a person into a project.
    MemberAdd,
    /// Take a person out of a project; leaving is taking oneself out.
    MemberRemove,
    /// Take a person who is blocked on the wiki out of a project.
    PersonSuspend,
    /// Give them back what they had there.
    PersonReinstate,
    /// Add an SSH public key of one's own.
    KeyAdd,
    /// Remove one.
    KeyRemove,
    /// Get a shell account of one's own.
    AccountCreate,
    /// Make a sudo rule of a project.
    SudoCreate,
    /// Have one say something else.
    SudoModify,
    /// Delete one.
    SudoDelete,
    /// Give a member of a project a role in it.
    RoleAdd,
    /// Take a role away from somebody.
    RoleRemove,
    /// See the tokens by which scripts log to a project.
    LogTokenList,
    /// Make one, or have one be good for nothing.
    LogTokenChange,
    /// See operations, one's own and one's projects'.
    OperationList,
    /// Follow an operation.
    OperationShow,
    /// Have an operation taken back while it is under way.
    OperationCancel,
    /// Have an operation that stopped half-way go on.
    OperationRetry,
    /// Let an operation that stopped half-way be: what stands then is for a person to mend.
    OperationGiveUp,
    /// Try whether operations are recorded and carried out, by one that does nothing.
    OperationProbe,
    /// See where cloud, LDAP and wiki say different things.
    DriftList,
    /// Have such a difference mended.
    DriftRepair,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 37] = [
        Self::InstanceList,
        Self::InstanceCreate,
        Self::InstanceReboot,
        Self::InstanceConsole,
        Self::InstanceDelete,
        Self::InstanceConfigure,
        Self::InstanceRemoveStray,
        Self::ProjectList,
        Self::ProjectCreate,
        Self::RequestMake,
        Self::RequestDecide,
        Self::RequestWithdraw,
        Self::ProjectConfigure,
        Self::ProjectDelete,
        Self::ProjectQuota,
        Self::MemberAdd,
        Self::MemberRemove,
        Self::PersonSuspend,
        Self::PersonReinstate,
        Self::KeyAdd,
        Self::KeyRemove,
        Self::AccountCreate,
        Self::SudoCreate,
        Self::SudoModify,
        Self::SudoDelete,
        Self::RoleAdd,
        Self::RoleRemove,
        Self::LogTokenList,
        Self::LogTokenChange,
        Self::OperationList,
        Self::OperationShow,
        Self::OperationCancel,
        Self::OperationRetry,
        Self::OperationGiveUp,
        Self::OperationProbe,
        Self::DriftList,
        Self::DriftRepair,
    ];

    /// The name, as stored, logged and configured.
    pub fn name(self) -> &'static str {
        match self {
            Self::InstanceList => "instance-list",
            Self::InstanceCreate => "instance-create",
            Self::InstanceReboot => "instance-reboot",
            Self::InstanceConsole => "instance-console",
            Self::InstanceDelete => "instance-delete",
            Self::InstanceConfigure => "instance-configure",
            Self::InstanceRemoveStray => "instance-remove-stray",
            Self::ProjectList => "project-list",
            Self::ProjectCreate => "project-create",
            Self::RequestMake => "request-make",
            Self::RequestDecide => "request-decide",
            Self::RequestWithdraw => "request-withdraw",
            Self::ProjectConfigure => "project-configure",
            Self::ProjectDelete => "project-delete",
            Self::ProjectQuota => "project-quota",
            Self::MemberAdd => "member-add",
            Self::MemberRemove => "member-remove",
            Self::PersonSuspend => "person-suspend",
            Self::PersonReinstate => "person-reinstate",
            Self::KeyAdd => "key-add",
            Self::KeyRemove => "key-remove",
            Self::AccountCreate => "account-create",
            Self::SudoCreate => "sudo-create",
            Self::SudoModify => "sudo-modify",
            Self::SudoDelete => "sudo-delete",
            Self::RoleAdd => "role-add",
            Self::RoleRemove => "role-remove",
            Self::LogTokenList => "log-token-list",
            Self::LogTokenChange => "log-token-change",
            Self::OperationList => "operation-list",
            Self::OperationShow => "operation-show",
            Self::OperationCancel => "operation-cancel",
            Self::OperationRetry => "operation-retry",
            Self::OperationGiveUp => "operation-give-up",
            Self::OperationProbe => "operation-probe",
            Self::DriftList => "drift-list",
            Self::DriftRepair => "drift-repair",
        }
    }

    /// Whether it changes anything.
    pub fn writes(self) -> bool {
        !matches!(
            self,
            Self::InstanceList
                | Self::InstanceConsole
                | Self::ProjectList
                | Self::LogTokenList
                | Self::OperationList
                | Self::OperationShow
                | Self::DriftList
        )
    }

    /// Whether it is carried out by a plan of its own. What is wished of operations, and what changes a row of ours
    /// alone, is not.
    pub fn plans(self) -> bool {
        self.writes()
            && !matches!(
                self,
                Self::OperationCancel
                    | Self::OperationRetry
                    | Self::OperationGiveUp
                    | Self::RequestMake
                    | Self::RequestDecide
                    | Self::RequestWithdraw
                    | Self::LogTokenChange
            )
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
