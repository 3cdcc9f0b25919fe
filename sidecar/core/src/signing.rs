//! HTTP Message Signatures (RFC 9421) in one fixed profile, for both directions between shim and sidecar.
//!
//! Nothing is negotiable: the verifier rebuilds the whole `Signature-Input` it expects and compares.
//! Pure: the caller brings the clock's time, the nonce and the replay check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use std::fmt;
use subtle::ConstantTimeEq as _;

/// How far the two clocks may be apart, in seconds.
pub const SKEW: i64 = 30;
/// How long a nonce is remembered, in seconds; longer than a signature can be accepted.
pub const NONCE_LIFETIME: i64 = 120;

/// A direction: its tag and what it covers, in order.
#[derive(Debug)]
pub struct Profile {
    tag: &'static str,
    components: &'static [&'static str],
}

/// Requests of the shim to the sidecar.
pub const FROM_SHIM: Profile = Profile {
    tag: "osm-shim",
    components: &[
        "@method",
        "@authority",
        "@path",
        "@query",
        "content-type",
        "content-digest",
        "osm-request-id",
    ],
};

/// Requests of the sidecar to MediaWiki.
pub const TO_WIKI: Profile = Profile {
    tag: "osm-sidecar",
    components: &[
        "@method",
        "@authority",
        "@path",
        "@query",
        "content-type",
        "content-digest",
        "osm-request-id",
        "osm-user",
        "osm-parent",
    ],
};

/// What is signed, apart from the covered header fields.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Request<'a> {
    pub method: &'a str,
    pub authority: &'a str,
    pub path: &'a str,
    /// Raw query without the question mark; empty where there is none.
    pub query: &'a str,
    pub body: &'a [u8],
}

/// A secret key with its id.
#[derive(Clone)]
pub struct Key {
    /// The id that travels.
    pub id: String,
    secret: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.id)
    }
}

/// The keys of one direction: the first signs, all verify, so that a key can be changed without a stop.
#[derive(Clone, Debug)]
pub struct Keys(Vec<Key>);

/// A key file is not as it should be.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// No key in it.
    #[error("it holds no key; expected lines of the form keyid:hex")]
    Empty,
    /// A line is wrong; the line itself is a secret.
    #[error("line {0} is not of the form keyid:hex with at least 32 bytes of key")]
    Line(usize),
}

impl Keys {
    /// Parses lines of `keyid:hex`; blank lines and lines that begin with `#` are passed over.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = || KeyError::Line(index + 1);
            let (id, hex) = line.split_once(':').ok_or_else(wrong)?;
            let secret = unhex(hex).ok_or_else(wrong)?;
            let id_good = !id.is_empty()
                && id
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            if secret.len() < 32 || !id_good {
                return Err(wrong());
            }
            keys.push(Key {
                id: id.to_owned(),
                secret,
            });
        }
        if keys.is_empty() {
            Err(KeyError::Empty)
        } else {
            Ok(Self(keys))
        }
    }

    fn find(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|k| k.id == id)
    }
}

/// The three headers that carry a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Signed {
    pub content_digest: String,
    pub signature_input: String,
    pub signature: String,
}

/// Why a signature is not accepted. Told apart in the log only; the other side hears 401.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Rejected {
    #[error("header {0} is missing")]
    Missing(String),
    #[error("the body is not the one that was signed")]
    Digest,
    #[error("Signature-Input is not of this profile")]
    Profile,
    #[error("clock skew: created {0} s away from now")]
    Skew(i64),
    #[error("no key with id {0}")]
    UnknownKey(String),
    #[error("bad signature")]
    Signature,
}

/// What an accepted signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Accepted {
    /// To be remembered: a second request with it is a replay.
    pub nonce: String,
    pub key_id: String,
    digest: String,
}

impl Accepted {
    /// Whether this is the body that was signed.
    pub fn body(&self, body: &[u8]) -> Result<(), Rejected> {
        match same(content_digest(body).as_bytes(), self.digest.as_bytes()) {
            true => Ok(()),
            false => Err(Rejected::Digest),
        }
    }
}

/// `Content-Digest` (RFC 9530) of a body.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64.encode(Sha256::digest(body)))
}

/// Signs with the first key. `header` gives the value of a covered header field.
pub fn sign<'h>(
    profile: &Profile,
    keys: &Keys,
    request: Request<'_>,
    header: impl Fn(&str) -> Option<&'h str>,
    created: i64,
    nonce: &str,
) -> Result<Signed, Rejected> {
    let key = keys
        .0
        .first()
        .ok_or_else(|| Rejected::UnknownKey(String::new()))?;
    let digest = content_digest(request.body);
    let input = signature_input(profile, created, nonce, &key.id);
    let base = signature_base(profile, request, &digest, header, &input)?;
    Ok(Signed {
        content_digest: digest,
        signature_input: format!("osm={input}"),
        signature: format!("osm=:{}:", BASE64.encode(mac(key, &base))),
    })
}

/// Verifies. The caller has made sure that no covered header occurs twice, and checks the nonce after.
pub fn verify<'h>(
    profile: &Profile,
    keys: &Keys,
    request: Request<'_>,
    header: impl Fn(&str) -> Option<&'h str>,
    now: i64,
) -> Result<Accepted, Rejected> {
    let accepted = verify_head(profile, keys, request, header, now)?;
    accepted.body(request.body)?;
    Ok(accepted)
}

/// Verifies before the body is there (`request.body` is not looked at): the signature is over its digest,
/// so that nobody without a key can make us wait for one.
pub fn verify_head<'h>(
    profile: &Profile,
    keys: &Keys,
    request: Request<'_>,
    header: impl Fn(&str) -> Option<&'h str>,
    now: i64,
) -> Result<Accepted, Rejected> {
    let get = |name: &str| header(name).ok_or_else(|| Rejected::Missing(name.to_owned()));
    let sent = get("signature-input")?
        .trim()
        .strip_prefix("osm=")
        .ok_or(Rejected::Profile)?;
    let (created, nonce, key_id) = parameters(sent).ok_or(Rejected::Profile)?;
    if sent != signature_input(profile, created, nonce, key_id) {
        return Err(Rejected::Profile);
    }
    if (now - created).abs() > SKEW {
        return Err(Rejected::Skew(now - created));
    }
    let key = keys
        .find(key_id)
        .ok_or_else(|| Rejected::UnknownKey(key_id.to_owned()))?;
    let digest = get("content-digest")?.trim();
    let base = signature_base(profile, request, digest, &header, sent)?;
    let signature = get("signature")?
        .trim()
        .strip_prefix("osm=:")
        .and_then(|s| s.strip_suffix(':'))
        .and_then(|s| BASE64.decode(s).ok())
        .ok_or(Rejected::Signature)?;
    if !same(&mac(key, &base), &signature) {
        return Err(Rejected::Signature);
    }
    Ok(Accepted {
        nonce: nonce.to_owned(),
        key_id: key_id.to_owned(),
        digest: digest.to_owned(),
    })
}

fn signature_input(profile: &Profile, created: i64, nonce: &str, key_id: &str) -> String {
    let components: Vec<String> = profile
        .components
        .iter()
        .map(|c| format!("\"{c}\""))
        .collect();
    format!(
        "({});created={created};nonce=\"{nonce}\";keyid=\"{key_id}\";alg=\"hmac-sha256\";tag=\"{}\"",
        components.join(" "),
        profile.tag
    )
}

/// Reads `created`, `nonce` and `keyid` out of a text that is then compared whole with the one expected.
fn parameters(input: &str) -> Option<(i64, &str, &str)> {
    let rest = input.split_once(";created=")?.1;
    let (created, rest) = rest.split_once(";nonce=\"")?;
    let (nonce, rest) = rest.split_once("\";keyid=\"")?;
    let (key_id, _) = rest.split_once("\";alg=")?;
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    (nonce.len() == 32 && nonce.chars().all(hex)).then_some(())?;
    Some((created.parse().ok()?, nonce, key_id))
}

fn signature_base<'h>(
    profile: &Profile,
    request: Request<'_>,
    digest: &str,
    header: impl Fn(&str) -> Option<&'h str>,
    input: &str,
) -> Result<String, Rejected> {
    let mut base = String::new();
    for component in profile.components {
        let value = match *component {
            "@method" => request.method.to_owned(),
            "@authority" => request.authority.to_ascii_lowercase(),
            "@path" => request.path.to_owned(),
            "@query" => format!("?{}", request.query),
            "content-digest" => digest.to_owned(),
            name => header(name)
                .ok_or_else(|| Rejected::Missing(name.to_owned()))?
                .trim()
                .to_owned(),
        };
        // A line break in a value would let one component pose as another.
        if value.contains(['\n', '\r']) {
            return Err(Rejected::Profile);
        }
        base.push_str(&format!("\"{component}\": {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {input}"));
    Ok(base)
}

fn mac(key: &Key, base: &str) -> Vec<u8> {
    // HMAC takes a key of any length, so the error cannot occur; an empty tag would match nothing.
    Hmac::<Sha256>::new_from_slice(&key.secret)
        .map(|mut mac| {
            mac.update(base.as_bytes());
            mac.finalize().into_bytes().to_vec()
        })
        .unwrap_or_default()
}

fn same(a: &[u8], b: &[u8]) -> bool {
    !a.is_empty() && bool::from(a.ct_eq(b))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .trim()
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits?;
    (digits.len() % 2 == 0).then(|| {
        digits
            .chunks(2)
            .map(|pair| pair.iter().fold(0, |byte, d| byte << 4 | d))
            .collect()
    })
}
