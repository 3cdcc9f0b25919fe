//! `Special:NovaProject?action=create`, `?action=configureproject` and `?action=delete`.

use super::create::{at_field, form_query};
use super::founding::Asked;
use super::planned::{FACTS, facts_field, plan_table};
use super::{Caller, Context, SpecialRequest, lookup::refuse};
use osm_core::action::Action;
use osm_core::founding::LONGEST_DESCRIPTION;
use osm_core::ids::ProjectName;
use osm_core::message::{Msg, Value};
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Field, FieldKind, FieldValue, Form, View};
use ulid::Ulid;

const PAGE: &str = "NovaProject";
/// MediaWiki's bound for a name, several of them.
const LONGEST_NAMES: u32 = 2000;

/// The special page's `action`, and how the messages of its form begin.
fn words(action: Action) -> (&'static str, &'static str) {
    match action {
        Action::ProjectCreate => ("create", "createproject"),
        Action::ProjectDelete => ("delete", "deleteproject"),
        _ => ("configureproject", "configureproject"),
    }
}

/// The link to the form.
pub(super) fn link(action: Action, project: Option<&ProjectName>) -> Value {
    let (word, messages) = words(action);
    let mut query = vec![("action", word)];
    query.extend(project.map(|project| ("projectname", project.as_str())));
    Value::special(PAGE, &query, Msg::new(&format!("action-{messages}")))
}

impl Context {
    /// A form, then the operation. What a deletion takes with it is shown before it is asked for.
    pub(super) async fn founding_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
        action: Action,
    ) -> Result<View, Refusal> {
        let named = request.get("projectname").unwrap_or_default().trim();
        let creating = action == Action::ProjectCreate;
        if creating && !request.post {
            // The name is asked for in the form; who may make none sees that here.
            self.may_found(caller, action, &ProjectName::trusted(""))
                .await?;
            return Ok(view(action, named, "", "", None));
        }
        let project = match ProjectName::parse(named) {
            Ok(project) => project,
            Err(wrong) if creating => {
                let form = &request.form;
                let (about, member) = (form.text("description"), form.text("member"));
                return Ok(view(action, named, about, member, Some(wrong)));
            }
            Err(wrong) => return Err(wrong),
        };
        self.may_found(caller, action, &project).await?;
        let found = self.directory.project(&project).await.map_err(refuse)?;
        let now = found.and_then(|project| project.description);
        let description = match request.post {
            true => request.form.text("description").to_owned(),
            false => now.unwrap_or_default(),
        };
        let member = request.form.text("member").to_owned();
        let asked = Asked {
            action,
            names: match creating {
                true => self.names(&member).await?,
                false => Vec::new(),
            },
            project,
            description: description.clone(),
            key: request.idempotency_key.clone(),
            facts: request.form.get(FACTS).map(str::to_owned),
        };
        let mut plan = None;
        let mut wrong = None;
        if request.post && request.form.get("dryrun").is_none() {
            match self.change_project(caller, &asked).await {
                Ok(operation) => {
                    let query = [("operation", operation.as_str())];
                    return Ok(View::redirect(Msg::new("novaproject"), PAGE, &query));
                }
                Err(refusal) => wrong = Some(refusal),
            }
        } else if request.post || action == Action::ProjectDelete {
            match self.planned_project(caller, &asked).await {
                Ok(planned) => plan = Some(planned),
                Err(refusal) => wrong = Some(refusal),
            }
        }
        let impossible = action == Action::ProjectDelete && wrong.is_some();
        let mut view = view(action, named, &description, &member, wrong);
        if impossible {
            view.blocks.clear();
            let back = Value::special(PAGE, &[], Msg::new("backprojectlist"));
            view.blocks.push(Block::Para { text: back });
        }
        if let Some(plan) = plan {
            if let Some(Block::Form(form)) = view.blocks.first_mut() {
                form.fields.push(facts_field(&plan.facts));
            }
            view.blocks.insert(0, plan_table(&plan));
        }
        Ok(view)
    }
}

fn view(action: Action, project: &str, about: &str, member: &str, wrong: Option<Refusal>) -> View {
    let (word, messages) = words(action);
    let text = |end: &str| Msg::new(&format!("{messages}-{end}")).with(project);
    let mut view = View::new(text("title"));
    let long = |most: usize| u32::try_from(most).ok();
    let one = |text: &str| Some(FieldValue::One(text.to_owned()));
    let name = Field {
        help: Some(Msg::new("projectname-help")),
        default: one(project),
        required: true,
        maxlength: Some(50),
        ..Field::new("projectname", FieldKind::Text, Msg::new("projectname"))
    };
    let description = Field {
        help: Some(Msg::new("description-help")),
        default: one(about),
        maxlength: long(LONGEST_DESCRIPTION),
        ..Field::new("description", FieldKind::Text, Msg::new("description"))
    };
    let founders = Field {
        help: Some(Msg::new("founders-help")),
        default: one(member),
        maxlength: Some(LONGEST_NAMES),
        ..Field::new("member", FieldKind::Text, Msg::new("founders"))
    };
    let hidden = Field::hidden("projectname", project);
    let mut fields = match action {
        Action::ProjectCreate => vec![name, description, founders],
        Action::ProjectDelete => vec![hidden],
        _ => vec![description, hidden],
    };
    fields.push(Field::hidden("action", word));
    if let Some(refusal) = wrong {
        at_field(&mut fields, refusal, &mut view);
    }
    let mut query = vec![("action", word)];
    if action != Action::ProjectCreate {
        query.push(("projectname", project));
    }
    view.blocks.push(Block::Form(Box::new(Form {
        id: word.to_owned(),
        page: PAGE.to_owned(),
        query: form_query(&query),
        fields,
        submit: Msg::new(&format!("{messages}-submit")),
        preview: (action == Action::ProjectCreate).then(|| Msg::new("preview")),
        destructive: action == Action::ProjectDelete,
        cancel: Some(Value::special(PAGE, &[], Msg::new("backprojectlist"))),
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(text("intro")),
    })));
    view
}
