//! Sudo rules of the project, among the twin's places.

use super::people::{NAMES, Places, bots};
use super::{Twin, project, project_id};
use osm_core::ports::RuleSet;
use osm_core::project::ManagedProject;
use osm_core::sudo::{
    COMMANDS, Judged, OPTIONS, Octets, Rule, RuleChange, SudoFacts, USERS, Values, Wanted,
};

fn key(name: &str) -> String {
    let change = RuleChange {
        project: bots(&Places::new()).entry,
        rule: name.to_owned(),
        before: None,
        after: None,
    };
    change.change(&project()).resource
}

/// A rule for these, with something that no form shows.
pub fn rules<'n>(users: impl IntoIterator<Item = &'n str>) -> Places {
    let mut values = Values::default();
    let users = users.into_iter().map(|uid| (USERS, uid));
    for (attribute, value) in users.chain([
        ("objectClass", "sudoRole"),
        ("cn", "web"),
        (COMMANDS, "/bin/ls"),
        (OPTIONS, "authenticate"),
        ("sudoOrder", "3"),
    ]) {
        values.put(attribute, Octets::Text(value.to_owned()));
    }
    Places::from([(key("web"), serde_json::to_value(values).unwrap())])
}

pub fn rules_of(places: &Places) -> Vec<Rule> {
    let below = key("");
    let rules = places.iter().filter_map(|(key, value)| {
        let name = key.strip_prefix(&below)?.to_owned();
        let values = serde_json::from_value(value.clone()).unwrap();
        Some(Rule { name, values })
    });
    rules.collect()
}

pub fn sudo_facts(places: &Places) -> SudoFacts {
    SudoFacts {
        managed: ManagedProject {
            project: bots(places),
            project_id: project_id(),
        },
        rules: rules_of(places),
    }
}

/// What a form might have been sent with.
pub fn wanted(places: &Places, pick: usize) -> Wanted {
    let members = sudo_facts(places).members();
    Wanted {
        users: Some(vec![members[pick % members.len()].clone()]),
        commands: Some(format!("/bin/{pick}\n{}", ["ALL", "/bin/ls"][pick % 2])),
        asks: Some(pick.is_multiple_of(3)),
        ..Wanted::default()
    }
}

impl Twin {
    pub fn set_sudo(&self, change: &RuleChange) -> RuleSet {
        let places = &mut self.0.lock().unwrap().cloud.places;
        let key = key(&change.rule);
        let now = places.get(&key).cloned();
        let now: Option<Values> = now.map(|now| serde_json::from_value(now).unwrap());
        match change.judge(now.as_ref()) {
            Judged::Done => return RuleSet::Already,
            Judged::Otherwise => return RuleSet::Otherwise(now),
            Judged::Ahead => {}
        }
        let (out, new) = change.values();
        match &change.after {
            None => places.remove(&key),
            Some(_) => {
                let mut values = now.unwrap_or_default().without(&out);
                for (attribute, added) in new.0 {
                    for value in added {
                        values.put(&attribute, value);
                    }
                }
                places.insert(key, serde_json::to_value(values).unwrap())
            }
        };
        RuleSet::Done
    }
}

/// Some of those whom sudo can tell apart.
pub fn users(some: [bool; 4]) -> impl Iterator<Item = &'static str> {
    let named = NAMES.into_iter().zip(some);
    let some = named.filter(|(uid, some)| *some && osm_core::sudo::is_account(uid));
    some.map(|(uid, _)| uid)
}

/// Where nothing else is said.
pub fn start() -> Places {
    rules(["ann", "bob"])
}
