//! Nova's keypairs, read with the role that reads across projects.

use super::OpenStack;
use super::request::{Request, Scope, Service};
use osm_core::ids::Region;
use osm_core::ports::{Kind, PortError};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reply {
    keypair: Found,
}

#[derive(Deserialize)]
struct Found {
    public_key: String,
}

/// Of names of ours only, which have no character that means something in an address.
pub(super) fn path(name: &str) -> String {
    format!("/os-keypairs/{name}")
}

impl OpenStack {
    pub(super) async fn find_keypair(
        &self,
        region: &Region,
        user_id: &str,
        name: &str,
    ) -> Result<Option<String>, PortError> {
        let request = Request::get(Service::Compute, "look for the keypair", name, path(name));
        let request = request.query("user_id", user_id);
        match self.cloud.call(&Scope::Reader, region, &request).await {
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            outcome => Ok(Some(outcome?.json::<Reply>(&request)?.keypair.public_key)),
        }
    }
}
