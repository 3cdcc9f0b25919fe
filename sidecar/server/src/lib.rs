//! The process: HTTP in front, actions behind it, the runner, the documenter, the observer and the
//! sealer of the audit beside it.
//!
//! Who may call whom: `http` and `cli` call [`actions`]; actions hold read ports and submit plans;
//! only [`operations`], [`documenter`] and [`log`] hold write ports; `app` alone names concrete backends.

// The error that all ports share tells a lot, and is returned seldom.
#![allow(clippy::result_large_err)]

pub mod actions;
pub mod app;
pub mod audit;
pub mod blocks;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod documenter;
pub mod drift;
pub mod faults;
pub mod http;
pub mod late;
pub mod log;
pub mod observe;
pub mod operations;
pub mod restored;
mod telemetry;
