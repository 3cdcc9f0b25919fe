//! Making a project's entries, describing it, and deleting it with all that stands below.
//!
//! Here alone DNs are put together: those of entries that are not there yet.

use super::Ldap;
use super::connection::Search;
use super::directory::GROUPS;
use super::dn::Dn;
use super::entry::Entry;
use ldap3::{Scope, dn_escape};
use osm_core::founding::Part;
use osm_core::ids::{EntryUuid, OperationId};
use osm_core::ports::{Kind, Leave, PortError, ProjectPart};
use std::collections::HashSet;

/// Where an entry says by which operation it was made.
const MARKED: &[&str] = &["cn", "description", "info"];
const DESCRIPTION: &[&str] = &["description"];

pub(super) fn mark(by: &OperationId) -> String {
    format!("openstackmanager_operation={by}")
}

fn marked(entry: &Entry, by: &OperationId) -> bool {
    let mark = mark(by);
    ["info", "description"]
        .iter()
        .any(|kind| entry.holds(kind, &mark))
}

impl Ldap {
    pub(super) async fn make_part(
        &self,
        what: ProjectPart<'_>,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        let refuse = |why: &str| {
            let target = format!("project {}", what.project);
            PortError::new("ldap", "make a part of", target, Kind::Rejected, why)
        };
        let by = what.by.ok_or_else(|| refuse("no operation was named"))?;
        let (mark, name) = (mark(by), what.project.as_str());
        let one = |value| HashSet::from([value]);
        // A group must not be empty: the service account is its first member.
        let seed = ("member", one(self.config.bind_dn.as_str()));
        match what.part {
            Part::Keystone => Err(refuse("Keystone's part is not in LDAP")),
            Part::Group => {
                let gid = what.gid.ok_or_else(|| refuse("it has no gidNumber"))?;
                let (cn, gid) = (format!("project-{name}"), gid.to_string());
                let dn = below(&cn, &self.config.groups_base);
                let attributes = vec![
                    ("objectClass", HashSet::from(["posixGroup", "groupOfNames"])),
                    ("cn", one(cn.as_str())),
                    ("gidNumber", one(gid.as_str())),
                    ("description", one(mark.as_str())),
                    seed,
                ];
                leave.still().await?;
                self.added(&dn, attributes, by).await
            }
            Part::Entry { description, roles } => {
                let dn = below(name, &self.config.projects_base);
                let classes = HashSet::from(["groupOfNames", "extensibleObject"]);
                let mut attributes = vec![
                    ("objectClass", classes),
                    ("cn", one(name)),
                    ("info", one(mark.as_str())),
                    seed,
                ];
                attributes.extend(
                    description
                        .as_deref()
                        .map(|text| ("description", one(text))),
                );
                leave.still().await?;
                let mut made = self.added(&dn, attributes, by).await?;
                for role in roles {
                    let class = ("objectClass", one("organizationalRole"));
                    let attributes = vec![class, ("cn", one(role.as_str()))];
                    made |= self.connections.add(&below(role, &dn), attributes).await?;
                }
                let sudoers = format!("ou=sudoers,{dn}");
                let class = ("objectClass", one("organizationalUnit"));
                let attributes = vec![class, ("ou", one("sudoers"))];
                made |= self.connections.add(&sudoers, attributes).await?;
                // Members are root on its instances: that is what a project is for.
                let members = format!("%project-{name}");
                let attributes = vec![
                    ("objectClass", one("sudoRole")),
                    ("cn", one("default")),
                    ("sudoUser", one(members.as_str())),
                    ("sudoHost", one("ALL")),
                    ("sudoCommand", one("ALL")),
                    ("sudoOption", one("!authenticate")),
                ];
                made |= self
                    .connections
                    .add(&below("default", &sudoers), attributes)
                    .await?;
                Ok(made)
            }
        }
    }

    /// One that is there already must be this operation's own.
    pub(super) async fn added(
        &self,
        dn: &str,
        attributes: super::connection::Attributes<'_>,
        by: &OperationId,
    ) -> Result<bool, PortError> {
        if self.connections.add(dn, attributes).await? {
            return Ok(true);
        }
        if self.made_by(dn, by).await? {
            return Ok(false);
        }
        let why = "there is an entry of that name, which this operation has not made";
        Err(PortError::new("ldap", "add", dn, Kind::Conflict, why))
    }

    /// Whether an entry says that the operation has made it.
    async fn made_by(&self, dn: &str, by: &OperationId) -> Result<bool, PortError> {
        let found = self.itself(dn, MARKED).await?;
        Ok(found.is_some_and(|entry| marked(&entry, by)))
    }

    /// The entry of a DN.
    async fn itself(
        &self,
        dn: &str,
        attributes: &'static [&'static str],
    ) -> Result<Option<Entry>, PortError> {
        let search = Search {
            base: dn,
            scope: Scope::Base,
            filter: "(objectClass=*)".to_owned(),
            attributes,
        };
        Ok(self.connections.search(&search).await?.pop())
    }

    pub(super) async fn unmake_part(
        &self,
        what: ProjectPart<'_>,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        let (base, scope, cn) = match what.part {
            Part::Keystone => return Ok(false),
            Part::Group => {
                let cn = format!("project-{}", what.project);
                (&self.config.groups_base, Scope::Subtree, cn)
            }
            Part::Entry { .. } => {
                let cn = what.project.to_string();
                (&self.config.projects_base, Scope::OneLevel, cn)
            }
        };
        let Some(found) = self.named(base, scope, GROUPS, &cn).await? else {
            return Ok(false);
        };
        if let Some(by) = what.by
            && !self.made_by(&found.dn, by).await?
        {
            return Ok(false);
        }
        let below = self.dns_below(&found.dn).await?;
        leave.still().await?;
        for dn in below {
            self.connections.delete(&dn).await?;
        }
        self.connections.delete(&found.dn).await
    }

    /// What stands below an entry, the deepest first.
    pub(super) async fn dns_below(&self, base: &str) -> Result<Vec<String>, PortError> {
        let all = self.below(base, "(objectClass=*)".to_owned(), &["1.1"]);
        let own = Dn::parse(base);
        let mut found: Vec<Entry> = all.await?;
        found.retain(|entry| Some(&entry.name) != own.as_ref());
        found.sort_by_key(|entry| std::cmp::Reverse(entry.name.depth()));
        Ok(found.into_iter().map(|entry| entry.dn).collect())
    }

    pub(super) async fn describe_project(
        &self,
        project: &EntryUuid,
        before: Option<&str>,
        after: Option<&str>,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        let failed = |kind, why: &str| {
            Err(PortError::new(
                "ldap",
                "describe",
                format!("project entry {project}"),
                kind,
                why,
            ))
        };
        let Some(entry) = self.entry_of_project(project).await? else {
            return failed(Kind::NotFound, "LDAP has no such entry");
        };
        let found = self.itself(&entry.dn, DESCRIPTION).await?;
        let now = found.as_ref().and_then(|entry| entry.first("description"));
        if now == after {
            return Ok(false);
        }
        leave.still().await?;
        if now == before
            && self
                .connections
                .exchange(&entry.dn, "description", before, after)
                .await?
        {
            return Ok(true);
        }
        failed(
            Kind::Conflict,
            "somebody else has changed the description meanwhile",
        )
    }
}

fn below(cn: &str, base: &str) -> String {
    format!("cn={},{base}", dn_escape(cn))
}
