//! `Special:NovaOperations`: what is being done and was done, and what may be wished of it.

use super::lookup::{mismatch, refuse};
use super::outcome::progress;
use super::submit::idempotency;
use super::{Caller, Context, SpecialRequest};
use chrono::SubsecRound as _;
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::{authorise, authorise_wish};
use osm_core::ids::{OperationId, ProjectName};
use osm_core::message::{Msg, Value};
use osm_core::ports::{
    NewWish, Operation, OperationFilter, OperationState, PageKey, StepRecord, Wish, Wished,
};
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::view::{Block, Fact, Field, Form, Level, PageLink, Row, View};
use ulid::Ulid;

/// Operations on the page, newest first.
const LISTED: u32 = 100;
const PAGE: &str = "NovaOperations";

impl Context {
    /// The page.
    pub(super) async fn novaoperations(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let id = request.get("operation");
        match (request.get("action").unwrap_or_default(), id) {
            ("", None) => self.operation_list(caller, request).await,
            ("", Some(id)) => self.operation_page(caller, id).await,
            (word, Some(id)) => self.wish(caller, request, word, id).await,
            (word, None) => Err(Refusal::field("action", Msg::new("badaction").with(word))),
        }
    }

    async fn operation_list(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let mut all = self.visible_projects(&actor).await?;
        if actor.has_right("listall") {
            // What is of no project.
            all.push(ProjectName::trusted(""));
        }
        let show = request.get("show").unwrap_or("all");
        let (mine, stopped) = (show == "mine", show == "parked");
        let own = |p: &ProjectName| actor.is_member(p) || show != "projects";
        let filter = OperationFilter {
            projects: (!mine).then(|| all.into_iter().filter(own).collect()),
            wiki_user_id: mine.then_some(actor.user.wiki_user_id),
            state: stopped.then_some(OperationState::Parked),
            before: request.get("before").map(OperationId::trusted),
            limit: LISTED + 1,
            ..OperationFilter::default()
        };
        let mut found = self.operations.operations(&filter).await.map_err(refuse)?;
        let more = found.len() > LISTED as usize;
        found.truncate(LISTED as usize);
        let mut view = View::new(Msg::new("novaoperations"));
        view.as_of = Some((self.clock)().trunc_subsecs(0));
        view.blocks = self.held_blocks(&actor).await?;
        // While all is held nothing moves.
        view.live = view.blocks.is_empty() && found.iter().any(|o| !o.state.over());
        view.blocks.push(Block::Para {
            text: Value::List {
                v: SHOWN
                    .iter()
                    .map(|which| match Msg::new(&format!("show-{which}")) {
                        label if *which == show => label.into(),
                        label => Value::special(PAGE, &[("show", which)], label),
                    })
                    .collect(),
            },
        });
        view.blocks.push(Block::Table {
            id: "operations".to_owned(),
            columns: [
                "started",
                "operation",
                "instancename",
                "project",
                "user",
                "state",
            ]
            .map(Msg::new)
            .into(),
            rows: found.iter().map(list_row).collect(),
            empty: Some(Msg::new(match stopped {
                true => "nooperations-parked",
                false => "nooperations",
            })),
        });
        let next = found.last().filter(|_| more).map(|last| {
            let mut query = vec![("before", last.id.as_str())];
            query.extend(request.get("show").map(|show| ("show", show)));
            PageLink::new(PAGE, &query)
        });
        if next.is_some() {
            view.blocks.push(Block::Pager { prev: None, next });
        }
        Ok(view)
    }

    /// An operation that the person may see: their own, or one of a project they see.
    pub(super) async fn visible_operation(
        &self,
        actor: &Actor,
        id: &str,
    ) -> Result<Operation, Refusal> {
        let unknown = || Refusal {
            kind: RefusalKind::NotFound,
            ..Refusal::field("operation", Msg::new("nonexistentoperation").with(id))
        };
        let found = self.operations.operation(&OperationId::trusted(id)).await;
        let operation = found.map_err(refuse)?.ok_or_else(unknown)?;
        if operation.wiki_user_id != actor.user.wiki_user_id {
            self.permit(actor, Action::OperationShow, &operation)?;
        }
        Ok(operation)
    }

    fn permit(&self, actor: &Actor, action: Action, o: &Operation) -> Result<(), Refusal> {
        authorise(&self.settings.policy, actor, action, &o.plan.target()).map(|_| ())
    }

    fn permit_wish(&self, actor: &Actor, wish: Wish, o: &Operation) -> Result<(), Refusal> {
        let of = (o.plan.action, &o.plan.target());
        let policy = &self.settings.policy;
        authorise_wish(policy, actor, action_of(wish), of, o.wiki_user_id)
    }

    async fn operation_page(&self, caller: &Caller, id: &str) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let operation = self.visible_operation(&actor, id).await?;
        let mut view = View::new(Msg::new("operation-title").with(operation.id.as_str()));
        view.live = !operation.state.over();
        if let Some(error) = &operation.error {
            let level = match operation.state {
                OperationState::Done => Level::Info,
                OperationState::Undone if operation.cancelled => Level::Info,
                _ => Level::Error,
            };
            view.notice(level, error.clone());
        }
        let page = self.page_link(&operation).await?;
        view.blocks.push(facts(&operation, page));
        view.blocks.push(Block::Table {
            id: "steps".to_owned(),
            columns: ["step", "state", "started", "finished", "attempts", "reason"]
                .map(Msg::new)
                .into(),
            rows: operation.steps.iter().map(step_row).collect(),
            empty: None,
        });
        for (wish, word) in WISHES {
            let may = self.permit_wish(&actor, wish, &operation).is_ok();
            if may && in_state_for(wish, &operation) {
                view.blocks
                    .push(Block::Form(Box::new(button(&operation, word))));
            }
        }
        view.blocks.push(Block::Para {
            text: Value::special(PAGE, &[], Msg::new("backoperationlist")),
        });
        Ok(view)
    }

    async fn page_link(&self, operation: &Operation) -> Result<Option<Value>, Refusal> {
        let Some(id) = operation.instance else {
            return Ok(None);
        };
        let key = PageKey::Instance {
            region: operation.plan.region.clone(),
            id,
        };
        let record = self.pages.page(&key).await.map_err(refuse)?;
        Ok(record.map(|r| Value::wiki(r.title, operation.plan.name.as_str())))
    }

    async fn wish(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        word: &str,
        id: &str,
    ) -> Result<View, Refusal> {
        let Some(wish) = wish_called(word) else {
            return Err(Refusal::field("action", Msg::new("badaction").with(word)));
        };
        if !request.post {
            return self.operation_page(caller, id).await;
        }
        let key = request.idempotency_key.as_deref();
        let operation = self.wish_for(caller, wish, id, key).await?;
        Ok(View::redirect(
            Msg::new("novaoperations"),
            PAGE,
            &[("operation", operation.id.as_str())],
        ))
    }

    /// Notes what a person wishes of an operation, if they may.
    pub(super) async fn wish_for(
        &self,
        caller: &Caller,
        wish: Wish,
        id: &str,
        key: Option<&str>,
    ) -> Result<Operation, Refusal> {
        let actor = self.actor(caller).await?;
        let operation = self.visible_operation(&actor, id).await?;
        self.permit_wish(&actor, wish, &operation)?;
        self.not_held().await?;
        if wish == Wish::Cancel && !operation.state.over() && !operation.can_be_taken_back() {
            return Err(Refusal::new(RefusalKind::Conflict, Msg::new("wish-noway")));
        }
        let project = &operation.plan.project;
        // Giving up touches nothing in the project, and may be what is left to do in one that is gone; what is of no
        // project has none; and who makes or deletes one has it half-way, and knows itself which it is.
        let action = operation.plan.action;
        let whole = matches!(action, Action::ProjectCreate | Action::ProjectDelete);
        if wish != Wish::GiveUp
            && !whole
            && !project.as_str().is_empty()
            && self.managed(project).await?.project_id != operation.plan.project_id
        {
            return Err(mismatch(project));
        }
        let body = format!("wish {wish:?} {id}");
        let noted = self
            .operations
            .wish(&NewWish {
                id: operation.id.clone(),
                wish,
                by: (caller.user.wiki_user_id, caller.user.name.clone()),
                request_id: caller.request_id.clone(),
                idempotency: idempotency(caller, key, &body)?,
                at: (self.clock)(),
            })
            .await
            .map_err(refuse)?;
        if noted == Wished::KeyReused {
            return Err(Refusal::new(RefusalKind::Conflict, Msg::new("keyreused")));
        }
        if noted == Wished::NotNow {
            let now = self.visible_operation(&actor, id).await?;
            let state = Msg::new(&format!("state-{}", now.state.name()));
            let why = match in_state_for(wish, &now) {
                true => Msg::new("wish-busy"),
                false => Msg::new("wish-toolate").with(state),
            };
            return Err(Refusal::new(RefusalKind::Conflict, why));
        }
        self.work.notify_one();
        Ok(operation)
    }
}

/// What a wish is called in addresses and calls.
pub(super) fn wish_called(word: &str) -> Option<Wish> {
    WISHES
        .iter()
        .find(|(_, w)| *w == word)
        .map(|(wish, _)| *wish)
}

/// Which operations the list can be made to show.
const SHOWN: [&str; 4] = ["all", "projects", "mine", "parked"];

const WISHES: [(Wish, &str); 3] = [
    (Wish::Cancel, "cancel"),
    (Wish::Retry, "retry"),
    (Wish::GiveUp, "giveup"),
];

fn action_of(wish: Wish) -> Action {
    match wish {
        Wish::Cancel => Action::OperationCancel,
        Wish::Retry => Action::OperationRetry,
        Wish::GiveUp => Action::OperationGiveUp,
    }
}

fn in_state_for(wish: Wish, operation: &Operation) -> bool {
    let state = operation.state;
    match wish {
        Wish::Cancel => {
            matches!(state, OperationState::Queued | OperationState::Running)
                && operation.can_be_taken_back()
                && !operation.cancelled
        }
        Wish::Retry | Wish::GiveUp => state == OperationState::Parked,
    }
}

fn button(operation: &Operation, word: &str) -> Form {
    Form {
        id: format!("{word}operation"),
        page: PAGE.to_owned(),
        query: [
            ("action".to_owned(), word.to_owned()),
            ("operation".to_owned(), operation.id.to_string()),
        ]
        .into(),
        fields: vec![Field::hidden("operation", operation.id.as_str())],
        submit: Msg::new(&format!("wish-{word}")),
        preview: None,
        destructive: word != "retry",
        cancel: None,
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(Msg::new(&format!("wish-{word}-about"))),
    }
}

fn what(operation: &Operation) -> Msg {
    Msg::new(&format!("did-{}", operation.plan.action))
}

fn state(operation: &Operation) -> Value {
    if operation.state.over() || operation.state == OperationState::Unwinding {
        return Msg::new(&format!("state-{}", operation.state.name())).into();
    }
    progress(operation)
}

fn list_row(operation: &Operation) -> Row {
    Row {
        id: format!("operation-{}", operation.id),
        cells: vec![
            Value::from(operation.created),
            Value::special(
                PAGE,
                &[("operation", operation.id.as_str())],
                what(operation),
            ),
            Value::text(&operation.plan.name),
            Value::text(operation.plan.project.as_str()),
            Value::text(&operation.wiki_user_name),
            state(operation),
        ],
    }
}

fn facts(operation: &Operation, page: Option<Value>) -> Block {
    let plan = &operation.plan;
    let mut rows = vec![
        ("operation", Value::from(what(operation))),
        (
            "instancename",
            page.unwrap_or_else(|| Value::text(&plan.name)),
        ),
        ("project", Value::text(plan.project.as_str())),
        ("user", Value::text(&operation.wiki_user_name)),
        ("state", state(operation)),
        ("started", Value::from(operation.created)),
    ];
    // Membership is of no region.
    if !plan.region.as_str().is_empty() {
        rows.insert(3, ("region", Value::text(plan.region.as_str())));
    }
    rows.extend(operation.finished.map(|at| ("finished", Value::from(at))));
    rows.push(("requestid", Value::text(&operation.request_id)));
    Block::Facts {
        rows: rows
            .into_iter()
            .map(|(label, value)| Fact {
                label: Msg::new(label),
                value,
            })
            .collect(),
    }
}

fn step_row(step: &StepRecord) -> Row {
    let why = step.error.clone();
    Row {
        id: format!("step-{}", step.index),
        cells: vec![
            Msg::new(&format!("step-{}", step.name)).into(),
            Msg::new(&format!("state-{}", step.state.name())).into(),
            step.started.map_or_else(|| Value::text(""), Value::from),
            step.ended.map_or_else(|| Value::text(""), Value::from),
            Value::from(i64::from(step.attempts)),
            why.map_or_else(|| Value::text(""), Value::from),
        ],
    }
}
