//! Who is in which project, group and role: asked and written one value at a time.
//!
//! Entries are found by `entryUUID` at the moment of the change, as people and projects may be renamed; a DN is
//! never put together here, it is taken as the server writes it.

use super::Ldap;
use super::connection::{Change, Search};
use super::directory::{GROUPS, ROLES, equals};
use super::entry::Entry;
use async_trait::async_trait;
use ldap3::Scope;
use osm_core::accounts::Account;
use osm_core::ids::{EntryUuid, OperationId};
use osm_core::keys::Held;
use osm_core::membership::{Grant, Place};
use osm_core::ports::{DirectoryWrite, Kind, Leave, PortError, ProjectPart, RuleSet};
use osm_core::sudo::RuleChange;

/// The entry that holds a place, and the attribute with its people.
struct Seats {
    dn: String,
    attribute: &'static str,
}

#[async_trait]
impl DirectoryWrite for Ldap {
    async fn set_key(&self, key: &Held, there: bool, leave: &dyn Leave) -> Result<bool, PortError> {
        self.change_key(key, there, leave).await
    }

    async fn make_person(
        &self,
        account: &Account,
        number: u32,
        by: &OperationId,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        self.new_person(account, number, by, leave).await
    }

    async fn unmake_person(
        &self,
        account: &Account,
        by: &OperationId,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        self.no_person(account, by, leave).await
    }

    async fn give(&self, grant: &Grant, leave: &dyn Leave) -> Result<bool, PortError> {
        self.seat(grant, true, leave).await
    }

    async fn take(&self, grant: &Grant, leave: &dyn Leave) -> Result<bool, PortError> {
        self.seat(grant, false, leave).await
    }

    async fn make(&self, what: ProjectPart<'_>, leave: &dyn Leave) -> Result<bool, PortError> {
        self.make_part(what, leave).await
    }

    async fn unmake(&self, what: ProjectPart<'_>, leave: &dyn Leave) -> Result<bool, PortError> {
        self.unmake_part(what, leave).await
    }

    async fn set_rule(&self, change: &RuleChange, leave: &dyn Leave) -> Result<RuleSet, PortError> {
        self.change_rule(change, leave).await
    }

    async fn describe(
        &self,
        project: &EntryUuid,
        before: Option<&str>,
        after: Option<&str>,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        self.describe_project(project, before, after, leave).await
    }
}

impl Ldap {
    /// Whether the person is there; `None` where there is nothing to be in.
    pub(super) async fn has_place(&self, grant: &Grant) -> Result<Option<bool>, PortError> {
        let Some(seats) = self.seats(grant).await? else {
            return Ok(None);
        };
        let Some(person) = self.entry_of_person(&grant.person).await? else {
            return Ok(Some(false));
        };
        let search = Search {
            base: &seats.dn,
            scope: Scope::Base,
            filter: equals(seats.attribute, &person.dn),
            attributes: &["1.1"],
        };
        Ok(Some(!self.connections.search(&search).await?.is_empty()))
    }

    async fn seat(&self, grant: &Grant, there: bool, leave: &dyn Leave) -> Result<bool, PortError> {
        let missing = |what: &str| {
            let (operation, target) = (what, format!("{} in {}", grant.uid, grant.project));
            Err(PortError::new(
                "ldap",
                operation,
                target,
                Kind::NotFound,
                "LDAP has no such entry",
            ))
        };
        let Some(person) = self.entry_of_person(&grant.person).await? else {
            return missing("find the person");
        };
        let Some(seats) = self.seats(grant).await? else {
            return missing(match &grant.place {
                Place::Project => "find the project",
                Place::Group => "find the posix group",
                Place::Role { .. } | Place::Cloud { .. } => "find the role",
            });
        };
        let change = Change {
            attribute: seats.attribute,
            value: &person.dn,
            there,
        };
        leave.still().await?;
        self.connections.change(&seats.dn, &change).await
    }

    /// Where the people of a place are written down.
    async fn seats(&self, grant: &Grant) -> Result<Option<Seats>, PortError> {
        let found = match &grant.place {
            Place::Project => self.entry_of_project(&grant.project_entry).await?,
            Place::Group => {
                let name = format!("project-{}", grant.project);
                let base = &self.config.groups_base;
                self.named(base, Scope::Subtree, GROUPS, &name).await?
            }
            Place::Role { role } => match self.entry_of_project(&grant.project_entry).await? {
                Some(project) => {
                    self.named(&project.dn, Scope::OneLevel, ROLES, role)
                        .await?
                }
                None => None,
            },
            Place::Cloud { .. } => None,
        };
        let attribute = match &grant.place {
            Place::Role { .. } => "roleOccupant",
            _ => "member",
        };
        Ok(found.map(|entry| Seats {
            dn: entry.dn,
            attribute,
        }))
    }

    /// The entry of this very name; none where two have it.
    pub(super) async fn named(
        &self,
        base: &str,
        scope: Scope,
        class: &str,
        name: &str,
    ) -> Result<Option<Entry>, PortError> {
        let search = Search {
            base,
            scope,
            filter: format!("(&{class}{})", equals("cn", name)),
            attributes: &["cn"],
        };
        let mut found = self.connections.search(&search).await?;
        found.retain(|entry| entry.holds("cn", name));
        Ok(match found.len() {
            1 => found.pop(),
            _ => None,
        })
    }
}
