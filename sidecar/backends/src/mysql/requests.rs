//! Requests: each with what carries it out and with its page being due, all or nothing.

use super::failure::Failure;
use super::operations::{state_of, submit};
use super::pages::add_due;
use super::stored::{decode, encode};
use super::{Store, commit, first, put, rows};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use mysql_async::prelude::Queryable;
use mysql_async::{Row, Transaction, Value, params};
use osm_core::ids::OperationId;
use osm_core::pages::summary;
use osm_core::ports::{
    Decided, NewDecision, NewRequest, Noted, OperationState, PageDue, PageKey, PortError,
    RequestFilter, Requests, Submitted, Verdict,
};
use osm_core::requests::{Asked, Decision, Request, State};

const COLUMNS: &str = "id, content, wiki_user_id, wiki_user_name, asked_at, state, by_rule, decided_by, \
                       decided_by_name, decided_at, answer, operation";

#[async_trait]
impl Requests for Store {
    async fn ask(&self, new: &NewRequest) -> Result<Noted, PortError> {
        self.attempt("record a request in", || self.try_ask(new))
            .await
    }

    async fn decide(&self, new: &NewDecision) -> Result<Decided, PortError> {
        self.attempt("decide a request in", || self.try_decide(new))
            .await
    }

    async fn request(&self, id: u64) -> Result<Option<Request>, PortError> {
        self.attempt("read a request from", || async {
            let sql = format!("SELECT {COLUMNS} FROM requests WHERE id = ?");
            let found: Vec<Row> = rows(&mut self.conn().await?, &sql, (id,)).await?;
            found.into_iter().next().map(request).transpose()
        })
        .await
    }

    async fn requests(&self, filter: &RequestFilter) -> Result<Vec<Request>, PortError> {
        self.attempt("list requests of", || async {
            let mut sql = format!("SELECT {COLUMNS} FROM requests WHERE 1");
            let mut values: Vec<Value> = Vec::new();
            let state = filter.state.map(|state| state.name().into());
            let project = filter
                .project
                .as_ref()
                .map(|project| project.as_str().into());
            for (condition, value) in [
                (" AND state = ?", state),
                (
                    " AND wiki_user_id = ?",
                    filter.wiki_user_id.map(Value::from),
                ),
                (" AND project = ?", project),
                (" AND id < ?", filter.before.map(Value::from)),
            ] {
                if let Some(value) = value {
                    sql.push_str(condition);
                    values.push(value);
                }
            }
            sql.push_str(" ORDER BY id DESC LIMIT ?");
            values.push(filter.limit.into());
            let found: Vec<Row> = rows(&mut self.conn().await?, &sql, values).await?;
            found.into_iter().map(request).collect()
        })
        .await
    }
}

impl Store {
    async fn try_ask(&self, new: &NewRequest) -> Result<Noted, Failure> {
        let mut tx = self.begin().await?;
        let noted = ask(&mut tx, new).await?;
        match noted {
            (noted, true) => commit(tx).await.map(|()| noted),
            (noted, false) => Ok(tx.rollback().await.map(|()| noted)?),
        }
    }

    async fn try_decide(&self, new: &NewDecision) -> Result<Decided, Failure> {
        let mut tx = self.begin().await?;
        let decided = decide(&mut tx, new).await?;
        match decided {
            Decided::Done => commit(tx).await?,
            _ => tx.rollback().await?,
        }
        Ok(decided)
    }
}

/// What became of it, and whether that is to be kept.
async fn ask(tx: &mut Transaction<'_>, new: &NewRequest) -> Result<(Noted, bool), Failure> {
    let (user, name) = &new.by;
    let before = "SELECT id FROM requests WHERE caller_key = ?";
    if let Some((id,)) = first(tx, before, (&new.key,)).await? {
        return Ok((Noted::Request(id), false));
    }
    if let Some(granted) = &new.granted {
        let (at, since) = (new.at.naive_utc(), granted.unless_since.naive_utc());
        let again =
            "UPDATE rule_grants SET granted_at = ? WHERE wiki_user_id = ? AND granted_at <= ?";
        tx.exec_drop(again, (at, user, since)).await?;
        let first_time = "INSERT INTO rule_grants (wiki_user_id, granted_at) VALUES (?, ?)";
        if tx.affected_rows() == 0 && !put(tx, first_time, (user, at)).await? {
            return Ok((Noted::NotByRule, false));
        }
    }
    let granted = new.granted.as_ref().map(|by_rule| &by_rule.operation);
    let state = match granted {
        Some(_) => State::Granted,
        None => State::Open,
    };
    let at = new.at.naive_utc();
    let project = new.asked.wanted.project();
    let row = params! {
        "content" => encode("request", &new.asked)?,
        "hash" => new.asked.hash(),
        "project" => project.as_str(),
        "user" => user,
        "name" => name,
        "at" => at,
        "key" => &new.key,
        "open_for" => granted.is_none().then_some(user),
        "state" => state.name(),
        "by_rule" => granted.is_some(),
        "decided_by" => granted.map(|_| user),
        "decided_by_name" => granted.map(|_| name),
        "decided_at" => granted.map(|_| at),
        "operation" => granted.map(|operation| operation.id.as_str().to_owned()),
    };
    let fresh = put(
        tx,
        "INSERT INTO requests (content, hash, project, wiki_user_id, wiki_user_name, asked_at, caller_key, open_for,
           state, by_rule, decided_by, decided_by_name, decided_at, operation)
         VALUES (:content, :hash, :project, :user, :name, :at, :key, :open_for,
           :state, :by_rule, :decided_by, :decided_by_name, :decided_at, :operation)",
        row,
    )
    .await?;
    if !fresh {
        let open: Option<(u64,)> =
            first(tx, "SELECT id FROM requests WHERE open_for = ?", (user,)).await?;
        // Else it was decided a moment ago, or the same call came twice: looked at again.
        return match open {
            Some((id,)) => Ok((Noted::OneIsOpen(id), false)),
            None => Err(Failure::Raced),
        };
    }
    let id = tx.last_insert_id().unwrap_or_default();
    if let Some(operation) = granted {
        let outcome = submit(tx, operation).await?;
        if !matches!(outcome, Submitted::Recorded(_)) {
            return Ok((Noted::Refused(outcome), false));
        }
    }
    let what = summary::asked_for(&new.asked.wanted);
    add_due(tx, &due(id, &new.by, what)).await?;
    Ok((Noted::Request(id), true))
}

async fn decide(tx: &mut Transaction<'_>, new: &NewDecision) -> Result<Decided, Failure> {
    let sql = format!("SELECT {COLUMNS} FROM requests WHERE id = ? FOR UPDATE");
    let found: Vec<Row> = rows(tx, &sql, (new.id,)).await?;
    let Some(known) = found.into_iter().next().map(request).transpose()? else {
        return Ok(Decided::NotOpen);
    };
    let (state, operation) = match &new.verdict {
        Verdict::Grant { operation, .. } => (State::Granted, Some(operation)),
        Verdict::Decline => (State::Declined, None),
        Verdict::Withdraw => (State::Withdrawn, None),
    };
    if let Some(decision) = known.decision.as_ref().filter(|_| known.state == state) {
        let same = decision.by == new.by && decision.at == new.at;
        if same && decision.operation.as_ref() == operation.map(|operation| &operation.id) {
            // The caller repeats itself, since the answer to the first time was lost.
            return Ok(Decided::Done);
        }
    }
    if !open(tx, &known, state).await? {
        return Ok(Decided::NotOpen);
    }
    if let Verdict::Grant { hash, operation } = &new.verdict {
        if *hash != known.asked.hash() {
            return Ok(Decided::AnotherHash);
        }
        let outcome = submit(tx, operation).await?;
        if !matches!(outcome, Submitted::Recorded(_)) {
            return Ok(Decided::Refused(outcome));
        }
    }
    tx.exec_drop(
        "UPDATE requests SET state = :state, open_for = NULL, by_rule = FALSE, decided_by = :by,
           decided_by_name = :name, decided_at = :at, answer = :answer, operation = :operation WHERE id = :id",
        params! {
            "state" => state.name(),
            "by" => new.by.0,
            "name" => &new.by.1,
            "at" => new.at.naive_utc(),
            "answer" => &new.words,
            "operation" => operation.map(|operation| operation.id.as_str().to_owned()),
            "id" => new.id,
        },
    )
    .await?;
    let what = summary::decided(&known.asked.wanted, state);
    add_due(tx, &due(new.id, &new.by, what)).await?;
    Ok(Decided::Done)
}

/// Whether it can be decided so: what was granted and came to nothing can be granted again.
async fn open(tx: &mut Transaction<'_>, known: &Request, to: State) -> Result<bool, Failure> {
    if known.state == State::Open {
        return Ok(true);
    }
    let carried = known.decision.as_ref().and_then(|d| d.operation.as_ref());
    let Some(operation) = carried.filter(|_| (known.state, to) == (State::Granted, State::Granted))
    else {
        return Ok(false);
    };
    let sql = "SELECT state FROM operations WHERE id = ?";
    let stands: Option<(String,)> = first(tx, sql, (operation.as_str(),)).await?;
    let stands = stands.map(|(state,)| state_of(&state)).transpose()?;
    Ok(matches!(
        stands,
        Some(OperationState::Failed | OperationState::Undone)
    ))
}

fn due(id: u64, (user, name): &(u64, String), what: String) -> PageDue {
    PageDue {
        key: PageKey::Request { id },
        by: Some(*user),
        by_name: Some(name.clone()),
        operation: None,
        what,
    }
}

fn request(row: Row) -> Result<Request, Failure> {
    type Columns = (
        u64,
        String,
        u64,
        String,
        NaiveDateTime,
        String,
        bool,
        Option<u64>,
        Option<String>,
        Option<NaiveDateTime>,
        Option<String>,
        Option<String>,
    );
    let unreadable = |why: String| Failure::Stored {
        what: "request",
        why,
    };
    let (
        id,
        content,
        user,
        name,
        at,
        state,
        by_rule,
        decider,
        decider_name,
        decided,
        answer,
        operation,
    ): Columns = mysql_async::from_row_opt(row)?;
    let asked: Asked = decode("request", &content)?;
    let known = State::ALL.into_iter().find(|known| known.name() == state);
    let decision = decider.zip(decided).map(|(decider, at)| Decision {
        by: (decider, decider_name.unwrap_or_default()),
        at: utc(at),
        by_rule,
        words: answer.unwrap_or_default(),
        operation: operation.map(OperationId::trusted),
    });
    Ok(Request {
        id,
        asked,
        by: (user, name),
        at: utc(at),
        state: known.ok_or_else(|| unreadable(format!("there is no state {state}")))?,
        decision,
    })
}

fn utc(at: NaiveDateTime) -> DateTime<Utc> {
    at.and_utc()
}
