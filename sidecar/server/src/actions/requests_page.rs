//! `Special:NovaRequest`: what people ask for, and what became of it.

use super::create::form_query;
use super::planned::plan_table;
use super::requests::Word;
use super::{Caller, Context, SpecialRequest, lookup::refuse, requests_form};
use osm_core::authz::Target;
use osm_core::message::{Msg, Value};
use osm_core::pages::title::{project_title, request_title};
use osm_core::ports::RequestFilter;
use osm_core::refusal::Refusal;
use osm_core::requests::{LONGEST_WORDS, Request, State, Wanted};
use osm_core::view::{Block, Fact, Field, FieldKind, Form, Level, PageLink, Row, View};
use ulid::Ulid;

pub(super) const PAGE: &str = "NovaRequest";
/// Requests on the page.
const LISTED: u32 = 50;

/// The link to a request.
pub(super) fn link(id: u64) -> Value {
    let number = id.to_string();
    let label = Msg::new("request-called").with(number.as_str());
    Value::special(PAGE, &[("request", &number)], label)
}

impl Context {
    /// The page.
    pub(super) async fn novarequest(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        match (
            request.get("action").unwrap_or_default(),
            request.get("request"),
        ) {
            ("", None) => self.request_list(caller, request).await,
            ("project" | "quota", None) => self.ask_page(caller, request).await,
            ("" | "grant" | "decline" | "withdraw", Some(id)) => {
                self.request_page(caller, request, id).await
            }
            (other, _) => Err(Refusal::field("action", Msg::new("badaction").with(other))),
        }
    }

    async fn request_list(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        self.actor(caller).await?;
        let mut view = View::new(Msg::new("novarequest"));
        view.blocks
            .push(match self.may_ask(caller, &Target::Everywhere).await {
                Ok(_) => Block::Para {
                    text: requests_form::ask_link(),
                },
                Err(no) => Block::Para {
                    text: no.message.into(),
                },
            });
        let open = RequestFilter {
            state: Some(State::Open),
            limit: LISTED,
            ..RequestFilter::default()
        };
        let before = request.query.get("before");
        let before = before.map(str::parse).transpose();
        let before = before.map_err(|_| Refusal::field("before", Msg::new("badoffset")))?;
        let all = RequestFilter {
            before,
            limit: LISTED + 1,
            ..RequestFilter::default()
        };
        for (id, filter) in [("open", open), ("all", all)] {
            let mut found = self.requests.requests(&filter).await.map_err(refuse)?;
            let more = found.len() > LISTED as usize;
            found.truncate(LISTED as usize);
            view.blocks.push(Block::Heading {
                level: 2,
                id: format!("requests-{id}"),
                text: Msg::new(&format!("requests-{id}")).into(),
                links: Vec::new(),
            });
            view.blocks.push(table(id, &found));
            if let Some(last) = found.last().filter(|_| more) {
                let last = last.id.to_string();
                view.blocks.push(Block::Pager {
                    prev: None,
                    next: Some(PageLink::new(PAGE, &[("before", &last)])),
                });
            }
        }
        Ok(view)
    }

    async fn request_page(
        &self,
        caller: &Caller,
        sent: &SpecialRequest,
        id: &str,
    ) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let request = self.request_called(id).await?;
        let number = request.id.to_string();
        let said = sent.form.text("answer");
        let word = match sent.get("action") {
            Some("grant") => Some(Word::Grant {
                hash: sent.form.text("hash"),
            }),
            Some("decline") => Some(Word::Decline),
            Some("withdraw") => Some(Word::Withdraw),
            _ => None,
        };
        let mut wrong = None;
        if let Some(word) = word.filter(|_| sent.post) {
            match self.decide(caller, &request, word, said).await {
                Ok(()) => {
                    let title = Msg::new("novarequest");
                    return Ok(View::redirect(title, PAGE, &[("request", &number)]));
                }
                Err(refusal) => wrong = Some(refusal),
            }
        }
        let mut view = View::new(Msg::new("request-called").with(number.as_str()));
        let operation = request.decision.as_ref().and_then(|d| d.operation.clone());
        let mut came_to_nothing = false;
        if let Some(id) = &operation {
            let found = self.operations.operation(id).await.map_err(refuse)?;
            if let Some(found) = found {
                came_to_nothing = found.came_to_nothing();
                view.live = !found.state.over();
                self.tell_outcome(&found, &mut view);
            }
        }
        view.blocks.push(Block::Facts {
            rows: facts(&request),
        });
        let query = |action: &'static str| [("action", action), ("request", number.as_str())];
        let answer = || Field {
            help: Some(Msg::new("answer-help")),
            maxlength: u32::try_from(LONGEST_WORDS).ok(),
            ..Field::new("answer", FieldKind::Text, Msg::new("answer"))
        };
        let open = request.state == State::Open;
        if (open || came_to_nothing) && self.may_decide(caller).await.is_ok() {
            match self.planned_grant(caller, &request).await {
                Ok(plan) => {
                    let hash = Field::hidden("hash", &request.asked.hash());
                    view.blocks.push(plan_table(&plan));
                    view.blocks.push(form_of(
                        "grant",
                        &query("grant"),
                        vec![answer(), hash],
                        None,
                        None,
                    ));
                }
                Err(refusal) => view.notice(Level::Warning, refusal.message),
            }
            if open {
                let why = Field {
                    required: true,
                    ..answer()
                };
                view.blocks
                    .push(form_of("decline", &query("decline"), vec![why], None, None));
            }
        }
        if open && actor.user.wiki_user_id == request.by.0 {
            view.blocks.push(form_of(
                "withdraw",
                &query("withdraw"),
                Vec::new(),
                None,
                None,
            ));
        }
        if let Some(refusal) = wrong {
            view.status = refusal.status();
            view.notice(Level::Error, refusal.message);
        }
        let back = Value::special(PAGE, &[], Msg::new("request-back"));
        view.blocks.push(Block::Para { text: back });
        Ok(view)
    }
}

/// A table of requests.
pub(super) fn table(id: &str, requests: &[Request]) -> Block {
    let rows = requests.iter().map(|request| Row {
        id: format!("{id}-{}", request.id),
        cells: vec![
            link(request.id),
            Msg::new(&format!("request-{}", request.state.name())).into(),
            project_link(request),
            wanted(request),
            user(&request.by),
            Value::Time { v: request.at },
            Value::text(&request.asked.reason),
        ],
    });
    let columns = [
        "request",
        "request-state",
        "project",
        "request-wanted",
        "request-by",
        "request-at",
        "reason",
    ];
    Block::Table {
        id: format!("requests-{id}"),
        columns: columns.map(Msg::new).into(),
        rows: rows.collect(),
        empty: Some(Msg::new("requests-none")),
    }
}

fn project_link(request: &Request) -> Value {
    let project = request.asked.wanted.project();
    Value::wiki(project_title(project), project.as_str())
}

fn user((_, name): &(u64, String)) -> Value {
    Value::wiki(format!("User:{name}"), name.as_str())
}

/// What is asked for, in words.
fn wanted(request: &Request) -> Value {
    match &request.asked.wanted {
        Wanted::Project { .. } => Msg::new("request-wants-project").into(),
        Wanted::Quota { region, limits, .. } => {
            let quota = Msg::new("request-wants-quota").with(region.as_str());
            quota.with(limits.words()).into()
        }
    }
}

fn facts(request: &Request) -> Vec<Fact> {
    let state = Msg::new(&format!("request-{}", request.state.name()));
    let page = request_title(request.id);
    let mut rows = vec![
        ("request-state", state.into()),
        ("project", project_link(request)),
        ("request-wanted", wanted(request)),
        ("reason", Value::text(&request.asked.reason)),
        ("request-by", user(&request.by)),
        ("request-at", Value::Time { v: request.at }),
    ];
    if let Wanted::Project { description, .. } = &request.asked.wanted {
        rows.insert(3, ("description", Value::text(description)));
    }
    if let Some(decision) = &request.decision {
        rows.push((
            "request-decidedby",
            match decision.by_rule {
                true => Msg::new("request-therule").into(),
                false => user(&decision.by),
            },
        ));
        rows.push(("request-decidedat", Value::Time { v: decision.at }));
        if !decision.words.is_empty() {
            rows.push(("answer", Value::text(&decision.words)));
        }
    }
    rows.push(("request-page", Value::wiki(page.as_str(), page.as_str())));
    let hash = Value::Code {
        v: request.asked.hash(),
    };
    rows.push(("request-hash", hash));
    let fact = |(label, value)| Fact {
        label: Msg::new(label),
        value,
    };
    rows.into_iter().map(fact).collect()
}

pub(super) fn form_of(
    action: &str,
    query: &[(&str, &str)],
    mut fields: Vec<Field>,
    intro: Option<&str>,
    cancel: Option<Value>,
) -> Block {
    if !matches!(action, "project" | "quota") {
        fields.push(Field::hidden("action", action));
    }
    Block::Form(Box::new(Form {
        id: format!("request-{action}"),
        page: PAGE.to_owned(),
        query: form_query(query),
        fields,
        submit: Msg::new(&format!("request-{action}-submit")),
        preview: None,
        destructive: matches!(action, "decline" | "withdraw"),
        cancel,
        idempotency_key: Ulid::generate().to_string(),
        intro: intro.map(Msg::new),
    }))
}
