//! Which version of Nova's API a call speaks.

use serde::Deserialize;
use std::fmt;

/// A microversion of the compute API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Microversion(u16, u16);

/// The one whose formats we know.
const WANTED: Microversion = Microversion(2, 90);
/// Tags in the create call; flavours by value and `auto` networks came before.
const LEAST: Microversion = Microversion(2, 52);

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Microversion {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

/// Nova's description of itself.
#[derive(Deserialize)]
pub(super) struct VersionReply {
    version: Offered,
}

#[derive(Deserialize)]
struct Offered {
    #[serde(default)]
    version: String,
    #[serde(default)]
    min_version: String,
}

impl VersionReply {
    /// The version to speak, or what is wrong with what is offered.
    pub fn choose(&self) -> Result<Microversion, String> {
        let Offered {
            version,
            min_version,
        } = &self.version;
        let most = Microversion::parse(version).ok_or_else(|| {
            format!("it names no microversion (\"{version}\"); {LEAST} or newer is needed")
        })?;
        if most < LEAST {
            return Err(format!(
                "it speaks microversions up to {most}; {LEAST} (OpenStack Pike) or newer is needed"
            ));
        }
        match Microversion::parse(min_version) {
            Some(least) if least > WANTED => Err(format!(
                "it speaks microversions from {least}; this program speaks up to {WANTED}"
            )),
            _ => Ok(most.min(WANTED)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_that_both_speak() {
        for (least, most, expected) in [
            ("2.1", "2.103", Ok("2.90")),
            ("2.1", "2.90", Ok("2.90")),
            ("2.1", "2.65", Ok("2.65")),
            ("2.1", "2.52", Ok("2.52")),
            ("2.1", "2.42", Err("2.42")),
            ("2.95", "2.120", Err("2.95")),
            ("", "", Err("names no microversion")),
            ("2.1", "nonsense", Err("nonsense")),
        ] {
            let text = format!(
                r#"{{"version": {{"id": "v2.1", "version": "{most}", "min_version": "{least}"}}}}"#
            );
            let reply: VersionReply = serde_json::from_str(&text).unwrap();
            match (reply.choose(), expected) {
                (Ok(chosen), Ok(expected)) => assert_eq!(chosen.to_string(), expected),
                (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
                (got, _) => panic!("{least}–{most}: {got:?}"),
            }
        }
    }
}
