//! The process: HTTP in front, actions behind it, the runner, the documenter and the observer beside it.
//!
//! Who may call whom: `http` and `cli` call [`actions`]; actions hold read ports and submit plans;
//! only [`operations`] and [`documenter`] hold write ports; `app` alone names concrete backends.

pub mod actions;
pub mod config;
pub mod documenter;
pub mod http;
pub mod observe;
pub mod operations;
pub mod telemetry;
