//! Looking at recorded operations.

use super::{Failure, say};
use chrono::{DateTime, SecondsFormat, Utc};
use osm_core::ids::OperationId;
use osm_core::message::{Msg, Value};
use osm_core::ports::{OperationFilter, Operations};

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
    for operation in operations.operations(&filter).await? {
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
        say(format_args!("{label:10}{value}"));
    }
    for step in found.steps {
        say(format_args!(
            "step {}    {} {:?}, tried {} times {}",
            step.index,
            step.name,
            step.state,
            step.attempts,
            step.error.as_ref().map_or_else(String::new, text)
        ));
    }
    Ok(())
}

pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A message as an operator without a wiki reads it: its key and its parameters.
pub(super) fn text(message: &Msg) -> String {
    let params: Vec<String> = message
        .params
        .iter()
        .map(|value| match value {
            Value::Text { v } | Value::Code { v } => v.clone(),
            Value::Msg { v } => text(v),
            Value::Num { v } => v.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    format!("{}({})", message.key, params.join(", "))
}
