//! LDAP's project entry says who is a member; groups, roles and Keystone's assignments are to go with it.

use super::{Assigned, Difference, LdapWorld, World};
use crate::ids::{EntryUuid, ProjectId};
use crate::membership::{Grant, Place};
use crate::ports::Pin;
use crate::project::{Member, Project};
use std::collections::BTreeSet;

pub(super) fn compare(world: &World) -> Vec<Difference> {
    let Some(ldap) = &world.ldap else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for project in &ldap.projects {
        // Where the pair of ids is not the one pinned nothing is done in the project.
        let pinned = |pin: &&Pin| pin.name == project.name && pin.entry == project.entry;
        let Some(pin) = world.pins.iter().find(pinned) else {
            continue;
        };
        let at = At {
            world,
            ldap,
            project,
            project_id: &pin.project_id,
        };
        found.extend(at.in_ldap());
        found.extend(at.in_keystone());
    }
    found
}

/// One project.
struct At<'w> {
    world: &'w World,
    ldap: &'w LdapWorld,
    project: &'w Project,
    project_id: &'w ProjectId,
}

impl At<'_> {
    fn in_ldap(&self) -> Vec<Difference> {
        let name = &self.project.name;
        let here = || self.ldap.places.held.iter().filter(|g| g.project == *name);
        let mut found: Vec<Difference> = here()
            .filter(|grant| self.project.member(&grant.person).is_none())
            .filter_map(|grant| self.found(grant.clone(), true))
            .collect();
        if self.ldap.places.groups.contains(name) {
            let grouped: BTreeSet<&EntryUuid> = here()
                .filter(|grant| grant.place == Place::Group)
                .map(|grant| &grant.person)
                .collect();
            let missing = self.project.members.iter();
            let missing = missing.filter(|member| !grouped.contains(&member.entry));
            found.extend(missing.filter_map(|m| self.found(self.of(m, Place::Group), false)));
        }
        found
    }

    fn in_keystone(&self) -> Vec<Difference> {
        let Some((role, assigned)) = &self.world.assigned else {
            return Vec::new();
        };
        let place = || Place::Cloud { role: role.clone() };
        let here = |a: &&Assigned| a.project == *self.project_id;
        let users: BTreeSet<&str> = assigned.iter().filter(here).map(|a| &*a.user).collect();
        let members = self.project.members.iter();
        let missing = members.clone().filter(|m| !users.contains(m.uid.as_str()));
        let mut found: Vec<Difference> = missing
            .filter_map(|member| self.found(self.of(member, place()), false))
            .collect();
        let members: BTreeSet<&str> = members.map(|m| m.uid.as_str()).collect();
        for user in users.difference(&members) {
            found.extend(match self.ldap.places.people.get(*user) {
                Some((entry, cn)) => {
                    let person = Member {
                        entry: entry.clone(),
                        uid: (*user).to_owned(),
                        cn: cn.clone(),
                        roles: Vec::new(),
                    };
                    self.found(self.of(&person, place()), true)
                }
                None => Some(Difference::UnknownAssigned {
                    project: self.project.name.clone(),
                    user: (*user).to_owned(),
                }),
            });
        }
        found
    }

    fn of(&self, person: &Member, place: Place) -> Grant {
        Grant {
            project: self.project.name.clone(),
            project_entry: self.project.entry.clone(),
            person: person.entry.clone(),
            uid: person.uid.clone(),
            cn: person.cn.clone(),
            place,
        }
    }

    /// Nothing while an operation about this person is under way: it gives and takes one place after the other.
    fn found(&self, grant: Grant, has: bool) -> Option<Difference> {
        let busy = self.world.busy.contains(&grant.resource());
        (!busy).then(|| Difference::Place {
            grant,
            project_id: self.project_id.clone(),
            has,
        })
    }
}
