//! The signatures of both directions, against the vectors that the shim's tests use as well.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail where it stands"
)]

use osm_core::signing::{
    FROM_SHIM, KeyError, Keys, Profile, Rejected, Request, SKEW, Signed, TO_WIKI, content_digest,
    sign, verify,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// A request with its signature, to be tampered with.
#[derive(Clone)]
struct Sent {
    tag: String,
    keys: String,
    method: String,
    authority: String,
    path: String,
    query: String,
    body: String,
    headers: BTreeMap<String, String>,
    now: i64,
}

impl Sent {
    fn profile(&self) -> &'static Profile {
        match self.tag.as_str() {
            "osm-shim" => &FROM_SHIM,
            "osm-sidecar" => &TO_WIKI,
            other => panic!("no profile {other}"),
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: &self.method,
            authority: &self.authority,
            path: &self.path,
            query: &self.query,
            body: self.body.as_bytes(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    fn verify(&self) -> Result<String, Rejected> {
        let keys = Keys::parse(&self.keys).unwrap();
        verify(
            self.profile(),
            &keys,
            self.request(),
            |n| self.header(n),
            self.now,
        )
        .map(|a| a.nonce)
    }

    fn set(&mut self, name: &str, value: &str) {
        self.headers.insert(name.to_owned(), value.to_owned());
    }

    fn replace(&mut self, name: &str, from: &str, to: &str) {
        let value = self.headers.get_mut(name).unwrap();
        assert!(value.contains(from), "{name} holds no {from}: {value}");
        *value = value.replace(from, to);
    }
}

fn vectors() -> Vec<(Value, Sent)> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../php-shim/tests/signing-vector.json"
    );
    let all: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all.into_iter()
        .map(|v| {
            let text = |name: &str| v[name].as_str().unwrap().to_owned();
            let mut headers: BTreeMap<String, String> =
                serde_json::from_value(v["headers"].clone()).unwrap();
            headers.insert("signature-input".to_owned(), text("signature_input"));
            headers.insert("signature".to_owned(), text("signature"));
            let sent = Sent {
                tag: text("tag"),
                keys: format!("{}:{}", text("keyid"), text("key_hex")),
                method: text("method"),
                authority: text("authority"),
                path: text("path"),
                query: text("query").trim_start_matches('?').to_owned(),
                body: text("body"),
                headers,
                now: v["created"].as_i64().unwrap(),
            };
            (v, sent)
        })
        .collect()
}

#[test]
fn both_sides_sign_alike() {
    let vectors = vectors();
    let tags: Vec<&str> = vectors.iter().map(|(_, s)| s.tag.as_str()).collect();
    assert_eq!(
        tags,
        ["osm-shim", "osm-sidecar"],
        "a vector for each direction"
    );
    for (vector, sent) in &vectors {
        let keys = Keys::parse(&sent.keys).unwrap();
        let nonce = vector["nonce"].as_str().unwrap();
        let signed = sign(
            sent.profile(),
            &keys,
            sent.request(),
            |n| sent.header(n),
            sent.now,
            nonce,
        );
        let wanted = Signed {
            content_digest: sent.headers["content-digest"].clone(),
            signature_input: sent.headers["signature-input"].clone(),
            signature: sent.headers["signature"].clone(),
        };
        assert_eq!(signed.unwrap(), wanted, "{}", sent.tag);
        assert_eq!(sent.verify().unwrap(), nonce, "{}", sent.tag);
    }
}

#[test]
fn whatever_is_changed_is_refused() {
    type Change = fn(&mut Sent);
    let changes: [(&str, Change, Rejected); 22] = [
        (
            "method",
            |s| s.method = "PUT".to_owned(),
            Rejected::Signature,
        ),
        (
            "authority",
            |s| s.authority = "evil.example".to_owned(),
            Rejected::Signature,
        ),
        ("path", |s| s.path.push('x'), Rejected::Signature),
        ("query", |s| s.query.push_str("&x=1"), Rejected::Signature),
        ("body", |s| s.body.push(' '), Rejected::Digest),
        (
            "body and digest",
            |s| {
                s.body.push(' ');
                let digest = content_digest(s.body.as_bytes());
                s.set("content-digest", &digest);
            },
            Rejected::Signature,
        ),
        (
            "type",
            |s| s.set("content-type", "text/plain"),
            Rejected::Signature,
        ),
        (
            "request id",
            |s| s.set("osm-request-id", "another-one"),
            Rejected::Signature,
        ),
        (
            "nonce",
            |s| s.replace("signature-input", "nonce=\"", "nonce=\"0"),
            Rejected::Profile,
        ),
        (
            "nonce of the same length",
            |s| {
                let input = s.headers["signature-input"].clone();
                let at = input.find("nonce=\"").unwrap() + 7;
                let other = if input.as_bytes()[at] == b'0' {
                    "1"
                } else {
                    "0"
                };
                s.set(
                    "signature-input",
                    &format!("{}{other}{}", &input[..at], &input[at + 1..]),
                );
            },
            Rejected::Signature,
        ),
        (
            "created",
            |s| s.replace("signature-input", "created=17954352", "created=17954351"),
            Rejected::Skew(100),
        ),
        (
            "created, a little",
            |s| {
                s.replace(
                    "signature-input",
                    "created=1795435200",
                    "created=1795435199",
                )
            },
            Rejected::Signature,
        ),
        ("too late", |s| s.now += SKEW + 1, Rejected::Skew(SKEW + 1)),
        (
            "too early",
            |s| s.now -= SKEW + 1,
            Rejected::Skew(-SKEW - 1),
        ),
        (
            "algorithm",
            |s| s.replace("signature-input", "hmac-sha256", "none"),
            Rejected::Profile,
        ),
        (
            "tag",
            |s| s.replace("signature-input", "tag=\"osm-", "tag=\"esm-"),
            Rejected::Profile,
        ),
        (
            "fewer components",
            |s| s.replace("signature-input", "\"@query\" ", ""),
            Rejected::Profile,
        ),
        (
            "one more parameter",
            |s| s.replace("signature-input", ";alg=", ";expires=1;alg="),
            Rejected::Profile,
        ),
        (
            "another label",
            |s| s.replace("signature-input", "osm=", "sig1="),
            Rejected::Profile,
        ),
        (
            "signature",
            |s| s.set("signature", "osm=:AAAA:"),
            Rejected::Signature,
        ),
        (
            "empty signature",
            |s| s.set("signature", "osm=::"),
            Rejected::Signature,
        ),
        (
            "key",
            |s| {
                let (id, _) = s.keys.split_once(':').unwrap();
                s.keys = format!("{id}:{}", "ab".repeat(32));
            },
            Rejected::Signature,
        ),
    ];
    for (_, sent) in vectors() {
        for (what, change, wanted) in &changes {
            let mut changed = sent.clone();
            change(&mut changed);
            assert_eq!(
                changed.verify().unwrap_err(),
                *wanted,
                "{}: {what}",
                sent.tag
            );
        }
        let mut stranger = sent.clone();
        stranger.keys = format!("another:{}", "ab".repeat(32));
        assert!(matches!(
            stranger.verify().unwrap_err(),
            Rejected::UnknownKey(_)
        ));
        for name in sent.headers.keys() {
            let mut without = sent.clone();
            without.headers.remove(name);
            assert_eq!(
                without.verify().unwrap_err(),
                Rejected::Missing(name.clone())
            );
        }
        let mut other_way = sent.clone();
        other_way.tag = if sent.tag == "osm-shim" {
            "osm-sidecar"
        } else {
            "osm-shim"
        }
        .to_owned();
        other_way.set("osm-user", "id:1");
        other_way.set("osm-parent", "-");
        assert_eq!(
            other_way.verify().unwrap_err(),
            Rejected::Profile,
            "the other direction"
        );
    }
}

#[test]
fn what_does_not_matter_is_accepted() {
    for (_, sent) in vectors() {
        let changes: [fn(&mut Sent); 5] = [
            |s| s.now += SKEW,
            |s| s.now -= SKEW,
            |s| s.authority = s.authority.to_uppercase(),
            |s| s.keys = format!("# new\nnew-key:{}\n\n{}\n", "cd".repeat(32), s.keys),
            |s| {
                let padded = format!("  {} ", s.headers["osm-request-id"]);
                s.set("osm-request-id", &padded);
            },
        ];
        for change in changes {
            let mut changed = sent.clone();
            change(&mut changed);
            assert!(changed.verify().is_ok());
        }
    }
}

#[test]
fn a_line_break_cannot_forge_a_component() {
    let (_, sent) = vectors().remove(0);
    let keys = Keys::parse(&sent.keys).unwrap();
    let forged = Request {
        path: "/a\n\"@query\": ?",
        ..sent.request()
    };
    let signed = sign(
        sent.profile(),
        &keys,
        forged,
        |n| sent.header(n),
        sent.now,
        &"0".repeat(32),
    );
    assert_eq!(signed.unwrap_err(), Rejected::Profile);
}

/// RFC 9530, appendix B: the digest of an empty body and of a JSON text.
#[test]
fn digests() {
    for (body, digest) in [
        ("", "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"),
        (
            "{\"hello\": \"world\"}\n",
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        ),
    ] {
        assert_eq!(content_digest(body.as_bytes()), digest);
    }
}

#[test]
fn key_files() {
    let good = "ab".repeat(32);
    for (text, wanted) in [
        (String::new(), KeyError::Empty),
        ("# only this\n".to_owned(), KeyError::Empty),
        (format!("k:{good}\nnonsense"), KeyError::Line(2)),
        (format!(":{good}"), KeyError::Line(1)),
        (format!("a b:{good}"), KeyError::Line(1)),
        (format!("k:{}", "ab".repeat(31)), KeyError::Line(1)),
        (format!("k:{good}a"), KeyError::Line(1)),
        (format!("k:{}", "zz".repeat(32)), KeyError::Line(1)),
        (format!("k:{}", "é".repeat(32)), KeyError::Line(1)),
    ] {
        assert_eq!(Keys::parse(&text).unwrap_err(), wanted, "{text}");
    }
    let keys = Keys::parse(&format!("k:{good}")).unwrap();
    assert!(!format!("{keys:?}").contains("abab"), "no secret in Debug");
}
