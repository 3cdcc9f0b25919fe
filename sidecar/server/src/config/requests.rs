//! The section `[requests]`.

use osm_core::quota::Limits;
use osm_core::requests::{self, Rule};
use serde::{Deserialize, Serialize};

/// People may ask for what they may not do themselves.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    /// Which are granted at once.
    pub rule: Option<RequestRule>,
}

/// Where all of it is so, a project is made at once.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct RequestRule {
    /// The asker's wiki account is at least so many days old.
    pub account_days: u32,
    /// They administer fewer projects than this.
    pub projects: u32,
    /// No other request of theirs was granted by rule for so many days.
    pub every_days: u32,
    /// A quota of no more than this, in each region.
    #[serde(default)]
    pub quota: QuotaBounds,
}

/// What is not there is looked at by a person.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct QuotaBounds {
    pub instances: Option<u64>,
    pub cores: Option<u64>,
    pub ram: Option<u64>,
}

impl Requests {
    /// As the rules want it.
    pub fn rules(&self) -> requests::Requests {
        requests::Requests {
            rule: self.rule.as_ref().map(|rule| Rule {
                account_days: rule.account_days,
                projects: rule.projects,
                every_days: rule.every_days,
                quota: Limits {
                    instances: rule.quota.instances,
                    cores: rule.quota.cores,
                    ram: rule.quota.ram,
                },
            }),
        }
    }
}
