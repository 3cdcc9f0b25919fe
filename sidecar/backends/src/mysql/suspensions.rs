//! What is kept of people who are blocked on the wiki: a row with the operation that takes it, both or neither.

use super::failure::Failure;
use super::operations::submit;
use super::{Store, commit, first, put, rows};
use async_trait::async_trait;
use chrono::NaiveDateTime;
use mysql_async::params;
use mysql_async::prelude::Queryable;
use osm_core::ids::{EntryUuid, OperationId, ProjectName};
use osm_core::membership::Grant;
use osm_core::ports::{NewOperation, PortError, Submitted, Suspensions};
use osm_core::suspension::Suspension;

type Columns = (
    String,
    String,
    String,
    u64,
    String,
    String,
    NaiveDateTime,
    String,
    bool,
);

#[async_trait]
impl Suspensions for Store {
    async fn suspensions(&self) -> Result<Vec<Suspension>, PortError> {
        self.attempt("read suspensions from", || async {
            let all: Vec<Columns> = rows(
                &mut self.conn().await?,
                "SELECT person, project_entry, project, wiki_user_id, kept, blocked_by, since, latest, back
                 FROM suspensions ORDER BY person, project",
                (),
            )
            .await?;
            all.into_iter().map(suspension).collect()
        })
        .await
    }

    async fn keep(
        &self,
        suspension: &Suspension,
        before: Option<&OperationId>,
        operation: &NewOperation,
    ) -> Result<Option<Submitted>, PortError> {
        self.attempt("keep a suspension in", || {
            self.try_keep(suspension, before, operation)
        })
        .await
    }

    async fn given_back(&self, suspension: &Suspension) -> Result<bool, PortError> {
        self.attempt("take a suspension out of", || async {
            let mut conn = self.conn().await?;
            conn.exec_drop(
                "DELETE FROM suspensions WHERE person = ? AND project_entry = ? AND latest = ?",
                (
                    suspension.person.as_str(),
                    suspension.project_entry.as_str(),
                    suspension.latest.as_str(),
                ),
            )
            .await?;
            Ok(conn.affected_rows() > 0)
        })
        .await
    }
}

impl Store {
    async fn try_keep(
        &self,
        new: &Suspension,
        before: Option<&OperationId>,
        operation: &NewOperation,
    ) -> Result<Option<Submitted>, Failure> {
        let mut tx = self.begin().await?;
        let stands: Option<(String,)> = first(
            &mut tx,
            "SELECT latest FROM suspensions WHERE person = ? AND project_entry = ? FOR UPDATE",
            (new.person.as_str(), new.project_entry.as_str()),
        )
        .await?;
        let stands = stands.map(|(latest,)| OperationId::trusted(latest));
        if stands.as_ref() == Some(&operation.id) {
            // The caller repeats itself, since the answer to the first time was lost.
            tx.rollback().await?;
            return Ok(Some(Submitted::Recorded(operation.id.clone())));
        }
        let mut kept = stands.as_ref() == before;
        if kept {
            let kept_grants = serde_json::to_string(&new.kept).map_err(unreadable)?;
            let sql = match before {
                None => {
                    "INSERT INTO suspensions (person, project_entry, project, wiki_user_id, kept, blocked_by,
                       since, latest, back)
                     VALUES (:person, :entry, :project, :user, :kept, :by, :since, :latest, :back)"
                }
                Some(_) => {
                    "UPDATE suspensions SET project = :project, wiki_user_id = :user, kept = :kept,
                       blocked_by = :by, since = :since, latest = :latest, back = :back
                     WHERE person = :person AND project_entry = :entry"
                }
            };
            let row = params! {
                "person" => new.person.as_str(),
                "entry" => new.project_entry.as_str(),
                "project" => new.project.as_str(),
                "user" => new.wiki_user_id,
                "kept" => kept_grants,
                "by" => &new.by,
                "since" => new.since.naive_utc(),
                "latest" => new.latest.as_str(),
                "back" => new.back,
            };
            // Where there was no row, another replica may be putting one at the same time.
            kept = put(&mut tx, sql, row).await?;
        }
        if !kept {
            tx.rollback().await?;
            return Ok(None);
        }
        let outcome = submit(&mut tx, operation).await?;
        if matches!(outcome, Submitted::Recorded(_)) {
            commit(tx).await?;
        } else {
            tx.rollback().await?;
        }
        Ok(Some(outcome))
    }
}

fn suspension(columns: Columns) -> Result<Suspension, Failure> {
    let (person, project_entry, project, wiki_user_id, kept, by, since, latest, back) = columns;
    let kept: Vec<Grant> = serde_json::from_str(&kept).map_err(unreadable)?;
    Ok(Suspension {
        person: EntryUuid::trusted(person),
        wiki_user_id,
        project: ProjectName::trusted(project),
        project_entry: EntryUuid::trusted(project_entry),
        kept,
        by,
        since: since.and_utc(),
        latest: OperationId::trusted(latest),
        back,
    })
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreadable(error: serde_json::Error) -> Failure {
    Failure::Stored {
        what: "suspension",
        why: error.to_string(),
    }
}
