//! Why a configuration cannot be used.

use std::path::PathBuf;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No such file, or not for us.
    #[error(
        "cannot read {path}: {reason}; name the configuration with --config FILE or OSM_CONFIG"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's word.
        reason: std::io::Error,
    },
    /// Not TOML, or not our keys.
    #[error("{path}, line {line}{key}: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// `, key a.b`, or nothing.
        key: String,
        /// What is wrong. The line itself is not shown: it may hold a secret in a wrong place.
        message: String,
    },
    /// Values that cannot be right; all of them at once.
    #[error("{path} cannot be used:\n  {}", problems.join("\n  "))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with which key, and what to do.
        problems: Vec<String>,
    },
}
