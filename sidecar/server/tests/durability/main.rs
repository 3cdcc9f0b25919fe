//! Operations that cannot be lost, shown on the real services, for every kind of plan in the catalogue.
//!
//! `eval "$(tests/lab/lab env)"; cargo test -p openstackmanager --test durability -- --ignored --test-threads 1`
//!
//! The lab's own sidecar must be down: it watches the same cloud.
//!
//! Reading order: `world` (the services, a database of its own, what there is to compare) → `kinds` (every
//! kind of plan, and what it is done to) → `steps` (each step and undo twice, failed, parked) → `process` (the
//! real one, to be killed) → `invariants` (what holds at rest) → `boundaries` (killed at each) → `load` (work by
//! chance) → `kills` (at random instants) → `replicas` (one killed, one asleep) → `strays` (late doubles) →
//! `proxy` (a network that fails) → `network`, `neighbours` (each neighbour away) → `database` (killed, full).

// Clippy takes helpers of tests for no tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod apart;
mod asked;
mod beside;
mod boundaries;
mod database;
mod invariants;
mod keypairs;
mod keystone;
mod kills;
mod kinds;
mod load;
mod mariadb;
mod neighbours;
mod network;
mod people;
mod process;
mod proxy;
mod quotas;
mod replicas;
mod steps;
mod strays;
mod sudo;
mod world;
