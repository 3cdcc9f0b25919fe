//! Who answered and who did not, and the servers that no operation stands for.

use super::Drift;
use crate::observe::strays::Asked;
use crate::telemetry::metrics;
use chrono::{DateTime, Utc};
use osm_core::drift::World;
use osm_core::instance::Instance;
use osm_core::ports::PortError;

/// Failures, one a part.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) unheard: Vec<PortError>,
}

impl Heard {
    /// What was answered, if it was.
    pub(super) fn take<T>(&mut self, answer: Result<T, PortError>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                metrics::backend_error(&error);
                if !self
                    .unheard
                    .iter()
                    .any(|known| known.system == error.system)
                {
                    self.unheard.push(error);
                }
                None
            }
        }
    }
}

impl Drift {
    /// Servers whose operations are over and do not stand for them.
    pub(super) async fn strays(
        &self,
        world: &mut World,
        heard: &mut Heard,
        now: DateTime<Utc>,
    ) -> Result<(), PortError> {
        let managed = |server: &&Instance| {
            let id = &server.project_id;
            world.pins.iter().any(|pin| pin.project_id == *id)
        };
        let servers = world.servers.values().flat_map(|(_, servers)| servers);
        let mut found = Vec::new();
        let asked = Asked {
            operations: self.operations.as_ref(),
            index: self.index.as_ref(),
            compute: self.compute.as_ref(),
        };
        for (server, _) in asked.strays(servers.filter(managed), now).await? {
            let deeds = self
                .compute
                .deeds(&server.region, &server.project_id, server.id)
                .await;
            let used = heard.take(deeds).map(|deeds| !deeds.is_empty());
            found.extend(used.map(|used| (server.id, used)));
        }
        world.strays.extend(found);
        Ok(())
    }
}
