//! `Special:NovaProject?action=quota`: what a project uses and may use in each region, and a form for who may say so.

use super::create::form_query;
use super::planned::{FACTS, facts_field, plan_table};
use super::quota::Asked;
use super::{Caller, Context, SpecialRequest, requests_form};
use osm_core::action::Action;
use osm_core::ids::{ProjectName, Region};
use osm_core::message::{Msg, Value};
use osm_core::plan::Plan;
use osm_core::quota::{NAMES, Quota, shown};
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Field, FieldKind, FieldValue, Form, Level, Row, View};
use ulid::Ulid;

const PAGE: &str = "NovaProject";
const WORD: &str = "quota";

/// The link to the page.
pub(super) fn link(project: &ProjectName) -> Value {
    let query = [("action", WORD), ("projectname", project.as_str())];
    Value::special(PAGE, &query, Msg::new("showquota"))
}

/// What became of a form that was sent.
struct Answer {
    asked: Asked,
    end: Result<Plan, Refusal>,
}

impl Context {
    /// The page.
    pub(super) async fn quota_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let project = ProjectName::parse(request.get("projectname").unwrap_or_default())?;
        let regions = self.settings.region_names();
        for region in &regions {
            self.may_quota(&actor, Action::ProjectList, &project, region)?;
        }
        let mut answer = None;
        if request.post {
            let region = Region::choose(request.get("region"), &regions)?;
            let asked = Asked::of(&request.form, project.clone(), region);
            let end = if request.form.get("dryrun").is_some() {
                self.planned_quota(caller, &asked).await
            } else {
                let key = request.idempotency_key.as_deref();
                let facts = request.form.get(FACTS);
                match self.change_quota(caller, &asked, key, facts).await {
                    Ok(operation) => {
                        let name = ("projectname", project.as_str());
                        let query = [("action", WORD), name, ("operation", operation.as_str())];
                        return Ok(View::redirect(Msg::new("novaproject"), PAGE, &query));
                    }
                    Err(refusal) => Err(refusal),
                }
            };
            answer = Some(Answer { asked, end });
        }
        let managed = self.managed(&project).await?;
        let mut view = View::new(Msg::new("quota-title").with(project.as_str()));
        self.outcome(&actor, request, &mut view).await;
        for region in &regions {
            view.blocks.push(heading(region));
            let quota = match self.quota_of(&managed, region).await {
                Ok(quota) => quota,
                // The others are shown all the same.
                Err(refusal) => {
                    view.status = refusal.status();
                    view.notice(Level::Error, refusal.message);
                    continue;
                }
            };
            view.blocks.push(table(region, &quota));
            if self
                .may_quota(&actor, Action::ProjectQuota, &project, region)
                .is_ok()
            {
                let here = answer.take_if(|answer| answer.asked.region == *region);
                form(&mut view, &project, region, &quota, here);
            } else if self
                .may_quota(&actor, Action::RequestMake, &project, region)
                .is_ok()
            {
                let text = requests_form::quota_link(&project, region);
                view.blocks.push(Block::Para { text });
            }
        }
        // Who may not set it had sent one all the same.
        if let Some(Answer {
            end: Err(refusal), ..
        }) = answer
        {
            view.status = refusal.status();
            view.notice(Level::Error, refusal.message);
        }
        let back = Value::special(PAGE, &[], Msg::new("backprojectlist"));
        view.blocks.push(Block::Para { text: back });
        Ok(view)
    }
}

fn heading(region: &Region) -> Block {
    Block::Heading {
        level: 2,
        id: format!("quota-in-{region}"),
        text: Value::text(region.as_str()),
        links: Vec::new(),
    }
}

fn table(region: &Region, quota: &Quota) -> Block {
    let pairs = quota.used.values().into_iter().zip(quota.limits.values());
    let rows = NAMES
        .into_iter()
        .zip(pairs)
        .map(|((name, _), (used, limit))| Row {
            id: format!("{region}-{name}"),
            cells: vec![
                Msg::new(&format!("quota-{name}")).into(),
                Value::text(used.to_string()),
                Value::text(shown(limit)),
            ],
        });
    Block::Table {
        id: format!("quota-{region}"),
        columns: ["quota-what", "quota-used", "quota-allowed"]
            .map(Msg::new)
            .into(),
        rows: rows.collect(),
        empty: None,
    }
}

fn form(
    view: &mut View,
    project: &ProjectName,
    region: &Region,
    quota: &Quota,
    answer: Option<Answer>,
) {
    let address = [
        ("action", WORD),
        ("projectname", project.as_str()),
        ("region", region.as_str()),
    ];
    let typed = answer.as_ref().map(|answer| answer.asked.request.values());
    let now = quota.limits.values();
    let mut fields: Vec<Field> = (NAMES.into_iter().zip(now).enumerate())
        .map(|(nth, ((name, _), limit))| {
            let value = match typed.and_then(|typed| typed.get(nth).copied()) {
                Some(typed) => typed.to_owned(),
                None => limit.map_or_else(String::new, |limit| limit.to_string()),
            };
            Field {
                default: Some(FieldValue::One(value)),
                maxlength: Some(10),
                ..Field::new(name, FieldKind::Text, Msg::new(&format!("quota-{name}")))
            }
        })
        .collect();
    match answer.map(|answer| answer.end) {
        Some(Ok(plan)) => {
            fields.push(facts_field(&plan.facts));
            view.blocks.push(plan_table(&plan));
        }
        Some(Err(refusal)) => {
            view.status = refusal.status();
            let at = refusal.field.as_deref();
            match fields
                .iter_mut()
                .find(|field| at == Some(field.name.as_str()))
            {
                Some(field) => field.error = Some(refusal.message),
                None => view.notice(Level::Error, refusal.message),
            }
        }
        None => {}
    }
    fields.extend(address.map(|(name, value)| Field::hidden(name, value)));
    view.blocks.push(Block::Form(Box::new(Form {
        id: format!("setquota-{region}"),
        page: PAGE.to_owned(),
        query: form_query(&address),
        fields,
        submit: Msg::new("setquota-submit"),
        preview: Some(Msg::new("preview")),
        destructive: false,
        cancel: None,
        idempotency_key: Ulid::generate().to_string(),
        intro: Some(Msg::new("setquota-intro")),
    })));
}
