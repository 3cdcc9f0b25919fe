//! A text that must not be shown: passwords and keys.

use std::fmt;

/// Holds a secret. `Debug` shows only that there is one, and there is no `Display`:
/// the content leaves through [`Secret::expose`] alone, which is easy to search for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret as it was read from a file or the environment; one line end at its end is not part of it.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        Self(text)
    }

    /// The content, for the place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn holds_its_content_and_does_not_show_it() {
        let secret = Secret::new(" pass word \r\n");
        assert_eq!(secret.expose(), " pass word ");
        assert!(!format!("{secret:?}").contains("pass"));
    }
}
