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
                    .map(|part| assertion(part).map(folded))
                    .collect::<Option<Vec<_>>>()?;
                parts.sort();
                Some(parts)
            })
            .collect::<Option<_>>()
            .map(Self)
    }

    /// How many parts it has.
    pub(super) fn depth(&self) -> usize {
        self.0.len()
    }

    /// The name of the entry above; `None` at the root.
    pub(super) fn parent(&self) -> Option<Self> {
        self.0.split_first().map(|(_, rest)| Self(rest.to_vec()))
    }
}

/// Type and value of an entry's own part of its name, as they stand there; `None` where that part
/// is made of several, or the text is no DN.
pub(super) fn own_part(dn: &str) -> Option<(String, String)> {
    match split(split(dn, ',').first()?, '+').as_slice() {
        [only] => assertion(only),
        _ => None,
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
    (!kind.is_empty()).then_some((kind, unescape(value)?))
}

/// As LDAP compares most values: no capitals, and spaces at the ends or repeated do not count.
/// Where the server sees more as the same than this, the name is unknown here and gives no rights.
fn folded((kind, value): (String, String)) -> (String, String) {
    let value = value.to_lowercase();
    let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
    (kind, words.join(" "))
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
    use super::{Dn, own_part};

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
            (r"cn=a\0Ab,dc=x", "cn=a b,dc=x"),
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
        let part = |kind: &str, value: &str| Some((kind.to_owned(), value.to_owned()));
        assert_eq!(own_part(r"CN=A\,b\0Ac,dc=x"), part("cn", "A,b\nc"));
        assert_eq!(Dn::parse("").unwrap().parent(), None);
        assert_eq!(own_part("cn=a+uid=b"), None);
        assert_eq!(own_part(""), None);
    }
}
