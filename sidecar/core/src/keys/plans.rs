//! Adding a key and removing one: values of the person's own LDAP entry, which Nova's keypairs follow.

use super::keypairs::{self, Heard, Standing};
use super::{FIELD, Key, MOST, hash};
use crate::actor::Person;
use crate::authz::{Permit, Target};
use crate::ids::{EntryUuid, ProjectId, ProjectName, Region};
use crate::membership::part;
use crate::message::Msg;
use crate::plan::{Change, Facts, Plan, PlannedStep, Step};
use crate::refusal::{Refusal, RefusalKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// A key at a person's entry, which it names by what no rename changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The person's LDAP entry.
    pub person: EntryUuid,
    /// The person's shell name when it was planned.
    pub uid: String,
    /// The value, to the letter.
    pub line: String,
}

impl Held {
    /// What is otherwise once it is there.
    pub fn change(&self) -> Change {
        let digest = Sha256::digest(self.line.as_bytes());
        let name: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        Change {
            resource: format!("/person/{}/key/{name}", part(&self.uid)),
            before: None,
            after: Some(json!({"entry": self.person, "key": self.line})),
        }
    }
}

/// What a plan for somebody's keys is made from.
#[derive(Clone, Debug)]
pub struct KeyFacts {
    /// Whose they are.
    pub person: Person,
    /// All values there are, keys or not.
    pub held: Vec<String>,
    /// What Nova has under the key's name, in each region; nothing where it is to have no keypairs.
    pub keypairs: Vec<Standing>,
}

/// A plan, and why a keypair is not part of it where it is not.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct KeyPlan {
    pub plan: Plan,
    pub without: Vec<Msg>,
}

impl KeyFacts {
    /// The values that are a key.
    fn called(&self, name: &str) -> impl Iterator<Item = &String> {
        self.held.iter().filter(move |value| hash(value) == name)
    }

    fn of(&self, line: &str) -> Held {
        Held {
            person: self.person.entry.clone(),
            uid: self.person.uid.clone(),
            line: line.to_owned(),
        }
    }

    fn plan(
        &self,
        permit: &Permit,
        name: String,
        key: Option<&Key>,
        mut steps: Vec<PlannedStep>,
        there: bool,
    ) -> Result<KeyPlan, Refusal> {
        if *permit.target() != Target::Own(self.person.entry.clone()) {
            let why = Msg::new("notyours");
            return Err(Refusal::new(RefusalKind::Forbidden, why));
        }
        let uid = &self.person.uid;
        let mut facts = Facts::default();
        facts.note(format!("person {uid}"), self.person.entry.as_str());
        let times = self.called(&name).count();
        facts.note(format!("{name} of {uid}"), times.to_string());
        let mut without = Vec::new();
        if let Some(key) = key {
            let follow = keypairs::follow(&self.person, key, &self.keypairs, there);
            steps.extend(follow.0);
            without = follow.1;
            for Standing { region, heard } in &self.keypairs {
                let heard = match heard {
                    Heard::Has { public_key, .. } => public_key.as_deref().unwrap_or(""),
                    Heard::Nobody => "nobody",
                    Heard::Nothing => "no answer",
                };
                facts.note(format!("keypair in {region}"), heard);
            }
        }
        let plan = Plan {
            version: Plan::VERSION,
            action: permit.action(),
            // A person's keys are of no region and no project.
            region: Region::trusted(""),
            project: ProjectName::trusted(""),
            project_id: ProjectId::trusted(""),
            instance: None,
            name,
            steps,
            facts,
        };
        Ok(KeyPlan { plan, without })
    }
}

/// Plans to add a key.
pub fn plan_add_key(permit: &Permit, facts: &KeyFacts, key: &Key) -> Result<KeyPlan, Refusal> {
    let conflict = |why: Msg| Refusal {
        kind: RefusalKind::Conflict,
        ..Refusal::field(FIELD, why)
    };
    if facts.called(&key.fingerprint).next().is_some() {
        let why = Msg::new("key-there").with(key.fingerprint.as_str());
        return Err(conflict(why));
    }
    if facts.held.len() >= MOST {
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        return Err(conflict(Msg::new("key-toomany").with(most)));
    }
    let held = facts.of(&key.line);
    let step = PlannedStep::undone_by(added(held.clone()), removed(held));
    let name = key.fingerprint.clone();
    facts.plan(permit, name, Some(key), vec![step], true)
}

/// Plans to remove a key: all values that are it, whatever their comments.
pub fn plan_remove_key(permit: &Permit, facts: &KeyFacts, name: &str) -> Result<KeyPlan, Refusal> {
    let steps = facts.called(name).map(|line| {
        let held = facts.of(line);
        PlannedStep::undone_by(removed(held.clone()), added(held))
    });
    let steps: Vec<_> = steps.collect();
    if steps.is_empty() {
        return Err(Refusal {
            kind: RefusalKind::NotFound,
            ..Refusal::field("hash", Msg::new("key-gone").with(name))
        });
    }
    let key = facts.called(name).find_map(|line| Key::stored(line));
    facts.plan(permit, name.to_owned(), key.as_ref(), steps, false)
}

fn added(key: Held) -> Step {
    Step::AddKey { key }
}

fn removed(key: Held) -> Step {
    Step::RemoveKey { key }
}
