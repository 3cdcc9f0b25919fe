//! Recording operations in one transaction before their first effect, and reading them.

use super::audit::{self, Doing};
use super::failure::Failure;
use super::overtaken;
use super::pages::BATCH;
use super::stored::{decode_msg, decode_plan, encode_plan, readable};
use super::{Store, commit, first, holds, marks, put, rows};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use mysql_async::prelude::Queryable;
use mysql_async::{Transaction, Value, params};
use osm_core::ids::{InstanceId, OperationId, ProjectId, Region};
use osm_core::plan::{Plan, Step};
use osm_core::ports::{
    NewOperation, NewWish, OPEN_AT_ONCE, Operation, OperationFilter, OperationState, Operations,
    PortError, StepRecord, StepState, Submitted, Wished,
};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

#[async_trait]
impl Operations for Store {
    async fn submit(&self, new: &NewOperation) -> Result<Submitted, PortError> {
        self.attempt("record an operation in", || self.try_submit(new))
            .await
    }

    async fn by_key(&self, caller_key: &str) -> Result<Option<(String, OperationId)>, PortError> {
        self.attempt("look for a client's key in", || async {
            under_key(&mut self.conn().await?, caller_key).await
        })
        .await
    }

    async fn operation(&self, id: &OperationId) -> Result<Option<Operation>, PortError> {
        self.attempt("read an operation from", || async {
            read(&mut self.conn().await?, id).await
        })
        .await
    }

    async fn mark(&self) -> Result<u64, PortError> {
        self.attempt("read how much was done from", || async {
            overtaken::mark(&mut self.conn().await?).await
        })
        .await
    }

    async fn operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>, PortError> {
        self.attempt("list operations of", || self.try_operations(filter))
            .await
    }

    async fn wish(&self, wish: &NewWish) -> Result<Wished, PortError> {
        self.attempt("note a wish in", || self.try_wish(wish)).await
    }

    async fn standings(
        &self,
        ids: &[OperationId],
    ) -> Result<BTreeMap<OperationId, (OperationState, Option<InstanceId>)>, PortError> {
        self.attempt("look up operations in", || self.try_standings(ids))
            .await
    }

    async fn names(&self, region: &Region, project: &ProjectId) -> Result<Vec<String>, PortError> {
        self.attempt("read names in use from", || async {
            let key = (region.as_str(), project.as_str());
            let names: Vec<(String,)> = rows(
                &mut self.conn().await?,
                "SELECT name FROM names WHERE region = ? AND project_id = ?
                 UNION
                 SELECT name FROM instances WHERE region = ? AND project_id = ? AND ended = 0
                 ORDER BY name",
                (key.0, key.1, key.0, key.1),
            )
            .await?;
            Ok(names.into_iter().map(|(name,)| name).collect())
        })
        .await
    }
}

impl Store {
    async fn try_submit(&self, new: &NewOperation) -> Result<Submitted, Failure> {
        let mut tx = self.begin().await?;
        let outcome = submit(&mut tx, new).await?;
        if matches!(outcome, Submitted::Recorded(_)) {
            commit(tx).await?;
        } else {
            tx.rollback().await?;
        }
        Ok(outcome)
    }

    async fn try_standings(
        &self,
        ids: &[OperationId],
    ) -> Result<BTreeMap<OperationId, (OperationState, Option<InstanceId>)>, Failure> {
        let mut conn = self.conn().await?;
        let mut found = BTreeMap::new();
        for batch in ids.chunks(BATCH) {
            let sql = format!(
                "SELECT id, state, instance_id FROM operations WHERE id IN ({})",
                marks(batch.len())
            );
            let batch: Vec<Value> = batch.iter().map(|id| id.as_str().into()).collect();
            let found_here: Vec<(String, String, Option<String>)> =
                rows(&mut conn, &sql, batch).await?;
            for (id, state, instance) in found_here {
                let instance = instance.as_deref().map(instance_id).transpose()?;
                found.insert(OperationId::trusted(id), (state_of(&state)?, instance));
            }
        }
        Ok(found)
    }

    async fn try_operations(&self, filter: &OperationFilter) -> Result<Vec<Operation>, Failure> {
        let mut conn = self.conn().await?;
        let mut sql = format!("SELECT {COLUMNS} FROM operations WHERE 1");
        let mut params: Vec<Value> = Vec::new();
        if filter.open {
            sql.push_str(" AND due_at IS NOT NULL");
        }
        if let Some(projects) = &filter.projects {
            if projects.is_empty() {
                return Ok(Vec::new());
            }
            sql.push_str(&format!(" AND project IN ({})", marks(projects.len())));
            params.extend(projects.iter().map(|p| p.as_str().into()));
        }
        if let Some(user) = filter.wiki_user_id {
            sql.push_str(" AND wiki_user_id = ?");
            params.push(user.into());
        }
        if let Some(state) = filter.state {
            sql.push_str(" AND state = ?");
            params.push(state.name().into());
        }
        if let Some(person) = &filter.about {
            sql.push_str(" AND LOCATE(?, plan) > 0");
            params.push(format!("\"{person}\"").into());
        }
        if let Some(action) = filter.action {
            sql.push_str(" AND action = ?");
            params.push(action.name().into());
        }
        if let Some(before) = &filter.before {
            sql.push_str(
                " AND (created_at, id) < (SELECT created_at, id FROM operations WHERE id = ?)",
            );
            params.push(before.as_str().into());
        }
        sql.push_str(" ORDER BY created_at DESC, id DESC LIMIT ?");
        params.push(filter.limit.into());
        let found: Vec<Columns> = rows(&mut conn, &sql, params).await?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "{STEPS} WHERE s.operation_id IN ({}) ORDER BY s.operation_id, s.position",
            marks(found.len())
        );
        let ids: Vec<Value> = found.iter().map(|columns| (&columns.0).into()).collect();
        let mut steps: BTreeMap<String, Vec<StepColumns>> = BTreeMap::new();
        for step in rows::<StepColumns>(&mut conn, &sql, ids).await? {
            steps.entry(step.0.clone()).or_default().push(step);
        }
        Ok(found
            .into_iter()
            .filter_map(|columns| {
                let id = columns.0.clone();
                let steps = steps.remove(&id).unwrap_or_default();
                readable(&id, operation_of(columns, steps))
            })
            .collect())
    }
}

pub(super) async fn submit(
    tx: &mut Transaction<'_>,
    new: &NewOperation,
) -> Result<Submitted, Failure> {
    let plan = &new.plan;
    let id = new.id.as_str();
    if exists(tx, id).await? {
        // The caller repeats itself, since the answer to the first time was lost.
        return Ok(Submitted::Recorded(new.id.clone()));
    }
    if holds::stands(tx).await? {
        return Ok(Submitted::Held);
    }
    if let Some(before) = keyed(tx, new.idempotency.as_ref(), &new.id, new.at).await? {
        return Ok(before.map_or(Submitted::KeyReused, Submitted::Replayed));
    }
    let open: Option<(u32,)> = first(
        tx,
        "SELECT COUNT(*) FROM operations WHERE due_at IS NOT NULL AND wiki_user_id = ?",
        (new.wiki_user_id,),
    )
    .await?;
    if let Some((open,)) = open.filter(|(open,)| *open >= OPEN_AT_ONCE) {
        return Ok(Submitted::TooMany(open));
    }
    if creates_server(plan) && !reserve_name(tx, plan, id).await? {
        return Ok(Submitted::NameTaken);
    }
    if let Some(other) = on_same_instance(tx, plan).await? {
        return Ok(Submitted::Busy(other));
    }
    let stored_plan = encode_plan(plan)?;
    let recorded = put(
        tx,
        "INSERT INTO operations (id, region, project, project_id, instance_id, action, plan, state,
           wiki_user_id, wiki_user_name, request_id, created_at, busy, due_at)
         VALUES (:id, :region, :project, :project_id, :instance_id, :action, :plan, :state,
           :wiki_user_id, :wiki_user_name, :request_id, :at, :busy, :at)",
        params! {
            "id" => id,
            "region" => plan.region.as_str(),
            "project" => plan.project.as_str(),
            "project_id" => plan.project_id.as_str(),
            "instance_id" => plan.instance.map(|i| i.to_string()),
            "action" => plan.action.name(),
            "plan" => &stored_plan,
            "state" => OperationState::Queued.name(),
            "wiki_user_id" => new.wiki_user_id,
            "wiki_user_name" => &new.wiki_user_name,
            "request_id" => &new.request_id,
            "at" => new.at.naive_utc(),
            "busy" => plan.resource(),
        },
    )
    .await?;
    if !recorded {
        return at_work(tx, plan).await;
    }
    // From here on no other can be at work on the same: what has ended by now is all that there was.
    if let Some(mark) = new.mark
        && let Some(other) = overtaken::by(tx, plan, mark).await?
    {
        return Ok(Submitted::Overtaken(other));
    }
    for (position, planned) in (0_u32..).zip(&plan.steps) {
        tx.exec_drop(
            "INSERT INTO steps (operation_id, position, name, state, attempts)
             VALUES (?, ?, ?, ?, 0)",
            (id, position, planned.step.name(), StepState::Waiting.name()),
        )
        .await?;
    }
    let doing = Doing {
        by: (new.wiki_user_id, &new.wiki_user_name),
        request_id: None,
        at: new.at,
    };
    audit::append(tx, &new.id, "submitted", &doing, json!({ "plan": plan })).await?;
    Ok(Submitted::Recorded(new.id.clone()))
}

fn creates_server(plan: &Plan) -> bool {
    plan.steps
        .iter()
        .any(|planned| matches!(planned.step, Step::CreateServer { .. }))
}

/// Whether there is an operation of that id.
pub(super) async fn exists(on: &mut impl Queryable, id: &str) -> Result<bool, Failure> {
    let row: Option<(u8,)> = first(on, "SELECT 1 FROM operations WHERE id = ?", (id,)).await?;
    Ok(row.is_some())
}

/// Whether an operation made a server or worked on it.
pub(super) async fn instance_operation(
    on: &mut impl Queryable,
    region: &Region,
    server: InstanceId,
) -> Result<bool, Failure> {
    let row: Option<(u8,)> = first(
        on,
        "SELECT 1 FROM operations WHERE region = ? AND instance_id = ? LIMIT 1",
        (region.as_str(), server.to_string()),
    )
    .await?;
    Ok(row.is_some())
}

/// Takes a client's key for an operation. Where it was taken before: for which, unless with other content.
pub(super) async fn keyed(
    tx: &mut Transaction<'_>,
    idempotency: Option<&(String, String)>,
    id: &OperationId,
    at: DateTime<Utc>,
) -> Result<Option<Option<OperationId>>, Failure> {
    let Some((key, body_hash)) = idempotency else {
        return Ok(None);
    };
    let fresh = put(
        tx,
        "INSERT INTO idempotency (caller_key, body_hash, operation_id, created_at)
         VALUES (?, ?, ?, ?)",
        (key, body_hash, id.as_str(), at.naive_utc()),
    )
    .await?;
    if fresh {
        return Ok(None);
    }
    match under_key(tx, key).await? {
        Some((hash, before)) => Ok(Some((hash == *body_hash).then_some(before))),
        None => Err(Failure::Raced),
    }
}

/// What was recorded under a client's key.
async fn under_key(
    on: &mut impl Queryable,
    caller_key: &str,
) -> Result<Option<(String, OperationId)>, Failure> {
    let row: Option<(String, String)> = first(
        on,
        "SELECT body_hash, operation_id FROM idempotency WHERE caller_key = ?",
        (caller_key,),
    )
    .await?;
    Ok(row.map(|(hash, id)| (hash, OperationId::trusted(id))))
}

/// Reserves the name first and looks into the index then: of two who come at once, the second waits
/// at the reservation's unique key until the first has committed.
async fn reserve_name(
    tx: &mut Transaction<'_>,
    plan: &Plan,
    operation: &str,
) -> Result<bool, Failure> {
    let key = (
        plan.region.as_str(),
        plan.project_id.as_str(),
        plan.name.as_str(),
    );
    let reserved = put(
        tx,
        "INSERT INTO names (region, project_id, name, operation_id) VALUES (?, ?, ?, ?)",
        (key.0, key.1, key.2, operation),
    )
    .await?;
    let in_use: Option<(u8,)> = first(
        tx,
        "SELECT 1 FROM instances
         WHERE region = ? AND project_id = ? AND name = ? AND ended = 0 LIMIT 1",
        key,
    )
    .await?;
    Ok(reserved && in_use.is_none())
}

/// An operation that works on the plan's instance, though its resource is written otherwise:
/// the one that is making it.
async fn on_same_instance(
    tx: &mut Transaction<'_>,
    plan: &Plan,
) -> Result<Option<OperationId>, Failure> {
    let Some(instance) = plan.instance else {
        return Ok(None);
    };
    let row: Option<(String,)> = first(
        tx,
        "SELECT id FROM operations
         WHERE region = ? AND instance_id = ? AND busy IS NOT NULL LIMIT 1",
        (plan.region.as_str(), instance.to_string()),
    )
    .await?;
    Ok(row.map(|(id,)| OperationId::trusted(id)))
}

/// The operation that holds the resource.
async fn at_work(tx: &mut Transaction<'_>, plan: &Plan) -> Result<Submitted, Failure> {
    let row: Option<(String,)> = first(
        tx,
        "SELECT id FROM operations WHERE busy = ?",
        (plan.resource(),),
    )
    .await?;
    match row {
        Some((id,)) => Ok(Submitted::Busy(OperationId::trusted(id))),
        None => Err(Failure::Raced),
    }
}

const COLUMNS: &str = "id, plan, state, instance_id, wiki_user_id, wiki_user_name, request_id, \
                       error, created_at, finished_at, generation, \
                       EXISTS (SELECT 1 FROM cancellations WHERE operation_id = operations.id)";

type Columns = (
    String,
    String,
    String,
    Option<String>,
    u64,
    String,
    String,
    Option<String>,
    NaiveDateTime,
    Option<NaiveDateTime>,
    u64,
    bool,
);

type StepColumns = (
    String,
    u32,
    String,
    String,
    u32,
    Option<String>,
    Option<NaiveDateTime>,
    Option<NaiveDateTime>,
);

/// To be followed by `WHERE`.
const STEPS: &str = "SELECT s.operation_id, s.position, s.name, s.state, s.attempts, s.error, \
                       t.started_at, t.ended_at \
                     FROM steps s LEFT JOIN step_times t \
                       ON t.operation_id = s.operation_id AND t.position = s.position";

/// Reads one operation with its steps.
pub(super) async fn read(
    on: &mut impl Queryable,
    id: &OperationId,
) -> Result<Option<Operation>, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM operations WHERE id = ?");
    let Some(columns) = first::<Columns>(on, &sql, (id.as_str(),)).await? else {
        return Ok(None);
    };
    let sql = format!("{STEPS} WHERE s.operation_id = ? ORDER BY s.position");
    let steps: Vec<StepColumns> = rows(on, &sql, (id.as_str(),)).await?;
    operation_of(columns, steps).map(Some)
}

fn operation_of(columns: Columns, steps: Vec<StepColumns>) -> Result<Operation, Failure> {
    let (id, plan, state, instance, wiki_user_id, wiki_user_name, request_id, error, ..) = columns;
    let (.., created, finished, generation, cancelled) = columns;
    Ok(Operation {
        id: OperationId::trusted(id),
        plan: decode_plan(&plan)?,
        state: state_of(&state)?,
        steps: steps.into_iter().map(step_of).collect::<Result<_, _>>()?,
        instance: instance.as_deref().map(instance_id).transpose()?,
        wiki_user_id,
        wiki_user_name,
        request_id,
        error: decode_msg(error)?,
        cancelled,
        created: created.and_utc(),
        finished: finished.map(|at| at.and_utc()),
        generation,
    })
}

fn step_of(columns: StepColumns) -> Result<StepRecord, Failure> {
    let (_, index, name, state, attempts, error, started, ended) = columns;
    Ok(StepRecord {
        started: started.map(|at| at.and_utc()),
        ended: ended.map(|at| at.and_utc()),
        index,
        name,
        state: step_state_of(&state)?,
        attempts,
        error: decode_msg(error)?,
    })
}

/// A UUID as stored.
pub(super) fn instance_id(text: &str) -> Result<InstanceId, Failure> {
    Uuid::parse_str(text)
        .map(InstanceId)
        .map_err(|error| Failure::Stored {
            what: "instance id",
            why: error.to_string(),
        })
}

/// A state as stored.
pub(super) fn state_of(name: &str) -> Result<OperationState, Failure> {
    use OperationState::{Done, Failed, Parked, Queued, Running, Undone, Unwinding};
    [Queued, Running, Unwinding, Done, Undone, Failed, Parked]
        .into_iter()
        .find(|state| state.name() == name)
        .ok_or_else(|| Failure::Stored {
            what: "operation state",
            why: format!("there is no {name}"),
        })
}

/// A step's state as stored.
pub(super) fn step_state_of(name: &str) -> Result<StepState, Failure> {
    StepState::ALL
        .into_iter()
        .find(|state| state.name() == name)
        .ok_or_else(|| Failure::Stored {
            what: "step state",
            why: format!("there is no {name}"),
        })
}
