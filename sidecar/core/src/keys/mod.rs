//! SSH public keys of a person, in LDAP: what of a pasted text is one, and the plans that add and remove it.
//!
//! What was pasted may have been a private key. Nothing of it stands in a refusal, and a [`Key`] is made anew
//! from what it means.

pub mod keypairs;
mod pasted;
mod plans;

pub use pasted::is_private;
pub use plans::{Held, KeyFacts, KeyPlan, plan_add_key, plan_remove_key};

use crate::message::Msg;
use crate::refusal::Refusal;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};
use ssh_key::public::KeyData;
use ssh_key::{EcdsaCurve, HashAlg, Mpint, PublicKey};

/// The form's field, and the API's parameter.
pub const FIELD: &str = "key";
/// Keys that a person may have: each is offered to each login.
pub const MOST: usize = 50;
/// Bits of the shortest RSA key.
pub const SHORTEST_RSA: u32 = 3072;
/// In bytes. OpenSSH's longest key, RSA of 16384 bits, takes a fifth of it.
const LONGEST: usize = 16 * 1024;

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it is, in OpenSSH's words.
    pub kind: String,
    /// How long it is.
    pub bits: u32,
    /// As `ssh-keygen -l` shows it.
    pub fingerprint: String,
    /// What its owner calls it.
    pub comment: String,
    /// As OpenSSH writes it.
    pub line: String,
}

impl Key {
    /// Takes what somebody pasted, where it is one good public key.
    pub fn pasted(text: &str) -> Result<Self, Refusal> {
        if is_private(text) {
            return Err(wrong(Msg::new("key-private")));
        }
        if text.len() > LONGEST {
            return Err(wrong(Msg::new("key-toolong")));
        }
        let pasted = pasted::read(text)?;
        let broken = || wrong(Msg::new("key-broken"));
        let kind = pasted::named(&pasted.blob).ok_or_else(broken)?;
        if pasted.said.is_some_and(|said| said != kind) {
            return Err(broken());
        }
        if kind.contains("-cert-v") {
            return Err(wrong(Msg::new("key-certificate").with(kind)));
        }
        let unknown = || match KINDS.contains(&kind.as_str()) {
            true => broken(),
            false => wrong(Msg::new("key-unsupported").with(kind.as_str())),
        };
        let key = Self::of(&pasted.blob, pasted::comment(&pasted.comment)?).ok_or_else(unknown)?;
        key.good()?;
        Ok(key)
    }

    /// What a value in LDAP is, where it is a key in one line, good or not: others may write there too.
    pub fn stored(value: &str) -> Option<Self> {
        let pasted = pasted::line(value.trim()).ok()?;
        let key = Self::of(&pasted.blob, pasted.comment)?;
        (pasted.said == Some(key.kind.clone())).then_some(key)
    }

    /// Whether it may be added; what is there already stays.
    pub fn good(&self) -> Result<(), Refusal> {
        match self.kind.as_str() {
            "ssh-rsa" if self.bits < SHORTEST_RSA => Err(wrong(
                Msg::new("key-short")
                    .with(self.bits.to_string())
                    .with(SHORTEST_RSA.to_string()),
            )),
            "ssh-dss" => Err(wrong(Msg::new("key-dsa").with(self.bits.to_string()))),
            kind if KINDS.contains(&kind) => Ok(()),
            kind => Err(wrong(Msg::new("key-unsupported").with(kind))),
        }
    }

    fn of(blob: &[u8], comment: String) -> Option<Self> {
        let public = PublicKey::from_bytes(blob).ok()?;
        let bits = bits(public.key_data())?;
        let kind = public.algorithm().as_str().to_owned();
        // Written anew, so that no two texts are the same key.
        let blob = BASE64_STANDARD.encode(public.to_bytes().ok()?);
        let line = format!("{kind} {blob} {comment}").trim_end().to_owned();
        Some(Self {
            kind,
            bits,
            fingerprint: public.fingerprint(HashAlg::Sha256).to_string(),
            comment,
            line,
        })
    }
}

/// What is accepted.
const KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
];

/// `None` where the numbers cannot be a key's.
fn bits(data: &KeyData) -> Option<u32> {
    Some(match data {
        KeyData::Ecdsa(key) => match key.curve() {
            EcdsaCurve::NistP256 => 256,
            EcdsaCurve::NistP384 => 384,
            EcdsaCurve::NistP521 => 521,
        },
        KeyData::Rsa(key) => {
            let odd = |number: &Mpint| number.as_bytes().last().is_some_and(|low| low % 2 == 1);
            let sound = odd(&key.n) && odd(&key.e) && length(&key.e)? > 1;
            sound.then_some(length(&key.n)?)?
        }
        KeyData::Dsa(key) => length(&key.p)?,
        // Of the other kinds there is one length only.
        _ => 256,
    })
}

/// Bits of a number above nothing.
fn length(number: &Mpint) -> Option<u32> {
    let octets = number.as_positive_bytes()?;
    let (first, rest) = octets.split_first()?;
    let rest = u32::try_from(rest.len()).ok()?;
    Some(8 * rest + 8 - first.leading_zeros())
}

/// What a value is called in addresses and calls: the key's fingerprint; of what is no key, that of the text.
pub fn hash(value: &str) -> String {
    Key::stored(value).map_or_else(
        || {
            let digest = Sha256::digest(value.as_bytes());
            format!("SHA256:{}", BASE64_STANDARD_NO_PAD.encode(digest))
        },
        |key| key.fingerprint,
    )
}

fn wrong(why: Msg) -> Refusal {
    Refusal::field(FIELD, why)
}
