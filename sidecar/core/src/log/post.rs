//! An entry as it is told to other programs, and how they know that it is ours.

use super::Entry;
use crate::pages::log::title;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value as Json, json};
use sha2::Sha256;

/// An entry.
pub fn told(entry: &Entry) -> Json {
    let said = &entry.said;
    json!({
        "log": said.log.to_string(), "entry": entry.seq, "page": title(&said.log), "time": said.at, "nick": said.nick,
        "user": said.by.as_ref().map(|(_, name)| name), "message": said.message, "undoes": said.undoes,
        "revision": entry.revision,
    })
}

/// `sha256=` and the HMAC of a body, in hex.
pub fn signature(secret: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("sha256={hex}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_others_compute_it() {
        // RFC 4231, the second case.
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?").as_deref(),
            Some("sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        );
    }
}
