//! Links between wiki users and LDAP entries, pinned pairs of project ids, nonces.

use super::{Store, first, put, rows};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use mysql_async::prelude::Queryable;
use osm_core::ids::{EntryUuid, ProjectId, ProjectName};
use osm_core::ports::{Links, Nonces, Pin, Pins, PortError};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

#[async_trait]
impl Links for Store {
    async fn link_of(&self, wiki_user_id: u64) -> Result<Option<EntryUuid>, PortError> {
        self.attempt("read the link of a wiki user from", || async {
            let row: Option<(String,)> = first(
                &mut self.conn().await?,
                "SELECT entry_uuid FROM links WHERE wiki_user_id = ?",
                (wiki_user_id,),
            )
            .await?;
            Ok(row.map(|(entry,)| EntryUuid::trusted(entry)))
        })
        .await
    }

    async fn links(&self) -> Result<BTreeMap<EntryUuid, u64>, PortError> {
        self.attempt("read links from", || async {
            let all: Vec<(String, u64)> = rows(
                &mut self.conn().await?,
                "SELECT entry_uuid, wiki_user_id FROM links",
                (),
            )
            .await?;
            Ok(all
                .into_iter()
                .map(|(entry, user)| (EntryUuid::trusted(entry), user))
                .collect())
        })
        .await
    }

    async fn link(
        &self,
        wiki_user_id: u64,
        entry: &EntryUuid,
        how: &str,
        by: &str,
    ) -> Result<bool, PortError> {
        self.attempt("record a link in", || async {
            let mut conn = self.conn().await?;
            let made = put(
                &mut conn,
                "INSERT INTO links (wiki_user_id, entry_uuid, how, made_by, made_at)
                 VALUES (?, ?, ?, ?, ?)",
                (
                    wiki_user_id,
                    entry.as_str(),
                    how,
                    by,
                    Utc::now().naive_utc(),
                ),
            )
            .await?;
            if made {
                return Ok(true);
            }
            let same: Option<(u8,)> = first(
                &mut conn,
                "SELECT 1 FROM links WHERE wiki_user_id = ? AND entry_uuid = ?",
                (wiki_user_id, entry.as_str()),
            )
            .await?;
            Ok(same.is_some())
        })
        .await
    }

    async fn unlink(&self, wiki_user_id: u64) -> Result<bool, PortError> {
        self.attempt("take a link from", || async {
            let mut conn = self.conn().await?;
            conn.exec_drop("DELETE FROM links WHERE wiki_user_id = ?", (wiki_user_id,))
                .await?;
            Ok(conn.affected_rows() > 0)
        })
        .await
    }
}

#[async_trait]
impl Pins for Store {
    async fn pins(&self) -> Result<Vec<Pin>, PortError> {
        self.attempt("read pinned projects from", || async {
            let all: Vec<(String, String, String)> = rows(
                &mut self.conn().await?,
                "SELECT name, entry_uuid, project_id FROM pins ORDER BY name",
                (),
            )
            .await?;
            Ok(all.into_iter().map(pin).collect())
        })
        .await
    }

    async fn pin(&self, new: &Pin) -> Result<Pin, PortError> {
        let ids = (
            new.name.as_str(),
            new.entry.as_str(),
            new.project_id.as_str(),
        );
        self.attempt("pin a project in", || async {
            let mut conn = self.conn().await?;
            put(
                &mut conn,
                "INSERT INTO pins (name, entry_uuid, project_id, pinned_at) VALUES (?, ?, ?, ?)",
                (ids.0, ids.1, ids.2, Utc::now().naive_utc()),
            )
            .await?;
            // Any of the three may be held by another pair; the name's own comes first.
            let holds: Option<(String, String, String)> = first(
                &mut conn,
                "SELECT name, entry_uuid, project_id FROM pins
                 WHERE name = ? OR entry_uuid = ? OR project_id = ?
                 ORDER BY name = ? DESC, name LIMIT 1",
                (ids.0, ids.1, ids.2, ids.0),
            )
            .await?;
            Ok(holds.map_or_else(|| new.clone(), pin))
        })
        .await
    }

    async fn forget(&self, name: &ProjectName, at: DateTime<Utc>) -> Result<(), PortError> {
        self.forget_pin(name, at).await
    }

    async fn deleted(&self, name: &ProjectName) -> Result<Option<DateTime<Utc>>, PortError> {
        self.deletion_of(name).await
    }
}

fn pin((name, entry, project_id): (String, String, String)) -> Pin {
    Pin {
        name: ProjectName::trusted(name),
        entry: EntryUuid::trusted(entry),
        project_id: ProjectId::trusted(project_id),
    }
}

/// Expired nonces are thrown away about so often.
const PRUNE_SECONDS: i64 = 60;
/// So many at once, so that no request waits long for it.
const PRUNE_ROWS: u32 = 5000;

#[async_trait]
impl Nonces for Store {
    async fn remember(&self, nonce: &str, until: DateTime<Utc>) -> Result<bool, PortError> {
        let now = Utc::now();
        let pruned = self.pruned.load(Ordering::Relaxed);
        let prune = now.timestamp() - pruned >= PRUNE_SECONDS
            && self
                .pruned
                .compare_exchange(
                    pruned,
                    now.timestamp(),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        self.attempt("remember a nonce in", || async {
            let mut conn = self.conn().await?;
            if prune {
                conn.exec_drop(
                    "DELETE FROM nonces WHERE expires_at < ? LIMIT ?",
                    (now.naive_utc(), PRUNE_ROWS),
                )
                .await?;
            }
            put(
                &mut conn,
                "INSERT INTO nonces (nonce, expires_at) VALUES (?, ?)",
                (nonce, until.naive_utc()),
            )
            .await
        })
        .await
    }
}
