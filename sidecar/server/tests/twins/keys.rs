//! People's SSH keys, among the twin's places.

use super::people::{Places, person, places};
use super::region;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use osm_core::ids::EntryUuid;
use osm_core::keys::keypairs::{self, Heard, Keypair, Standing};
use osm_core::keys::{Held, Key, KeyFacts};

/// A key that is somebody's own, the `nth` of theirs.
pub fn key_of(uid: &str, nth: u8) -> Held {
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend([nth; 32]);
    let line = format!("ssh-ed25519 {} {uid}'s", BASE64_STANDARD.encode(blob));
    Held {
        person: person(uid).entry,
        uid: uid.to_owned(),
        line: Key::pasted(&line).unwrap().line,
    }
}

/// These have these keys.
pub fn keys<'n>(held: impl IntoIterator<Item = (&'n str, u8)>) -> Places {
    let changes = held.into_iter().map(|(uid, nth)| key_of(uid, nth).change());
    changes
        .filter_map(|change| Some((change.resource, change.after?)))
        .collect()
}

/// Of the first key that is somebody's own, in the cloud.
pub fn keypair_of(uid: &str) -> Keypair {
    let key = Key::stored(&key_of(uid, 1).line).unwrap();
    Keypair {
        region: region(),
        user_id: uid.to_owned(),
        person: person(uid).entry,
        uid: uid.to_owned(),
        name: keypairs::name(&key),
        public_key: keypairs::public_key(&key).unwrap(),
    }
}

/// These have a keypair, or what is no longer the key of ours: their own of the same name.
pub fn keypairs<'n>(held: impl IntoIterator<Item = (&'n str, bool)>) -> Places {
    let changes = held.into_iter().map(|(uid, ours)| {
        let keypair = keypair_of(uid);
        let own = Keypair {
            public_key: "ssh-ed25519 their own".to_owned(),
            ..keypair.clone()
        };
        if ours { keypair } else { own }.change()
    });
    changes
        .filter_map(|change| Some((change.resource, change.after?)))
        .collect()
}

/// Where nothing else is said.
pub fn start() -> Places {
    let places = places([("ann", true), ("bob", false)]);
    let keys = keys([("ann", 1)]).into_iter();
    let rules = super::sudo::start().into_iter();
    places.into_iter().chain(keys).chain(rules).collect()
}

pub fn keys_of(places: &Places, entry: &EntryUuid) -> Vec<String> {
    let theirs = places
        .values()
        .filter(|value| value["entry"] == entry.as_str());
    theirs
        .filter_map(|value| Some(value.get("key")?.as_str()?.to_owned()))
        .collect()
}

pub fn key_facts(places: &Places, uid: &str) -> KeyFacts {
    let person = person(uid);
    let key = Key::stored(&key_of(uid, 1).line).unwrap();
    let heard = Heard::Has {
        user_id: uid.to_owned(),
        public_key: super::admin::keypair(places, &region(), uid, &keypairs::name(&key)),
    };
    KeyFacts {
        held: keys_of(places, &person.entry),
        person,
        keypairs: vec![Standing {
            region: region(),
            heard,
        }],
    }
}
