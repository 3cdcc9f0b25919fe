//! Who may what. [`authorise`] is the only maker of a [`Permit`], and a permit is the only key to a planner.

use crate::action::Action;
use crate::actor::Actor;
use crate::ground::Ground;
use crate::ids::{EntryUuid, ProjectName, Region};
use crate::message::Msg;
use crate::refusal::{Refusal, RefusalKind};
use crate::requests::{Grantable, Requests, Wanted};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The role that a project's administrators hold.
pub const PROJECTADMIN: &str = "projectadmin";

/// What a project's member needs to be for an action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// Any member.
    #[default]
    Member,
    /// A member with the role `projectadmin`.
    Projectadmin,
}

impl Need {
    /// Where the community has not chosen.
    fn usual(action: Action) -> Self {
        match action {
            Action::MemberRemove
            | Action::SudoCreate
            | Action::SudoModify
            | Action::SudoDelete
            | Action::LogTokenList
            | Action::LogTokenChange => Self::Projectadmin,
            _ => Self::Member,
        }
    }
}

/// Who may make a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Founders {
    /// Cloud admins.
    #[default]
    Cloudadmin,
    /// Whoever administers one.
    Projectadmin,
    /// Everybody with a linked account.
    Anyone,
}

/// The community's choices.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// What an action needs; the usual where it says nothing.
    pub needs: BTreeMap<Action, Need>,
    /// Who may make a project.
    pub founders: Founders,
    /// People who have none may get a shell account here.
    pub accounts: bool,
    /// People may ask for what they may not do themselves.
    pub requests: Option<Requests>,
    /// Why nothing may be written anywhere, if so.
    pub maintenance: Option<String>,
    /// Why nothing may be written in a region, if so.
    pub read_only_regions: BTreeMap<Region, String>,
}

/// What an action is done to. The object's own project and region, never a request's parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing in particular.
    Everywhere,
    /// Something in a project.
    Project(Region, ProjectName),
    /// A person's part in a project, which is of no region.
    Person(ProjectName, EntryUuid),
    /// What is a person's own, such as their keys; of no project.
    Own(EntryUuid),
    /// What is a wiki user's own before there is a person.
    User(u64),
    /// A role in a project, and whose part in it, where it is about one.
    Role(ProjectName, String, Option<EntryUuid>),
}

impl Target {
    /// The project, where it is one or in one.
    pub fn project(&self) -> Option<&ProjectName> {
        match self {
            Self::Everywhere | Self::Own(_) | Self::User(_) => None,
            Self::Project(_, project) | Self::Person(project, _) | Self::Role(project, ..) => {
                Some(project)
            }
        }
    }

    /// Whose part in a project it is.
    pub fn person(&self) -> Option<&EntryUuid> {
        match self {
            Self::Person(_, entry) | Self::Role(_, _, Some(entry)) => Some(entry),
            Self::Everywhere
            | Self::Project(..)
            | Self::Role(_, _, None)
            | Self::Own(_)
            | Self::User(_) => None,
        }
    }
}

/// Proof that an actor may do an action to a target.
#[derive(Clone, Debug)]
pub struct Permit {
    actor: Actor,
    action: Action,
    target: Target,
    ground: Ground,
}

impl Permit {
    /// For whom.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
    /// To do what.
    pub fn action(&self) -> Action {
        self.action
    }
    /// To what.
    pub fn target(&self) -> &Target {
        &self.target
    }
    /// Why they may.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }
}

/// Decides. LDAP facts are in the actor: where LDAP is away, there is no person and so no right.
pub fn authorise(
    policy: &Policy,
    actor: &Actor,
    action: Action,
    target: &Target,
) -> Result<Permit, Refusal> {
    let forbidden = |msg: Msg| Err(Refusal::new(RefusalKind::Forbidden, msg));
    if actor.user.wiki_user_id == 0 {
        return forbidden(Msg::new("mustbeloggedin"));
    }
    if action.writes() {
        if let Some(block) = actor.user.block.as_ref().filter(|b| b.sitewide) {
            return forbidden(Msg::new("blocked").with(block.reason.as_str()));
        }
        if let Some(reason) = refused_for_maintenance(policy, target) {
            return Err(Refusal::new(
                RefusalKind::Maintenance,
                Msg::new("maintenance").with(reason),
            ));
        }
    }
    let permit = |ground: Ground| {
        Ok(Permit {
            actor: actor.clone(),
            action,
            target: target.clone(),
            ground,
        })
    };
    let own = matches!(target, Target::Own(_) | Target::User(_));
    let only_theirs = own && !may_help(actor, action);
    if is_cloudadmin(actor) && !only_theirs {
        return permit(Ground::CloudAdmin);
    }
    if matches!(
        action,
        Action::OperationGiveUp
            | Action::OperationProbe
            | Action::InstanceRemoveStray
            | Action::PersonSuspend
            | Action::PersonReinstate
            | Action::ProjectDelete
            | Action::RequestDecide
            | Action::ProjectQuota
    ) {
        return forbidden(Msg::new("needcloudadmin"));
    }
    if let Target::Own(entry) = target
        && only_theirs
    {
        return match &actor.person {
            Some(person) if person.entry == *entry => permit(Ground::Own),
            Some(_) => forbidden(Msg::new("notyours")),
            None => forbidden(Msg::new("nolink")),
        };
    }
    if let Target::User(id) = target
        && only_theirs
    {
        return match action {
            _ if *id != actor.user.wiki_user_id => forbidden(Msg::new("notyours")),
            Action::AccountCreate if !policy.accounts => forbidden(Msg::new("accounts-closed")),
            Action::AccountCreate if !actor.has_right("loginviashell") => {
                forbidden(Msg::new("account-noshell"))
            }
            Action::AccountCreate => permit(Ground::MayHaveShell),
            _ => permit(Ground::Own),
        };
    }
    if action == Action::ProjectCreate {
        // It is not there to be a member of.
        return match (policy.founders, &actor.person) {
            (Founders::Cloudadmin, _) => forbidden(Msg::new("needcloudadmin")),
            (_, None) => forbidden(Msg::new("nolink")),
            (Founders::Projectadmin, Some(person)) => match person.administers_any() {
                Some(project) => permit(Ground::Administers(project.clone())),
                None => forbidden(Msg::new("needanyrole").with(PROJECTADMIN)),
            },
            (Founders::Anyone, Some(_)) => permit(Ground::Linked),
        };
    }
    if action == Action::RequestMake {
        match (policy.requests, &actor.person, target) {
            (None, ..) => return forbidden(Msg::new("requests-closed")),
            (_, None, _) => return forbidden(Msg::new("nolink")),
            (_, _, Target::Everywhere) => return permit(Ground::Linked),
            // About a project its members ask.
            _ => {}
        }
    }
    let Some(project) = target.project() else {
        // Who helps with what is another's sees it because of a right of theirs.
        return permit(if own {
            Ground::SeesAll
        } else {
            Ground::Everybody
        });
    };
    if !action.writes() && action != Action::InstanceConsole && actor.has_right("listall") {
        return permit(Ground::SeesAll);
    }
    let Some(person) = &actor.person else {
        return forbidden(Msg::new("nolink"));
    };
    if !actor.is_member(project) {
        return forbidden(Msg::new("noaccount").with(project.as_str()));
    }
    // Nobody is kept in a project against their will.
    let role = match (action, target) {
        (Action::RoleAdd | Action::RoleRemove, Target::Role(_, role, _)) => Some(role.as_str()),
        (Action::RoleAdd | Action::RoleRemove, _) => Some(PROJECTADMIN),
        _ => None,
    };
    let in_it = role.is_none_or(|role| actor.has_role(project, role));
    let leaving = matches!(action, Action::MemberRemove | Action::RoleRemove)
        && target.person() == Some(&person.entry)
        && in_it;
    // Who holds a role says who else does, and so do those who administer the project.
    let administers = actor.has_role(project, PROJECTADMIN);
    if let Some(role) = role.filter(|_| !in_it && !administers) {
        return forbidden(Msg::new("needrole").with(role).with(project.as_str()));
    }
    let chosen = policy.needs.get(&action).copied();
    let need = chosen.unwrap_or_else(|| Need::usual(action));
    let admins_only = need == Need::Projectadmin;
    if admins_only && !leaving && !administers {
        return forbidden(
            Msg::new("needrole")
                .with(PROJECTADMIN)
                .with(project.as_str()),
        );
    }
    let held = |role: &str| Ground::Role(project.clone(), role.to_owned());
    permit(match role {
        _ if leaving => Ground::Leaving(project.clone()),
        Some(role) if in_it && !admins_only => held(role),
        None if !admins_only => Ground::Member(project.clone()),
        _ => held(PROJECTADMIN),
    })
}

/// What is a person's own is changed by nobody else, whatever their rights. Who sees everybody's operations sees
/// that they are at work on it, and a cloud admin may have those that stopped go on, or let them be.
fn may_help(actor: &Actor, action: Action) -> bool {
    let mends = matches!(action, Action::OperationRetry | Action::OperationGiveUp);
    (!action.writes() && actor.has_right("listall")) || (mends && is_cloudadmin(actor))
}

/// Whether an operation may be wished on or back. Who may not do what it does may not have it go on or taken
/// back either; and about a person's place one word more is said: taking back a removal gives places back,
/// and the other way round, so that one may leave, or may add, is not enough for it.
pub fn authorise_wish(
    policy: &Policy,
    actor: &Actor,
    wish: Action,
    of: (Action, &Target),
    begun_by: u64,
) -> Result<(), Refusal> {
    let (action, target) = of;
    authorise(policy, actor, wish, target)?;
    // Their own word was given when it was begun.
    if matches!(target, Target::Own(_) | Target::User(_)) {
        return Ok(());
    }
    authorise(policy, actor, action, target)?;
    let (Some(project), Some(entry)) = (target.project(), target.person()) else {
        return Ok(());
    };
    let begun_it = begun_by == actor.user.wiki_user_id;
    let it_is_about = actor.person.as_ref().is_some_and(|p| p.entry == *entry);
    let may = actor.has_role(project, PROJECTADMIN) && !it_is_about;
    if begun_it || may || is_cloudadmin(actor) {
        return Ok(());
    }
    let why = Msg::new("needrole")
        .with(PROJECTADMIN)
        .with(project.as_str());
    Err(Refusal::new(RefusalKind::Forbidden, why))
}

/// What a request is for, carried out as the asker's own doing because a rule grants it.
pub fn authorise_granted(
    policy: &Policy,
    actor: &Actor,
    wanted: &Wanted,
    _: &Grantable,
) -> Result<Permit, Refusal> {
    // Whoever may not ask gets nothing by asking.
    authorise(policy, actor, Action::RequestMake, &wanted.asked_at())?;
    let (action, target) = wanted.granted_by();
    if let Some(reason) = refused_for_maintenance(policy, &target) {
        let why = Msg::new("maintenance").with(reason);
        return Err(Refusal::new(RefusalKind::Maintenance, why));
    }
    Ok(Permit {
        actor: actor.clone(),
        action,
        target,
        ground: Ground::Granted,
    })
}

/// What the system does of itself: it removes what no operation stands for, and suspends who is blocked on the wiki
/// until the block ends; that alone.
pub fn authorise_own(policy: &Policy, action: Action, target: &Target) -> Result<Permit, Refusal> {
    let own = matches!(
        action,
        Action::InstanceRemoveStray | Action::PersonSuspend | Action::PersonReinstate
    );
    if !own {
        let why = Msg::new("needcloudadmin");
        return Err(Refusal::new(RefusalKind::Forbidden, why));
    }
    if let Some(reason) = refused_for_maintenance(policy, target) {
        return Err(Refusal::new(
            RefusalKind::Maintenance,
            Msg::new("maintenance").with(reason),
        ));
    }
    Ok(Permit {
        actor: Actor::system(),
        action,
        target: target.clone(),
        ground: Ground::System,
    })
}

/// The wiki's rights `listall` and `manageproject` together make a cloud admin.
pub fn is_cloudadmin(actor: &Actor) -> bool {
    actor.has_right("listall") && actor.has_right("manageproject")
}

/// Why writing to the target is switched off, if it is.
pub fn refused_for_maintenance<'a>(policy: &'a Policy, target: &Target) -> Option<&'a str> {
    policy.maintenance.as_deref().or_else(|| match target {
        Target::Project(region, _) => policy.read_only_regions.get(region).map(String::as_str),
        _ => None,
    })
}
