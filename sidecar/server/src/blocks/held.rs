//! What people hold where: LDAP's word and Keystone's, read once for a look.

use super::{Blocks, Kept};
use crate::telemetry::metrics;
use osm_core::drift::Assigned;
use osm_core::ids::EntryUuid;
use osm_core::membership::{Grant, Place};
use osm_core::ports::{Kind, Pin, Places, PortError};
use osm_core::project::{ManagedProject, Project};
use osm_core::suspension::Suspension;
use std::collections::BTreeMap;
use tracing::warn;

pub(super) struct Held {
    projects: Vec<Project>,
    places: Places,
    /// The role of members in Keystone, and who is assigned it; none where we have no account to assign it with.
    assigned: Option<(String, Vec<Assigned>)>,
    /// Keystone has answered. Who is to be taken out is taken out of LDAP also while it is away.
    pub complete: bool,
    pins: BTreeMap<EntryUuid, Pin>,
}

impl Held {
    pub async fn read(blocks: &Blocks) -> Result<Self, PortError> {
        let projects = blocks.directory.projects().await?;
        if projects.is_empty() {
            // Nothing is concluded from an answer that holds nothing.
            let why = "LDAP shows no project at all";
            let what = "look for what is held in";
            return Err(PortError::new(
                "ldap",
                what,
                "projects",
                Kind::Protocol,
                why,
            ));
        }
        let (mut assigned, mut complete) = (None, true);
        if let Some(role) = &blocks.settings.cloud_role {
            let domain = &blocks.settings.people_domain;
            match blocks.identity.assigned(role, domain, None).await {
                Ok(rows) => assigned = Some((role.clone(), rows)),
                Err(error) => {
                    complete = false;
                    warn!(%error, "who is assigned what in Keystone cannot be seen; blocks are looked at again");
                    metrics::backend_error(&error);
                }
            }
        }
        let pins = blocks.pins.pins().await?.into_iter();
        Ok(Self {
            projects,
            places: blocks.directory.places().await?,
            assigned,
            complete,
            pins: pins.map(|pin| (pin.entry.clone(), pin)).collect(),
        })
    }

    /// A project of which the pair of ids is the one that was pinned.
    pub fn managed(&self, entry: &EntryUuid) -> Option<ManagedProject> {
        let project = self
            .projects
            .iter()
            .find(|project| project.entry == *entry)?;
        let pin = self
            .pins
            .get(entry)
            .filter(|pin| pin.name == project.name)?;
        Some(ManagedProject {
            project: project.clone(),
            project_id: pin.project_id.clone(),
        })
    }

    /// LDAP has other projects, and not the one whose places were kept.
    pub fn is_gone(&self, row: &Suspension) -> bool {
        !(self.projects.iter()).any(|project| project.entry == row.project_entry)
    }

    /// The projects in which the person holds something, or something of theirs is kept.
    pub fn projects(&self, person: &EntryUuid, kept: &[Kept]) -> Vec<ManagedProject> {
        let known = self.pins.keys().filter_map(|entry| self.managed(entry));
        let about = |project: &ManagedProject| {
            let entry = &project.project.entry;
            let is_kept = |(row, _): &Kept| row.person == *person && row.project_entry == *entry;
            kept.iter().any(is_kept) || !self.places(person, project).is_empty()
        };
        known.filter(about).collect()
    }

    /// All that the person holds in a project.
    pub fn places(&self, person: &EntryUuid, managed: &ManagedProject) -> Vec<Grant> {
        let project = &managed.project;
        let of = |uid: &str, cn: &str, place: Place| Grant {
            project: project.name.clone(),
            project_entry: project.entry.clone(),
            person: person.clone(),
            uid: uid.to_owned(),
            cn: cn.to_owned(),
            place,
        };
        let member = project.member(person);
        let member = member.map(|member| of(&member.uid, &member.cn, Place::Project));
        let here = |grant: &&Grant| grant.person == *person && grant.project == project.name;
        let others = self.places.held.iter().filter(here);
        let others = others.map(|grant| of(&grant.uid, &grant.cn, grant.place.clone()));
        let cloud = self.assigned.iter().flat_map(|(role, rows)| {
            let theirs = rows.iter().filter(|row| row.project == managed.project_id);
            theirs.filter_map(|row| {
                let (entry, cn) = self.places.people.get(&row.user)?;
                let place = Place::Cloud { role: role.clone() };
                (entry == person).then(|| of(&row.user, cn, place))
            })
        });
        member.into_iter().chain(others).chain(cloud).collect()
    }

    /// What was kept, the person does not have, and there still is to be had; `None` where LDAP does not show the
    /// person.
    pub async fn missing(
        &self,
        blocks: &Blocks,
        row: &Suspension,
        managed: &ManagedProject,
    ) -> Result<Option<Vec<Grant>>, PortError> {
        let Some(person) = blocks.directory.person(&row.person).await? else {
            return Ok(None);
        };
        let has = self.places(&row.person, managed);
        let mut missing = Vec::new();
        for kept in &row.kept {
            let grant = Grant::of(&person, &managed.project, kept.place.clone());
            let to_be_had = match &grant.place {
                // A role that members do not get any more is nobody's to give.
                Place::Cloud { role } => {
                    let ours = self.assigned.as_ref().is_some_and(|(now, _)| now == role);
                    ours && !has.iter().any(|held| held.place == grant.place)
                }
                _ => blocks.directory.holds(&grant).await? == Some(false),
            };
            if to_be_had {
                missing.push(grant);
            }
        }
        Ok(Some(missing))
    }
}
