//! Putting people into projects and their roles, and taking them out: planned here for the special pages and the
//! wiki API alike.
//! Each person is an operation of their own.

use super::planned::{FACTS, Sent, as_seen};
use super::{Caller, Context, lookup::refuse};
use osm_core::action::Action;
use osm_core::actor::{Actor, Person};
use osm_core::authz::{Target, authorise};
use osm_core::drift::Assigned;
use osm_core::ids::{EntryUuid, OperationId, ProjectName, Region};
use osm_core::membership::{
    Grant, MembershipFacts, Place, plan_add_member, plan_add_role, plan_remove_member,
    plan_remove_role,
};
use osm_core::message::Msg;
use osm_core::plan::Plan;
use osm_core::ports::OPEN_AT_ONCE;
use osm_core::project::{ManagedProject, Project};
use osm_core::refusal::{Refusal, RefusalKind};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// A longer name is nobody's: MediaWiki's bound, in bytes.
const LONGEST_NAME: usize = 255;

/// Which way, and of what.
#[derive(Clone, Debug)]
pub(super) struct Of {
    pub action: Action,
    pub project: ProjectName,
    /// The role, where it is about one.
    pub role: Option<String>,
}

impl Of {
    /// What an action is done to, for somebody of the project or for nobody in particular.
    pub(super) fn target(&self, person: Option<&EntryUuid>) -> Target {
        let project = self.project.clone();
        match (&self.role, person) {
            (Some(role), person) => Target::Role(project, role.clone(), person.cloned()),
            (None, Some(person)) => Target::Person(project, person.clone()),
            // Membership is of no region.
            (None, None) => Target::Project(Region::trusted(""), project),
        }
    }
}

/// What is asked: which way, of what, and whom, by shell or wiki name.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub of: Of,
    pub names: Vec<String>,
    /// The client's own key.
    pub key: Option<String>,
    /// The facts of the plans that the person was shown, as a list in JSON.
    pub facts: Option<String>,
}

/// What belongs to one of the people asked for.
struct Part {
    key: Option<String>,
    body: String,
    facts: Option<String>,
    mark: Option<u64>,
}

impl Part {
    fn sent(&self) -> Sent<'_> {
        Sent {
            key: self.key.as_deref(),
            body: &self.body,
            facts: self.facts.as_deref(),
            mark: self.mark,
        }
    }
}

impl Asked {
    /// What a key of the client's is bound to.
    fn body(&self, nth: usize) -> String {
        let Of {
            action,
            project,
            role,
        } = &self.of;
        let role = role.iter().map(|role| format!(" {role:?}"));
        let role: String = role.collect();
        format!("{action} {project}{role} {:?} {nth}", self.names)
    }

    /// Each person is an operation, with a key and facts of its own made from the client's.
    fn parts(&self, mark: Option<u64>) -> Result<Vec<Part>, Refusal> {
        let bad = |why: String| Refusal::field(FACTS, Msg::new("badfacts").with(why));
        let seen: Option<Vec<Json>> = match &self.facts {
            Some(text) => Some(serde_json::from_str(text).map_err(|e| bad(e.to_string()))?),
            None => None,
        };
        let count = self.names.len();
        if seen.as_ref().is_some_and(|seen| seen.len() != count) {
            return Err(bad(format!("there must be {count} in the list")));
        }
        let part = |nth: usize| Part {
            key: self.key.as_ref().map(|key| match nth {
                0 => key.clone(),
                _ => format!("{key}#{nth}"),
            }),
            body: self.body(nth),
            facts: seen
                .as_ref()
                .and_then(|seen| Some(seen.get(nth)?.to_string())),
            mark,
        };
        Ok((0..count).map(part).collect())
    }
}

impl Context {
    /// Whether a person may open the page at all: for everybody, or at least to leave.
    pub(super) fn may_open(&self, actor: &Actor, of: &Of) -> Result<(), Refusal> {
        let policy = &self.settings.policy;
        authorise(policy, actor, of.action, &of.target(None))
            .map(drop)
            .or_else(|refusal| {
                let themselves = actor.person.as_ref().ok_or(refusal)?;
                let target = of.target(Some(&themselves.entry));
                authorise(policy, actor, of.action, &target).map(drop)
            })
    }

    /// The plans, one a person; or all that is wrong.
    pub(super) async fn planned_members(
        &self,
        caller: &Caller,
        asked: &Asked,
    ) -> Result<Members, Vec<Refusal>> {
        let alone = |refusal| vec![refusal];
        let actor = self.actor(caller).await.map_err(alone)?;
        self.may_open(&actor, &asked.of).map_err(alone)?;
        let field = field_of(asked.of.action);
        let most = usize::try_from(OPEN_AT_ONCE).unwrap_or(usize::MAX);
        if asked.names.is_empty() {
            return Err(vec![Refusal::field(field, Msg::new("nonamegiven"))]);
        }
        if asked.names.len() > most {
            let bound = Msg::new("toomanynames").with(i64::from(OPEN_AT_ONCE));
            return Err(vec![Refusal::field(field, bound)]);
        }
        let mark = self.mark().await.map_err(alone)?;
        let managed = self.managed(&asked.of.project).await.map_err(alone)?;
        let assigned = self.assigned(&managed).await.map_err(alone)?;
        let place = (&managed, assigned.as_deref());
        let (mut members, mut wrong) = (Members::default(), Vec::new());
        for (name, part) in asked.names.iter().zip(asked.parts(mark).map_err(alone)?) {
            match self.plan_member(&actor, &asked.of, place, name).await {
                Ok(plan) if members.has(&plan) => {}
                Ok(plan) => members.planned.push((plan, part)),
                // A double click must not hear that its own first half has done it already.
                Err(refusal) => match self.replayed(caller, &part.sent()).await {
                    Some(operation) => members.begun.push(operation),
                    None => wrong.push(refusal),
                },
            }
        }
        if wrong.is_empty() {
            Ok(members)
        } else {
            Err(wrong)
        }
    }

    /// Records what was planned. What one call cannot record for all, the same call with the same key goes on
    /// with; who was recorded before that is told with what is wrong.
    pub(super) async fn change_members(
        &self,
        caller: &Caller,
        asked: &Asked,
    ) -> Result<Vec<OperationId>, Vec<Refusal>> {
        let Members { mut begun, planned } = self.planned_members(caller, asked).await?;
        let stale: Vec<Refusal> = planned
            .iter()
            .filter_map(|(plan, part)| as_seen(plan, part.facts.as_deref()).err())
            .collect();
        if !stale.is_empty() {
            return Err(stale);
        }
        let mut names: Vec<String> = Vec::new();
        for (plan, part) in planned {
            let name = plan.name.clone();
            match self.submit(caller, plan, &part.sent()).await {
                Ok(operation) => begun.push(operation),
                Err(refusal) if names.is_empty() => return Err(vec![refusal]),
                Err(refusal) => {
                    let kind = RefusalKind::Conflict;
                    let told = Msg::new("members-begun").with(names.join(", "));
                    return Err(vec![refusal, Refusal::new(kind, told)]);
                }
            }
            names.push(name);
        }
        Ok(begun)
    }

    async fn plan_member(
        &self,
        actor: &Actor,
        of: &Of,
        (managed, assigned): (&ManagedProject, Option<&[Assigned]>),
        name: &str,
    ) -> Result<Plan, Refusal> {
        let project = &managed.project;
        let person = self.person_called(name).await?;
        let target = of.target(person.as_ref().map(|person| &person.entry));
        let permit = authorise(&self.settings.policy, actor, of.action, &target)?;
        let (mut in_group, mut in_role) = (None, None);
        if let Some(person) = &person {
            in_group = self.holds(person, project, Place::Group).await?;
            if let Some(role) = of.role.clone() {
                in_role = self.holds(person, project, Place::Role { role }).await?;
            }
        }
        let rules = match of.action {
            Action::MemberRemove => self.rules_of(&project.name).await?,
            _ => Vec::new(),
        };
        let uid = person.as_ref().map(|person| &person.uid);
        let is_assigned = |to: &[Assigned]| to.iter().any(|row| Some(&row.user) == uid);
        let cloud_role = self
            .settings
            .cloud_role
            .clone()
            .zip(assigned.map(is_assigned));
        let facts = MembershipFacts {
            managed: managed.clone(),
            asked: name.to_owned(),
            person,
            in_group,
            cloud_role,
            has_role: in_role.is_some(),
            rules,
        };
        match of.action {
            Action::MemberRemove => plan_remove_member(&permit, &facts),
            Action::RoleAdd => plan_add_role(&permit, &facts),
            Action::RoleRemove => plan_remove_role(&permit, &facts),
            _ => plan_add_member(&permit, &facts),
        }
    }

    /// `None` where there is nothing to be in.
    async fn holds(
        &self,
        person: &Person,
        project: &Project,
        place: Place,
    ) -> Result<Option<bool>, Refusal> {
        let grant = Grant::of(person, project, place);
        self.directory.holds(&grant).await.map_err(refuse)
    }

    /// To whom Keystone has assigned the members' role in a project, where we are to see to it.
    pub(super) async fn assigned(
        &self,
        managed: &ManagedProject,
    ) -> Result<Option<Vec<Assigned>>, Refusal> {
        let Some(role) = &self.settings.cloud_role else {
            return Ok(None);
        };
        let (domain, project) = (&self.settings.people_domain, &managed.project_id);
        let assigned = self.identity.assigned(role, domain, Some(project)).await;
        assigned.map(Some).map_err(refuse)
    }

    /// Who has a name: the shell name, to the letter; else the wiki name, through the link of that account.
    pub(super) async fn person_called(&self, name: &str) -> Result<Option<Person>, Refusal> {
        if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Ok(None);
        }
        let by_uid = self.directory.person_by_uid(name).await;
        if let Some(person) = by_uid.map_err(refuse)? {
            return Ok(Some(person));
        }
        let Some(user) = self.wiki.user_id(name).await.map_err(refuse)? else {
            return Ok(None);
        };
        match self.links.link_of(user).await.map_err(refuse)? {
            Some(entry) => self.directory.person(&entry).await.map_err(refuse),
            None => Ok(None),
        }
    }

    /// Several names with commas between; a wiki name may hold a comma, and is then given alone.
    pub(super) async fn names(&self, text: &str) -> Result<Vec<String>, Refusal> {
        let whole = text.trim();
        if whole.contains(',') && self.person_called(whole).await?.is_some() {
            return Ok(vec![whole.to_owned()]);
        }
        let names = whole.split(',').map(str::trim).filter(|n| !n.is_empty());
        Ok(distinct(names.map(str::to_owned)))
    }
}

/// Each name once: each is asked for in LDAP and on the wiki.
pub(super) fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

/// What is to be recorded, and what the same call had recorded before.
#[derive(Default)]
pub(super) struct Members {
    begun: Vec<OperationId>,
    planned: Vec<(Plan, Part)>,
}

impl Members {
    /// The plans.
    pub(super) fn plans(self) -> Vec<Plan> {
        self.planned.into_iter().map(|(plan, _)| plan).collect()
    }

    /// The same person by another name.
    fn has(&self, plan: &Plan) -> bool {
        let resource = plan.resource();
        self.planned.iter().any(|(p, _)| p.resource() == resource)
    }
}

/// The field that names people: as the original had them.
pub(super) fn field_of(action: Action) -> &'static str {
    match action {
        Action::MemberAdd => "member",
        _ => "members",
    }
}
