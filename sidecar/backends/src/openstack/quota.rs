//! Quotas in Nova, set by the account that may; read as a member of the project (`compute`).

use super::request::{Request, Scope, Service};
use super::roles::Assigner;
use async_trait::async_trait;
use osm_core::ids::{ProjectId, Region};
use osm_core::ports::{ComputeAdmin, Leave, PortError};
use osm_core::quota::QuotaChange;
use reqwest::Method;
use serde_json::{Map, Value, json};

#[async_trait]
impl ComputeAdmin for Assigner {
    async fn set_quota(
        &self,
        region: &Region,
        project: &ProjectId,
        change: &QuotaChange,
        leave: &dyn Leave,
    ) -> Result<(), PortError> {
        // What stays is not named: somebody else may be at it.
        let limits = change.after.otherwise_than(&change.before);
        let limits =
            limits.map(|(name, limit)| (name.to_owned(), limit.map_or(json!(-1), Value::from)));
        let limits: Map<String, Value> = limits.collect();
        let request = Request::change(
            Method::PUT,
            Service::Compute,
            "set the quota of project",
            project,
            format!("/os-quota-sets/{project}"),
            Some(json!({"quota_set": limits})),
        );
        leave.still().await?;
        self.cloud.call(&Scope::Reader, region, &request).await?;
        Ok(())
    }
}
