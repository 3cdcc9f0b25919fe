//! Leave to change something, given or not.

use async_trait::async_trait;
use osm_core::ports::{Kind, Leave, PortError};

pub struct May(pub bool);

#[async_trait]
impl Leave for May {
    async fn still(&self) -> Result<(), PortError> {
        match self.0 {
            true => Ok(()),
            false => Err(PortError::new(
                "test",
                "change",
                "it",
                Kind::Conflict,
                "no longer ours",
            )),
        }
    }
}
