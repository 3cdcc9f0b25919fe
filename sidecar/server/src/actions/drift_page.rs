//! `Special:NovaDrift`: what cloud, LDAP and wiki say differently, each with what mends it.

use super::create::form_query;
use super::drift::Shown;
use super::lookup::refuse;
use super::planned::{FACTS, facts_field, plan_table};
use super::{Caller, Context, SpecialRequest};
use chrono::SubsecRound as _;
use osm_core::actor::Actor;
use osm_core::drift::{Difference, Repair};
use osm_core::message::{Msg, Value};
use osm_core::plan::Plan;
use osm_core::ports::PortError;
use osm_core::refusal::Refusal;
use osm_core::view::{Block, Field, Form, Level, Row, View};
use ulid::Ulid;

const PAGE: &str = "NovaDrift";
const DIFFERENCE: &str = "difference";

impl Context {
    /// The page.
    pub(super) async fn novadrift(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        match request.get("action").unwrap_or_default() {
            "" => self.drift_list(caller, request).await,
            "repair" => self.repair_page(caller, request).await,
            other => Err(Refusal::field("action", Msg::new("badaction").with(other))),
        }
    }

    async fn drift_list(&self, caller: &Caller, request: &SpecialRequest) -> Result<View, Refusal> {
        let actor = self.actor(caller).await?;
        let Shown {
            as_of,
            late,
            report,
        } = self.drift_report(&actor).await?;
        let as_of = as_of.trunc_subsecs(0);
        let mut view = View::new(Msg::new("novadrift"));
        view.as_of = Some(as_of);
        self.outcome(&actor, request, &mut view).await;
        if late {
            view.notice(Level::Warning, Msg::new("drift-late").with(as_of));
        }
        // An empty list says nothing of those who did not answer.
        let nothing = match report.unheard.is_empty() {
            true => Msg::new("drift-none"),
            false => Msg::new("drift-nonecompared"),
        };
        for error in report.unheard {
            view.notice(Level::Warning, not_compared(error));
        }
        view.blocks.push(Block::Para {
            text: Msg::new("drift-intro").into(),
        });
        view.blocks.push(Block::Table {
            id: "drift".to_owned(),
            columns: ["project", "drift-column", "drift-repair-column"]
                .map(Msg::new)
                .into(),
            rows: report
                .differences
                .iter()
                .map(|found| Row {
                    id: format!("drift-{}", found.id()),
                    cells: vec![
                        Value::text(found.project().map_or("", |p| p.as_str())),
                        found.told().into(),
                        self.mending(&actor, found),
                    ],
                })
                .collect(),
            empty: Some(nothing),
        });
        Ok(view)
    }

    /// The way to the plan, or why there is none for this person.
    fn mending(&self, actor: &Actor, found: &Difference) -> Value {
        match (found.repair(), self.drift_permit(actor, found)) {
            (Repair::Operator(what), _) => what.into(),
            (Repair::Plan(_), Err(refusal)) => refusal.message.into(),
            (Repair::Plan(_), Ok(_)) => Value::special(
                PAGE,
                &[("action", "repair"), (DIFFERENCE, &found.id())],
                Msg::new("drift-repair-link"),
            ),
        }
    }

    /// Shows the plan, then has it carried out.
    async fn repair_page(
        &self,
        caller: &Caller,
        request: &SpecialRequest,
    ) -> Result<View, Refusal> {
        let id = request.get(DIFFERENCE).unwrap_or_default();
        let mut refused = None;
        if request.post {
            let (key, facts) = (request.idempotency_key.as_deref(), request.form.get(FACTS));
            match self.repair(caller, id, key, facts).await {
                Ok(operation) => {
                    let title = Msg::new("novadrift");
                    let query = [("operation", operation.as_str())];
                    return Ok(View::redirect(title, PAGE, &query));
                }
                Err(refusal) => refused = Some(refusal),
            }
        }
        let mut view = View::new(Msg::new("drift-repair-title"));
        match self.planned_repair(caller, id).await {
            Ok((found, plan)) => {
                view.blocks.push(Block::Para {
                    text: found.told().into(),
                });
                view.blocks.push(plan_table(&plan));
                view.blocks.push(Block::Form(Box::new(form(id, &plan))));
            }
            Err(refusal) => {
                refused.get_or_insert(refusal);
                view.blocks.push(Block::Para { text: back() });
            }
        }
        if let Some(refusal) = refused {
            view.status = refusal.status();
            view.notice(Level::Error, refusal.message);
        }
        Ok(view)
    }
}

/// A part that did not answer is no difference.
fn not_compared(error: PortError) -> Msg {
    let system = error.system;
    Msg::new("drift-notcompared")
        .with(system)
        .with(refuse(error).message)
}

fn back() -> Value {
    Value::special(PAGE, &[], Msg::new("backdriftlist"))
}

fn form(id: &str, plan: &Plan) -> Form {
    Form {
        id: "repairdrift".to_owned(),
        page: PAGE.to_owned(),
        query: form_query(&[("action", "repair"), (DIFFERENCE, id)]),
        fields: vec![
            facts_field(&plan.facts),
            Field::hidden("action", "repair"),
            Field::hidden(DIFFERENCE, id),
        ],
        submit: Msg::new("drift-repair-submit"),
        preview: None,
        destructive: plan
            .steps
            .iter()
            .any(osm_core::plan::PlannedStep::irrevocable),
        cancel: Some(back()),
        idempotency_key: Ulid::generate().to_string(),
        intro: None,
    }
}
