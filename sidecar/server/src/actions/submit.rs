//! The only way from a plan into the world: record it.

use super::planned::{Sent, as_seen};
use super::{Caller, Context, held::held, lookup::refuse};
use osm_core::ids::OperationId;
use osm_core::message::Msg;
use osm_core::plan::Plan;
use osm_core::ports::{NewOperation, Submitted};
use osm_core::refusal::{Refusal, RefusalKind};
use sha2::{Digest as _, Sha256};
use ulid::Ulid;

/// Bound of a client's own key, in bytes.
const LONGEST_KEY: usize = 255;

impl Context {
    /// Records a plan, if it is still the one that the person saw.
    pub(super) async fn submit(
        &self,
        caller: &Caller,
        plan: Plan,
        sent: &Sent<'_>,
    ) -> Result<OperationId, Refusal> {
        let new = self.to_submit(caller, plan, sent)?;
        let submitted = self.operations.submit(&new).await.map_err(refuse)?;
        self.submitted(&new.plan, submitted)
    }

    /// What is to be recorded.
    pub(super) fn to_submit(
        &self,
        caller: &Caller,
        plan: Plan,
        sent: &Sent<'_>,
    ) -> Result<NewOperation, Refusal> {
        as_seen(&plan, sent.facts)?;
        Ok(NewOperation {
            id: OperationId::trusted(Ulid::generate().to_string()),
            plan,
            wiki_user_id: caller.user.wiki_user_id,
            wiki_user_name: caller.user.name.clone(),
            request_id: caller.request_id.clone(),
            idempotency: idempotency(caller, sent.key, sent.body)?,
            mark: sent.mark,
            at: (self.clock)(),
        })
    }

    /// What became of it, for the person.
    pub(super) fn submitted(
        &self,
        plan: &Plan,
        submitted: Submitted,
    ) -> Result<OperationId, Refusal> {
        let (name, project) = (plan.name.as_str(), plan.project.as_str());
        match submitted {
            Submitted::Recorded(id) => {
                self.work.notify_one();
                Ok(id)
            }
            Submitted::Replayed(id) => Ok(id),
            Submitted::KeyReused => Err(Refusal::new(RefusalKind::Conflict, Msg::new("keyreused"))),
            Submitted::NameTaken => Err(Refusal {
                kind: RefusalKind::Conflict,
                ..Refusal::field(
                    "instancename",
                    Msg::new("nametaken").with(name).with(project),
                )
            }),
            Submitted::TooMany(open) => Err(Refusal::new(
                RefusalKind::Conflict,
                Msg::new("toomanyoperations").with(i64::from(open)),
            )),
            Submitted::Held => Err(held()),
            Submitted::Busy(other) => Err(Refusal::new(
                RefusalKind::Conflict,
                Msg::new("busy").with(name).with(other.as_str()),
            )),
            Submitted::Overtaken(other) => Err(Refusal::new(
                RefusalKind::Conflict,
                Msg::new("overtaken").with(name).with(other.as_str()),
            )),
        }
    }

    /// Records what was planned. Where that was refused, a double click must not hear that its own first half has done
    /// it already: the same call with the same key is one operation.
    pub(super) async fn submit_planned(
        &self,
        caller: &Caller,
        planned: Result<Plan, Refusal>,
        sent: &Sent<'_>,
    ) -> Result<OperationId, Refusal> {
        let submitted = match planned {
            Ok(plan) => self.submit(caller, plan, sent).await,
            Err(refusal) => Err(refusal),
        };
        match submitted {
            Err(refusal) => self.replayed(caller, sent).await.ok_or(refusal),
            recorded => recorded,
        }
    }

    /// To be asked before that is read which a plan rests on.
    pub(super) async fn mark(&self) -> Result<Option<u64>, Refusal> {
        self.operations.mark().await.map(Some).map_err(refuse)
    }

    /// The operation that the same call with the same key recorded before.
    pub(super) async fn replayed(&self, caller: &Caller, sent: &Sent<'_>) -> Option<OperationId> {
        let recorded = self.operations.by_key(&caller_key(caller, sent.key?)).await;
        let (hashed, operation) = recorded.map_err(refuse).ok().flatten()?;
        (hashed == hash(sent.body)).then_some(operation)
    }
}

/// A client's own key as it is kept: bound to the caller, and to what was sent with it.
pub(super) fn idempotency(
    caller: &Caller,
    key: Option<&str>,
    body: &str,
) -> Result<Option<(String, String)>, Refusal> {
    if key.is_some_and(|key| key.len() > LONGEST_KEY) {
        return Err(Refusal::new(RefusalKind::Invalid, Msg::new("keytoolong")));
    }
    Ok(key.map(|key| (caller_key(caller, key), hash(body))))
}

fn caller_key(caller: &Caller, key: &str) -> String {
    format!("{}:{key}", caller.user.wiki_user_id)
}

fn hash(body: &str) -> String {
    Sha256::digest(body.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}
