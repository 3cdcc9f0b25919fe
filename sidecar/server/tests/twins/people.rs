//! A twin of LDAP and Keystone: a set of places and keys, named as plans name them.

use super::{Twin, project, project_id};
use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use osm_core::actor::Person;
use osm_core::authz::PROJECTADMIN;
use osm_core::ids::{EntryUuid, ProjectName};
use osm_core::keys::{Held, Key, KeyFacts};
use osm_core::membership::{Grant, MembershipFacts, Place};
use osm_core::plan::Change;
use osm_core::ports::*;
use osm_core::project::{ManagedProject, Member, Project};
use serde_json::Value as Json;
use std::collections::BTreeMap;

pub const NAMES: [&str; 4] = ["ann", "bob", "carl", "x]]{{db}}"];
pub const CLOUD_ROLE: &str = "member";

/// Resource → what is there.
pub type Places = BTreeMap<String, Json>;

pub fn person(uid: &str) -> Person {
    Person {
        entry: EntryUuid::trusted(format!("entry of {uid}")),
        uid: uid.to_owned(),
        cn: uid.to_uppercase(),
        projects: BTreeMap::new(),
    }
}

fn role() -> Place {
    Place::Role {
        role: PROJECTADMIN.to_owned(),
    }
}

fn cloud() -> Place {
    Place::Cloud {
        role: CLOUD_ROLE.to_owned(),
    }
}

fn grant(uid: &str, place: Place) -> Grant {
    Grant::of(&person(uid), &bare(), place)
}

/// The project without its people.
fn bare() -> Project {
    Project {
        name: project(),
        entry: EntryUuid::trusted("entry of bots"),
        description: None,
        members: Vec::new(),
    }
}

fn key(uid: &str, place: Place) -> String {
    grant(uid, place).change().resource
}

/// These are in the project with all that goes with it; those who administer it are marked.
pub fn places<'n>(members: impl IntoIterator<Item = (&'n str, bool)>) -> Places {
    let mut places = Places::new();
    for (uid, admin) in members {
        let all = [Place::Project, Place::Group, cloud()];
        for place in all.into_iter().chain(admin.then(role)) {
            let change = grant(uid, place).change();
            places.extend(change.after.map(|there| (change.resource, there)));
        }
    }
    places
}

/// The project as LDAP has it.
pub fn bots(places: &Places) -> Project {
    let members = NAMES.into_iter();
    Project {
        members: members
            .filter(|uid| places.contains_key(&key(uid, Place::Project)))
            .map(|uid| Member {
                entry: person(uid).entry,
                uid: uid.to_owned(),
                cn: person(uid).cn,
                roles: match places.contains_key(&key(uid, role())) {
                    true => vec![PROJECTADMIN.to_owned()],
                    false => Vec::new(),
                },
            })
            .collect(),
        ..bare()
    }
}

/// The place of one of them in the group, and whether they have it.
pub fn in_group(places: &Places, pick: usize) -> (Grant, bool) {
    let uid = NAMES[pick % NAMES.len()];
    let has = places.contains_key(&key(uid, Place::Group));
    (grant(uid, Place::Group), has)
}

pub fn membership_facts(places: &Places, uid: &str) -> MembershipFacts {
    MembershipFacts {
        managed: ManagedProject {
            project: bots(places),
            project_id: project_id(),
        },
        asked: uid.to_owned(),
        person: Some(person(uid)),
        in_group: Some(places.contains_key(&key(uid, Place::Group))),
        cloud_role: Some((
            CLOUD_ROLE.to_owned(),
            places.contains_key(&key(uid, cloud())),
        )),
    }
}

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

/// Where nothing else is said.
pub fn start() -> Places {
    let places = places([("ann", true), ("bob", false)]);
    places.into_iter().chain(keys([("ann", 1)])).collect()
}

fn keys_of(places: &Places, entry: &EntryUuid) -> Vec<String> {
    let theirs = places
        .values()
        .filter(|value| value["entry"] == entry.as_str());
    theirs
        .filter_map(|value| Some(value.get("key")?.as_str()?.to_owned()))
        .collect()
}

pub fn key_facts(places: &Places, uid: &str) -> KeyFacts {
    let person = person(uid);
    KeyFacts {
        held: keys_of(places, &person.entry),
        person,
    }
}

impl Twin {
    pub fn places(&self) -> Places {
        self.0.lock().unwrap().cloud.places.clone()
    }

    /// Somebody else takes this one's role at the very time of the next taking.
    pub fn loses_role_meanwhile(&self, uid: &str) {
        self.0.lock().unwrap().meanwhile = Some(key(uid, role()));
    }

    /// Whether anything is otherwise now.
    fn seat(&self, grant: &Grant, there: bool) -> bool {
        self.set(grant.change(), there)
    }

    fn set(&self, change: Change, there: bool) -> bool {
        let places = &mut self.0.lock().unwrap().cloud.places;
        match change.after.filter(|_| there) {
            Some(value) => places.insert(change.resource, value).is_none(),
            None => places.remove(&change.resource).is_some(),
        }
    }
}

#[async_trait]
impl DirectoryWrite for Twin {
    async fn set_key(&self, key: &Held, there: bool, _: &dyn Leave) -> Result<bool, PortError> {
        Ok(self.set(key.change(), there))
    }
    async fn give(&self, grant: &Grant, _: &dyn Leave) -> Result<bool, PortError> {
        Ok(self.seat(grant, true))
    }
    async fn take(&self, grant: &Grant, _: &dyn Leave) -> Result<bool, PortError> {
        let mut state = self.0.lock().unwrap();
        if let Some(gone) = state.meanwhile.take() {
            state.cloud.places.remove(&gone);
        }
        drop(state);
        Ok(self.seat(grant, false))
    }
}

#[async_trait]
impl IdentityWrite for Twin {
    async fn assign(&self, what: Assignment<'_>, _: &dyn Leave) -> Result<bool, PortError> {
        Ok(self.seat(&grant(what.uid, cloud()), true))
    }
    async fn unassign(&self, what: Assignment<'_>, _: &dyn Leave) -> Result<bool, PortError> {
        Ok(self.seat(&grant(what.uid, cloud()), false))
    }
}

#[async_trait]
impl Directory for Twin {
    async fn person(&self, entry: &EntryUuid) -> Result<Option<Person>, PortError> {
        let mut all = NAMES.into_iter().map(person);
        Ok(all.find(|person| person.entry == *entry))
    }
    async fn person_by_uid(&self, uid: &str) -> Result<Option<Person>, PortError> {
        Ok(NAMES.contains(&uid).then(|| person(uid)))
    }
    async fn person_by_cn(&self, _: &str) -> Result<Option<Person>, PortError> {
        Ok(None)
    }
    async fn keys(&self, entry: &EntryUuid) -> Result<Option<Vec<String>>, PortError> {
        Ok(Some(keys_of(&self.places(), entry)))
    }
    async fn prove(&self, _: &str, _: &str) -> Result<Option<EntryUuid>, PortError> {
        Ok(None)
    }
    async fn projects(&self) -> Result<Vec<Project>, PortError> {
        Ok(vec![bots(&self.places())])
    }
    async fn project(&self, _: &ProjectName) -> Result<Option<Project>, PortError> {
        Ok(Some(bots(&self.places())))
    }
    async fn holds(&self, grant: &Grant) -> Result<Option<bool>, PortError> {
        Ok(Some(self.places().contains_key(&grant.change().resource)))
    }
    async fn places(&self) -> Result<osm_core::ports::Places, PortError> {
        Ok(osm_core::ports::Places::default())
    }
    async fn hosts(
        &self,
        _: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Result<Vec<osm_core::puppet::Host>, PortError> {
        Ok(Vec::new())
    }
    async fn ping(&self) -> Result<(), PortError> {
        Ok(())
    }
}
