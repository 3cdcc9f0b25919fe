//! The copy of the cloud's servers.

use super::failure::Failure;
use super::pages::add_due;
use super::stored::{decode, encode, readable};
use super::{Store, commit, first, marks, put, rows};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use mysql_async::prelude::Queryable;
use mysql_async::{Params, Value, params};
use osm_core::action::Action;
use osm_core::ids::{InstanceId, OperationId, Region};
use osm_core::instance::Instance;
use osm_core::ports::{InstanceFilter, InstanceIndex, PageDue, PortError, Seen, Told};
use osm_core::puppet::Puppet;

const COLUMNS: &str = "i.facts, i.as_of, n.last_reboot, n.created_by, p.puppet";
const NOTES: &str = "LEFT JOIN instance_notes n ON n.region = i.region AND n.id = i.id
  LEFT JOIN instance_puppet p ON p.region = i.region AND p.id = i.id";

type Columns = (
    String,
    NaiveDateTime,
    Option<NaiveDateTime>,
    Option<String>,
    Option<String>,
);

#[async_trait]
impl InstanceIndex for Store {
    async fn list(&self, filter: &InstanceFilter) -> Result<Vec<Seen>, PortError> {
        self.attempt("list instances of", || self.try_list(filter))
            .await
    }

    async fn seen(&self, region: &Region, id: InstanceId) -> Result<Option<Seen>, PortError> {
        self.attempt("read an instance from", || async {
            let sql = format!(
                "SELECT {COLUMNS} FROM instances i {NOTES} WHERE i.region = ? AND i.id = ?"
            );
            let key = (region.as_str(), id.to_string());
            let row: Option<Columns> = first(&mut self.conn().await?, &sql, key).await?;
            row.map(seen_of).transpose()
        })
        .await
    }

    async fn observe_and_tell(
        &self,
        instance: &Instance,
        as_of: DateTime<Utc>,
        told: &Told<'_>,
    ) -> Result<Option<Instance>, PortError> {
        self.attempt("put down an instance in", || {
            self.try_observe(instance, as_of, told)
        })
        .await
    }

    async fn note_reboot(
        &self,
        region: &Region,
        id: InstanceId,
        at: DateTime<Utc>,
    ) -> Result<(), PortError> {
        self.attempt("note a reboot in", || async {
            Ok(self
                .conn()
                .await?
                .exec_drop(
                    "INSERT INTO instance_notes (region, id, last_reboot) VALUES (:region, :id, :at)
                     ON DUPLICATE KEY UPDATE last_reboot = GREATEST(COALESCE(last_reboot, :at), :at)",
                    params! {
                        "region" => region.as_str(),
                        "id" => id.to_string(),
                        "at" => at.naive_utc(),
                    },
                )
                .await?)
        })
        .await
    }

    async fn note_creator(
        &self,
        region: &Region,
        id: InstanceId,
        name: &str,
    ) -> Result<(), PortError> {
        self.attempt("note who made an instance in", || async {
            Ok(self
                .conn()
                .await?
                .exec_drop(
                    "INSERT INTO instance_notes (region, id, created_by) VALUES (:region, :id, :name)
                     ON DUPLICATE KEY UPDATE created_by = :name",
                    params! {
                        "region" => region.as_str(),
                        "id" => id.to_string(),
                        "name" => name,
                    },
                )
                .await?)
        })
        .await
    }

    async fn note_puppet(
        &self,
        region: &Region,
        id: InstanceId,
        puppet: &Puppet,
        due: &PageDue,
    ) -> Result<(), PortError> {
        self.attempt("note what Puppet does with an instance in", || async {
            let mut tx = self.begin().await?;
            let (region, id) = (region.as_str(), id.to_string());
            if puppet.is_empty() {
                tx.exec_drop(
                    "DELETE FROM instance_puppet WHERE region = ? AND id = ?",
                    (region, id),
                )
                .await?;
            } else {
                tx.exec_drop(
                    "INSERT INTO instance_puppet (region, id, puppet) VALUES (:region, :id, :puppet)
                     ON DUPLICATE KEY UPDATE puppet = :puppet",
                    params! {
                        "region" => region,
                        "id" => id,
                        "puppet" => encode("puppet", puppet)?,
                    },
                )
                .await?;
            }
            add_due(&mut tx, due).await?;
            commit(tx).await
        })
        .await
    }

    async fn maker(
        &self,
        region: &Region,
        id: InstanceId,
    ) -> Result<Option<OperationId>, PortError> {
        self.attempt("look who made an instance in", || async {
            let row: Option<(String,)> = first(
                &mut self.conn().await?,
                "SELECT CONVERT(id USING utf8mb4) FROM operations
                 WHERE region = ? AND instance_id = ? AND action = ? LIMIT 1",
                (
                    region.as_str(),
                    id.to_string(),
                    Action::InstanceCreate.name(),
                ),
            )
            .await?;
            Ok(row.map(|(id,)| OperationId::trusted(id)))
        })
        .await
    }

    async fn watermark(&self, region: &Region) -> Result<Option<DateTime<Utc>>, PortError> {
        self.attempt("read a watermark from", || async {
            let row: Option<(NaiveDateTime,)> = first(
                &mut self.conn().await?,
                "SELECT at FROM watermarks WHERE region = ?",
                (region.as_str(),),
            )
            .await?;
            Ok(row.map(|(at,)| at.and_utc()))
        })
        .await
    }

    async fn set_watermark(&self, region: &Region, at: DateTime<Utc>) -> Result<(), PortError> {
        self.attempt("note a watermark in", || async {
            Ok(self
                .conn()
                .await?
                .exec_drop(
                    // A slower replica does not set it back.
                    "INSERT INTO watermarks (region, at) VALUES (:region, :at)
                     ON DUPLICATE KEY UPDATE at = GREATEST(at, :at)",
                    params! { "region" => region.as_str(), "at" => at.naive_utc() },
                )
                .await?)
        })
        .await
    }
}

impl Store {
    async fn try_list(&self, filter: &InstanceFilter) -> Result<Vec<Seen>, Failure> {
        // In the order of an index, so that mostly no more rows are read than are shown.
        let (index, which) = if filter.deleted {
            ("everything", "1")
        } else {
            ("live", "i.ended = 0")
        };
        let mut sql = format!(
            "SELECT {COLUMNS} FROM instances i FORCE INDEX ({index}) {NOTES} WHERE {which}"
        );
        let mut params: Vec<Value> = Vec::new();
        if let Some(projects) = &filter.projects {
            if projects.is_empty() {
                return Ok(Vec::new());
            }
            sql.push_str(&format!(" AND i.project IN ({})", marks(projects.len())));
            params.extend(projects.iter().map(|p| p.as_str().into()));
        }
        if let Some(region) = &filter.region {
            sql.push_str(" AND i.region = ?");
            params.push(region.as_str().into());
        }
        if let Some(name) = &filter.name {
            sql.push_str(" AND i.name = ?");
            params.push(name.into());
        }
        if let Some((project, region, name, id)) = &filter.after {
            // Written out, since the optimiser makes no range of a comparison of whole rows.
            sql.push_str(
                " AND i.project >= ? AND (i.project > ? OR i.region > ? \
                 OR (i.region = ? AND (i.name > ? OR (i.name = ? AND i.id > ?))))",
            );
            params.extend([project, project, region, region, name, name, id].map(Value::from));
        }
        sql.push_str(" ORDER BY i.project, i.region, i.name, i.id LIMIT ?");
        params.push(filter.limit.into());
        let found: Vec<Columns> = rows(&mut self.conn().await?, &sql, params).await?;
        Ok(found
            .into_iter()
            .filter_map(|columns| readable("instance", seen_of(columns)))
            .collect())
    }

    async fn try_observe(
        &self,
        instance: &Instance,
        as_of: DateTime<Utc>,
        told: &Told<'_>,
    ) -> Result<Option<Instance>, Failure> {
        let (region, id) = (instance.region.as_str(), instance.id.to_string());
        let as_of = as_of.naive_utc();
        let mut tx = self.begin().await?;
        let stood: Option<(String, NaiveDateTime)> = first(
            &mut tx,
            "SELECT facts, as_of FROM instances WHERE region = ? AND id = ? FOR UPDATE",
            (region, &id),
        )
        .await?;
        let old: Option<Instance> = stood
            .as_ref()
            .and_then(|(facts, _)| readable(&id, decode("instance", facts)));
        let newer_stands = stood.as_ref().is_some_and(|(_, stood)| *stood > as_of);
        if !newer_stands {
            let now = match &old {
                Some(old) => instance.clone().following(old),
                None => instance.clone(),
            };
            let put_down = if stood.is_some() {
                "UPDATE instances SET project = :project, project_id = :project_id,
                   name = :name, ended = :ended, as_of = :as_of, facts = :facts
                 WHERE region = :region AND id = :id"
            } else {
                "INSERT INTO instances (region, id, project, project_id, name, ended, as_of, facts)
                 VALUES (:region, :id, :project, :project_id, :name, :ended, :as_of, :facts)"
            };
            if !put(&mut tx, put_down, columns(&now, as_of)?).await? {
                return Err(Failure::Raced);
            }
            // A reservation ends with the server, or when the server is called otherwise.
            tx.exec_drop(
                "DELETE FROM names WHERE region = ? AND instance_id = ? AND (? OR name <> ?)",
                (region, &id, instance.deleted.is_some(), &instance.name),
            )
            .await?;
        }
        for due in told(old.as_ref()) {
            add_due(&mut tx, &due).await?;
        }
        commit(tx).await?;
        Ok(old)
    }
}

fn columns(instance: &Instance, as_of: NaiveDateTime) -> Result<Params, Failure> {
    Ok(params! {
        "region" => instance.region.as_str(),
        "id" => instance.id.to_string(),
        "project" => instance.project.as_str(),
        "project_id" => instance.project_id.as_str(),
        "name" => &instance.name,
        "ended" => instance.deleted.is_some(),
        "as_of" => as_of,
        "facts" => encode("instance", instance)?,
    })
}

fn seen_of((facts, as_of, last_reboot, created_by, puppet): Columns) -> Result<Seen, Failure> {
    Ok(Seen {
        instance: decode("instance", &facts)?,
        as_of: as_of.and_utc(),
        last_reboot: last_reboot.map(|at| at.and_utc()),
        created_by,
        puppet: puppet
            .and_then(|puppet| readable("puppet", decode("puppet", &puppet)))
            .unwrap_or_default(),
    })
}
