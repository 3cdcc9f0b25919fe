//! SSH public keys: what is taken, and what is refused and how. The keys in `keys/` were made by
//! `ssh-keygen` (those of tokens put together from them), the expected fingerprints are its own words.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use osm_core::keys::{Key, hash, is_private};
use osm_core::refusal::{Refusal, RefusalKind};
use proptest::prelude::*;
use std::path::Path;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/keys")
        .join(name);
    std::fs::read_to_string(path).unwrap()
}

fn ed25519() -> String {
    file("ed25519.pub").trim().to_owned()
}

const RSA: &str = "K7CT2TR4Arcl7loPweTAnbV9tXvk95UefYeQt+DApVg";

#[test]
fn good_keys_are_read_as_ssh_keygen_reads_them() {
    for (name, kind, bits, fingerprint, comment) in [
        (
            "ed25519.pub",
            "ssh-ed25519",
            256,
            "1cF+WzQRsAWTvGMI96NTgzu8H1uW0kBS855GW3ihlqo",
            "ann@laptop",
        ),
        (
            "p256.pub",
            "ecdsa-sha2-nistp256",
            256,
            "xY8x4Mt9MMRlN8jn6tV1g9Gx03H5fO5jt+IsvtjQy/4",
            "ann p256",
        ),
        (
            "p384.pub",
            "ecdsa-sha2-nistp384",
            384,
            "zaMxYeQ35QEO1UO0szxGAB1SlRdkfxmqopc3XRLt1ok",
            "ann p384",
        ),
        (
            "p521.pub",
            "ecdsa-sha2-nistp521",
            521,
            "8cb2DKNRMLyRV/O3dEn978vtdGRubZ2h2tZp055VHHY",
            "ann p521",
        ),
        ("rsa3072.pub", "ssh-rsa", 3072, RSA, "ann rsa"),
        (
            "sk-ed25519.pub",
            "sk-ssh-ed25519@openssh.com",
            256,
            "tHcUIypPDRe6wIU2QesdIN1Ut9thpgCQ0kICHqQp8Ys",
            "ann's token",
        ),
        (
            "sk-p256.pub",
            "sk-ecdsa-sha2-nistp256@openssh.com",
            256,
            "pOjueCAOBRLSnoib9Nr7cl6LQXPrDnba3REOLd2TbIs",
            "ann's other token",
        ),
        (
            "rfc4716.pub",
            "ssh-rsa",
            3072,
            RSA,
            "3072-bit RSA, converted by ann@laptop from OpenSSH",
        ),
        (
            "continued.pub",
            "ssh-rsa",
            3072,
            RSA,
            "a comment that goes on",
        ),
        ("putty-export.pub", "ssh-rsa", 3072, RSA, "rsa-key-20261128"),
        ("putty-public.ppk", "ssh-rsa", 3072, RSA, "ann's PuTTY"),
    ] {
        let key = Key::pasted(&file(name)).unwrap_or_else(|no| panic!("{name}: {no:?}"));
        assert_eq!((key.kind.as_str(), key.bits), (kind, bits), "{name}");
        assert_eq!(key.fingerprint, format!("SHA256:{fingerprint}"), "{name}");
        assert_eq!(key.comment, comment, "{name}");
        // OpenSSH's line, whatever it came as, and that is read as the same.
        let base64 = key.line.split(' ').nth(1).unwrap();
        assert_eq!(key.line, format!("{kind} {base64} {comment}"), "{name}");
        assert_eq!(Key::pasted(&key.line).as_ref(), Ok(&key), "{name}");
        assert_eq!(Key::stored(&key.line), Some(key), "{name}");
    }
    // The file itself is what is stored, and a key needs no comment.
    assert_eq!(Key::pasted(&ed25519()).unwrap().line, ed25519());
    let (bare, _) = ed25519()
        .rsplit_once(' ')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    for form in [
        bare.clone(),
        format!("\u{feff}  {bare} \r\n\n"),
        format!("{bare}  "),
    ] {
        assert_eq!(Key::pasted(&form).unwrap().line, bare, "{form:?}");
    }
    let block = file("putty-public.ppk");
    let (_, block) = block.split_at(block.find("Public-Lines").unwrap());
    assert_eq!(
        Key::pasted(block).unwrap().fingerprint,
        format!("SHA256:{RSA}")
    );
}

fn code(refusal: &Refusal) -> &str {
    refusal.code().strip_prefix("openstackmanager-").unwrap()
}

#[test]
fn what_is_no_good_key_is_refused_by_name() {
    let ed = ed25519();
    let (kind, rest) = ed.split_once(' ').unwrap();
    let base64 = rest.split(' ').next().unwrap();
    let long = "é".repeat(201);
    for (text, key, told) in [
        (file("dsa.pub"), "key-dsa", vec!["1024"]),
        (file("rsa2048.pub"), "key-short", vec!["2048", "3072"]),
        (file("rsa1024.pub"), "key-short", vec!["1024", "3072"]),
        (
            file("cert.pub"),
            "key-certificate",
            vec!["ssh-ed25519-cert-v01@openssh.com"],
        ),
        (file("pem.pub"), "key-pem", vec![]),
        (String::new(), "key-none", vec![]),
        (" \r\n\t".to_owned(), "key-none", vec![]),
        ("hello there".to_owned(), "key-notakey", vec![]),
        ("1024 35 1234567 ssh1".to_owned(), "key-notakey", vec![]),
        (base64.to_owned(), "key-notakey", vec![]),
        (
            format!("command=\"/bin/date; rm -rf /\",no-pty {ed}"),
            "key-options",
            vec!["command", kind],
        ),
        (format!("no-pty {ed}"), "key-options", vec!["no-pty", kind]),
        (
            format!("<script>=x {ed}"),
            "key-options",
            vec!["script", kind],
        ),
        (
            format!("bastion.example {ed}"),
            "key-options",
            vec!["bastion.example", kind],
        ),
        (format!("{ed}\n{ed}"), "key-lines", vec![]),
        (
            format!("{kind} {}\n{}", &base64[..40], &base64[40..]),
            "key-lines",
            vec![],
        ),
        (
            format!("{}{}", file("rfc4716.pub"), ed),
            "key-lines",
            vec![],
        ),
        (kind.to_owned(), "key-broken", vec![]),
        (format!("{kind} {}", &base64[..64]), "key-broken", vec![]),
        (format!("{kind} {base64}AAAA"), "key-broken", vec![]),
        (
            format!("{kind} {}", base64.replace('A', "*")),
            "key-broken",
            vec![],
        ),
        (format!("ssh-rsa {base64}"), "key-broken", vec![]),
        (format!("{kind}\t{base64}"), "key-broken", vec![]),
        (
            file("rfc4716.pub").replace("---- END", "---- "),
            "key-broken",
            vec![],
        ),
        (
            file("putty-public.ppk").replace("Lines: 9", "Lines: nine"),
            "key-broken",
            vec![],
        ),
        // string "ssh-banana", and string "x".
        (
            "ssh-banana AAAACnNzaC1iYW5hbmEAAAABeA==".to_owned(),
            "key-unsupported",
            vec!["ssh-banana"],
        ),
        (format!("{ed} \u{0}"), "key-control", vec![]),
        (format!("{ed} a\u{7}b"), "key-control", vec![]),
        (format!("{ed} a\tb"), "key-control", vec![]),
        (format!("{ed} \u{202e}gnp.exe"), "key-control", vec![]),
        (format!("{ed} {long}"), "key-longcomment", vec!["200"]),
        (format!("{ed} {}", "x".repeat(65536)), "key-toolong", vec![]),
        ("x".repeat(65536), "key-toolong", vec![]),
    ] {
        let shown: String = text.chars().take(80).collect();
        let no = Key::pasted(&text).expect_err(&shown);
        assert_eq!(code(&no), key, "{shown:?}");
        assert_eq!(
            (no.kind, no.field.as_deref()),
            (RefusalKind::Invalid, Some("key")),
            "{shown:?}"
        );
        let said = serde_json::to_string(&no.message.params).unwrap();
        for word in &told {
            assert!(said.contains(word), "{shown:?}: {said}");
        }
        assert_eq!(no.message.params.len(), told.len(), "{shown:?}");
    }
}

/// As they begin and end; there is none here.
#[test]
fn a_private_key_is_told_to_be_burnt_and_nothing_of_it_is_said() {
    const BODY: &str = "c2VjcmV0IG9mIGFubidz";
    let headed = |name: &str| format!("-----BEGIN {name}-----\n{BODY}\n-----END {name}-----\n");
    let putty = file("putty-public.ppk");
    let rest = format!("Private-Lines: 1\n{BODY}\nPrivate-MAC: {BODY}\n");
    let cut: String = putty.lines().map(|line| format!("{line}\n")).collect();
    for text in [
        headed("OPENSSH PRIVATE KEY"),
        headed("RSA PRIVATE KEY"),
        headed("DSA PRIVATE KEY"),
        headed("EC PRIVATE KEY"),
        headed("PRIVATE KEY"),
        headed("ENCRYPTED PRIVATE KEY"),
        headed("OPENSSH PRIVATE KEY").to_lowercase(),
        headed("OPENSSH PRIVATE KEY").replace('\n', " "),
        format!("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n{BODY}"),
        format!("{BODY}\n-----END RSA PRIVATE KEY-----"),
        format!("my key:\n{}{}", headed("OPENSSH PRIVATE KEY"), ed25519()),
        format!("{}\n{}", ed25519(), headed("OPENSSH PRIVATE KEY")),
        format!("{}{}", "x".repeat(100_000), headed("RSA PRIVATE KEY")),
        format!("b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ{BODY}"),
        format!("MIIEpAIBAAKCAQEA{BODY}"),
        format!("{putty}{rest}"),
        rest.clone(),
        // Only the header of the private part was left out.
        format!("{cut}{BODY}\n"),
    ] {
        let no = Key::pasted(&text).expect_err(&text);
        assert_eq!(code(&no), "key-private", "{text:.80}");
        assert_eq!(no.message.params, [], "{text:.80}");
    }
    // A word in a comment is none.
    for comment in ["not my private key", "BEGIN PRIVATE KEY"] {
        assert!(
            Key::pasted(&format!("{} {comment}", ed25519())).is_ok(),
            "{comment}"
        );
    }
}

proptest! {
    #[test]
    fn nothing_of_what_was_pasted_is_told(text in "[ -~\\n]{0,200}", nth in 0..200_usize) {
        // Neither what is nonsense, nor what was changed in a real one.
        let mut changed = ed25519();
        changed.replace_range(nth % 80..nth % 80 + 1, "-");
        for text in [text, changed] {
            if let Err(no) = Key::pasted(&text) {
                let told = format!("{no:?}");
                for word in text.split_whitespace().filter(|word| word.len() > 64) {
                    prop_assert!(!told.contains(word), "{}", told);
                }
            }
        }
    }

    #[test]
    fn any_octets_are_a_key_or_none(
        kind in "ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp(256|521)|sk-ssh-ed25519@openssh.com",
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..70), 0..5),
        lie in any::<Option<u32>>(),
    ) {
        let mut blob = Vec::new();
        for part in [kind.as_bytes()].into_iter().chain(parts.iter().map(Vec::as_slice)) {
            let length = u32::try_from(part.len()).unwrap();
            // What comes after the name may say that it is longer than it is.
            let length = lie.filter(|_| !blob.is_empty()).unwrap_or(length);
            blob.extend(length.to_be_bytes());
            blob.extend(part);
        }
        let line = format!("{kind} {}", BASE64_STANDARD.encode(blob));
        if let Some(key) = Key::stored(&line) {
            prop_assert_eq!(&key.line, &line);
        }
        if let Ok(key) = Key::pasted(&line) {
            prop_assert_eq!(key.line, line);
        }
    }

    #[test]
    fn any_value_in_ldap_has_a_name(value in "\\PC{0,100}") {
        prop_assert!(hash(&value).starts_with("SHA256:"));
    }
}

#[test]
fn what_others_wrote_into_ldap_is_listed_and_can_be_named() {
    let dsa = file("dsa.pub");
    let old = Key::stored(&dsa).unwrap();
    assert_eq!((old.kind.as_str(), old.bits), ("ssh-dss", 1024));
    assert!(old.good().is_err());
    assert_eq!(
        hash(&dsa),
        "SHA256:nIhmosPd4A0j/vMhitO9fIrGxd3qQSgKgSYUPdTzWWM"
    );
    for odd in [
        format!("no-pty {}", ed25519()),
        String::new(),
        "nonsense".to_owned(),
    ] {
        assert_eq!(Key::stored(&odd), None, "{odd}");
        assert_eq!(hash(&odd).len(), hash(&dsa).len(), "{odd}");
    }
    assert!(!is_private(&dsa));
}
