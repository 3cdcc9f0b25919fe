//! Plans that were overtaken: between the reading of what they rest on and their recording another operation on the
//! same has ended. The audit numbers what is done; all that an operation does is done before its end has a number.

use super::failure::Failure;
use super::stored::decode_plan;
use super::{first, rows};
use mysql_async::prelude::Queryable;
use osm_core::ids::OperationId;
use osm_core::plan::Plan;

/// The newest number.
pub(super) async fn mark(on: &mut impl Queryable) -> Result<u64, Failure> {
    let row: Option<(Option<u64>,)> = first(on, "SELECT MAX(id) FROM audit", ()).await?;
    Ok(row.and_then(|(id,)| id).unwrap_or_default())
}

/// An operation on the same that has ended since.
pub(super) async fn by(
    on: &mut impl Queryable,
    plan: &Plan,
    mark: u64,
) -> Result<Option<OperationId>, Failure> {
    let ended: Vec<(String, String, Option<String>)> = rows(
        on,
        "SELECT CONVERT(o.id USING utf8mb4), o.plan, CONVERT(o.instance_id USING utf8mb4)
         FROM audit a JOIN operations o ON o.id = a.operation_id
         WHERE a.id > ? AND a.event IN ('done', 'undone', 'failed', 'parked')",
        (mark,),
    )
    .await?;
    let (resource, instance) = (plan.resource(), plan.instance.map(|id| id.to_string()));
    let same = ended.into_iter().find(|(_, other, on)| {
        // What a newer replica wrote cannot be read: rather looked at once more than not at all.
        let known = decode_plan(other).map(|other| other.resource());
        known.is_err()
            || known.is_ok_and(|other| other == resource)
            || (instance.is_some() && *on == instance)
    });
    Ok(same.map(|(id, ..)| OperationId::trusted(id)))
}
