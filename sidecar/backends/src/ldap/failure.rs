//! What goes wrong with LDAP.

use ldap3::{LdapError, LdapResult};
use osm_core::ports::{Kind, PortError};
use std::time::Duration;

/// The part's name in errors.
const SYSTEM: &str = "ldap";
/// The server's words are cut to so many characters.
const DETAIL_LIMIT: usize = 300;

/// Why the server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Ldap(#[from] LdapError),
    #[error("no answer within {0:?}")]
    Slow(Duration),
    #[error("an entry that makes no sense")]
    Nonsense,
}

impl From<LdapResult> for Failure {
    fn from(result: LdapResult) -> Self {
        Self::Ldap(LdapError::LdapResult { result })
    }
}

impl Failure {
    /// The server took the request and said no; the connection is in order.
    pub(super) fn answered(&self) -> bool {
        matches!(self, Self::Ldap(LdapError::LdapResult { .. }))
    }

    /// The result code of its no.
    pub(super) fn code(&self) -> Option<u32> {
        match self {
            Self::Ldap(LdapError::LdapResult { result }) => Some(result.rc),
            _ => None,
        }
    }

    /// The connection broke, at the latest while we waited.
    pub(super) fn connection_lost(&self) -> bool {
        matches!(
            self,
            Self::Ldap(
                LdapError::Io { .. }
                    | LdapError::OpSend { .. }
                    | LdapError::ResultRecv { .. }
                    | LdapError::IdScrubSend { .. }
                    | LdapError::EndOfStream
            )
        )
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Slow(_) | Self::Ldap(LdapError::Timeout { .. }) => Kind::Timeout,
            Self::Nonsense => Kind::Protocol,
            Self::Ldap(LdapError::LdapResult { result }) => kind_of_code(result.rc),
            Self::Ldap(
                LdapError::UnknownScheme(_)
                | LdapError::UrlParsing { .. }
                | LdapError::FilterParsing,
            ) => Kind::Rejected,
            Self::Ldap(_) => Kind::Unavailable,
        }
    }

    pub(super) fn port_error(&self, operation: &str, target: &str) -> PortError {
        let detail = match self {
            Self::Ldap(LdapError::LdapResult { result }) => {
                let hint = hint(result.rc).map_or_else(String::new, |hint| format!("; {hint}"));
                let words: String = result.text.chars().take(DETAIL_LIMIT).collect();
                format!("result code {} {words}{hint}", result.rc)
            }
            other => other.to_string().chars().take(DETAIL_LIMIT).collect(),
        };
        PortError::new(SYSTEM, operation, target, self.kind(), detail)
    }
}

/// RFC 4511, appendix A. "No such object" is not `NotFound`: it is the base of a search that is
/// missing or hidden from us, which says nothing about the person or project looked for.
fn kind_of_code(code: u32) -> Kind {
    match code {
        3 => Kind::Timeout,
        4 | 11 => Kind::TooLarge,
        8 | 13 | 48 | 49 | 50 => Kind::Denied,
        51 | 52 | 80 => Kind::Unavailable,
        _ => Kind::Rejected,
    }
}

fn hint(code: u32) -> Option<&'static str> {
    match code {
        8 | 13 => Some("the server wants TLS: set [ldap] starttls"),
        32 => Some("compare the bases in [ldap] with the tree, and what the account may read"),
        50 => Some("what the account must be allowed to do is in docs/INSTALL.md"),
        65 => Some("a group keeps one member: let the service account be in it"),
        48 | 49 => Some("compare [ldap] bind_dn and password with the entry"),
        _ => None,
    }
}
