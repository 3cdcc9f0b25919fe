//! Sudo rules of the test's own in the project `bots`.

use crate::world::World;
use async_trait::async_trait;
use osm_core::ids::ProjectName;
use osm_core::plan::Plan;
use osm_core::ports::{Directory as _, DirectoryWrite as _, Leave, PortError, RuleSet};
use osm_core::sudo::{Octets, Rule, RuleChange, Values};
use std::collections::BTreeMap;

impl World {
    /// A rule of `bots`.
    pub async fn rule(&self, name: &str) -> Option<Rule> {
        let mut rules = self.rules().await.into_iter();
        rules.find(|rule| rule.name == name)
    }

    async fn rules(&self) -> Vec<Rule> {
        let bots = ProjectName::trusted("bots");
        let rules = self.directory.sudo_rules(Some(&bots)).await;
        rules.unwrap().remove(&bots).unwrap_or_default()
    }

    /// A plan for a rule of the test's own, which is there first, or is not.
    pub async fn rule_plan(&self, word: &str, name: String) -> Plan {
        let name = format!("{}-{name}", self.prefix);
        let there = (word != "create").then_some("%project-bots");
        self.has_rule(&name, there).await;
        let (project, name) = (("projectname", "bots"), ("sudoername", name.as_str()));
        let what = [("users", "%project-bots"), ("commands", "/bin/ls")];
        let params = [("subaction", word), project, name, what[0], what[1]];
        self.planned("novasudoer", &params).await
    }

    /// Has a rule by which somebody may do everything, or none of that name: past all operations.
    pub async fn has_rule(&self, name: &str, user: Option<&str>) {
        let after = user.map(|user| {
            let mut values = Values::default();
            for (attribute, value) in [
                ("objectClass", "sudoRole"),
                ("cn", name),
                ("sudoUser", user),
                ("sudoCommand", "ALL"),
            ] {
                values.put(attribute, Octets::Text(value.to_owned()));
            }
            values
        });
        let bots = ProjectName::trusted("bots");
        let change = RuleChange {
            project: self.directory.project(&bots).await.unwrap().unwrap().entry,
            rule: name.to_owned(),
            before: self.rule(name).await.map(|rule| rule.values),
            after,
        };
        if change.before != change.after {
            let made = self.directory.set_rule(&change, &Always).await.unwrap();
            assert_eq!(made, RuleSet::Done, "{change:?}");
        }
    }

    /// The test's own rules.
    pub async fn list_rules(&self, listing: &mut BTreeMap<String, String>) {
        for rule in self.rules().await {
            if rule.name.starts_with(&self.prefix) {
                listing.insert(format!("rule {}", rule.name), format!("{:?}", rule.values));
            }
        }
    }

    /// Takes the test's own rules out of the world.
    pub async fn remove_rules(&self) {
        for rule in self.rules().await {
            if rule.name.starts_with(&self.prefix) {
                self.has_rule(&rule.name, None).await;
            }
        }
    }
}

struct Always;

#[async_trait]
impl Leave for Always {
    async fn still(&self) -> Result<(), PortError> {
        Ok(())
    }
}
