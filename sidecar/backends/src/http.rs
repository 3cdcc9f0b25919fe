//! What all our HTTP clients have in common.

use reqwest::{Client, ClientBuilder, redirect};
use std::error::Error;
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client whose calls take no longer than this. What it sends goes where it is sent to and nowhere else.
pub(crate) fn client(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("openstackmanager/", env!("CARGO_PKG_VERSION")))
}

/// An error with its causes: reqwest's own text stops before the interesting one.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
