//! What operators see of the process: log lines and metrics.

pub mod metrics;

use crate::config::LogFormat;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

/// Sends log lines to standard error, from `level` up unless `RUST_LOG` says otherwise.
pub fn start(format: LogFormat, level: &str) {
    // Lapin calls it an error when what was asked for is not there; what matters of it we say ourselves.
    let usual = || EnvFilter::new(format!("{level},lapin=off"));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}
