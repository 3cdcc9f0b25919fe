//! How an operation stands, as the list page tells it.

use super::{Context, SpecialRequest, lookup::refuse};
use osm_core::action::Action;
use osm_core::actor::Actor;
use osm_core::ids::OperationId;
use osm_core::message::{Msg, Value};
use osm_core::ports::{Operation, OperationState, StepState};
use osm_core::view::{Level, View};

impl Context {
    /// The operation that the person comes from: how it stands.
    pub(super) async fn outcome(&self, actor: &Actor, request: &SpecialRequest, view: &mut View) {
        let Some(id) = request.query.get("operation") else {
            return;
        };
        let found = self.operations.operation(&OperationId::trusted(id)).await;
        let Ok(Some(operation)) = found.map_err(refuse) else {
            return;
        };
        if operation.wiki_user_id != actor.user.wiki_user_id && !actor.has_right("listall") {
            return;
        }
        view.live |= !operation.state.over();
        self.tell_outcome(&operation, view);
    }

    /// In a box: how it stands.
    pub(super) fn tell_outcome(&self, operation: &Operation, view: &mut View) {
        if let Some((level, text)) = outcome_text(operation) {
            view.notice(level, text);
        }
    }
}

fn outcome_text(operation: &Operation) -> Option<(Level, Msg)> {
    let word = match operation.plan.action {
        Action::InstanceCreate => "createinstance",
        Action::InstanceDelete | Action::InstanceRemoveStray => "deleteinstance",
        Action::InstanceConfigure => "configureinstance",
        Action::MemberAdd => "addmember",
        Action::MemberRemove => "deletemember",
        Action::KeyAdd => "addkey",
        Action::KeyRemove => "deletekey",
        Action::AccountCreate => "createaccount",
        Action::ProjectCreate => "createproject",
        Action::ProjectConfigure => "configureproject",
        Action::ProjectDelete => "deleteproject",
        Action::ProjectQuota => "setquota",
        Action::SudoCreate => "createsudo",
        Action::SudoModify => "modifysudo",
        Action::SudoDelete => "deletesudo",
        Action::RoleAdd => "addrole",
        Action::RoleRemove => "deleterole",
        Action::DriftRepair => "repairdrift",
        Action::InstanceReboot => "rebootinstance",
        // No form has it done, so nobody comes from one.
        _ => return None,
    };
    let (level, end) = match operation.state {
        OperationState::Queued | OperationState::Running => (Level::Info, "running"),
        OperationState::Unwinding => (Level::Warning, "unwinding"),
        OperationState::Done => (Level::Success, "done"),
        OperationState::Undone | OperationState::Failed => (Level::Error, "failed"),
        OperationState::Parked => (Level::Error, "parked"),
    };
    let mut text = Msg::new(&format!("{word}-{end}")).with(operation.plan.name.as_str());
    if matches!(level, Level::Error | Level::Warning) {
        let why = operation.error.clone();
        text = text.with(why.unwrap_or_else(|| Msg::new("noreason")));
    }
    Some((level, text))
}

/// What an operation is doing now.
pub(super) fn progress(operation: &Operation) -> Value {
    let running = operation.steps.iter().find(|s| s.state != StepState::Done);
    let step = running.map_or("finishing", |s| s.name.as_str());
    Value::Progress {
        operation: operation.id.to_string(),
        state: Msg::new(&format!("step-{step}")),
    }
}
