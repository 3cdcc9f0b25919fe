//! Rebooting, deleting, configuring and reading the console of an instance.

use super::create::{form_query, groups_field, to_list};
use super::lookup::{mismatch, refuse};
use super::planned::{FACTS, Sent, facts_field, plan_table};
use super::{Caller, Context, Params, SpecialRequest};
use chrono::SubsecRound as _;
use osm_core::action::Action;
use osm_core::authz::{Permit, authorise};
use osm_core::ids::OperationId;
use osm_core::instance::{
    Instance, SecurityGroup, instance_facts, plan_configure, plan_delete, plan_reboot, state_text,
};
use osm_core::message::{Msg, Value};
use osm_core::plan::Plan;
use osm_core::ports::Seen;
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::view::{Block, Fact, Field, Form, Level, View};
use ulid::Ulid;

/// What is asked of an instance that is there, by a form or an API call.
pub(super) struct Asked<'a> {
    pub(super) action: Action,
    pub(super) params: &'a Params,
    pub(super) key: Option<&'a str>,
}

impl Asked<'_> {
    fn id(&self) -> &str {
        self.params.text("instanceid")
    }

    fn region(&self) -> Option<&str> {
        self.params.get("region")
    }

    fn groups(&self) -> Vec<String> {
        self.params.all("groups")
    }
}

impl Context {
    /// The plan for something to be done with an instance, of any origin.
    pub(super) async fn planned_operation(
        &self,
        caller: &Caller,
        asked: &Asked<'_>,
    ) -> Result<Plan, Refusal> {
        let (permit, seen) = self
            .permitted(caller, asked.action, asked.id(), asked.region())
            .await?;
        let instance = self.fresh(&seen).await?;
        let on_offer = self.on_offer(&instance, asked.action).await?;
        plan(&permit, &instance, &on_offer, &asked.groups())
    }

    /// Records it; the same call with the same key is one operation.
    pub(super) async fn operate(
        &self,
        caller: &Caller,
        asked: &Asked<'_>,
    ) -> Result<OperationId, Refusal> {
        let mut body = format!("{} {}", asked.action, asked.id());
        if asked.action == Action::InstanceConfigure {
            body = format!("{body} {:?}", asked.groups());
        }
        let sent = Sent {
            key: asked.key,
            body: &body,
            facts: asked.params.get(FACTS),
            mark: self.mark().await?,
        };
        let planned = self.planned_operation(caller, asked).await;
        self.submit_planned(caller, planned, &sent).await
    }

    /// The security groups that may be chosen, where they may be.
    async fn on_offer(
        &self,
        instance: &Instance,
        action: Action,
    ) -> Result<Vec<SecurityGroup>, Refusal> {
        if action != Action::InstanceConfigure {
            return Ok(Vec::new());
        }
        self.compute
            .security_groups(&instance.region, &instance.project_id)
            .await
            .map_err(refuse)
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

    /// `?action=reboot`, `delete` and `configure`: a page that shows what will happen, then does it.
    pub(super) async fn confirm_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        action: Action,
    ) -> Result<View, Refusal> {
        let mut refused = None;
        if request.post && request.form.get("dryrun").is_none() {
            let asked = Asked {
                action,
                params: &request.merged(),
                key: request.idempotency_key.as_deref(),
            };
            match self.operate(caller, &asked).await {
                Ok(operation) => return Ok(to_list(&operation)),
                Err(refusal) => refused = Some(refusal),
            }
        }
        let id = request.get("instanceid").unwrap_or_default();
        let (permit, seen) = self
            .permitted(caller, action, id, request.get("region"))
            .await?;
        let instance = self.fresh(&seen).await?;
        let on_offer = self.on_offer(&instance, action).await?;
        let wanted = match request.post {
            true => request.form.all("groups"),
            false => instance.security_groups.clone(),
        };
        let plan = plan(&permit, &instance, &on_offer, &wanted);
        let mut view = View::new(title(&instance, action));
        // Before anything was chosen there is no plan, and nothing wrong with that.
        let choosing = action == Action::InstanceConfigure && !request.post;
        let wrong = refused.or_else(|| plan.as_ref().err().filter(|_| !choosing).cloned());
        if let Some(refusal) = wrong {
            view.status = refusal.status();
            view.notice(Level::Error, refusal.message);
        }
        view.blocks.push(facts(&instance));
        view.blocks.extend(plan.as_ref().ok().map(plan_table));
        if plan.is_ok() || action == Action::InstanceConfigure {
            let groups = groups_field(&on_offer, wanted);
            let form = confirm_form(&instance, action, groups);
            view.blocks.push(Block::Form(Box::new(form)));
        }
        Ok(view)
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

fn plan(
    permit: &Permit,
    instance: &Instance,
    on_offer: &[SecurityGroup],
    groups: &[String],
) -> Result<Plan, Refusal> {
    match permit.action() {
        Action::InstanceDelete => plan_delete(permit, instance),
        Action::InstanceConfigure => plan_configure(permit, instance, on_offer, groups),
        _ => plan_reboot(permit, instance),
    }
}

/// The action of a word in an address, of those that a page asks about first.
pub(super) fn confirmed(called: &str) -> Option<Action> {
    [
        Action::InstanceDelete,
        Action::InstanceReboot,
        Action::InstanceConfigure,
    ]
    .into_iter()
    .find(|action| word(*action) == called)
}

/// The action's word in messages and addresses.
fn word(action: Action) -> &'static str {
    match action {
        Action::InstanceDelete => "delete",
        Action::InstanceReboot => "reboot",
        Action::InstanceConfigure => "configure",
        _ => "consoleoutput",
    }
}

fn title(instance: &Instance, action: Action) -> Msg {
    let key = match action {
        Action::InstanceConsole => "consoleoutput-title".to_owned(),
        _ => format!("{}instance-title", word(action)),
    };
    Msg::new(&key).with(instance.name.as_str())
}

fn back() -> Value {
    Value::special("NovaInstance", &[], Msg::new("backinstancelist"))
}

fn confirm_form(instance: &Instance, action: Action, groups: Field) -> Form {
    let word = word(action);
    let id = instance.id.to_string();
    let address = [
        ("action", word),
        ("instanceid", id.as_str()),
        ("project", instance.project.as_str()),
        ("region", instance.region.as_str()),
    ];
    let mut fields = Vec::new();
    let choosing = action == Action::InstanceConfigure;
    if choosing {
        fields.push(groups);
    }
    // What is chosen from counts as seen, also where nothing has been chosen yet.
    fields.push(facts_field(&instance_facts(instance, action)));
    fields.extend(address.map(|(name, value)| Field::hidden(name, value)));
    Form {
        id: format!("{word}instance"),
        page: "NovaInstance".to_owned(),
        query: form_query(&address),
        fields,
        submit: Msg::new(&format!("{word}instance-submit")),
        preview: choosing.then(|| Msg::new("preview")),
        destructive: action == Action::InstanceDelete,
        cancel: Some(back()),
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(Msg::new(&format!("{word}instance-confirm")).with(instance.name.as_str())),
    }
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
