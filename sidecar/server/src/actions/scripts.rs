//! What a script asks for by a token: it logs, and nothing else.

use super::Context;
use osm_core::log::token::{Logged, NotLogged, Sent};
use osm_core::ports::LogToken;

impl Context {
    /// The token that a script comes with.
    pub async fn log_token(&self, token: &str) -> Result<LogToken, NotLogged> {
        self.book.token(token).await
    }

    /// Logs what it sends.
    pub async fn log_by_token(&self, token: &LogToken, sent: &Sent) -> Result<Logged, NotLogged> {
        self.book.by_token(token, sent).await
    }
}
