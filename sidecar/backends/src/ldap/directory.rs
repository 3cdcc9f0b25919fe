//! People, projects and roles, from entries.

use super::Ldap;
use super::connection::Search;
use super::dn::{Dn, own_part};
use super::entry::Entry;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use ldap3::{Scope, ldap_escape};
use osm_core::actor::Person;
use osm_core::ids::{EntryUuid, ProjectName};
use osm_core::membership::Grant;
use osm_core::ports::{Directory, NumberOf, Places, PortError};
use osm_core::project::{Member, Project};
use osm_core::puppet::Host;
use osm_core::sudo::Rule;
use std::collections::{BTreeMap, BTreeSet};

const PERSON: &[&str] = &["uid", "cn", "entryUUID"];
const PROJECT: &[&str] = &["cn", "description", "member", "entryUUID"];
const ROLE: &[&str] = &["cn", "roleOccupant"];
/// So many people are asked for in one search.
const BATCH: usize = 200;

#[async_trait]
impl Directory for Ldap {
    async fn person(&self, entry: &EntryUuid) -> Result<Option<Person>, PortError> {
        self.person_of(self.entry_of_person(entry).await?).await
    }

    async fn person_by_uid(&self, uid: &str) -> Result<Option<Person>, PortError> {
        self.person_of(self.only("uid", uid).await?).await
    }

    async fn person_by_cn(&self, cn: &str) -> Result<Option<Person>, PortError> {
        self.person_of(self.only("cn", cn).await?).await
    }

    async fn keys(&self, entry: &EntryUuid) -> Result<Option<Vec<String>>, PortError> {
        self.keys_of(entry).await
    }

    async fn prove(&self, uid: &str, password: &str) -> Result<Option<EntryUuid>, PortError> {
        if password.is_empty() {
            return Ok(None);
        }
        let Some(entry) = self.only("uid", uid).await? else {
            return Ok(None);
        };
        let proven = self.connections.proves(&entry.dn, password).await?;
        Ok(proven.then(|| uuid(&entry)).flatten())
    }

    async fn projects(&self) -> Result<Vec<Project>, PortError> {
        let projects = self.project_entries(GROUPS.to_owned()).await?;
        let roles = self
            .below(&self.config.projects_base, ROLES.to_owned(), ROLE)
            .await?;
        let people = self.people("(uid=*)".to_owned()).await?;
        Ok(self.join(projects, &roles, &people))
    }

    async fn project(&self, name: &ProjectName) -> Result<Option<Project>, PortError> {
        let filter = format!("(&{GROUPS}{})", equals("cn", name.as_str()));
        let found = self.project_entries(filter).await?;
        let Some(entry) = found
            .into_iter()
            .find(|found| found.first("cn") == Some(name.as_str()))
        else {
            return Ok(None);
        };
        let roles = self.below(&entry.dn, ROLES.to_owned(), ROLE).await?;
        let people = self.people_named(entry.all("member")).await?;
        Ok(self.join(vec![entry], &roles, &people).pop())
    }

    async fn holds(&self, grant: &Grant) -> Result<Option<bool>, PortError> {
        self.has_place(grant).await
    }

    async fn below_project(&self, project: &EntryUuid) -> Result<Vec<String>, PortError> {
        match self.entry_of_project(project).await? {
            Some(entry) => self.dns_below(&entry.dn).await,
            None => Ok(Vec::new()),
        }
    }

    async fn has_number(&self, kind: NumberOf, number: u32) -> Result<bool, PortError> {
        self.number_taken(kind, number).await
    }

    async fn name_taken(&self, uid: &str) -> Result<bool, PortError> {
        self.shell_name_taken(uid).await
    }

    async fn places(&self) -> Result<Places, PortError> {
        self.all_places().await
    }

    async fn sudo_rules(
        &self,
        of: Option<&ProjectName>,
    ) -> Result<BTreeMap<ProjectName, Vec<Rule>>, PortError> {
        self.rules(of).await
    }

    async fn hosts(&self, since: Option<DateTime<Utc>>) -> Result<Vec<Host>, PortError> {
        self.all_hosts(since).await
    }

    async fn ping(&self) -> Result<(), PortError> {
        for base in [
            &self.config.people_base,
            &self.config.projects_base,
            &self.config.groups_base,
        ]
        .into_iter()
        .chain(&self.config.hosts_base)
        {
            let search = Search {
                base,
                scope: Scope::Base,
                filter: "(objectClass=*)".to_owned(),
                attributes: &["1.1"],
            };
            self.connections.search(&search).await?;
        }
        Ok(())
    }
}

pub(super) const GROUPS: &str = "(objectClass=groupOfNames)";
pub(super) const ROLES: &str = "(objectClass=organizationalRole)";

/// A filter for one value, whatever is in it.
pub(super) fn equals(attribute: &str, value: &str) -> String {
    format!("({attribute}={})", ldap_escape(value))
}

pub(super) fn uuid(entry: &Entry) -> Option<EntryUuid> {
    entry
        .first("entryUUID")
        .map(|uuid| EntryUuid::trusted(uuid.to_ascii_lowercase()))
}

/// Whether it is the entry of that identity; UUIDs are the same in any capitals.
pub(super) fn is(found: &Entry, entry: &EntryUuid) -> bool {
    let uuid = found.first("entryUUID");
    uuid.is_some_and(|uuid| uuid.eq_ignore_ascii_case(entry.as_str()))
}

impl Ldap {
    /// Where a person's entry is now.
    pub(super) async fn entry_of_person(
        &self,
        entry: &EntryUuid,
    ) -> Result<Option<Entry>, PortError> {
        let found = self.people(equals("entryUUID", entry.as_str())).await?;
        Ok(found.into_iter().find(|found| is(found, entry)))
    }

    /// Where a project's entry is now.
    pub(super) async fn entry_of_project(
        &self,
        entry: &EntryUuid,
    ) -> Result<Option<Entry>, PortError> {
        let search = Search {
            base: &self.config.projects_base,
            scope: Scope::OneLevel,
            filter: format!("(&{GROUPS}{})", equals("entryUUID", entry.as_str())),
            // Not its members: they may be thousands.
            attributes: &["entryUUID"],
        };
        let found = self.connections.search(&search).await?;
        Ok(found.into_iter().find(|found| is(found, entry)))
    }

    pub(super) async fn below(
        &self,
        base: &str,
        filter: String,
        attributes: &'static [&'static str],
    ) -> Result<Vec<Entry>, PortError> {
        self.connections
            .search(&Search {
                base,
                scope: Scope::Subtree,
                filter,
                attributes,
            })
            .await
    }

    pub(super) async fn people(&self, filter: String) -> Result<Vec<Entry>, PortError> {
        self.below(&self.config.people_base, filter, PERSON).await
    }

    /// Projects stand right below their base; what is deeper is something else (service groups).
    pub(super) async fn project_entries(&self, filter: String) -> Result<Vec<Entry>, PortError> {
        self.connections
            .search(&Search {
                base: &self.config.projects_base,
                scope: Scope::OneLevel,
                filter,
                attributes: PROJECT,
            })
            .await
    }

    /// The person whose attribute holds this very value; nobody where two hold it.
    async fn only(&self, attribute: &str, value: &str) -> Result<Option<Entry>, PortError> {
        // LDAP forbids empty values; some servers answer the filter for one with an error.
        if value.is_empty() {
            return Ok(None);
        }
        let mut found = self.people(equals(attribute, value)).await?;
        found.retain(|entry| entry.holds(attribute, value));
        if found.len() > 1 {
            let dns: Vec<_> = found.iter().map(|entry| &entry.dn).collect();
            tracing::warn!(
                attribute,
                ?dns,
                "several people have the same value: none is taken"
            );
            return Ok(None);
        }
        Ok(found.pop())
    }

    /// The people of these DNs, found by their own part of the name and then compared as a whole.
    async fn people_named(&self, dns: &[String]) -> Result<Vec<Entry>, PortError> {
        let wanted: BTreeSet<Dn> = dns.iter().filter_map(|dn| Dn::parse(dn)).collect();
        let filters: Vec<String> = dns
            .iter()
            .filter_map(|dn| own_part(dn))
            .map(|(kind, value)| equals(&kind, &value))
            .collect();
        let mut people = Vec::new();
        for batch in filters.chunks(BATCH) {
            let found = self.people(format!("(|{})", batch.concat())).await?;
            people.extend(
                found
                    .into_iter()
                    .filter(|entry| wanted.contains(&entry.name)),
            );
        }
        Ok(people)
    }

    /// A person with their projects, and their roles in these.
    async fn person_of(&self, entry: Option<Entry>) -> Result<Option<Person>, PortError> {
        let Some((entry, (id, uid, cn))) = entry.and_then(|e| identity(&e).map(|id| (e, id)))
        else {
            return Ok(None);
        };
        let filter = format!("(&{GROUPS}{})", equals("member", &entry.dn));
        let mut names = BTreeMap::new();
        let mut projects = BTreeMap::new();
        for project in self.project_entries(filter).await? {
            if let Some(name) = project_name(&project) {
                names.insert(project.name, name.clone());
                projects.insert(name, BTreeSet::new());
            }
        }
        let filter = format!("(&{ROLES}{})", equals("roleOccupant", &entry.dn));
        for role in self.below(&self.config.projects_base, filter, ROLE).await? {
            // A role counts in a project that the person is a member of.
            let project = role.name.parent().and_then(|dn| names.get(&dn));
            if let (Some(project), Some(role)) = (project, role.first("cn")) {
                projects
                    .entry(project.clone())
                    .or_default()
                    .insert(role.to_owned());
            }
        }
        Ok(Some(Person {
            entry: id,
            uid,
            cn,
            projects,
        }))
    }

    /// Puts projects, roles and people together.
    pub(super) fn join(
        &self,
        projects: Vec<Entry>,
        roles: &[Entry],
        people: &[Entry],
    ) -> Vec<Project> {
        let people: BTreeMap<&Dn, Identity> = people
            .iter()
            .filter_map(|entry| Some((&entry.name, identity(entry)?)))
            .collect();
        let mut held: BTreeMap<(Dn, Dn), BTreeSet<&str>> = BTreeMap::new();
        for role in roles {
            let (Some(project), Some(name)) = (role.name.parent(), role.first("cn")) else {
                continue;
            };
            for occupant in role
                .all("roleOccupant")
                .iter()
                .filter_map(|dn| Dn::parse(dn))
            {
                held.entry((project.clone(), occupant))
                    .or_default()
                    .insert(name);
            }
        }
        // A group must not be empty: the service account is its first member.
        let seed = Dn::parse(&self.config.bind_dn);
        let joined = projects.into_iter().filter_map(|project| {
            let name = project_name(&project)?;
            let entry = uuid(&project)?;
            let members: BTreeSet<Dn> = project
                .all("member")
                .iter()
                .filter_map(|dn| Dn::parse(dn))
                .filter(|dn| Some(dn) != seed.as_ref())
                .collect();
            let members = members.into_iter().filter_map(|dn| {
                let Some((entry, uid, cn)) = people.get(&dn).cloned() else {
                    tracing::debug!(
                        project = project.dn,
                        ?dn,
                        "a member who is not among the people"
                    );
                    return None;
                };
                let roles = held.get(&(project.name.clone(), dn));
                Some(Member {
                    entry,
                    uid,
                    cn,
                    roles: roles
                        .into_iter()
                        .flatten()
                        .map(|role| (*role).to_owned())
                        .collect(),
                })
            });
            Some(Project {
                name,
                entry,
                description: project.first("description").map(str::to_owned),
                members: members.collect(),
            })
        });
        let mut joined: Vec<Project> = joined.collect();
        joined.sort_by(|one, other| one.name.cmp(&other.name));
        joined
    }
}

/// `entryUUID`, `uid` and `cn`.
pub(super) type Identity = (EntryUuid, String, String);

/// What makes an entry a person; `None` where it lacks a part.
pub(super) fn identity(entry: &Entry) -> Option<Identity> {
    let identity = (|| {
        Some((
            uuid(entry)?,
            entry.first("uid")?.to_owned(),
            entry.first("cn")?.to_owned(),
        ))
    })();
    if identity.is_none() {
        tracing::warn!(
            dn = entry.dn,
            "an entry without entryUUID, uid or cn is no person"
        );
    }
    identity
}

/// The project's name, where it is one that we can manage.
fn project_name(entry: &Entry) -> Option<ProjectName> {
    let name = ProjectName::parse(entry.first("cn").unwrap_or_default()).ok();
    if name.is_none() {
        tracing::warn!(dn = entry.dn, "left out: its name cannot be a project's");
    }
    name
}
