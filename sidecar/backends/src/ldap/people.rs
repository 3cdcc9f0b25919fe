//! Making the entries of people, and taking back those that were made.

use super::Ldap;
use super::directory::equals;
use super::projects::mark;
use ldap3::dn_escape;
use osm_core::accounts::Account;
use osm_core::ids::OperationId;
use osm_core::ports::{Kind, Leave, NumberOf, PortError};
use std::collections::HashSet;

impl Ldap {
    pub(super) async fn new_person(
        &self,
        account: &Account,
        number: u32,
        by: &OperationId,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        let dn = self.dn_of(&account.uid);
        let Some(newcomers) = &self.config.newcomers else {
            let why = "[accounts] is not configured";
            return Err(PortError::new("ldap", "add", dn, Kind::Rejected, why));
        };
        // An earlier try may have made it, and everything else of that name is somebody's.
        if self.shell_name_taken(&account.uid).await? {
            if self.own(account, by).await?.is_some() {
                return Ok(false);
            }
            let why = "somebody else has got that name meanwhile";
            return Err(PortError::new("ldap", "add", dn, Kind::Conflict, why));
        }
        let (number, gid, mark) = (number.to_string(), newcomers.gid.to_string(), mark(by));
        let home = newcomers.home.replace("%u", &account.uid);
        let one = |value| HashSet::from([value]);
        let attributes = vec![
            (
                "objectClass",
                HashSet::from(["inetOrgPerson", "posixAccount"]),
            ),
            ("uid", one(account.uid.as_str())),
            ("cn", one(account.name.as_str())),
            ("sn", one(account.name.as_str())),
            ("uidNumber", one(number.as_str())),
            ("gidNumber", one(gid.as_str())),
            ("homeDirectory", one(home.as_str())),
            ("loginShell", one(newcomers.shell.as_str())),
            ("description", one(mark.as_str())),
        ];
        leave.still().await?;
        self.added(&dn, attributes, by).await
    }

    pub(super) async fn no_person(
        &self,
        account: &Account,
        by: &OperationId,
        leave: &dyn Leave,
    ) -> Result<bool, PortError> {
        let Some(dn) = self.own(account, by).await? else {
            return Ok(false);
        };
        // Whoever was given a place meanwhile uses the entry, and the next one of that name would have the place.
        if self.mentioned(&account.uid).await? {
            let why = "somebody has given it a place in a group, a project or a sudo rule since it was made; \
                       take that away, or let the account be";
            let (tried, target) = ("delete the entry", account.uid.as_str());
            return Err(PortError::new("ldap", tried, target, Kind::Denied, why));
        }
        leave.still().await?;
        self.connections.delete(&dn).await
    }

    /// The entry that the operation has made.
    async fn own(&self, account: &Account, by: &OperationId) -> Result<Option<String>, PortError> {
        let (uid, mark) = (
            equals("uid", &account.uid),
            equals("description", &mark(by)),
        );
        let found = self.people(format!("(&{uid}{mark})")).await?;
        Ok(found.into_iter().next().map(|entry| entry.dn))
    }

    /// LDAP compares these without regard to case, as the file systems of some clients do. Places of somebody who is
    /// no longer there would be the next one's who is called so: what they are mentioned in keeps their name.
    pub(super) async fn shell_name_taken(&self, uid: &str) -> Result<bool, PortError> {
        let (people, groups) = (&self.config.people_base, &self.config.groups_base);
        let group = format!("(&(objectClass=posixGroup){})", equals("cn", uid));
        Ok(self.any(people, equals("uid", uid)).await?
            || self.any(groups, group).await?
            || self.mentioned(uid).await?)
    }

    /// Whether a group, a project, a role or a sudo rule names them.
    async fn mentioned(&self, uid: &str) -> Result<bool, PortError> {
        let dn = self.dn_of(uid);
        let mentioned: String = ["member", "uniqueMember", "roleOccupant"]
            .map(|kind| equals(kind, &dn))
            .into_iter()
            .chain(["memberUid", "sudoUser", "sudoRunAsUser"].map(|kind| equals(kind, uid)))
            .collect();
        let mentioned = format!("(|{mentioned})");
        Ok(self
            .any(&self.config.groups_base, mentioned.clone())
            .await?
            || self.any(&self.config.projects_base, mentioned).await?)
    }

    pub(super) async fn number_taken(
        &self,
        kind: NumberOf,
        number: u32,
    ) -> Result<bool, PortError> {
        let attribute = match kind {
            NumberOf::Group => "gidNumber",
            NumberOf::Person => "uidNumber",
        };
        let filter = equals(attribute, &number.to_string());
        let (people, groups) = (&self.config.people_base, &self.config.groups_base);
        Ok(self.any(groups, filter.clone()).await? || self.any(people, filter).await?)
    }

    async fn any(&self, base: &str, filter: String) -> Result<bool, PortError> {
        Ok(!self.below(base, filter, &["1.1"]).await?.is_empty())
    }

    fn dn_of(&self, uid: &str) -> String {
        format!("uid={},{}", dn_escape(uid), self.config.people_base)
    }
}
