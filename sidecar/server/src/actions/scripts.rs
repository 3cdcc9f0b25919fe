//! What a script asks for by a token: it logs, and nothing else.

use super::Context;
use osm_core::log::token::{Logged, NotLogged, Sent};

impl Context {
    /// Logs what a script sends.
    pub async fn log_by_token(&self, token: &str, sent: &Sent) -> Result<Logged, NotLogged> {
        self.book.by_token(token, sent).await
    }
}
