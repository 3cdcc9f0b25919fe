//! Sudo rules of the test's own in the project `bots`.

use crate::world::World;
use osm_core::ids::ProjectName;
use osm_core::plan::Plan;
use osm_core::ports::Directory as _;
use osm_core::sudo::Rule;
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
        let (name, all) = (format!("{}-{name}", self.prefix), "%project-bots");
        match word {
            "create" if self.rule(&name).await.is_some() => self.call(&name, "delete", all).await,
            "create" => {}
            _ => self.has_rule(&name, all).await,
        }
        // Back and forth.
        let is_small = |rule: Rule| rule.values.has("sudocommand", "/bin/ls");
        let commands = match self.rule(&name).await.is_some_and(is_small) {
            true => "ALL",
            false => "/bin/ls",
        };
        self.planned("novasudoer", &params(word, &name, all, commands))
            .await
    }

    /// Has a rule of the test's own that is for somebody.
    pub async fn has_rule(&self, name: &str, user: &str) {
        let there = self.rule(name).await;
        let named = there.as_ref().map(|rule| rule.values.has("sudouser", user));
        match named {
            Some(true) => {}
            Some(false) => self.call(name, "modify", user).await,
            None => self.call(name, "create", user).await,
        }
    }

    async fn call(&self, name: &str, word: &str, user: &str) {
        self.done("novasudoer", &params(word, name, user, "ALL"))
            .await;
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
                self.call(&rule.name, "delete", "").await;
            }
        }
    }
}

fn params<'p>(
    word: &'p str,
    name: &'p str,
    user: &'p str,
    commands: &'p str,
) -> [(&'p str, &'p str); 5] {
    let (project, name) = (("projectname", "bots"), ("sudoername", name));
    let what = [("users", user), ("commands", commands)];
    [("subaction", word), project, name, what[0], what[1]]
}
