//! What people and bots ask, as the shim would send it.

use chrono::Utc;
use openstackmanager::actions::{ApiRequest, Caller, Context, Params};
use osm_core::actor::WikiUser;
use osm_core::ids::OperationId;
use osm_core::plan::Plan;
use osm_core::ports::NewOperation;
use osm_core::view::FieldValue;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use ulid::Ulid;

/// Somebody, whom the shim would have vouched for.
pub fn caller(wiki_user_id: u64, admin: bool) -> Caller {
    let rights: &[&str] = match admin {
        true => &["listall", "manageproject"],
        false => &[],
    };
    Caller {
        user: WikiUser {
            wiki_user_id,
            name: "Operator".to_owned(),
            groups: BTreeSet::new(),
            rights: rights.iter().map(|right| (*right).to_owned()).collect(),
            block: None,
            registered: None,
            email_confirmed: false,
        },
        request_id: Ulid::generate().to_string(),
        lang: "en".to_owned(),
        wiki_read_only: None,
    }
}

/// Calls an API module.
pub async fn api(
    context: &Context,
    caller: &Caller,
    module: &str,
    params: &[(&str, &str)],
) -> Json {
    let params = params.iter().map(|(name, value)| {
        let value = FieldValue::One((*value).to_owned());
        ((*name).to_owned(), value)
    });
    let request = ApiRequest {
        params: Params(params.collect()),
        post: true,
        idempotency_key: None,
    };
    let reply = context.api(module, caller, &request).await;
    serde_json::to_value(reply.unwrap()).unwrap()
}

/// A plan to be recorded.
pub fn new_operation(plan: Plan) -> NewOperation {
    NewOperation {
        id: OperationId::trusted(Ulid::generate().to_string()),
        plan,
        wiki_user_id: 1,
        wiki_user_name: "Operator".to_owned(),
        request_id: "request".to_owned(),
        idempotency: None,
        mark: None,
        at: Utc::now(),
    }
}
