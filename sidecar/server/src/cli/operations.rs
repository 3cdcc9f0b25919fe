//! Looking at recorded operations.

use super::english::text;
use super::{Failure, say};
use chrono::{DateTime, SecondsFormat, Utc};
use osm_core::ids::OperationId;
use osm_core::ports::{OperationFilter, Operations, StepRecord};

pub(super) async fn list(
    operations: &dyn Operations,
    open: bool,
    limit: u32,
) -> Result<(), Failure> {
    let filter = OperationFilter {
        open,
        limit,
        ..OperationFilter::default()
    };
    let found = operations.operations(&filter).await?;
    if found.is_empty() {
        say(match open {
            true => {
                "no operation is under way or stopped half-way; `--all` lists those that are over"
            }
            false => "no operation was ever recorded",
        });
    }
    for operation in found {
        say(format_args!(
            "{}\t{}\t{:9}\t{} {} in {}\tby {}",
            operation.id,
            time(operation.created),
            operation.state.name(),
            operation.plan.action,
            operation.plan.name,
            operation.plan.project,
            operation.wiki_user_name,
        ));
    }
    Ok(())
}

pub(super) async fn show(operations: &dyn Operations, id: &str) -> Result<(), Failure> {
    let found = operations
        .operation(&OperationId::trusted(id))
        .await?
        .ok_or_else(|| Failure::Refused(format!("there is no operation {id}")))?;
    let plan = &found.plan;
    let instance = found.instance.map(|id| id.to_string());
    for (label, value) in [
        ("operation", found.id.to_string()),
        ("state", found.state.name().to_owned()),
        ("action", plan.action.to_string()),
        (
            "instance",
            format!("{} {}", plan.name, instance.unwrap_or_default()),
        ),
        ("project", format!("{} ({})", plan.project, plan.project_id)),
        ("region", plan.region.to_string()),
        (
            "for",
            format!(
                "{} (wiki user {})",
                found.wiki_user_name, found.wiki_user_id
            ),
        ),
        ("request", found.request_id),
        ("recorded", time(found.created)),
        ("over", found.finished.map_or_else(String::new, time)),
        ("error", found.error.as_ref().map_or_else(String::new, text)),
    ] {
        if !value.is_empty() {
            say(format_args!("{label:10}{value}"));
        }
    }
    for (step, planned) in found.steps.iter().zip(&plan.steps) {
        say(format_args!(
            "step {}    {}: {}",
            step.index + 1,
            text(&planned.step.told(plan)),
            lived(step)
        ));
        if let Some(error) = &step.error {
            say(format_args!("          {}", text(error)));
        }
    }
    Ok(())
}

/// When and how often a step was tried, and how it stands.
fn lived(step: &StepRecord) -> String {
    let times = [step.started, step.ended].map(|at| at.map_or_else(String::new, time));
    match times {
        [begun, _] if begun.is_empty() => step.state.name().to_owned(),
        [begun, ended] => format!(
            "{}, {begun} – {ended}, tried {} times",
            step.state.name(),
            step.attempts
        ),
    }
}

pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
