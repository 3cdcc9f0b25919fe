//! `Special:NovaSudoer`: who may run what as whom on the instances of which project, and the forms that change it.

use super::create::form_query;
use super::planned::{facts_field, plan_table};
use super::sudo::{Asked, called};
use super::{Caller, Context, SpecialRequest, lookup::refuse};
use chrono::SubsecRound as _;
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::ids::ProjectName;
use osm_core::message::{Msg, Value};
use osm_core::plan::{Facts, Plan};
use osm_core::refusal::Refusal;
use osm_core::sudo::{
    ALL, COMMANDS, DEFAULT, LONGEST_NAME, OPTIONS, RUNAS, RUNAS_GROUP, Rule, SudoFacts, USERS,
    all_members,
};
use osm_core::view::{
    Block, Fact, Field, FieldKind, FieldOption, FieldValue, Form, Level, Row, View,
};
use std::collections::BTreeSet;
use ulid::Ulid;

const PAGE: &str = "NovaSudoer";

/// The special page's `action`, and how the messages of its form begin.
fn words(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::SudoCreate => ("create", "createsudo"),
        Action::SudoDelete => ("delete", "deletesudo"),
        _ => ("modify", "modifysudo"),
    }
}

fn link(action: Action, project: &ProjectName, rule: Option<&str>) -> Value {
    let (word, messages) = words(action);
    let mut query = vec![("action", word), ("projectname", project.as_str())];
    query.extend(rule.map(|rule| ("sudoername", rule)));
    Value::special(PAGE, &query, Msg::new(&format!("action-{messages}")))
}

impl Context {
    /// The page.
    pub(super) async fn novasudoer(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        match request.get("action").unwrap_or_default() {
            "" => self.sudo_list(caller, request).await,
            word => self.sudo_page(caller, request, called(word)?).await,
        }
    }

    /// The rules of one project, or of all that the person may see.
    async fn sudo_list(&self, caller: &Caller, request: &SpecialRequest) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let mut view = View::new(Msg::new("novasudoer"));
        view.as_of = Some((self.clock)().trunc_subsecs(0));
        self.outcome(&actor, request, &mut view).await;
        let named = request.query.get("projectname");
        let named = named.map(ProjectName::parse).transpose()?;
        let mut visible = self.visible_projects(&actor).await?;
        visible.retain(|project| named.as_ref().is_none_or(|named| named == project));
        if visible.is_empty() {
            let why = match actor.person {
                Some(_) => "noprojects",
                None => "nolink",
            };
            view.notice(Level::Info, Msg::new(why));
            return Ok(view);
        }
        let only = match visible.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        let mut rules = self.directory.sudo_rules(only).await.map_err(refuse)?;
        for project in &visible {
            let rules = rules.remove(project).unwrap_or_default();
            let may = |action| self.may_sudo(&actor, action, project).is_ok();
            let create = may(Action::SudoCreate).then(|| link(Action::SudoCreate, project, None));
            view.blocks.push(Block::Heading {
                level: 2,
                id: format!("sudo-of-{project}"),
                text: Value::text(project.as_str()),
                links: create.into_iter().collect(),
            });
            view.blocks.push(self.rules_table(&actor, project, &rules));
        }
        Ok(view)
    }

    fn rules_table(&self, actor: &Actor, project: &ProjectName, rules: &[Rule]) -> Block {
        let links = |rule: &Rule| {
            let actions = [Action::SudoModify, Action::SudoDelete].into_iter();
            let open = actions.filter(|action| self.may_sudo(actor, *action, project).is_ok());
            let links = open.map(|action| link(action, project, Some(&rule.name)));
            Value::List { v: links.collect() }
        };
        let row = |rule: &Rule| Row {
            id: format!("sudo-{project}-{}", rule.name),
            cells: std::iter::once(Value::text(&rule.name))
                .chain(told(project, rule).map(|(_, value)| value))
                .chain([links(rule)])
                .collect(),
        };
        Block::Table {
            id: format!("sudo-{project}"),
            columns: [
                "sudoername",
                "users",
                "commands",
                "runas",
                "password",
                "sudo-further",
                "actions",
            ]
            .map(Msg::new)
            .into(),
            rows: rules.iter().map(row).collect(),
            empty: Some(Msg::new("sudo-none")),
        }
    }

    /// A form, then the operation.
    async fn sudo_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        action: Action,
    ) -> Result<View, Refusal> {
        let asked = Asked::of_form(action, request)?;
        let actor = self.actor(caller).await?;
        self.may_sudo(&actor, action, &asked.project)?;
        let (mut plan, mut wrong) = (None, None);
        if request.post && request.form.get("dryrun").is_none() {
            match self.change_sudo(caller, &asked).await {
                Ok(operation) => {
                    let query = [("operation", operation.as_str())];
                    return Ok(View::redirect(Msg::new("novasudoer"), PAGE, &query));
                }
                Err(refusal) => wrong = Some(refusal),
            }
        } else if request.post || action == Action::SudoDelete {
            match self.planned_sudo(caller, &asked).await {
                Ok(planned) => plan = Some(planned),
                Err(refusal) => wrong = Some(refusal),
            }
        }
        let facts = self.sudo_facts(&asked.project).await?;
        let rule = match action {
            Action::SudoCreate => None,
            _ => Some(facts.rule(&asked.name)?),
        };
        Ok(view(&facts, rule, &asked, request.post, plan, wrong))
    }
}

/// What a rule says, column by column.
fn told<'r>(
    project: &'r ProjectName,
    rule: &'r Rule,
) -> impl Iterator<Item = (&'static str, Value)> + 'r {
    let some = |values: Vec<Value>, none: &str| match values.is_empty() {
        true => Msg::new(none).into(),
        false => Value::List { v: values },
    };
    let texts = |attribute, word: fn(&ProjectName, &str) -> Value| {
        let texts = rule.values.texts(attribute);
        texts.map(|text| word(project, text)).collect::<Vec<_>>()
    };
    let nobody = match rule.is_settings() {
        true => "sudo-settings",
        false => "sudo-nobody",
    };
    // Sudo means root where it is told nothing, and the person where it is told a group only.
    let runner = match rule.values.0.contains_key(RUNAS_GROUP) {
        true => "sudo-oneself",
        false => "sudo-root",
    };
    let asked = match rule.asks() {
        true => "sudo-asked",
        false => "sudo-notasked",
    };
    let options = rule.options().map(|option| Value::Code {
        v: option.to_owned(),
    });
    let further = rule
        .further()
        .map(|(what, is)| Value::text(format!("{what}: {is}")));
    [
        ("users", some(texts(USERS, who), nobody)),
        ("commands", some(texts(COMMANDS, what), "sudo-nothing")),
        ("runas", some(texts(RUNAS, as_whom), runner)),
        ("password", Msg::new(asked).into()),
        (
            "sudo-further",
            Value::List {
                v: options.chain(further).collect(),
            },
        ),
    ]
    .into_iter()
}

fn who(project: &ProjectName, name: &str) -> Value {
    match name {
        ALL => Msg::new("sudo-everybody").into(),
        _ if name == all_members(project) => Msg::new("sudo-allmembers").into(),
        _ => Value::text(name),
    }
}

fn as_whom(project: &ProjectName, name: &str) -> Value {
    match name {
        ALL => Msg::new("sudo-anybody").into(),
        _ => who(project, name),
    }
}

fn what(_: &ProjectName, command: &str) -> Value {
    let code = |v: &str| Value::Code { v: v.to_owned() };
    match command.strip_prefix('!') {
        Some(ALL) => Msg::new("sudo-nothing").into(),
        Some(command) => Msg::new("sudo-not").with(code(command)).into(),
        None if command == ALL => Msg::new("sudo-anything").into(),
        None => code(command),
    }
}

fn view(
    facts: &SudoFacts,
    rule: Option<&Rule>,
    asked: &Asked,
    sent: bool,
    plan: Option<Plan>,
    wrong: Option<Refusal>,
) -> View {
    let (project, action) = (&asked.project, asked.action);
    let (word, messages) = words(action);
    let text = |end: &str| {
        let text = Msg::new(&format!("{messages}-{end}"));
        text.with(asked.name.as_str()).with(project.as_str())
    };
    let mut view = View::new(text("title"));
    let mut fields = match action {
        Action::SudoDelete => Vec::new(),
        _ => fields(facts, rule, asked, sent),
    };
    if let Some(refusal) = wrong {
        view.status = refusal.status();
        let at = refusal.field.as_deref().unwrap_or_default();
        match fields.iter_mut().find(|field| field.name == at) {
            Some(field) => field.error = Some(refusal.message),
            None => view.notice(Level::Error, refusal.message),
        }
    }
    if let Some(rule) = rule {
        if rule.name == DEFAULT {
            view.notice(
                Level::Warning,
                Msg::new("sudo-default").with(project.as_str()),
            );
        }
        let rows = told(project, rule).map(|(label, value)| Fact {
            label: Msg::new(label),
            value,
        });
        view.blocks.push(Block::Facts {
            rows: rows.collect(),
        });
    }
    view.blocks.extend(plan.as_ref().map(plan_table));
    // What the rule is at this sight of it counts as seen, also where nothing has been chosen yet.
    let noted: Option<Facts> = match rule {
        Some(rule) => Some(facts.noted(rule)),
        None => plan.map(|plan| plan.facts),
    };
    fields.extend(noted.map(|noted| facts_field(&noted)));
    let mut query = vec![("action", word), ("projectname", project.as_str())];
    query.extend(rule.map(|rule| ("sudoername", rule.name.as_str())));
    fields.extend(query.iter().map(|(name, value)| Field::hidden(name, value)));
    view.blocks.push(Block::Form(Box::new(Form {
        id: messages.to_owned(),
        page: PAGE.to_owned(),
        query: form_query(&query),
        fields,
        submit: Msg::new(&format!("{messages}-submit")),
        preview: (action != Action::SudoDelete).then(|| Msg::new("preview")),
        destructive: action == Action::SudoDelete,
        cancel: Some(Value::special(PAGE, &[], Msg::new("backsudo"))),
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(text("intro")),
    })));
    view
}

/// What was sent, else what stands in the rule.
fn fields(facts: &SudoFacts, rule: Option<&Rule>, asked: &Asked, sent: bool) -> Vec<Field> {
    let project = &asked.project;
    let wanted = &asked.wanted;
    let of = |attribute| rule.map_or_else(Vec::new, |rule| facts.shown(rule, attribute));
    let hidden = |attribute| rule.map_or_else(Vec::new, |rule| facts.hidden(rule, attribute));
    let choice =
        |name: &str, attribute, values: Vec<String>, chosen: &Option<Vec<String>>, word| {
            let chosen = match (sent, chosen) {
                (true, Some(chosen)) => chosen.clone(),
                _ => of(attribute),
            };
            let kept = hidden(attribute);
            let help = match kept.is_empty() {
                true => Msg::new(&format!("sudo-{name}-help")),
                false => Msg::new(&format!("sudo-{name}-kept")).with(kept.join(", ")),
            };
            Field {
                help: Some(help),
                options: options(facts, values, word),
                default: Some(FieldValue::Many(chosen)),
                ..Field::new(name, FieldKind::Multiselect, Msg::new(name))
            }
        };
    let lines = |name: &str, attribute, text: &Option<String>| {
        let text = match (sent, text) {
            (true, Some(text)) => text.clone(),
            _ => of(attribute).join("\n"),
        };
        Field {
            help: Some(Msg::new(&format!("sudo-{name}-help"))),
            default: Some(FieldValue::One(text)),
            ..Field::new(name, FieldKind::Textarea, Msg::new(name))
        }
    };
    let asks = match (sent, wanted.asks, rule) {
        (true, Some(asks), _) => asks,
        (_, _, Some(rule)) => rule.asks(),
        _ => true,
    };
    let name = rule.is_none().then(|| Field {
        help: Some(Msg::new("sudoername-help").with(project.as_str())),
        default: Some(FieldValue::One(asked.name.clone())),
        required: true,
        maxlength: u32::try_from(LONGEST_NAME).ok(),
        ..Field::new("sudoername", FieldKind::Text, Msg::new("sudoername"))
    });
    let ticked = if asks { "1" } else { "" };
    let password = Field {
        help: Some(Msg::new("requirepassword-help")),
        default: Some(FieldValue::One(ticked.to_owned())),
        ..Field::new(
            "requirepassword",
            FieldKind::Check,
            Msg::new("requirepassword"),
        )
    };
    let all = [
        choice("users", USERS, facts.members(), &wanted.users, who),
        lines("commands", COMMANDS, &wanted.commands),
        choice("runas", RUNAS, facts.runners(), &wanted.runas, as_whom),
        password,
        lines("options", OPTIONS, &wanted.options),
    ];
    name.into_iter().chain(all).collect()
}

/// People by name and shell name.
fn options(
    facts: &SudoFacts,
    values: Vec<String>,
    word: fn(&ProjectName, &str) -> Value,
) -> Vec<FieldOption> {
    let project = &facts.managed.project;
    let mut seen = BTreeSet::new();
    let options = values
        .into_iter()
        .filter(|value| seen.insert(value.clone()));
    options
        .map(|value| FieldOption {
            label: match project.members.iter().find(|member| member.uid == value) {
                Some(member) => Msg::new("member-option")
                    .with(member.cn.as_str())
                    .with(value.as_str())
                    .into(),
                None => word(&project.name, &value),
            },
            value,
        })
        .collect()
}
