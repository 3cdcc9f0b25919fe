//! Rebooting, deleting and reading the console of an instance.

use super::create::{form_query, to_list};
use super::lookup::{mismatch, refuse};
use super::{Caller, Context, SpecialRequest};
use chrono::SubsecRound as _;
use osm_core::action::Action;
use osm_core::authz::{Permit, authorise};
use osm_core::ids::OperationId;
use osm_core::instance::{Instance, plan_delete, plan_reboot, state_text};
use osm_core::message::{Msg, Value};
use osm_core::plan::Plan;
use osm_core::ports::Seen;
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::view::{Block, Fact, Field, Form, Level, View};
use ulid::Ulid;

impl Context {
    /// The plan for a reboot or a delete of any origin.
    pub(super) async fn planned_operation(
        &self,
        caller: &Caller,
        action: Action,
        id: &str,
        region: Option<&str>,
    ) -> Result<Plan, Refusal> {
        let (permit, seen) = self.permitted(caller, action, id, region).await?;
        plan(&permit, &self.fresh(&seen).await?)
    }

    /// Records a reboot or a delete; the same call with the same key is one operation.
    pub(super) async fn operate(
        &self,
        caller: &Caller,
        action: Action,
        id: &str,
        region: Option<&str>,
        key: Option<&str>,
    ) -> Result<OperationId, Refusal> {
        let body = format!("{action} {id}");
        let submitted = match self.planned_operation(caller, action, id, region).await {
            Ok(plan) => self.submit(caller, plan, key, &body).await,
            Err(refusal) => Err(refusal),
        };
        match submitted {
            Err(refusal) => self.replayed(caller, key, &body).await.ok_or(refusal),
            recorded => recorded,
        }
    }

    /// The console's output, for those who may read it; it is not kept anywhere.
    pub(super) async fn console(
        &self,
        caller: &Caller,
        id: &str,
        region: Option<&str>,
    ) -> Result<(Seen, String), Refusal> {
        let (_, seen) = self
            .permitted(caller, Action::InstanceConsole, id, region)
            .await?;
        let i = &seen.instance;
        let text = self
            .compute
            .console_output(&i.region, &i.project_id, i.id)
            .await
            .map_err(refuse)?;
        Ok((seen, text))
    }

    async fn permitted(
        &self,
        caller: &Caller,
        action: Action,
        id: &str,
        region: Option<&str>,
    ) -> Result<(Permit, Seen), Refusal> {
        let actor = self.actor(caller).await?;
        let (seen, target) = self.instance(id, region).await?;
        let permit = authorise(&self.settings.policy, &actor, action, &target)?;
        // The membership is of the project that LDAP has now, the instance of the one that had the name then.
        let project = &seen.instance.project;
        if self.managed(project).await?.project_id != seen.instance.project_id {
            return Err(mismatch(project));
        }
        if seen.instance.deleted.is_some() {
            return Err(Refusal::new(
                RefusalKind::NotFound,
                Msg::new("instancegone").with(seen.instance.name.as_str()),
            ));
        }
        Ok((permit, seen))
    }

    /// `?action=reboot` and `?action=delete`: a page that asks, then does.
    pub(super) async fn confirm_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        action: Action,
    ) -> Result<View, Refusal> {
        let id = request.get("instanceid").unwrap_or_default();
        let region = request.get("region");
        if request.post {
            let key = request.idempotency_key.as_deref();
            let operation = self.operate(caller, action, id, region, key).await?;
            return Ok(to_list(&operation));
        }
        let (permit, seen) = self.permitted(caller, action, id, region).await?;
        let instance = self.fresh(&seen).await?;
        Ok(match plan(&permit, &instance) {
            Ok(_) => confirm_form(&instance, action),
            Err(refusal) => {
                let mut view = View::new(title(&instance, action));
                view.status = refusal.status();
                view.notice(Level::Error, refusal.message);
                view.blocks.push(facts(&instance));
                view
            }
        })
    }

    /// `?action=consoleoutput`.
    pub(super) async fn console_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let id = request.get("instanceid").unwrap_or_default();
        let (seen, text) = self.console(caller, id, request.get("region")).await?;
        let mut view = View::new(title(&seen.instance, Action::InstanceConsole));
        view.as_of = Some((self.clock)().trunc_subsecs(0));
        if text.trim().is_empty() {
            view.notice(Level::Info, Msg::new("consoleoutput-empty"));
        } else {
            view.blocks.push(Block::Pre { text });
        }
        view.blocks.push(Block::Para { text: back() });
        Ok(view)
    }
}

fn plan(permit: &Permit, instance: &Instance) -> Result<Plan, Refusal> {
    match permit.action() {
        Action::InstanceDelete => plan_delete(permit, instance),
        _ => plan_reboot(permit, instance),
    }
}

fn title(instance: &Instance, action: Action) -> Msg {
    let name = match action {
        Action::InstanceDelete => "deleteinstance-title",
        Action::InstanceReboot => "rebootinstance-title",
        _ => "consoleoutput-title",
    };
    Msg::new(name).with(instance.name.as_str())
}

fn back() -> Value {
    Value::special("NovaInstance", &[], Msg::new("backinstancelist"))
}

fn confirm_form(instance: &Instance, action: Action) -> View {
    let (word, destructive) = match action {
        Action::InstanceDelete => ("delete", true),
        _ => ("reboot", false),
    };
    let mut view = View::new(title(instance, action));
    view.blocks.push(facts(instance));
    view.blocks.push(Block::Form(Form {
        id: format!("{word}instance"),
        page: "NovaInstance".to_owned(),
        query: form_query(&[
            ("action", word),
            ("instanceid", &instance.id.to_string()),
            ("project", instance.project.as_str()),
            ("region", instance.region.as_str()),
        ]),
        fields: vec![
            Field::hidden("instanceid", &instance.id.to_string()),
            Field::hidden("project", instance.project.as_str()),
            Field::hidden("region", instance.region.as_str()),
            Field::hidden("action", word),
        ],
        submit: Msg::new(&format!("{word}instance-submit")),
        destructive,
        cancel: Some(back()),
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(Msg::new(&format!("{word}instance-confirm")).with(instance.name.as_str())),
    }));
    view
}

fn facts(instance: &Instance) -> Block {
    let fact = |label: &str, value: Value| Fact {
        label: Msg::new(label),
        value,
    };
    Block::Facts {
        rows: vec![
            fact("instancename", Value::text(&instance.name)),
            fact("instanceid", Value::text(instance.id.to_string())),
            fact("project", Value::text(instance.project.as_str())),
            fact("region", Value::text(instance.region.as_str())),
            fact("instancestate", Value::text(state_text(instance))),
            fact("created", Value::from(instance.created)),
        ],
    }
}
