//! `openstackmanager`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    openstackmanager::cli::run()
}
