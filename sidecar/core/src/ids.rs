//! Names and ids, parsed once at the edge. A value of one of these types is well formed.

use crate::message::Msg;
use crate::refusal::{Refusal, RefusalKind};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a value that another system vouches for (a stored row, a reply).
            pub fn trusted(value: impl Into<String>) -> Self {
                Self(value.into())
            }
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

string_id!(
    /// A project's name, the same in LDAP and Keystone.
    ProjectName
);
string_id!(
    /// An instance's name: a host label.
    InstanceName
);
string_id!(
    /// An OpenStack region. Every stored key begins with it.
    Region
);
string_id!(
    /// A Keystone project id.
    ProjectId
);
string_id!(
    /// An operation's id: a ULID.
    OperationId
);
string_id!(
    /// An LDAP entry's `entryUUID`.
    EntryUuid
);

impl OperationId {
    /// Takes a text that nobody vouches for, where it is exactly a ULID as we write them.
    pub fn ulid(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|b| {
            b.is_ascii_digit()
                || (b.is_ascii_uppercase() && !matches!(b, b'I' | b'L' | b'O' | b'U'))
        });
        // 26 digits of five bits hold 128 where the first is at most 7.
        let good = text.len() == 26 && digits && text.starts_with(|c: char| c <= '7');
        good.then(|| Self(text.to_owned()))
    }
}

/// A server's UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub Uuid);

impl InstanceId {
    /// Parses a UUID as it stands in a URL or a reply.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        Uuid::parse_str(text.trim())
            .map(Self)
            .map_err(|_| Refusal::field("instanceid", Msg::new("badinstanceid").with(text)))
    }

    /// The first `digits` hex digits, as page titles use them.
    pub fn short(&self, digits: usize) -> String {
        self.0.simple().to_string().chars().take(digits).collect()
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl InstanceName {
    /// A host label (RFC 1123, lower case) that begins with a letter: it becomes part of a DNS name.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let good = text.len() <= 63
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && !text.ends_with('-')
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(Refusal::field(
                "instancename",
                Msg::new("badinstancename").with(text),
            ))
        }
    }
}

impl ProjectName {
    /// A project's name becomes a page title, a part of host names and an LDAP `cn`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |name: &str| Err(Refusal::field("projectname", Msg::new(name).with(text)));
        if text.contains('.') || text.contains('/') {
            return refuse("projectname-dotslash");
        }
        if looks_like_instance_title(text) {
            return refuse("projectname-likeid");
        }
        let good = (1..=50).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && !text.ends_with('-')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            refuse("badprojectname")
        }
    }

    /// MediaWiki raises the first letter of a title, so two names that differ only there would share a page.
    pub fn same_page_as(&self, other: &Self) -> bool {
        ucfirst(self.as_str()) == ucfirst(other.as_str())
    }
}

/// `I-` and hex digits only: the form of an instance's page title.
fn looks_like_instance_title(text: &str) -> bool {
    text.get(..2)
        .is_some_and(|head| head.eq_ignore_ascii_case("i-"))
        && text
            .get(2..)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Raises the first letter where that gives one letter: MediaWiki leaves `ß` and its like as they are.
pub fn ucfirst(text: &str) -> String {
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let mut upper = first.to_uppercase();
    let raised = match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => first,
    };
    std::iter::once(raised).chain(chars).collect()
}

impl Region {
    /// Picks the region a request names; it may be left out where there is one.
    pub fn choose(asked: Option<&str>, known: &[Self]) -> Result<Self, Refusal> {
        match (asked.filter(|a| !a.is_empty()), known) {
            (None, [only]) => Ok(only.clone()),
            (None, _) => Err(Refusal::field("region", Msg::new("needregion"))),
            (Some(name), _) => known
                .iter()
                .find(|r| r.as_str() == name)
                .cloned()
                .ok_or_else(|| Refusal {
                    kind: RefusalKind::NotFound,
                    ..Refusal::field("region", Msg::new("badregion").with(name))
                }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instance_names() {
        for good in ["a", "tools-web-01", "x9"] {
            assert!(InstanceName::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "9a",
            "A",
            "a.b",
            "a_b",
            "a-",
            "-a",
            "ä",
            "a b",
            "x]]{{Delete}}",
            &long,
        ] {
            assert!(InstanceName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn project_names() {
        for good in ["bots", "Tools", "deployment-prep", "i-like-it"] {
            assert!(ProjectName::parse(good).is_ok(), "{good}");
        }
        for (bad, key) in [
            ("", "badprojectname"),
            ("i-3f9a2c1e", "projectname-likeid"),
            ("I-3F", "projectname-likeid"),
            ("a.b", "projectname-dotslash"),
            ("a/b", "projectname-dotslash"),
            ("a b", "badprojectname"),
            ("1a", "badprojectname"),
            ("é", "badprojectname"),
        ] {
            let refusal = ProjectName::parse(bad).unwrap_err();
            assert_eq!(
                refusal.message.key,
                format!("openstackmanager-{key}"),
                "{bad}"
            );
        }
        let bots = ProjectName::trusted("bots");
        assert!(bots.same_page_as(&ProjectName::trusted("Bots")));
        assert!(!bots.same_page_as(&ProjectName::trusted("BOTS")));
    }

    #[test]
    fn regions() {
        let one = [Region::trusted("RegionOne")];
        let two = [Region::trusted("a"), Region::trusted("b")];
        assert_eq!(Region::choose(None, &one).unwrap(), one[0]);
        assert_eq!(Region::choose(Some(""), &one).unwrap(), one[0]);
        assert!(Region::choose(None, &two).is_err());
        assert_eq!(Region::choose(Some("b"), &two).unwrap(), two[1]);
        assert!(Region::choose(Some("c"), &two).is_err());
    }
}
