//! What only the account that may changes in Nova: quotas, and other people's keypairs.

use super::keypairs::path;
use super::request::{Request, Scope, Service};
use super::roles::Assigner;
use async_trait::async_trait;
use osm_core::ids::{ProjectId, Region};
use osm_core::keys::keypairs::Keypair;
use osm_core::ports::{ComputeAdmin, Kind, Leave, PortError};
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

    async fn set_keypair(
        &self,
        keypair: &Keypair,
        there: bool,
        leave: &dyn Leave,
    ) -> Result<(), PortError> {
        let Keypair {
            name,
            user_id,
            public_key,
            ..
        } = keypair;
        let change = |method, what, path, body| {
            Request::change(method, Service::Compute, what, name, path, body)
        };
        let request = match there {
            true => {
                let body = json!({"keypair": {
                    "name": name, "user_id": user_id, "public_key": public_key, "type": "ssh",
                }});
                let path = "/os-keypairs".to_owned();
                change(Method::POST, "make the keypair", path, Some(body))
            }
            false => change(Method::DELETE, "delete the keypair", path(name), None)
                .query("user_id", user_id),
        };
        leave.still().await?;
        let asked = self.cloud.call(&Scope::Reader, &keypair.region, &request);
        match asked.await {
            Err(error) if error.kind == Kind::NotFound && !there => Ok(()),
            outcome => outcome.map(drop),
        }
    }
}
