//! The store's part: one operation, held by one at a time, due at once.

use super::Twin;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use osm_core::ids::{InstanceId, OperationId, Region};
use osm_core::instance::Instance;
use osm_core::message::Msg;
use osm_core::ports::*;
use std::time::Duration;

#[async_trait]
impl OperationWork for Twin {
    async fn in_time(&self, _: DateTime<Utc>) -> Result<(), PortError> {
        Ok(())
    }
    async fn claim(
        &self,
        _: &str,
        _: DateTime<Utc>,
        _: Duration,
    ) -> Result<Option<Operation>, PortError> {
        // Due at once, however long it asked to wait.
        let mut state = self.0.lock().unwrap();
        let held = std::mem::replace(&mut state.held, true);
        Ok(state.operation.clone().filter(|o| !held && !o.state.over()))
    }
    async fn cancelled(&self, _: &OperationId) -> Result<Option<(u64, String)>, PortError> {
        Ok(None)
    }
    async fn renew(&self, _: &OperationId, _: u64, _: DateTime<Utc>) -> Result<(), PortError> {
        Ok(())
    }
    async fn holds(&self, _: &OperationId, _: u64) -> Result<(), PortError> {
        Ok(())
    }
    async fn note_step(&self, _: &OperationId, _: u64, note: &StepNote) -> Result<(), PortError> {
        let mut state = self.0.lock().unwrap();
        state.noted.extend(note.changes.clone());
        let operation = state.operation.as_mut().unwrap();
        operation.steps[note.record.index as usize] = note.record.clone();
        operation.instance = note.instance.or(operation.instance);
        Ok(())
    }
    async fn note_state(
        &self,
        _: &OperationId,
        _: u64,
        new: OperationState,
        error: Option<&Msg>,
        _: Telling<'_>,
        _: DateTime<Utc>,
    ) -> Result<(), PortError> {
        let mut state = self.0.lock().unwrap();
        let operation = state.operation.as_mut().unwrap();
        operation.state = new;
        operation.error = error.cloned();
        Ok(())
    }
    async fn release(&self, _: &OperationId, _: u64, _: DateTime<Utc>) -> Result<(), PortError> {
        self.0.lock().unwrap().held = false;
        Ok(())
    }
}

/// An index that remembers nothing: the runner only writes to it.
#[async_trait]
impl InstanceIndex for Twin {
    async fn list(&self, _: &InstanceFilter) -> Result<Vec<Seen>, PortError> {
        Ok(Vec::new())
    }
    async fn seen(&self, _: &Region, _: InstanceId) -> Result<Option<Seen>, PortError> {
        Ok(None)
    }
    async fn observe_and_tell(
        &self,
        _: &Instance,
        _: DateTime<Utc>,
        _: &Told<'_>,
    ) -> Result<Option<Instance>, PortError> {
        Ok(None)
    }
    async fn note_reboot(
        &self,
        _: &Region,
        _: InstanceId,
        _: DateTime<Utc>,
    ) -> Result<(), PortError> {
        Ok(())
    }
    async fn note_puppet(
        &self,
        _: &Region,
        _: InstanceId,
        _: &osm_core::puppet::Puppet,
        _: &osm_core::ports::PageDue,
    ) -> Result<(), PortError> {
        Ok(())
    }
    async fn maker(&self, _: &Region, _: InstanceId) -> Result<Option<OperationId>, PortError> {
        Ok(None)
    }
    async fn note_creator(&self, _: &Region, _: InstanceId, _: &str) -> Result<(), PortError> {
        Ok(())
    }
    async fn watermark(&self, _: &Region) -> Result<Option<DateTime<Utc>>, PortError> {
        Ok(None)
    }
    async fn set_watermark(&self, _: &Region, _: DateTime<Utc>) -> Result<(), PortError> {
        Ok(())
    }
}
