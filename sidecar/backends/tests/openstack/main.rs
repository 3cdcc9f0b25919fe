//! The OpenStack adapter: against scripted replies, and against the lab's real services.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod assign;
mod decode;
mod keypairs;
mod lab;
#[path = "../support/leave.rs"]
mod leave;
mod quota;
mod stub;
mod trouble;
