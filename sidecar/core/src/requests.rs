//! Requests: who may not do a thing asks for it, and a rule or an approver grants it.
//!
//! What is asked for is a record that never changes; whoever grants it names its hash. The wiki page that shows it
//! decides nothing.

use crate::action::Action;
use crate::authz::Target;
use crate::founding::{described, one_line};
use crate::ids::{OperationId, ProjectName, Region};
use crate::message::Msg;
use crate::quota::{Limits, QuotaRequest};
use crate::refusal::Refusal;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Characters of a reason, and of an answer.
pub const LONGEST_WORDS: usize = 1000;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "wanted", rename_all = "kebab-case")]
pub enum Wanted {
    /// A project, with the asker as its first member and admin.
    Project {
        /// Its name.
        name: ProjectName,
        /// What it is for.
        description: String,
    },
    /// Other limits of a project in a region.
    Quota {
        /// Which.
        project: ProjectName,
        /// Where.
        region: Region,
        /// What it is to be able to use; nothing for what is to stay.
        limits: QuotaRequest,
    },
}

impl Wanted {
    /// The project that it is about.
    pub fn project(&self) -> &ProjectName {
        match self {
            Self::Project { name, .. } => name,
            Self::Quota { project, .. } => project,
        }
    }

    /// What grants it, and of what.
    pub fn granted_by(&self) -> (Action, Target) {
        match self {
            Self::Project { name, .. } => {
                // A project is of no region.
                let target = Target::Project(Region::trusted(""), name.clone());
                (Action::ProjectCreate, target)
            }
            Self::Quota {
                project, region, ..
            } => {
                let target = Target::Project(region.clone(), project.clone());
                (Action::ProjectQuota, target)
            }
        }
    }

    /// Where one has to be somebody to ask for it: a project that is not there yet has no members.
    pub fn asked_at(&self) -> Target {
        match self {
            Self::Project { .. } => Target::Everywhere,
            Self::Quota { .. } => self.granted_by().1,
        }
    }
}

/// What was asked for, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What.
    #[serde(flatten)]
    pub wanted: Wanted,
    /// In the asker's words.
    pub reason: String,
}

impl Asked {
    /// A project asked for.
    pub fn project(name: &str, description: &str, reason: &str) -> Result<Self, Refusal> {
        let name = ProjectName::parse(name.trim())?;
        let wanted = Wanted::Project {
            name,
            description: described(description)?.unwrap_or_default(),
        };
        Self::because(wanted, reason)
    }

    /// More of what a project may use.
    pub fn quota(
        project: ProjectName,
        region: Region,
        limits: QuotaRequest,
        reason: &str,
    ) -> Result<Self, Refusal> {
        let limits = limits.trimmed();
        if limits.values().iter().all(|limit| limit.is_empty()) {
            let why = Msg::new("request-nothing");
            return Err(Refusal::field("instances", why));
        }
        let wanted = Wanted::Quota {
            project,
            region,
            limits,
        };
        Self::because(wanted, reason)
    }

    fn because(wanted: Wanted, reason: &str) -> Result<Self, Refusal> {
        let reason = one_line("reason", reason, LONGEST_WORDS)?;
        if reason.is_empty() {
            return Err(Refusal::field("reason", Msg::new("request-noreason")));
        }
        Ok(Self { wanted, reason })
    }

    /// Names the record: whoever grants it grants this and nothing else.
    pub fn hash(&self) -> String {
        // What consists of texts can always be written.
        let text = serde_json::to_string(self).unwrap_or_default();
        let hash = Sha256::digest(text.as_bytes());
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What an approver says to the asker.
pub fn answer(text: &str) -> Result<String, Refusal> {
    one_line("answer", text, LONGEST_WORDS)
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum State {
    Open,
    Granted,
    Declined,
    Withdrawn,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Granted, Self::Declined, Self::Withdrawn];

    /// As stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Granted => "granted",
            Self::Declined => "declined",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// How a request was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Decision {
    /// Wiki user id and name; the asker themselves where they withdrew it or a rule granted it.
    pub by: (u64, String),
    pub at: DateTime<Utc>,
    /// A rule has granted it.
    pub by_rule: bool,
    /// What was said to the asker.
    pub words: String,
    /// What carries it out.
    pub operation: Option<OperationId>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Request {
    pub id: u64,
    pub asked: Asked,
    /// Wiki user id and name of the asker.
    pub by: (u64, String),
    pub at: DateTime<Utc>,
    pub state: State,
    pub decision: Option<Decision>,
}

/// When a request is granted at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The asker's wiki account is at least so many days old.
    pub account_days: u32,
    /// They administer fewer projects than this.
    pub projects: u32,
    /// No other request of theirs was granted by rule for so many days.
    pub every_days: u32,
    /// A quota of no more than this; none where a person has to look at each.
    pub quota: Limits,
}

/// What a rule looks at besides who asks.
#[derive(Clone, Copy, Debug)]
pub enum Case {
    /// So many projects the asker administers.
    Project(usize),
    /// The limits there are, and those wanted.
    Quota(Limits, Limits),
}

impl Rule {
    /// The time since when no request may have been granted by rule.
    pub fn since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - TimeDelta::days(self.every_days.into())
    }
}

/// The community takes requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Which are granted at once; none where there is no rule.
    pub rule: Option<Rule>,
}

/// Proof that a rule grants a request, or an approver has.
#[derive(Debug)]
pub struct Grantable(());

/// Whether a rule grants a request at once; otherwise why an approver has to look at it.
pub fn by_rule(
    rule: Option<Rule>,
    registered: Option<DateTime<Utc>>,
    case: Case,
    now: DateTime<Utc>,
) -> Result<Grantable, Msg> {
    let Some(rule) = rule else {
        return Err(Msg::new("request-norule"));
    };
    let days = i64::from(rule.account_days);
    let old = registered.is_some_and(|at| now - at >= TimeDelta::days(days));
    if !old {
        return Err(Msg::new("request-young").with(days));
    }
    match case {
        Case::Project(administers) => {
            if administers >= usize::try_from(rule.projects).unwrap_or(usize::MAX) {
                return Err(Msg::new("request-manyprojects").with(i64::from(rule.projects)));
            }
        }
        Case::Quota(before, after) => {
            let bounds = rule.quota.values().into_iter();
            let mut each = bounds.zip(before.values().into_iter().zip(after.values()));
            let within = |(bound, (before, after)): (Option<u64>, (Option<u64>, Option<u64>))| {
                // Never less than there is: nobody takes from the others by asking.
                let more = before
                    .zip(after)
                    .is_some_and(|(before, after)| before < after);
                let within = bound
                    .zip(after)
                    .is_some_and(|(bound, after)| after <= bound);
                before == after || more && within
            };
            if !each.all(within) {
                return Err(Msg::new("request-muchquota"));
            }
        }
    }
    Ok(Grantable(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_asked_for() {
        let long = "x".repeat(LONGEST_WORDS + 1);
        for (name, about, reason, field) in [
            ("bots", "For bots", "We need it", None),
            (" bots ", "", "We need it", None),
            ("a b", "", "We need it", Some("projectname")),
            ("bots", "two\nlines", "We need it", Some("description")),
            ("bots", "", "", Some("reason")),
            ("bots", "", "  ", Some("reason")),
            ("bots", "", "two\nlines", Some("reason")),
            ("bots", "", "turned \u{202e} round", Some("reason")),
            ("bots", "", long.as_str(), Some("reason")),
        ] {
            let asked = Asked::project(name, about, reason);
            let at = asked.as_ref().err().and_then(|no| no.field.as_deref());
            assert_eq!(at, field, "{name:?} {about:?} {reason:?}");
        }
    }

    #[test]
    fn a_hash_names_all_of_it() {
        let asked = |name, about, reason| Asked::project(name, about, reason).unwrap().hash();
        let one = asked("bots", "a", "b");
        assert_eq!(one, asked("bots", "a", "b"));
        for other in [
            asked("tools", "a", "b"),
            asked("bots", "b", "b"),
            asked("bots", "a", "c"),
        ] {
            assert_ne!(one, other);
        }
    }

    fn limits(instances: u64, cores: u64) -> Limits {
        Limits {
            instances: Some(instances),
            cores: Some(cores),
            ram: None,
        }
    }

    #[test]
    fn what_a_rule_grants() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1000);
        let days_ago = |days| Some(now - TimeDelta::days(days));
        let rule = Some(Rule {
            account_days: 30,
            projects: 2,
            every_days: 7,
            quota: limits(20, 40),
        });
        let project = Case::Project;
        let quota = |instances, cores| Case::Quota(limits(10, 20), limits(instances, cores));
        for (rule, registered, case, no) in [
            (rule, days_ago(30), project(0), None),
            (rule, days_ago(30), project(1), None),
            (rule, days_ago(30), quota(20, 20), None),
            (rule, days_ago(30), quota(20, 40), None),
            (rule, days_ago(30), quota(9, 20), Some("request-muchquota")),
            (rule, days_ago(30), quota(21, 20), Some("request-muchquota")),
            (rule, days_ago(30), quota(20, 41), Some("request-muchquota")),
            (rule, days_ago(29), quota(20, 20), Some("request-young")),
            (rule, days_ago(30), project(2), Some("request-manyprojects")),
            (rule, days_ago(29), project(0), Some("request-young")),
            // Whose age is not known is not old.
            (rule, None, project(0), Some("request-young")),
            (None, days_ago(300), project(0), Some("request-norule")),
        ] {
            let answer = by_rule(rule, registered, case, now);
            let key = answer.err().map(|msg| msg.key);
            assert_eq!(key, no.map(|no| format!("openstackmanager-{no}")));
        }
    }
}
