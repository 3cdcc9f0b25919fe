//! A twin of LDAP and Keystone: a set of places, named as plans name them.

use super::{Twin, project, project_id};
use async_trait::async_trait;
use osm_core::actor::Person;
use osm_core::authz::PROJECTADMIN;
use osm_core::ids::{EntryUuid, ProjectName};
use osm_core::membership::{Grant, MembershipFacts, Place};
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
        let places = &mut self.0.lock().unwrap().cloud.places;
        let change = grant.change();
        match change.after.filter(|_| there) {
            Some(value) => places.insert(change.resource, value).is_none(),
            None => places.remove(&change.resource).is_some(),
        }
    }
}

#[async_trait]
impl DirectoryWrite for Twin {
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
