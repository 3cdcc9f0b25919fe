//! A person's SSH keys as keypairs in Nova, for use with clients of their own: in each region one of the person's own
//! Keystone user, whose name follows from the key.

use super::Key;
use crate::actor::Person;
use crate::ids::{EntryUuid, Region};
use crate::membership::part;
use crate::message::Msg;
use crate::plan::{Change, PlannedStep, Step};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The comment of the key that Nova is given: by it a keypair is known to be ours.
const COMMENT: &str = "openstackmanager";

/// A keypair in a region, with all that it is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keypair {
    /// Where.
    pub region: Region,
    /// Keystone's id of the person.
    pub user_id: String,
    /// The person's LDAP entry.
    pub person: EntryUuid,
    /// The person's shell name when it was planned.
    pub uid: String,
    /// What it is called.
    pub name: String,
    /// The key as Nova is given it.
    pub public_key: String,
}

impl Keypair {
    /// What is otherwise once it is there.
    pub fn change(&self) -> Change {
        Change {
            resource: format!("{}/keypair/{}/{}", self.region, part(&self.uid), self.name),
            before: None,
            after: Some(json!({"entry": self.person, "public_key": self.public_key})),
        }
    }
}

/// The name of a key's keypair: its fingerprint, in the characters that Nova takes.
pub fn name(key: &Key) -> String {
    let safe = |c: char| match c {
        ':' => '-',
        '+' => '-',
        '/' => '_',
        c => c,
    };
    key.fingerprint.chars().map(safe).collect()
}

/// The key as Nova is given it. Of keys of security tokens some releases know nothing.
pub fn public_key(key: &Key) -> Option<String> {
    let mut words = key.line.split(' ');
    let (kind, blob) = (words.next()?, words.next()?);
    (!kind.starts_with("sk-")).then(|| format!("{kind} {blob} {COMMENT}"))
}

/// What Nova has in a region under the name of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where.
    pub region: Region,
    /// What was heard of it.
    pub heard: Heard,
}

/// What was heard of a keypair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Keystone's id of the person, and the key that Nova has under that name, if any.
    Has {
        /// The person.
        user_id: String,
        /// As it was given to Nova.
        public_key: Option<String>,
    },
    /// Keystone does not have the person.
    Nobody,
    /// Keystone or Nova did not answer, or does not let us ask.
    Nothing,
}

/// The steps that have keypairs follow a key, and why there is none where there is none.
pub(super) fn follow(
    person: &Person,
    key: &Key,
    standing: &[Standing],
    there: bool,
) -> (Vec<PlannedStep>, Vec<Msg>) {
    let (mut steps, mut without) = (Vec::new(), Vec::new());
    let Some(ours) = public_key(key) else {
        // Where nothing is asked of Nova there is nothing to say of it.
        if there && !standing.is_empty() {
            without.push(Msg::new("keypair-kind").with(key.kind.as_str()));
        }
        return (steps, without);
    };
    for Standing { region, heard } in standing {
        let told = |why: &str| Msg::new(&format!("keypair-{why}")).with(region.as_str());
        let (user_id, found) = match heard {
            Heard::Has {
                user_id,
                public_key,
            } => (user_id, public_key.as_deref().map(str::trim)),
            Heard::Nobody => {
                without.push(told("nobody"));
                continue;
            }
            Heard::Nothing => {
                without.push(told("away"));
                continue;
            }
        };
        if found.is_some_and(|found| found != ours) {
            // It is the person's own.
            without.push(told("taken").with(name(key)));
        }
        let wanted = there.then_some(ours.as_str());
        let from = (!there).then_some(ours.as_str());
        if found == from && found != wanted {
            let keypair = Keypair {
                region: region.clone(),
                user_id: user_id.clone(),
                person: person.entry.clone(),
                uid: person.uid.clone(),
                name: name(key),
                public_key: ours.clone(),
            };
            let step = |there| Step::Keypair {
                keypair: keypair.clone(),
                there,
            };
            steps.push(PlannedStep::undone_by(step(there), step(!there)));
        }
    }
    (steps, without)
}
