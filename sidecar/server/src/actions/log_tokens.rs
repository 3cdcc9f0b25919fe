//! `Special:NovaLog?action=tokens`: the tokens by which scripts log to a project; its admins make and revoke them.

use super::log::{PAGE, heading};
use super::lookup::refuse;
use super::{Caller, Context, SpecialRequest};
use osm_core::action::Action;
use osm_core::authz::{PROJECTADMIN, Target, authorise};
use osm_core::ids::{ProjectName, Region};
use osm_core::log::token::is_name;
use osm_core::message::{Msg, Value};
use osm_core::pages::title::project_title;
use osm_core::ports::LogToken;
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::view::{Block, Field, FieldKind, Form, Level, Row, View};
use tracing::info;
use ulid::Ulid;

/// The page's `action`.
pub(super) const WORD: &str = "tokens";
/// The form field in which it says what is wished.
const WISH: &str = "wish";

/// To the tokens of a project.
pub(super) fn link(project: &ProjectName, text: Msg) -> Value {
    let query = [("action", WORD), ("project", project.as_str())];
    Value::special(PAGE, &query, text)
}

impl Context {
    /// The page of a project.
    pub(super) async fn log_tokens(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let named = request.query.get("project").unwrap_or_default();
        let project = ProjectName::parse(named.trim())?;
        self.may_token(caller, Action::LogTokenList, &project)
            .await?;
        let mut view = View::new(Msg::new("log-tokens-title").with(project.as_str()));
        let mut wrong = None;
        if request.post {
            let done = self.wished(caller, request, &project).await;
            match done {
                Ok(told) => view.notice(Level::Success, told),
                Err(refusal) if refusal.field.is_some() => wrong = Some(refusal),
                Err(refusal) => return Err(refusal),
            }
        }
        view.status = wrong.as_ref().map_or(200, Refusal::status);
        let tokens = self.book.tokens.tokens(Some(&project)).await;
        let tokens = tokens.map_err(refuse)?;
        let text = Value::wiki(project_title(&project), project.as_str());
        view.blocks.extend([
            Block::Para { text },
            Block::Para {
                text: Msg::new("log-tokens-intro").into(),
            },
            table(&tokens),
        ]);
        // Whoever only looks is not asked.
        let may = self.may_token(caller, Action::LogTokenChange, &project);
        if may.await.is_ok() {
            view.blocks.push(make_form(&project, request, wrong));
            let revoke = tokens.iter().map(|token| revoke_form(&project, token));
            view.blocks.extend(revoke);
        }
        Ok(view)
    }

    /// Makes or revokes a token.
    async fn wished(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        project: &ProjectName,
    ) -> Result<Msg, Refusal> {
        self.may_token(caller, Action::LogTokenChange, project)
            .await?;
        let (name, by) = (request.form.text("name").trim(), &caller.user.name);
        match request.form.text(WISH) {
            "make" => {
                if !is_name(name) {
                    return Err(Refusal::field("name", Msg::new("log-token-badname")));
                }
                self.managed(project).await?;
                let token = self.book.make_token(project, name, by).await;
                let taken = || Refusal::field("name", Msg::new("log-token-taken").with(name));
                let v = token.map_err(refuse)?.ok_or_else(taken)?;
                info!(%project, token = name, by, "a log token was made");
                let made = Msg::new("log-token-made").with(name);
                Ok(made.with(Value::Code { v }))
            }
            "revoke" => {
                let gone = self.book.tokens.revoke_token(project, name).await;
                if !gone.map_err(refuse)? {
                    let why = Msg::new("log-token-unknown").with(name);
                    return Err(Refusal::new(RefusalKind::NotFound, why));
                }
                info!(%project, token = name, by, "a log token was revoked");
                Ok(Msg::new("log-token-revoked").with(name))
            }
            word => Err(Refusal::field(WISH, Msg::new("badaction").with(word))),
        }
    }

    async fn may_token(
        &self,
        caller: &Caller,
        action: Action,
        project: &ProjectName,
    ) -> Result<(), Refusal> {
        let actor = self.actor(caller).await?;
        let target = Target::Project(Region::trusted(""), project.clone());
        authorise(&self.settings.policy, &actor, action, &target).map(|_| ())
    }

    /// From the log to the tokens of the projects that somebody administers. Where it cannot be told, there is no
    /// link, and the log is shown all the same.
    pub(super) async fn link_tokens(&self, caller: &Caller, view: &mut View) {
        let Ok(actor) = self.actor(caller).await else {
            return;
        };
        let own = actor.person.iter().flat_map(|person| &person.projects);
        let own = own.filter(|(_, roles)| roles.contains(PROJECTADMIN));
        let links: Vec<Value> = own
            .map(|(project, _)| link(project, Msg::new("log-tokens-of").with(project.as_str())))
            .collect();
        if !links.is_empty() {
            view.blocks.extend([
                heading(WORD, "log-tokens"),
                Block::Para {
                    text: Value::List { v: links },
                },
            ]);
        }
    }
}

fn table(tokens: &[LogToken]) -> Block {
    let row = |token: &LogToken| Row {
        id: format!("token-{}", token.name),
        cells: vec![
            Value::text(token.name.as_str()),
            Value::Time { v: token.made_at },
            Value::text(token.made_by.as_str()),
            match token.used_at {
                Some(v) => Value::Time { v },
                None => Msg::new("log-token-never").into(),
            },
        ],
    };
    Block::Table {
        id: "tokens".to_owned(),
        columns: [
            "log-token-name",
            "log-token-when",
            "log-token-by",
            "log-token-used",
        ]
        .map(Msg::new)
        .into(),
        rows: tokens.iter().map(row).collect(),
        empty: Some(Msg::new("log-token-none")),
    }
}

fn make_form(project: &ProjectName, request: &SpecialRequest, wrong: Option<Refusal>) -> Block {
    let mut name = Field {
        required: true,
        maxlength: Some(40),
        // What was sent is shown only where something is wrong with it.
        secret: true,
        ..Field::new("name", FieldKind::Text, Msg::new("log-token-new"))
    };
    if let Some(refusal) = wrong {
        let sent = request.form.text("name").to_owned();
        name.default = Some(osm_core::view::FieldValue::One(sent));
        name.error = Some(refusal.message);
    }
    form("make", "log-token-make".to_owned(), project, name, None)
}

fn revoke_form(project: &ProjectName, token: &LogToken) -> Block {
    let about = Msg::new("log-token-revoke-about")
        .with(token.name.as_str())
        .with(project.as_str());
    let id = format!("log-token-revoke-{}", token.name);
    let name = Field::hidden("name", &token.name);
    form("revoke", id, project, name, Some(about))
}

fn form(wish: &str, id: String, project: &ProjectName, name: Field, intro: Option<Msg>) -> Block {
    let query = [("action", WORD), ("project", project.as_str())];
    Block::Form(Box::new(Form {
        id,
        page: PAGE.to_owned(),
        query: query.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        fields: vec![name, Field::hidden(WISH, wish)],
        submit: Msg::new(&format!("log-token-{wish}")),
        preview: None,
        destructive: wish == "revoke",
        cancel: None,
        idempotency_key: Ulid::generate().to_string(),
        intro,
    }))
}
