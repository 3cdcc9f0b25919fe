//! What an instance's entry in LDAP has Puppet do. The entry is somebody else's: we read it.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Classes and variables (`name=value`) of one instance; both empty where it has no entry, or an empty one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Puppet {
    pub classes: BTreeSet<String>,
    pub vars: BTreeSet<String>,
}

impl Puppet {
    /// Nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty() && self.vars.is_empty()
    }
}

/// An entry as LDAP gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// All that it is called.
    pub names: BTreeSet<String>,
    /// What it says.
    pub puppet: Puppet,
}

/// Entries by their names, in whatever capitals.
#[derive(Clone, Debug, Default)]
pub struct Hosts(BTreeMap<String, Puppet>);

impl Hosts {
    /// Where two entries have one name, both are meant.
    pub fn new(found: Vec<Host>) -> Self {
        let mut hosts: BTreeMap<String, Puppet> = BTreeMap::new();
        for Host { names, puppet } in found {
            for name in names {
                let known = hosts.entry(name.to_lowercase()).or_default();
                known.classes.extend(puppet.classes.iter().cloned());
                known.vars.extend(puppet.vars.iter().cloned());
            }
        }
        Self(hosts)
    }

    /// What the entry says that has one of these names, the first of them first.
    pub fn of(&self, names: &[String]) -> Option<&Puppet> {
        names
            .iter()
            .find_map(|name| self.0.get(&name.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(names: &[&str], class: &str) -> Host {
        let set = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
        Host {
            names: set(names),
            puppet: Puppet {
                classes: set(&[class]),
                vars: BTreeSet::new(),
            },
        }
    }

    #[test]
    fn the_id_goes_before_a_name_that_others_had() {
        let hosts = Hosts::new(vec![
            host(&["web.bots.example"], "of the name"),
            host(&["3F9A.bots.example", "3F9A"], "of the id"),
        ]);
        let names = ["3f9a", "web.bots.example"].map(str::to_owned);
        assert!(hosts.of(&names).unwrap().classes.contains("of the id"));
        let other = hosts.of(&names[1..]).unwrap();
        assert!(other.classes.contains("of the name"));
        assert_eq!(hosts.of(&["mail".to_owned()]), None);
    }
}
