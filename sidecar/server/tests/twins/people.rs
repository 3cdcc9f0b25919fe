//! A twin of LDAP and Keystone: a set of places and keys, named as plans name them.

use super::keys::keys_of;
use super::sudo::rules_of;
use super::{Twin, project, project_id};
use async_trait::async_trait;
use osm_core::accounts::Account;
use osm_core::actor::Person;
use osm_core::authz::PROJECTADMIN;
use osm_core::founding::Part;
use osm_core::ids::{EntryUuid, OperationId, ProjectId, ProjectName};
use osm_core::keys::Held;
use osm_core::membership::{Grant, MembershipFacts, Place};
use osm_core::plan::Change;
use osm_core::ports::*;
use osm_core::project::{ManagedProject, Member, Project};
use osm_core::sudo::{Rule, RuleChange};
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

/// What the project consists of.
pub fn parts() -> [Part; 3] {
    let entry = Part::Entry {
        description: bare().description,
        roles: Vec::new(),
    };
    [Part::Keystone, Part::Group, entry]
}

/// These are in the project with all that goes with it; those who administer it are marked.
pub fn places<'n>(members: impl IntoIterator<Item = (&'n str, bool)>) -> Places {
    let mut places = Places::new();
    for part in parts() {
        let change = part.change(&project());
        places.extend(change.after.map(|there| (change.resource, there)));
    }
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
    let described = places.get(&format!("/project/{}/description", project()));
    Project {
        description: described.and_then(Json::as_str).map(str::to_owned),
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

/// All places in the group, in the role and in Keystone.
pub fn held(places: &Places) -> Vec<Grant> {
    let all = NAMES.into_iter().flat_map(|uid| {
        let these = [role(), Place::Group, cloud()];
        these.map(|place| grant(uid, place))
    });
    all.filter(|grant| places.contains_key(&grant.change().resource))
        .collect()
}

/// The places that one of them has, and those that they have not.
pub fn of(places: &Places, uid: &str) -> (Vec<Grant>, Vec<Grant>) {
    let all = [Place::Project, role(), cloud(), Place::Group];
    all.into_iter()
        .map(|place| grant(uid, place))
        .partition(|grant| places.contains_key(&grant.change().resource))
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
        has_role: true,
        rules: rules_of(places),
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

    /// Whether anything is otherwise now. What is below an entry goes with it.
    fn part(&self, project: &ProjectName, part: &Part, there: bool) -> bool {
        let places = &mut self.0.lock().unwrap().cloud.places;
        let change = part.change(project);
        match change.after.filter(|_| there) {
            Some(value) => places.insert(change.resource, value).is_none(),
            None => places.remove(&change.resource).is_some(),
        }
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
    async fn make_person(
        &self,
        account: &Account,
        _: u32,
        _: &OperationId,
        _: &dyn Leave,
    ) -> Result<bool, PortError> {
        Ok(self.set(account.change(), true))
    }
    async fn unmake_person(
        &self,
        account: &Account,
        _: &OperationId,
        _: &dyn Leave,
    ) -> Result<bool, PortError> {
        Ok(self.set(account.change(), false))
    }
    async fn set_key(&self, key: &Held, there: bool, _: &dyn Leave) -> Result<bool, PortError> {
        Ok(self.set(key.change(), there))
    }
    async fn give(&self, grant: &Grant, _: &dyn Leave) -> Result<bool, PortError> {
        Ok(self.seat(grant, true))
    }
    async fn make(&self, what: ProjectPart<'_>, _: &dyn Leave) -> Result<bool, PortError> {
        Ok(self.part(what.project, what.part, true))
    }
    async fn unmake(&self, what: ProjectPart<'_>, _: &dyn Leave) -> Result<bool, PortError> {
        Ok(self.part(what.project, what.part, false))
    }
    async fn set_rule(&self, change: &RuleChange, _: &dyn Leave) -> Result<RuleSet, PortError> {
        Ok(self.set_sudo(change))
    }
    async fn describe(
        &self,
        _: &EntryUuid,
        before: Option<&str>,
        after: Option<&str>,
        _: &dyn Leave,
    ) -> Result<bool, PortError> {
        let key = format!("/project/{}/description", project());
        let places = &mut self.0.lock().unwrap().cloud.places;
        let now = places.get(&key).and_then(Json::as_str).map(str::to_owned);
        if now.as_deref() == after {
            return Ok(false);
        }
        assert_eq!(now.as_deref(), before);
        match after {
            Some(text) => places.insert(key, Json::from(text)),
            None => places.remove(&key),
        };
        Ok(true)
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
        Ok(self.seat(&assigned(what), true))
    }
    async fn unassign(&self, what: Assignment<'_>, _: &dyn Leave) -> Result<bool, PortError> {
        Ok(self.seat(&assigned(what), false))
    }
    async fn make_project(
        &self,
        name: &ProjectName,
        _: &OperationId,
        _: &dyn Leave,
    ) -> Result<bool, PortError> {
        Ok(self.part(name, &Part::Keystone, true))
    }
    async fn unmake_project(
        &self,
        name: &ProjectName,
        _: Result<&ProjectId, &OperationId>,
        _: &dyn Leave,
    ) -> Result<bool, PortError> {
        Ok(self.part(name, &Part::Keystone, false))
    }
}

/// A project that is new here has its name as its id.
fn assigned(what: Assignment<'_>) -> Grant {
    let project = match *what.project == project_id() {
        true => project(),
        false => ProjectName::trusted(what.project.as_str()),
    };
    Grant {
        project,
        ..grant(what.uid, cloud())
    }
}

#[async_trait]
impl Identity for Twin {
    async fn our_projects(&self) -> Result<Vec<KeystoneProject>, PortError> {
        let places = self.places();
        let made = places
            .keys()
            .filter_map(|key| key.strip_prefix("/keystone-project/"));
        let known = made.map(|name| KeystoneProject {
            id: match name == project().as_str() {
                true => project_id(),
                false => ProjectId::trusted(name),
            },
            name: name.to_owned(),
            enabled: true,
        });
        Ok(known.collect())
    }
    async fn assigned(
        &self,
        _: &str,
        _: &str,
        _: Option<&ProjectId>,
    ) -> Result<Vec<osm_core::drift::Assigned>, PortError> {
        Ok(Vec::new())
    }
    async fn user_id(&self, name: &str, _: &str) -> Result<Option<String>, PortError> {
        Ok(Some(name.to_owned()))
    }
    async fn ping(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[async_trait]
impl Directory for Twin {
    async fn person(&self, entry: &EntryUuid) -> Result<Option<Person>, PortError> {
        let mut all = NAMES.into_iter().map(person);
        Ok(all.find(|person| person.entry == *entry))
    }
    async fn person_by_uid(&self, uid: &str) -> Result<Option<Person>, PortError> {
        let made = self.places().contains_key(&format!("/person/{uid}"));
        Ok((made || NAMES.contains(&uid)).then(|| person(uid)))
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
    async fn project(&self, name: &ProjectName) -> Result<Option<Project>, PortError> {
        if *name == project() {
            return Ok(Some(bots(&self.places())));
        }
        let made = self.places().contains_key(&format!("/project/{name}"));
        Ok(made.then(|| Project {
            name: name.clone(),
            entry: EntryUuid::trusted(format!("entry of {name}")),
            ..bare()
        }))
    }
    async fn below_project(&self, _: &EntryUuid) -> Result<Vec<String>, PortError> {
        Ok(Vec::new())
    }
    async fn has_number(&self, _: NumberOf, _: u32) -> Result<bool, PortError> {
        Ok(false)
    }
    async fn name_taken(&self, _: &str) -> Result<bool, PortError> {
        Ok(false)
    }
    async fn holds(&self, grant: &Grant) -> Result<Option<bool>, PortError> {
        Ok(Some(self.places().contains_key(&grant.change().resource)))
    }
    async fn sudo_rules(
        &self,
        _: Option<&ProjectName>,
    ) -> Result<BTreeMap<ProjectName, Vec<Rule>>, PortError> {
        Ok(BTreeMap::from([(project(), rules_of(&self.places()))]))
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
