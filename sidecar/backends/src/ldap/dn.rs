//! Distinguished names (RFC 4514), so far as to tell whether two are the same.

/// A name in one form, however it was written: types and values in small letters, spaces
/// collapsed, escapes resolved, the parts of a multi-valued RDN in order. For comparing, not for sending.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Dn(Vec<Vec<(String, String)>>);

impl Dn {
    /// `None` where the text is no DN.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return Some(Self(Vec::new()));
        }
        split(text, ',')
            .into_iter()
            .map(|rdn| {
                let mut parts = split(rdn, '+')
                    .into_iter()
                    .map(assertion)
                    .collect::<Option<Vec<_>>>()?;
                parts.sort();
                Some(parts)
            })
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The name of the entry above; `None` at the root.
    pub(super) fn parent(&self) -> Option<Self> {
        self.0.split_first().map(|(_, rest)| Self(rest.to_vec()))
    }

    /// Type and value of the entry's own part of the name, where that is a single one.
    pub(super) fn own(&self) -> Option<(&str, &str)> {
        match self.0.first()?.as_slice() {
            [(kind, value)] => Some((kind, value)),
            _ => None,
        }
    }
}

/// Cuts at a separator that is not escaped.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == separator {
            pieces.extend(text.get(start..at));
            start = at + c.len_utf8();
        }
    }
    pieces.extend(text.get(start..));
    pieces
}

/// `type=value`.
fn assertion(text: &str) -> Option<(String, String)> {
    let (kind, value) = text.split_once('=')?;
    let kind = kind.trim().to_ascii_lowercase();
    if kind.is_empty() {
        return None;
    }
    let value = unescape(value)?.to_lowercase();
    Some((kind, value.split_whitespace().collect::<Vec<_>>().join(" ")))
}

/// Resolves `\2C` and `\,`.
fn unescape(value: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(octet) = rest.next() {
        if octet != b'\\' {
            octets.push(octet);
            continue;
        }
        let first = rest.next()?;
        match hex(first) {
            Some(high) => octets.push(high * 16 + hex(rest.next()?)?),
            None => octets.push(first),
        }
    }
    String::from_utf8(octets).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::Dn;

    #[test]
    fn the_same_name_in_many_forms() {
        for (one, other) in [
            ("uid=ann,ou=people,dc=x", "UID=Ann, OU=People , DC=X"),
            ("cn=Ann  Lee,dc=x", "cn=ann lee,dc=x"),
            (r"cn=a\2Cb,dc=x", r"cn=a\,b,dc=x"),
            (r"cn=a\2cb,dc=x", r"cn=a\,b,dc=x"),
            (r"cn=\C3\A9,dc=x", "cn=É,dc=x"),
            ("uid=a+cn=b,dc=x", "cn=B+uid=A,dc=x"),
            (r"cn=\ a\ ,dc=x", "cn=a,dc=x"),
            ("", " "),
        ] {
            assert_eq!(Dn::parse(one).unwrap(), Dn::parse(other).unwrap(), "{one}");
        }
    }

    #[test]
    fn other_names() {
        for (one, other) in [
            ("uid=ann,dc=x", "cn=ann,dc=x"),
            ("uid=ann,dc=x", "uid=ann,ou=people,dc=x"),
            (r"cn=a\,dc\=x", "cn=a,dc=x"),
            (r"cn=a\+uid\=b,dc=x", "cn=a+uid=b,dc=x"),
            ("cn=ab,dc=x", "cn=a b,dc=x"),
        ] {
            assert_ne!(Dn::parse(one).unwrap(), Dn::parse(other).unwrap(), "{one}");
        }
        for bad in ["ann", "uid=ann,", r"uid=ann\", "=x", r"cn=\zz\4"] {
            assert_eq!(Dn::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn parents() {
        let dn = Dn::parse(r"cn=a\,b,ou=projects,dc=x").unwrap();
        assert_eq!(dn.parent(), Dn::parse("OU=projects,dc=x"));
        assert_eq!(dn.own(), Some(("cn", "a,b")));
        assert_eq!(Dn::parse("").unwrap().parent(), None);
        assert_eq!(Dn::parse("cn=a+uid=b").unwrap().own(), None);
    }
}
