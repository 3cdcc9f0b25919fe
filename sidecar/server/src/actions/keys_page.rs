//! `Special:NovaKey`: the keys, a form to add one, and a page that asks before one is removed.

use super::create::form_query;
use super::keys::Asked;
use super::planned::{FACTS, facts_field, plan_table};
use super::{Caller, Context, SpecialRequest};
use osm_core::action::Action;
use osm_core::ids::OperationId;
use osm_core::keys::{FIELD, Key, KeyPlan, hash};
use osm_core::message::{Msg, Value};
use osm_core::pages::encode::cut;
use osm_core::plan::Plan;
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Fact, Field, FieldKind, FieldValue, Form, Level, Row, View};
use ulid::Ulid;

const PAGE: &str = "NovaKey";

impl Context {
    /// The page.
    pub(super) async fn novakey(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        match request.get("action").unwrap_or_default() {
            "" | "add" => self.keys_page(caller, request).await,
            "delete" => self.delete_key_page(caller, request).await,
            other => Err(Refusal::field("action", Msg::new("badaction").with(other))),
        }
    }

    async fn keys_page(&self, caller: &Caller, request: &SpecialRequest) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let mut view = View::new(Msg::new("novakey"));
        let Some(person) = &actor.person else {
            view.notice(Level::Info, Msg::new("nolink"));
            return Ok(view);
        };
        let (mut shown, mut wrong) = (None, None);
        if request.post {
            match self.add_key(caller, request).await {
                Ok(Added::Begun(operation)) => return Ok(followed(&operation)),
                Ok(Added::Shown(key, planned)) => {
                    told(&mut view, &planned);
                    shown = Some((key, planned.plan));
                }
                Err(refusal) => wrong = Some(refusal),
            }
        } else {
            self.outcome(&actor, request, &mut view).await;
        }
        let held = self.keys_of(person).await?;
        view.status = wrong.as_ref().map_or(200, Refusal::status);
        let form = match self.permit_own(&actor, Action::KeyAdd) {
            Ok(_) => {
                let form = add_form(shown.as_ref().map(|(key, _)| key), wrong, &mut view);
                vec![heading("addkey-heading"), Block::Form(Box::new(form))]
            }
            Err(refusal) => {
                view.notice(Level::Warning, refusal.message);
                Vec::new()
            }
        };
        view.blocks
            .extend(shown.as_ref().map(|(_, plan)| plan_table(plan)));
        // What was sent is answered first.
        match view.status != 200 || shown.is_some() {
            true => view
                .blocks
                .extend(form.into_iter().chain([heading("novakey"), table(&held)])),
            false => view.blocks.extend([table(&held)].into_iter().chain(form)),
        }
        Ok(view)
    }

    async fn add_key(&self, caller: &Caller, request: &SpecialRequest) -> Result<Added, Refusal> {
        let asked = Asked::pasted(request.form.text(FIELD))?;
        if request.form.get("dryrun").is_some() {
            let planned = self.planned_key(caller, &asked).await?;
            if let Asked::Add(key) = asked {
                return Ok(Added::Shown(key, Box::new(planned)));
            }
        }
        Ok(Added::Begun(self.agreed(caller, request, &asked).await?))
    }

    async fn agreed(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        asked: &Asked,
    ) -> Result<OperationId, Refusal> {
        let key = request.idempotency_key.as_deref();
        let facts = request.form.get(FACTS);
        self.change_key(caller, asked, key, facts).await
    }

    async fn delete_key_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let name = request.get("hash").unwrap_or_default();
        let asked = Asked::Remove(name.to_owned());
        let mut wrong = None;
        if request.post {
            match self.agreed(caller, request, &asked).await {
                Ok(operation) => return Ok(followed(&operation)),
                Err(refusal) => wrong = Some(refusal),
            }
        }
        let planned = self.planned_key(caller, &asked).await?;
        let mut view = View::new(Msg::new("deletekey-title"));
        told(&mut view, &planned);
        let plan = planned.plan;
        if let Some(refusal) = wrong {
            view.status = refusal.status();
            view.notice(Level::Error, refusal.message);
        }
        let actor = self.actor(caller).await?;
        let (_, person) = self.permit_own(&actor, Action::KeyRemove)?;
        let held = self.keys_of(person).await?;
        let called = held.iter().filter(|value| hash(value) == name);
        view.blocks.extend(called.map(|value| facts(value)));
        view.blocks.push(plan_table(&plan));
        view.blocks.push(Block::Form(Box::new(delete_form(&plan))));
        Ok(view)
    }
}

/// What became of a pasted key.
enum Added {
    Begun(OperationId),
    Shown(Key, Box<KeyPlan>),
}

/// Why no keypair is part of it, where none is.
fn told(view: &mut View, planned: &KeyPlan) {
    for why in &planned.without {
        view.notice(Level::Info, why.clone());
    }
}

fn followed(operation: &OperationId) -> View {
    let query = [("operation", operation.as_str())];
    View::redirect(Msg::new("novakey"), PAGE, &query)
}

fn heading(name: &str) -> Block {
    Block::Heading {
        level: 2,
        id: name.to_owned(),
        text: Msg::new(name).into(),
        links: Vec::new(),
    }
}

fn table(held: &[String]) -> Block {
    let mut keys: Vec<(Option<Key>, &String)> = held
        .iter()
        .map(|value| (Key::stored(value), value))
        .collect();
    keys.sort_by_key(|(key, value)| {
        let comment = key.as_ref().map(|key| key.comment.clone());
        (comment, value.as_str())
    });
    Block::Table {
        id: "keys".to_owned(),
        columns: ["keytype", "keybits", "fingerprint", "keycomment", "actions"]
            .map(Msg::new)
            .into(),
        rows: keys
            .iter()
            .enumerate()
            .map(|(nth, (key, value))| row(nth, key.as_ref(), value))
            .collect(),
        empty: Some(Msg::new("keys-none")),
    }
}

fn row(nth: usize, key: Option<&Key>, value: &str) -> Row {
    let name = hash(value);
    let mut cells = match key {
        Some(key) => vec![kind(key), Value::text(key.bits.to_string())],
        None => vec![Msg::new("key-unreadable").into(), Value::text("")],
    };
    cells.extend([
        Value::Code { v: name.clone() },
        Value::text(key.map_or_else(|| cut(value, 60), |key| key.comment.clone())),
        Value::special(
            PAGE,
            &[("action", "delete"), ("hash", &name)],
            Msg::new("action-delete"),
        ),
    ]);
    let id = format!("key-{nth}");
    Row { id, cells }
}

/// With a word on what was accepted once and is no more.
fn kind(key: &Key) -> Value {
    let kind = Value::text(&key.kind);
    match key.good() {
        Ok(()) => kind,
        Err(_) => Value::List {
            v: vec![kind, Msg::new("key-old").into()],
        },
    }
}

fn facts(value: &str) -> Block {
    let fact = |label: &str, value: Value| Fact {
        label: Msg::new(label),
        value,
    };
    let mut rows = vec![fact("fingerprint", Value::Code { v: hash(value) })];
    match Key::stored(value) {
        Some(key) => rows.extend([
            fact("keytype", kind(&key)),
            fact("keybits", Value::text(key.bits.to_string())),
            fact("keycomment", Value::text(key.comment)),
        ]),
        None => rows.push(fact("key-unreadable", Value::text(cut(value, 200)))),
    }
    Block::Facts { rows }
}

/// What was pasted never comes back, only what it was read as.
fn add_form(shown: Option<&Key>, wrong: Option<Refusal>, view: &mut View) -> Form {
    let mut field = Field {
        help: Some(Msg::new("key-help")),
        default: shown.map(|key| FieldValue::One(key.line.clone())),
        secret: true,
        ..Field::new(FIELD, FieldKind::Textarea, Msg::new("key"))
    };
    match wrong {
        Some(refusal) if refusal.field.as_deref() == Some(FIELD) => {
            field.error = Some(refusal.message);
        }
        Some(refusal) => view.notice(Level::Error, refusal.message),
        None => {}
    }
    Form {
        id: "addkey".to_owned(),
        page: PAGE.to_owned(),
        query: form_query(&[("action", "add")]),
        fields: vec![field],
        submit: Msg::new("addkey-submit"),
        preview: Some(Msg::new("preview")),
        destructive: false,
        cancel: None,
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(Msg::new("addkey-intro")),
    }
}

fn delete_form(plan: &Plan) -> Form {
    let address = [("action", "delete"), ("hash", plan.name.as_str())];
    let mut fields = vec![facts_field(&plan.facts)];
    fields.extend(address.map(|(name, value)| Field::hidden(name, value)));
    Form {
        id: "deletekey".to_owned(),
        page: PAGE.to_owned(),
        query: form_query(&address),
        fields,
        submit: Msg::new("deletekey-submit"),
        preview: None,
        destructive: true,
        cancel: Some(Value::special(PAGE, &[], Msg::new("backkeys"))),
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(Msg::new("deletekey-confirm")),
    }
}
