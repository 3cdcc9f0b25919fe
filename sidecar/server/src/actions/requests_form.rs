//! `Special:NovaRequest?action=project` and `?action=quota`: asking.

use super::create::at_field;
use super::requests_page::{PAGE, form_of};
use super::{Caller, Context, Params, SpecialRequest, quota};
use osm_core::actor::Person;
use osm_core::authz::Target;
use osm_core::founding::LONGEST_DESCRIPTION;
use osm_core::ids::{ProjectName, Region};
use osm_core::message::{Msg, Value};
use osm_core::quota::NAMES;
use osm_core::refusal::Refusal;
use osm_core::requests::{Asked, Case, LONGEST_WORDS};
use osm_core::view::{Block, Field, FieldKind, FieldValue, View};

/// The link to the form in which another quota is asked for.
pub(super) fn quota_link(project: &ProjectName, region: &Region) -> Value {
    let (project, region) = (project.as_str(), region.as_str());
    let query = [
        ("action", "quota"),
        ("projectname", project),
        ("region", region),
    ];
    Value::special(PAGE, &query, Msg::new("request-quota-link"))
}

/// The link to the form in which a project is asked for.
pub(super) fn ask_link() -> Value {
    Value::special(
        PAGE,
        &[("action", "project")],
        Msg::new("request-project-link"),
    )
}

impl Context {
    /// The form, then the request.
    pub(super) async fn ask_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let all = request.merged();
        let quota = match request.get("action") {
            Some("quota") => {
                let project = ProjectName::parse(all.text("projectname"))?;
                let regions = self.settings.region_names();
                let region = Region::choose(all.get("region"), &regions)?;
                Some((project, region))
            }
            _ => None,
        };
        let at = match quota.clone() {
            Some((project, region)) => Target::Project(region, project),
            None => Target::Everywhere,
        };
        let actor = self.may_ask(caller, &at).await?;
        let mut wrong = None;
        if request.post {
            let key = request.idempotency_key.as_deref();
            let asked = match self.asked(&all, quota.is_some()) {
                Ok(asked) => self.ask_for(caller, asked, key).await,
                Err(refusal) => Err(refusal),
            };
            match asked {
                Ok(id) => {
                    let id = id.to_string();
                    let title = Msg::new("novarequest");
                    return Ok(View::redirect(title, PAGE, &[("request", &id)]));
                }
                Err(refusal) => wrong = Some(refusal),
            }
        }
        let (kind, outlook) = match &quota {
            Some(_) => ("quota", None),
            // What will become of it is said before it is asked for.
            None => {
                let administers = actor.person.iter().map(Person::administers).sum();
                let outlook = self.rule_of(&actor, Case::Project(administers)).err();
                let outlook = outlook.map(|why| Msg::new("request-byapprover").with(why));
                let at_once = || Msg::new("request-byrule");
                ("project", Some(outlook.unwrap_or_else(at_once)))
            }
        };
        let title = Msg::new(&format!("request-{kind}-title"));
        let mut view = View::new(title.with(all.text("projectname")));
        let mut fields = ask_fields(&all, quota.as_ref());
        if let Some(refusal) = wrong {
            at_field(&mut fields, refusal, &mut view);
        }
        let outlook = outlook
            .into_iter()
            .map(|text| Block::Para { text: text.into() });
        view.blocks.extend(outlook);
        let cancel = Value::special(PAGE, &[], Msg::new("request-back"));
        let query = [("action", kind)];
        let intro = format!("request-{kind}-intro");
        view.blocks
            .push(form_of(kind, &query, fields, Some(&intro), Some(cancel)));
        Ok(view)
    }

    /// What a form or a call asks for.
    pub(super) fn asked(&self, sent: &Params, quota: bool) -> Result<Asked, Refusal> {
        let [name, about, reason] = ["projectname", "description", "reason"].map(|f| sent.text(f));
        if !quota {
            return Asked::project(name, about, reason);
        }
        let regions = self.settings.region_names();
        let region = Region::choose(sent.get("region"), &regions)?;
        let asked = quota::Asked::of(sent, ProjectName::parse(name)?, region);
        Asked::quota(asked.project, asked.region, asked.request, reason)
    }
}

fn ask_fields(sent: &Params, quota: Option<&(ProjectName, Region)>) -> Vec<Field> {
    let text = |name: &str, label: &str, most: usize, required| Field {
        help: Some(Msg::new(&format!("{label}-help"))),
        default: Some(FieldValue::One(sent.text(name).to_owned())),
        maxlength: u32::try_from(most).ok(),
        required,
        ..Field::new(name, FieldKind::Text, Msg::new(label))
    };
    let mut fields = match quota {
        None => vec![
            text("projectname", "projectname", 50, true),
            text("description", "description", LONGEST_DESCRIPTION, false),
        ],
        Some((project, region)) => {
            let limits = NAMES.map(|(name, _)| Field {
                help: None,
                ..text(name, &format!("quota-{name}"), 20, false)
            });
            let hidden = [
                ("projectname", project.as_str()),
                ("region", region.as_str()),
            ];
            let hidden = hidden.map(|(name, value)| Field::hidden(name, value));
            limits.into_iter().chain(hidden).collect()
        }
    };
    fields.push(text("reason", "reason", LONGEST_WORDS, true));
    let action = if quota.is_some() { "quota" } else { "project" };
    fields.push(Field::hidden("action", action));
    fields
}
