//! Who holds a page, and why it is due.

use super::failure::Failure;
use super::{first, rows};
use mysql_async::Transaction;
use mysql_async::prelude::Queryable;
use osm_core::ids::OperationId;
use osm_core::ports::{PageDue, PageKey, PageWork};

/// Refused unless this very claim is in force; the page's row is locked.
pub(super) async fn held(
    tx: &mut Transaction<'_>,
    owner: &str,
    work: &PageWork,
) -> Result<(), Failure> {
    let row: Option<(Option<String>, u32)> = first(
        tx,
        "SELECT owner, attempts FROM page_queue WHERE page_key = ? FOR UPDATE",
        (work.key.stored(),),
    )
    .await?;
    match row {
        Some((Some(holder), attempts)) if holder == owner && attempts == work.attempts + 1 => {
            Ok(())
        }
        _ => Err(Failure::Conflict(format!(
            "the page {} is no longer held by {owner}",
            work.key.stored()
        ))),
    }
}

pub(super) async fn reasons(
    on: &mut impl Queryable,
    key: &PageKey,
) -> Result<Vec<(u64, PageDue)>, Failure> {
    type Row = (u64, Option<u64>, Option<String>, Option<String>, String);
    let sql = "SELECT id, wiki_user_id, wiki_user_name, operation_id, what FROM page_reasons
               WHERE page_key = ? ORDER BY id";
    let found: Vec<Row> = rows(on, sql, (key.stored(),)).await?;
    let reasons = found.into_iter().map(|(id, by, by_name, operation, what)| {
        let due = PageDue {
            key: key.clone(),
            by,
            by_name,
            operation: operation.map(OperationId::trusted),
            what,
        };
        (id, due)
    });
    Ok(reasons.collect())
}
