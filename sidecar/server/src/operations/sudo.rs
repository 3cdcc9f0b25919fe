//! A project's sudo rules, in LDAP.

use super::steps::{Outcome, StepError};
use super::{Course, Runner};
use osm_core::message::Msg;
use osm_core::ports::RuleSet;
use osm_core::sudo::{RuleChange, Values};

impl Runner {
    /// Makes, changes or deletes a rule. What somebody else has changed meanwhile stays, and is told.
    pub(super) async fn set_rule(
        &self,
        course: &Course,
        change: &RuleChange,
    ) -> Result<Outcome, StepError> {
        let claim = self.claim(course);
        let name = change.rule.as_str();
        match self.effects.directory.set_rule(change, &claim).await? {
            RuleSet::Done => Ok(Outcome::Done),
            RuleSet::Already => Ok(Outcome::Already),
            RuleSet::Otherwise(None) => Err(Msg::new("sudo-gone").with(name).into()),
            RuleSet::Otherwise(Some(now)) => Err(Msg::new("sudo-otherwise")
                .with(name)
                .with(told(&now))
                .into()),
        }
    }
}

fn told(values: &Values) -> String {
    let told = values.told().map(|(what, is)| format!("{what}: {is}"));
    told.collect::<Vec<_>>().join("; ")
}
