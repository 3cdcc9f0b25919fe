//! Sees what changes in the cloud.
