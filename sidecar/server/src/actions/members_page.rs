//! `?action=addmember` and `?action=deletemember` of Special:NovaProject and of Special:NovaRole.

use super::create::form_query;
use super::members::{Asked, Members, Of, field_of};
use super::planned::{FACTS, facts_field, plan_table};
use super::{Caller, Context, SpecialRequest, lookup::refuse};
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::authorise;
use osm_core::ids::{OperationId, ProjectName};
use osm_core::message::{Msg, Value};
use osm_core::project::Member;
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::view::{Block, Field, FieldKind, FieldOption, FieldValue, Form, Level, View};
use ulid::Ulid;

/// The field that says whose facts come back.
const FACTS_OF: &str = "factsof";

/// The special page, its `action`, and how the messages of its form begin.
fn words(action: Action) -> (&'static str, &'static str, &'static str) {
    match action {
        Action::RoleAdd => ("NovaRole", "addmember", "addrole"),
        Action::RoleRemove => ("NovaRole", "deletemember", "deleterole"),
        Action::MemberRemove => ("NovaProject", "deletemember", "deletemember"),
        _ => ("NovaProject", "addmember", "addmember"),
    }
}

/// The link to the form.
pub(super) fn link(of: &Of) -> Value {
    let (page, word, messages) = words(of.action);
    let mut query = vec![("action", word), ("projectname", of.project.as_str())];
    query.extend(of.role.as_deref().map(|role| ("rolename", role)));
    Value::special(page, &query, Msg::new(&format!("action-{messages}")))
}

impl Context {
    /// A form, then the operations, one a person.
    pub(super) async fn members_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        action: Action,
    ) -> Result<View, Refusal> {
        let of = Of {
            action,
            project: ProjectName::parse(request.get("projectname").unwrap_or_default())?,
            role: self.role_of(action, request.get("rolename"))?,
        };
        let actor = self.actor(caller).await?;
        self.may_open(&actor, &of)?;
        if !request.post {
            return self.members_form(&actor, &of, &[]).await;
        }
        let names = match action {
            Action::MemberAdd => self.names(request.form.text("member")).await?,
            _ => request.form.all("members"),
        };
        // The names may have been changed since the plans were shown: then these are not their facts.
        let named = names.join(",");
        let same = request.form.get(FACTS_OF) == Some(named.as_str());
        let facts = request.form.get(FACTS).filter(|_| same);
        let asked = Asked {
            of,
            names,
            key: request.idempotency_key.clone(),
            facts: facts.map(str::to_owned),
        };
        let shown = if request.form.get("dryrun").is_some() {
            self.planned_members(caller, &asked)
                .await
                .map(Members::plans)
        } else {
            match self.change_members(caller, &asked).await {
                Ok(begun) => return Ok(followed(words(action).0, &begun)),
                Err(wrong) => Err(wrong),
            }
        };
        let mut view = self.members_form(&actor, &asked.of, &asked.names).await?;
        match shown {
            Ok(plans) => {
                // One person by two names has one plan, and then there is no telling which facts are whose.
                if plans.len() == asked.names.len() {
                    let facts: Vec<_> = plans.iter().map(|plan| &plan.facts).collect();
                    keep(
                        &mut view,
                        [facts_field(&facts), Field::hidden(FACTS_OF, &named)],
                    );
                }
                let tables = plans.iter().map(plan_table);
                view.blocks.splice(0..0, tables).for_each(drop);
            }
            Err(wrong) => tell(&mut view, action, wrong),
        }
        Ok(view)
    }

    async fn members_form(
        &self,
        actor: &Actor,
        of: &Of,
        asked: &[String],
    ) -> Result<View, Refusal> {
        let (action, project) = (of.action, &of.project);
        let role = of.role.as_deref().unwrap_or_default();
        let found = self.directory.project(project).await.map_err(refuse)?;
        let found = found.ok_or_else(|| Refusal {
            kind: RefusalKind::NotFound,
            ..Refusal::field(
                "projectname",
                Msg::new("nonexistentproject").with(project.as_str()),
            )
        })?;
        let (page, word, messages) = words(action);
        let text = |end: &str| {
            let text = Msg::new(&format!("{messages}-{end}"));
            text.with(project.as_str()).with(role)
        };
        let mut view = View::new(text("title"));
        let field = match action {
            Action::MemberAdd => names_field(asked),
            _ => {
                let holds = |m: &Member| action == Action::MemberRemove || m.holds(role);
                let eligible = found.members.iter().filter(|m| {
                    let target = of.target(Some(&m.entry));
                    holds(m) != (action == Action::RoleAdd)
                        && authorise(&self.settings.policy, actor, action, &target).is_ok()
                });
                choice(eligible, asked)
            }
        };
        let mut query = vec![("action", word), ("projectname", project.as_str())];
        query.extend(of.role.as_deref().map(|role| ("rolename", role)));
        let hidden = query.iter().map(|(name, value)| Field::hidden(name, value));
        view.blocks.push(Block::Form(Box::new(Form {
            id: word.to_owned(),
            page: page.to_owned(),
            query: form_query(&query),
            fields: std::iter::once(field).chain(hidden).collect(),
            submit: Msg::new(&format!("{messages}-submit")),
            preview: Some(Msg::new("preview")),
            destructive: matches!(action, Action::MemberRemove | Action::RoleRemove),
            cancel: Some(Value::special(
                page,
                &[],
                Msg::new(match of.role {
                    Some(_) => "backrolelist",
                    None => "backprojectlist",
                }),
            )),
            idempotency_key: Ulid::generate().to_string(),
            intro: Some(text("intro")),
        })));
        Ok(view)
    }
}

/// What comes back with the form.
fn keep(view: &mut View, fields: [Field; 2]) {
    for block in &mut view.blocks {
        if let Block::Form(form) = block {
            form.fields.extend(fields.clone());
        }
    }
}

/// What is wrong, at its field where it has one that shows nothing else yet.
fn tell(view: &mut View, action: Action, wrong: Vec<Refusal>) {
    if let Some(first) = wrong.first() {
        view.status = first.status();
    }
    for refusal in wrong {
        let at = refusal.field.as_deref() == Some(field_of(action));
        let field = view.blocks.iter_mut().find_map(|block| match block {
            Block::Form(form) => form.fields.first_mut(),
            _ => None,
        });
        match field.filter(|field| at && field.error.is_none()) {
            Some(field) => field.error = Some(refusal.message),
            None => view.notice(Level::Error, refusal.message),
        }
    }
}

fn names_field(asked: &[String]) -> Field {
    Field {
        help: Some(Msg::new("member-help")),
        default: Some(FieldValue::One(asked.join(", "))),
        required: true,
        ..Field::new("member", FieldKind::Text, Msg::new("member"))
    }
}

fn choice<'m>(members: impl Iterator<Item = &'m Member>, asked: &[String]) -> Field {
    let mut options: Vec<FieldOption> = members
        .map(|m| FieldOption {
            value: m.uid.clone(),
            label: match m.roles.is_empty() {
                true => Msg::new("member-option").with(m.cn.as_str()),
                false => Msg::new("member-option-roles")
                    .with(m.cn.as_str())
                    .with(m.roles.join(", ")),
            }
            .with(m.uid.as_str())
            .into(),
        })
        .collect();
    options.sort_by(|one, other| one.value.cmp(&other.value));
    Field {
        options,
        default: Some(FieldValue::Many(asked.to_vec())),
        ..Field::new("members", FieldKind::Multiselect, Msg::new("members"))
    }
}

/// One operation is followed on the page that it was asked for on, several on that of operations.
fn followed(page: &str, begun: &[OperationId]) -> View {
    match begun {
        [one] => View::redirect(
            Msg::new(&page.to_ascii_lowercase()),
            page,
            &[("operation", one.as_str())],
        ),
        _ => View::redirect(Msg::new("novaoperations"), "NovaOperations", &[]),
    }
}
