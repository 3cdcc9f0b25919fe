//! Who has a place in a project's posix group or in one of its roles, whether a member of the project or not.

use super::Ldap;
use super::directory::{GROUPS, Identity, ROLES, identity};
use super::dn::Dn;
use super::entry::Entry;
use osm_core::ids::{EntryUuid, ProjectName};
use osm_core::membership::{Grant, Place};
use osm_core::ports::{Places, PortError};
use osm_core::project::Project;
use std::collections::BTreeMap;

const ROLE: &[&str] = &["cn", "roleOccupant"];
const GROUP: &[&str] = &["cn", "member"];

impl Ldap {
    pub(super) async fn all_places(&self) -> Result<Places, PortError> {
        let entries = self.project_entries(GROUPS.to_owned()).await?;
        let names: BTreeMap<Dn, (ProjectName, EntryUuid)> = entries
            .iter()
            .flat_map(|entry| {
                let joined = self.join(vec![entry.clone()], &[], &[]).into_iter();
                joined.map(
                    |Project {
                         name, entry: id, ..
                     }| (entry.name.clone(), (name, id)),
                )
            })
            .collect();
        let found = self.people("(uid=*)".to_owned()).await?;
        let people: BTreeMap<Dn, Identity> = found
            .iter()
            .filter_map(|entry| Some((entry.name.clone(), identity(entry)?)))
            .collect();
        let mut places = Places::default();
        let roles = self.below(&self.config.projects_base, ROLES.to_owned(), ROLE);
        for role in roles.await? {
            let project = role.name.parent().and_then(|dn| names.get(&dn));
            if let (Some(project), Some(name)) = (project, role.first("cn")) {
                let role_of = |who| {
                    let role = name.to_owned();
                    grant(project, who, Place::Role { role })
                };
                places
                    .held
                    .extend(seated(&role, "roleOccupant", &people).map(role_of));
            }
        }
        let groups = self.below(&self.config.groups_base, GROUPS.to_owned(), GROUP);
        let mut groups_of: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        let groups = groups.await?;
        for group in &groups {
            groups_of
                .entry(group.first("cn").unwrap_or_default())
                .or_default()
                .push(group);
        }
        for project in names.values() {
            // Where two have the name it is no group of the project's: nothing is written to it either.
            if let Some([group]) = groups_of
                .get(&*format!("project-{}", project.0))
                .map(Vec::as_slice)
            {
                places.groups.insert(project.0.clone());
                let of_group = |who| grant(project, who, Place::Group);
                places
                    .held
                    .extend(seated(group, "member", &people).map(of_group));
            }
        }
        places.people = people
            .into_values()
            .map(|(entry, uid, cn)| (uid, (entry, cn)))
            .collect();
        Ok(places)
    }
}

/// The people among those whom an entry names.
fn seated<'p>(
    entry: &'p Entry,
    attribute: &str,
    people: &'p BTreeMap<Dn, Identity>,
) -> impl Iterator<Item = &'p Identity> {
    let named = entry.all(attribute).iter();
    named.filter_map(|dn| people.get(&Dn::parse(dn)?))
}

fn grant(project: &(ProjectName, EntryUuid), who: &Identity, place: Place) -> Grant {
    let (person, uid, cn) = who.clone();
    Grant {
        project: project.0.clone(),
        project_entry: project.1.clone(),
        person,
        uid,
        cn,
        place,
    }
}
