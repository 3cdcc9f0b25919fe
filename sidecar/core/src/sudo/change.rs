//! A change of a rule: what stands there before and after. It is made value by value, so that what others change
//! meanwhile stays, and only where what it takes away still stands.

use super::{USERS, Values};
use crate::ids::{EntryUuid, ProjectName};
use crate::membership::part;
use crate::message::Msg;
use crate::plan::Change;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

/// Octets of a name that are kept as they are.
const LONGEST: usize = 200;

/// A rule made, changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    /// The LDAP entry of the rule's project.
    pub project: EntryUuid,
    /// What the rule is called.
    pub rule: String,
    /// `None`: it was not there.
    pub before: Option<Values>,
    /// `None`: it is no longer there.
    pub after: Option<Values>,
}

/// How a change stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It can be made.
    Ahead,
    /// It is so already.
    Done,
    /// Somebody else has changed what it is about.
    Otherwise,
}

impl RuleChange {
    /// The change back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            before: self.after,
            after: self.before,
            ..self
        }
    }

    /// The step that makes it.
    pub fn step(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "create-sudo-rule",
            (Some(_), Some(_)) => "change-sudo-rule",
            (Some(_), None) => "delete-sudo-rule",
        }
    }

    /// The values that it takes away, and those that it adds.
    pub fn values(&self) -> (Values, Values) {
        let nothing = Values::default();
        let before = self.before.as_ref().unwrap_or(&nothing);
        let after = self.after.as_ref().unwrap_or(&nothing);
        (before.without(after), after.without(before))
    }

    /// How it stands where the rule is so now.
    pub fn judge(&self, now: Option<&Values>) -> Judged {
        let (out, new) = self.values();
        let whole = self.before.is_none() || self.after.is_none();
        let Some(now) = now else {
            return match (&self.before, &self.after) {
                (None, _) => Judged::Ahead,
                (_, None) => Judged::Done,
                // What is to be taken out is not there.
                _ if new.is_empty() => Judged::Done,
                _ => Judged::Otherwise,
            };
        };
        if whole {
            // Made or deleted is what was seen, and nothing else.
            return match (&self.before, &self.after) {
                (_, Some(after)) if now == after => Judged::Done,
                (Some(before), _) if now == before => Judged::Ahead,
                _ => Judged::Otherwise,
            };
        }
        let all = |values: &Values| values.without(now).is_empty();
        let none = |values: &Values| values.without(now) == *values;
        if all(&new) && none(&out) {
            Judged::Done
        } else if all(&out) && none(&new) {
            Judged::Ahead
        } else {
            Judged::Otherwise
        }
    }

    /// What an operation about it writes to: one at a time changes a rule.
    pub fn resource(&self, project: &ProjectName) -> String {
        // LDAP knows no capitals in names; and one that others gave may be longer than we can keep.
        let name = self.rule.to_lowercase();
        let name = match name.len() > LONGEST {
            true => Sha256::digest(name.as_bytes())
                .iter()
                .map(|octet| format!("{octet:02x}"))
                .collect(),
            false => part(&name),
        };
        format!("/sudo/{project}/{name}")
    }

    /// What is otherwise once it is made.
    pub fn change(&self, project: &ProjectName) -> Change {
        let stands = |values: &Option<Values>| values.as_ref().map(|values| json!(values));
        Change {
            resource: format!("/project/{project}/sudo/{}", part(&self.rule)),
            before: stands(&self.before),
            after: stands(&self.after),
        }
    }

    /// What it does, for people.
    pub fn told(&self) -> Msg {
        let users = |values: &Option<Values>| {
            let values = values.as_ref();
            values.is_some_and(|values| values.0.contains_key(USERS))
        };
        let name = match self.step() {
            "change-sudo-rule" if users(&self.before) && !users(&self.after) => {
                "will-empty-sudo-rule".to_owned()
            }
            step => format!("will-{step}"),
        };
        let (out, new) = self.values();
        let lines = |sign: &str, values: &Values| {
            let told = values.told();
            let lines = told.map(|(attribute, values)| format!("{sign} {attribute}: {values}"));
            lines.collect::<Vec<_>>()
        };
        let mut what = match self.before {
            Some(_) => lines("−", &out),
            None => Vec::new(),
        };
        what.extend(lines("+", &new));
        let msg = Msg::new(&name).with(self.rule.as_str());
        msg.with(what.join("; "))
    }
}
