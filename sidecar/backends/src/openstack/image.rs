//! Glance's images, and the names of images that servers were made from.

use super::OpenStack;
use super::names::ById;
use super::request::{Request, Scope, Service};
use super::wire::{GlanceImage, Server};
use osm_core::ids::{ProjectId, Region};
use osm_core::instance::Image;
use osm_core::ports::{Kind, PortError};

impl OpenStack {
    pub(super) async fn list_images(
        &self,
        region: &Region,
        scope: &Scope,
    ) -> Result<Vec<Image>, PortError> {
        let request = Request::get(Service::Image, "list images in", region, "/images")
            .query("status", "active")
            .query("limit", 500);
        let images: Vec<GlanceImage> = self.cloud.list(scope, region, request, "images").await?;
        Ok(images.into_iter().map(Image::from).collect())
    }

    /// Names, by id, of the images that these servers were made from; each is asked for once in a while.
    /// A name that cannot be had is left out: that is no reason to fail.
    pub(super) async fn image_names(&self, region: &Region, servers: &[Server]) -> ById {
        let mut names = match self.cloud.image_names.of(region) {
            Some(known) => known,
            None => match self.list_images(region, &Scope::Reader).await {
                Ok(images) => {
                    let names: ById = images.into_iter().map(|i| (i.id, i.name)).collect();
                    self.cloud.image_names.replace(region, names.clone());
                    names
                }
                Err(error) => {
                    tracing::warn!(%error, "images are shown by their ids");
                    return ById::default();
                }
            },
        };
        // Images private to a project, hidden or gone are not in the list.
        for server in servers {
            let Some(id) = server.image_id().filter(|id| !names.knows(id)) else {
                continue;
            };
            let project = ProjectId::trusted(server.tenant_id.as_str());
            match self.image_name(region, &project, id).await {
                Ok(name) => {
                    self.cloud.image_names.add(region, id, name.clone());
                    names.add(id, name);
                }
                Err(error) => {
                    tracing::debug!(%error, "an image is shown by its id");
                    names.add(id, None);
                }
            }
        }
        names
    }

    async fn image_name(
        &self,
        region: &Region,
        project: &ProjectId,
        id: &str,
    ) -> Result<Option<String>, PortError> {
        let request = Request::get(Service::Image, "read image", id, format!("/images/{id}"));
        let reply = self
            .cloud
            .call(&Scope::from(project), region, &request)
            .await;
        match reply {
            Ok(reply) => Ok(reply.json::<GlanceImage>(&request)?.name),
            // Gone, or a project that we have no part in: so it stays for a while.
            Err(error) if matches!(error.kind, Kind::NotFound | Kind::Denied) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
