//! Sudo rules of projects: planned here for the special page and the wiki API alike.

use super::api::{ApiReply, dry, shown};
use super::planned::{FACTS, Sent};
use super::{ApiRequest, Caller, Context, Params, SpecialRequest, lookup::refuse};
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::{Permit, Target, authorise};
use osm_core::ids::{OperationId, ProjectName, Region};
use osm_core::message::Msg;
use osm_core::plan::Plan;
use osm_core::refusal::Refusal;
use osm_core::sudo::{
    Rule, SudoFacts, Wanted, plan_create_rule, plan_delete_rule, plan_modify_rule,
};

/// What is asked of a rule.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub action: Action,
    pub project: ProjectName,
    pub name: String,
    pub wanted: Wanted,
    pub key: Option<String>,
    pub facts: Option<String>,
}

/// The action of a word in an address or a call.
pub(super) fn called(word: &str) -> Result<Action, Refusal> {
    match word {
        "create" => Ok(Action::SudoCreate),
        "modify" => Ok(Action::SudoModify),
        "delete" => Ok(Action::SudoDelete),
        other => {
            let why = Msg::new("badaction").with(other);
            Err(Refusal::field("subaction", why))
        }
    }
}

impl Asked {
    /// A form says all that it shows: a box that is not ticked is not sent.
    pub(super) fn of_form(action: Action, request: &SpecialRequest) -> Result<Self, Refusal> {
        let form = &request.form;
        let text = |name: &str| Some(form.text(name).to_owned());
        Ok(Self {
            action,
            project: ProjectName::parse(request.get("projectname").unwrap_or_default())?,
            name: request.get("sudoername").unwrap_or_default().to_owned(),
            wanted: match action {
                Action::SudoDelete => Wanted::default(),
                _ => Wanted {
                    users: Some(form.all("users")),
                    runas: Some(form.all("runas")),
                    commands: text("commands"),
                    options: text("options"),
                    asks: Some(form.get("requirepassword").is_some()),
                },
            },
            key: request.idempotency_key.clone(),
            facts: form.get(FACTS).map(str::to_owned),
        })
    }

    /// A call says what it wants otherwise.
    fn of_call(request: &ApiRequest) -> Result<Self, Refusal> {
        let params = &request.params;
        let given = |name: &str| params.0.contains_key(name);
        let list = |name: &str| given(name).then(|| params.all(name));
        let text = |name: &str| given(name).then(|| params.text(name).to_owned());
        Ok(Self {
            action: called(params.text("subaction"))?,
            project: ProjectName::parse(params.text("projectname"))?,
            name: params.text("sudoername").to_owned(),
            wanted: Wanted {
                users: list("users"),
                runas: list("runas"),
                commands: text("commands"),
                options: text("options"),
                asks: asks(params),
            },
            key: request.idempotency_key.clone(),
            facts: params.get(FACTS).map(str::to_owned),
        })
    }
}

fn asks(params: &Params) -> Option<bool> {
    match params.text("requirepassword") {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

impl Context {
    /// Whether somebody may do it in a project.
    pub(super) fn may_sudo(
        &self,
        actor: &Actor,
        action: Action,
        project: &ProjectName,
    ) -> Result<Permit, Refusal> {
        // A rule is of no region.
        let target = Target::Project(Region::trusted(""), project.clone());
        authorise(&self.settings.policy, actor, action, &target)
    }

    /// LDAP's word on the rules of a project.
    pub(super) async fn rules_of(&self, project: &ProjectName) -> Result<Vec<Rule>, Refusal> {
        let rules = self.directory.sudo_rules(Some(project)).await;
        Ok(rules.map_err(refuse)?.remove(project).unwrap_or_default())
    }

    pub(super) async fn sudo_facts(&self, project: &ProjectName) -> Result<SudoFacts, Refusal> {
        Ok(SudoFacts {
            managed: self.managed(project).await?,
            rules: self.rules_of(project).await?,
        })
    }

    /// The plan.
    pub(super) async fn planned_sudo(
        &self,
        caller: &Caller,
        asked: &Asked,
    ) -> Result<Plan, Refusal> {
        let actor = self.actor(caller).await?;
        let permit = self.may_sudo(&actor, asked.action, &asked.project)?;
        let facts = self.sudo_facts(&asked.project).await?;
        let (name, wanted) = (asked.name.as_str(), &asked.wanted);
        match asked.action {
            Action::SudoCreate => plan_create_rule(&permit, &facts, name, wanted),
            Action::SudoDelete => plan_delete_rule(&permit, &facts, name),
            _ => plan_modify_rule(&permit, &facts, name, wanted),
        }
    }

    /// Records it; the same call with the same key is one operation.
    pub(super) async fn change_sudo(
        &self,
        caller: &Caller,
        asked: &Asked,
    ) -> Result<OperationId, Refusal> {
        let Asked {
            action,
            project,
            name,
            wanted,
            ..
        } = asked;
        let sent = Sent {
            key: asked.key.as_deref(),
            body: &format!("{action} {project} {name:?} {wanted:?}"),
            facts: asked.facts.as_deref(),
            mark: self.mark().await?,
        };
        let planned = self.planned_sudo(caller, asked).await;
        self.submit_planned(caller, planned, &sent).await
    }

    /// `action=novasudoer`.
    pub(super) async fn api_sudo(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Refusal> {
        let asked = Asked::of_call(request)?;
        if dry(request) {
            return Ok(shown(&self.planned_sudo(caller, &asked).await?));
        }
        let operation = self.change_sudo(caller, &asked).await?;
        Ok(self.api_begun(&operation).await)
    }
}
