//! `Special:NovaProject?action=addmember` and `?action=deletemember`.

use super::create::form_query;
use super::members::{Asked, Members, field_of};
use super::planned::{FACTS, facts_field, plan_table};
use super::{Caller, Context, SpecialRequest, lookup::refuse};
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::authz::{Target, authorise};
use osm_core::ids::{OperationId, ProjectName};
use osm_core::message::{Msg, Value};
use osm_core::project::Member;
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::view::{Block, Field, FieldKind, FieldOption, FieldValue, Form, Level, View};
use ulid::Ulid;

const PAGE: &str = "NovaProject";
/// The field that says whose facts come back.
const FACTS_OF: &str = "factsof";

/// What the special page's `action` means here.
pub(super) fn word(action: Action) -> &'static str {
    match action {
        Action::MemberRemove => "deletemember",
        _ => "addmember",
    }
}

impl Context {
    /// A form, then the operations, one a person.
    pub(super) async fn members_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        action: Action,
    ) -> Result<View, Refusal> {
        let project = ProjectName::parse(request.get("projectname").unwrap_or_default())?;
        let actor = self.actor(caller).await?;
        self.may_open(&actor, action, &project)?;
        if !request.post {
            return self.members_form(&actor, action, &project, &[]).await;
        }
        let names = match action {
            Action::MemberRemove => request.form.all("members"),
            _ => self.names(request.form.text("member")).await?,
        };
        // The names may have been changed since the plans were shown: then these are not their facts.
        let of = names.join(",");
        let same = request.form.get(FACTS_OF) == Some(of.as_str());
        let facts = request.form.get(FACTS).filter(|_| same);
        let asked = Asked {
            action,
            project,
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
                Ok(begun) => return Ok(followed(&begun)),
                Err(wrong) => Err(wrong),
            }
        };
        let form = self.members_form(&actor, action, &asked.project, &asked.names);
        let mut view = form.await?;
        match shown {
            Ok(plans) => {
                // One person by two names has one plan, and then there is no telling which facts are whose.
                if plans.len() == asked.names.len() {
                    let facts: Vec<_> = plans.iter().map(|plan| &plan.facts).collect();
                    keep(
                        &mut view,
                        [facts_field(&facts), Field::hidden(FACTS_OF, &of)],
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
        action: Action,
        project: &ProjectName,
        asked: &[String],
    ) -> Result<View, Refusal> {
        let found = self.directory.project(project).await.map_err(refuse)?;
        let found = found.ok_or_else(|| Refusal {
            kind: RefusalKind::NotFound,
            ..Refusal::field(
                "projectname",
                Msg::new("nonexistentproject").with(project.as_str()),
            )
        })?;
        let word = word(action);
        let mut view = View::new(Msg::new(&format!("{word}-title")).with(project.as_str()));
        let field = match action {
            Action::MemberRemove => {
                let removable = found.members.iter().filter(|m| {
                    let target = Target::Person(project.clone(), m.entry.clone());
                    authorise(&self.settings.policy, actor, action, &target).is_ok()
                });
                choice(removable, asked)
            }
            _ => names_field(asked),
        };
        view.blocks.push(Block::Form(Box::new(Form {
            id: word.to_owned(),
            page: PAGE.to_owned(),
            query: form_query(&[("action", word), ("projectname", project.as_str())]),
            fields: vec![
                field,
                Field::hidden("projectname", project.as_str()),
                Field::hidden("action", word),
            ],
            submit: Msg::new(&format!("{word}-submit")),
            preview: Some(Msg::new("preview")),
            destructive: action == Action::MemberRemove,
            cancel: Some(Value::special(PAGE, &[], Msg::new("backprojectlist"))),
            idempotency_key: Ulid::generate().to_string(),
            intro: Some(Msg::new(&format!("{word}-intro")).with(project.as_str())),
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

/// One operation is followed on the list of projects, several on that of operations.
fn followed(begun: &[OperationId]) -> View {
    match begun {
        [one] => View::redirect(
            Msg::new("novaproject"),
            PAGE,
            &[("operation", one.as_str())],
        ),
        _ => View::redirect(Msg::new("novaoperations"), "NovaOperations", &[]),
    }
}
