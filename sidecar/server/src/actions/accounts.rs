//! A shell account for who has none: planned here for Special:NovaLink and the wiki API alike.

use super::api::{ApiReply, dry, shown};
use super::create::form_query;
use super::planned::{FACTS, Sent, facts_field, plan_table};
use super::{ApiRequest, Caller, Context, SpecialRequest, lookup::refuse};
use osm_core::accounts::{AccountFacts, FIELD, LONGEST_SHELL_NAME, plan_create_account};
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::{Permit, Target, authorise};
use osm_core::ids::OperationId;
use osm_core::message::Msg;
use osm_core::plan::Plan;
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Field, FieldKind, FieldValue, Form, Level, View};
use ulid::Ulid;

/// Where people connect what they have, and get what they have not.
pub(super) const PAGE: &str = "NovaLink";

impl Context {
    pub(super) fn permit_account(&self, actor: &Actor) -> Result<Permit, Refusal> {
        let target = Target::User(actor.user.wiki_user_id);
        authorise(&self.settings.policy, actor, Action::AccountCreate, &target)
    }

    async fn planned_account(&self, caller: &Caller, asked: &str) -> Result<Plan, Refusal> {
        let actor = self.actor(caller).await?;
        let permit = self.permit_account(&actor)?;
        let name = asked.trim();
        // What is too long is nobody's, and is refused as such.
        let taken = name.len() <= LONGEST_SHELL_NAME
            && self.directory.name_taken(name).await.map_err(refuse)?;
        let namesake = self.directory.person_by_cn(&actor.user.name).await;
        let facts = AccountFacts {
            asked: asked.to_owned(),
            taken,
            namesake: namesake.map_err(refuse)?.is_some(),
            rule: self.settings.newcomers.clone().unwrap_or_default(),
            now: (self.clock)(),
        };
        plan_create_account(&permit, &facts)
    }

    /// Records it; the same call with the same key is one operation.
    async fn create_account(
        &self,
        caller: &Caller,
        asked: &str,
        key: Option<&str>,
        facts: Option<&str>,
    ) -> Result<OperationId, Refusal> {
        let body = format!("{} {asked}", Action::AccountCreate);
        let sent = Sent {
            key,
            body: &body,
            facts,
            mark: self.mark().await?,
        };
        let planned = self.planned_account(caller, asked).await;
        self.submit_planned(caller, planned, &sent).await
    }

    /// The form, on the page of whoever has no account, where they may get one.
    pub(super) async fn account_form(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        view: &mut View,
    ) -> Result<Option<View>, Refusal> {
        let asked = request.form.text(FIELD);
        let posted = request.post && request.get("action") == Some("create");
        let (mut plan, mut wrong) = (None, None);
        if posted && request.form.get("dryrun").is_some() {
            match self.planned_account(caller, asked).await {
                Ok(planned) => plan = Some(planned),
                Err(refusal) => wrong = Some(refusal),
            }
        } else if posted {
            let (key, facts) = (request.idempotency_key.as_deref(), request.form.get(FACTS));
            match self.create_account(caller, asked, key, facts).await {
                Ok(operation) => {
                    let query = [("operation", operation.as_str())];
                    return Ok(Some(View::redirect(Msg::new("novalink"), PAGE, &query)));
                }
                Err(refusal) => wrong = Some(refusal),
            }
        }
        view.blocks.push(Block::Heading {
            level: 2,
            id: "createaccount".to_owned(),
            text: Msg::new("createaccount-heading").into(),
            links: Vec::new(),
        });
        view.blocks.extend(plan.as_ref().map(plan_table));
        let form = form(asked, plan.as_ref(), wrong, view);
        view.blocks.push(Block::Form(Box::new(form)));
        Ok(None)
    }

    /// `action=novaaccount`.
    pub(super) async fn api_account(
        &self,
        caller: &Caller,
        request: &ApiRequest,
    ) -> Result<ApiReply, Refusal> {
        let params = &request.params;
        if params.text("subaction") != "create" {
            let why = Msg::new("badaction").with(params.text("subaction"));
            return Err(Refusal::field("subaction", why));
        }
        let asked = params.text(FIELD);
        if dry(request) {
            return Ok(shown(&self.planned_account(caller, asked).await?));
        }
        let (key, facts) = (request.idempotency_key.as_deref(), params.get(FACTS));
        let operation = self.create_account(caller, asked, key, facts).await?;
        Ok(self.api_begun(&operation).await)
    }
}

fn form(asked: &str, plan: Option<&Plan>, wrong: Option<Refusal>, view: &mut View) -> Form {
    let mut field = Field {
        help: Some(Msg::new("shellname-help")),
        default: Some(FieldValue::One(asked.to_owned())),
        required: true,
        maxlength: u32::try_from(LONGEST_SHELL_NAME).ok(),
        ..Field::new(FIELD, FieldKind::Text, Msg::new("shellname"))
    };
    if let Some(refusal) = wrong {
        view.status = refusal.status();
        match refusal.field.as_deref() == Some(FIELD) {
            true => field.error = Some(refusal.message),
            false => view.notice(Level::Error, refusal.message),
        }
    }
    let mut fields = vec![field, Field::hidden("action", "create")];
    fields.extend(plan.map(|plan| facts_field(&plan.facts)));
    Form {
        id: "createaccount".to_owned(),
        page: PAGE.to_owned(),
        query: form_query(&[("action", "create")]),
        fields,
        submit: Msg::new("createaccount-submit"),
        preview: Some(Msg::new("preview")),
        destructive: false,
        cancel: None,
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(Msg::new("createaccount-intro")),
    }
}
