//! The directory against the lab's slapd: the demo's tree as it stands, and odd trees of our own.
//!
//! `eval "$(tests/lab/lab env)"; cargo test -p osm-backends --test ldap -- --ignored`

// Clippy takes helpers of tests for no tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod hosts;
mod keys;
#[path = "../support/leave.rs"]
mod leave;
mod membership;
mod people;
mod projects;
mod reading;
mod sudo;
mod tree;
