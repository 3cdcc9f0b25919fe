//! Sudo rules: `sudoRole` entries right below `ou=sudoers` of a project. Read whole, with whatever others put there;
//! written value by value.

use super::Ldap;
use super::connection::Search;
use super::directory::{GROUPS, equals};
use super::dn::{Dn, own_part};
use super::entry::Entry;
use ldap3::{Scope, dn_escape};
use osm_core::ids::{EntryUuid, ProjectName};
use osm_core::ports::{Kind, Leave, PortError, RuleSet};
use osm_core::sudo::{Judged, Rule, RuleChange, Values};
use std::collections::{BTreeMap, HashSet};

const RULES: &str = "(objectClass=sudoRole)";
/// All that is the entry's own, and what tells one state of it from the next where the server says that.
const RULE: &[&str] = &["*", VERSION];
const VERSION: &str = "entryCSN";
/// What is found changed meanwhile is looked at again so often.
const LOOKS: u8 = 3;

/// An entry as it is now.
struct Now {
    dn: String,
    version: Option<String>,
    values: Values,
}

impl Ldap {
    pub(super) async fn rules(
        &self,
        of: Option<&ProjectName>,
    ) -> Result<BTreeMap<ProjectName, Vec<Rule>>, PortError> {
        let filter = match of {
            Some(name) => format!("(&{GROUPS}{})", equals("cn", name.as_str())),
            None => GROUPS.to_owned(),
        };
        let search = Search {
            base: &self.config.projects_base,
            scope: Scope::OneLevel,
            filter,
            // Not their members: they may be thousands.
            attributes: &["cn"],
        };
        let mut base = self.config.projects_base.clone();
        let mut places = BTreeMap::new();
        for project in self.connections.search(&search).await? {
            let name = ProjectName::parse(project.first("cn").unwrap_or_default()).ok();
            let Some(name) = name.filter(|name| of.is_none_or(|of| of == name)) else {
                continue;
            };
            if of.is_some() {
                base.clone_from(&project.dn);
            }
            places.extend(Dn::parse(&sudoers(&project.dn)).map(|place| (place, name)));
        }
        let mut rules: BTreeMap<ProjectName, Vec<Rule>> = BTreeMap::new();
        if places.is_empty() {
            return Ok(rules);
        }
        for entry in self.below(&base, RULES.to_owned(), RULE).await? {
            let project = entry.name.parent().and_then(|place| places.get(&place));
            let named = own_part(&entry.dn).filter(|(kind, _)| kind == "cn");
            if let (Some(project), Some((_, name))) = (project, named) {
                let values = values(&entry);
                let rules = rules.entry(project.clone()).or_default();
                rules.push(Rule { name, values });
            }
        }
        for rules in rules.values_mut() {
            rules.sort_by(|one, other| one.name.cmp(&other.name));
        }
        Ok(rules)
    }

    pub(super) async fn change_rule(
        &self,
        change: &RuleChange,
        leave: &dyn Leave,
    ) -> Result<RuleSet, PortError> {
        let failed = |kind, why: &str| {
            let target = format!("sudo rule {}", change.rule);
            Err(PortError::new("ldap", "change", target, kind, why))
        };
        let mut sent = false;
        for _ in 0..LOOKS {
            let Some(place) = self.sudoers_of(&change.project).await? else {
                return match change.after {
                    None => Ok(RuleSet::Already),
                    Some(_) => failed(Kind::NotFound, "LDAP has no such project"),
                };
            };
            let now = self.rule_now(&place, &change.rule).await?;
            match change.judge(now.as_ref().map(|now| &now.values)) {
                Judged::Done if sent => return Ok(RuleSet::Done),
                Judged::Done => return Ok(RuleSet::Already),
                Judged::Otherwise => return Ok(RuleSet::Otherwise(now.map(|now| now.values))),
                Judged::Ahead => {}
            }
            leave.still().await?;
            sent = true;
            match (&change.after, now) {
                (None, Some(now)) => {
                    let seen = now.version.as_deref().map(|seen| equals(VERSION, seen));
                    self.connections.delete_where(&now.dn, seen).await?;
                }
                (Some(after), None) => {
                    let one = |value| HashSet::from([value]);
                    let class = ("objectClass", one("organizationalUnit"));
                    // One that came from elsewhere may have no place for rules yet.
                    let unit = vec![class, ("ou", one("sudoers"))];
                    self.connections.add(&place, unit).await?;
                    let dn = format!("cn={},{place}", dn_escape(&change.rule));
                    self.connections.add_values(&dn, after).await?;
                }
                (Some(_), Some(now)) => {
                    let (out, new) = change.values();
                    self.connections.swap(&now.dn, &out, &new).await?;
                }
                (None, None) => {}
            }
        }
        failed(
            Kind::Protocol,
            "LDAP said that it was done, and does not show it",
        )
    }

    /// Where the rules of a project are.
    async fn sudoers_of(&self, project: &EntryUuid) -> Result<Option<String>, PortError> {
        let entry = self.entry_of_project(project).await?;
        Ok(entry.map(|entry| sudoers(&entry.dn)))
    }

    async fn rule_now(&self, place: &str, name: &str) -> Result<Option<Now>, PortError> {
        let wanted = Dn::parse(&format!("cn={},{place}", dn_escape(name)));
        let above = place.split_once(',').map_or(place, |(_, project)| project);
        let filter = format!("(&{RULES}{})", equals("cn", name));
        let found = self.below(above, filter, RULE).await?;
        let found = found
            .into_iter()
            .find(|entry| Some(&entry.name) == wanted.as_ref());
        Ok(found.map(|entry| Now {
            version: entry.first(VERSION).map(str::to_owned),
            values: values(&entry),
            dn: entry.dn,
        }))
    }
}

fn sudoers(project: &str) -> String {
    format!("ou=sudoers,{project}")
}

/// All that would have to be written to make it anew.
fn values(entry: &Entry) -> Values {
    let mut values = Values::default();
    for (attribute, value) in entry.values() {
        if !attribute.eq_ignore_ascii_case(VERSION) {
            values.put(attribute, value);
        }
    }
    values
}
