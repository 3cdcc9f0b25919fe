//! A project's quota in a region: what it may use at most, what it uses, and a plan for other limits.

use crate::authz::Permit;
use crate::ids::{ProjectName, Region};
use crate::instance::Headroom;
use crate::message::Msg;
use crate::pages::encode::cut;
use crate::plan::{Change, Facts, Plan, PlannedStep, Step};
use crate::project::ManagedProject;
use crate::refusal::{Refusal, RefusalKind};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// What is limited, by Nova's names: in a request the fields, `ram` in MiB; and what nobody can mean to have more of.
pub const NAMES: [(&str, u64); 3] = [
    ("instances", 1_000_000),
    ("cores", 1_000_000),
    ("ram", 1_000_000_000),
];
/// So much of what was typed is said again.
const SHOWN: usize = 40;

/// What a project may use at most; `None` is without limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Limits {
    pub instances: Option<u64>,
    pub cores: Option<u64>,
    /// In MiB.
    pub ram: Option<u64>,
}

/// What it uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Used {
    pub instances: u64,
    pub cores: u64,
    pub ram: u64,
}

/// Both, at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Quota {
    pub limits: Limits,
    pub used: Used,
}

impl Limits {
    /// In the order of [`NAMES`].
    pub fn values(&self) -> [Option<u64>; 3] {
        [self.instances, self.cores, self.ram]
    }

    /// The names of what is otherwise, each with its value now.
    pub fn otherwise_than(
        &self,
        before: &Self,
    ) -> impl Iterator<Item = (&'static str, Option<u64>)> {
        let pairs = self.values().into_iter().zip(before.values());
        let named = NAMES.into_iter().zip(pairs);
        named.filter_map(|((name, _), (now, then))| (now != then).then_some((name, now)))
    }

    /// In a message.
    pub fn told(&self) -> Msg {
        let values = self.values().into_iter();
        values.fold(Msg::new("quota-limits"), |msg, limit| {
            msg.with(shown(limit))
        })
    }

    /// In the words of the wiki's pages.
    pub fn words(&self) -> String {
        let [instances, cores, ram] = self.values().map(shown);
        format!("{instances} instances, {cores} cores, {ram} MiB of RAM")
    }
}

impl Used {
    /// In the order of [`NAMES`].
    pub fn values(&self) -> [u64; 3] {
        [self.instances, self.cores, self.ram]
    }
}

impl Quota {
    /// What is left; more than there is may be in use already.
    pub fn headroom(&self) -> Headroom {
        let mut left = self
            .limits
            .values()
            .into_iter()
            .zip(self.used.values())
            .map(|(limit, used)| {
                let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
                limit.map(|limit| signed(limit).saturating_sub(signed(used)))
            });
        let mut next = || left.next().flatten();
        Headroom {
            instances: next(),
            cores: next(),
            ram_mb: next(),
        }
    }
}

/// A limit as people read it.
pub fn shown(limit: Option<u64>) -> String {
    limit.map_or_else(|| "∞".to_owned(), |limit| limit.to_string())
}

/// Other limits than those there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct QuotaChange {
    pub before: Limits,
    pub after: Limits,
}

impl QuotaChange {
    /// The change back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            before: self.after,
            after: self.before,
        }
    }

    /// What is otherwise once it is done.
    pub fn change(&self, region: &Region, project: &ProjectName) -> Change {
        Change {
            resource: format!("{region}/quota/{project}"),
            before: Some(json!(self.before)),
            after: Some(json!(self.after)),
        }
    }
}

/// What other limits are planned from.
#[derive(Clone, Debug)]
pub struct QuotaFacts {
    /// The project.
    pub managed: ManagedProject,
    /// Where.
    pub region: Region,
    /// What Nova says of it.
    pub quota: Quota,
    /// We have an account to set them with.
    pub may_set: bool,
}

/// A request as it came from a form or an API call, nothing believed yet: numbers, and nothing for what is to stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct QuotaRequest {
    pub instances: String,
    pub cores: String,
    pub ram: String,
}

impl QuotaRequest {
    /// In the order of [`NAMES`].
    pub fn values(&self) -> [&str; 3] {
        [&self.instances, &self.cores, &self.ram]
    }

    /// Without spaces around.
    #[must_use]
    pub fn trimmed(&self) -> Self {
        let [instances, cores, ram] = self.values().map(|text| text.trim().to_owned());
        Self {
            instances,
            cores,
            ram,
        }
    }

    /// In the words of the wiki's pages.
    pub fn words(&self) -> String {
        let named = NAMES.into_iter().zip(self.values());
        let named = named.filter(|(_, value)| !value.is_empty());
        let each = named.map(|((name, _), value)| match name {
            "ram" => format!("{value} MiB of RAM"),
            _ => format!("{value} {name}"),
        });
        each.collect::<Vec<_>>().join(", ")
    }

    /// The limits wanted; the first that is wrong is told at its field.
    fn limits(&self, now: &Quota) -> Result<Limits, Refusal> {
        let mut limits = now.limits.values();
        let given = NAMES.into_iter().zip(self.values());
        for ((limit, used), ((name, most), text)) in
            limits.iter_mut().zip(now.used.values()).zip(given)
        {
            let text = text.trim();
            let unchanged = limit.is_some_and(|limit| limit.to_string() == text);
            if !text.is_empty() && !unchanged {
                *limit = Some(number(name, text, most, used)?);
            }
        }
        let [instances, cores, ram] = limits;
        Ok(Limits {
            instances,
            cores,
            ram,
        })
    }
}

fn number(name: &str, text: &str, most: u64, used: u64) -> Result<u64, Refusal> {
    let wrong = |why: &str| Msg::new(&format!("quota-{why}")).with(cut(text, SHOWN));
    let at = |why: Msg| Refusal::field(name, why);
    let (sign, digits) = match text.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(at(wrong("notanumber")));
    }
    if sign {
        return Err(at(wrong("negative")));
    }
    // So many digits that no number holds them are too many in any case.
    let wanted = digits.parse().unwrap_or(u64::MAX);
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    if wanted > most {
        return Err(at(wrong("toomuch").with(count(most))));
    }
    if wanted < used {
        return Err(at(wrong("inuse").with(count(used))));
    }
    Ok(wanted)
}

impl QuotaFacts {
    /// The limits wanted, which are others than those there are.
    pub fn wanted(&self, request: &QuotaRequest) -> Result<Limits, Refusal> {
        let before = self.quota.limits;
        let after = request.limits(&self.quota)?;
        if after != before {
            return Ok(after);
        }
        let why = Msg::new("quota-same").with(self.managed.project.name.as_str());
        Err(Refusal::new(
            RefusalKind::Conflict,
            why.with(self.region.as_str()).with(before.told()),
        ))
    }
}

/// Plans other limits. Whoever has the permit says how much: the bounds here are those of what can be meant.
pub fn plan_quota(
    permit: &Permit,
    facts: &QuotaFacts,
    request: &QuotaRequest,
) -> Result<Plan, Refusal> {
    let (project, region) = (&facts.managed.project, &facts.region);
    let (name, before) = (&project.name, facts.quota.limits);
    let after = facts.wanted(request)?;
    if !facts.may_set {
        let why = Msg::new("noquotasetter");
        return Err(Refusal::new(RefusalKind::Unavailable, why));
    }
    let change = QuotaChange { before, after };
    let back = Step::SetQuota {
        change: change.reversed(),
    };
    let mut noted = Facts::default();
    noted.note(format!("project {name}"), project.entry.as_str());
    for ((what, _), limit) in NAMES.into_iter().zip(before.values()) {
        noted.note(format!("{what} in {region}"), shown(limit));
    }
    Ok(Plan {
        version: Plan::VERSION,
        action: permit.action(),
        region: region.clone(),
        project: name.clone(),
        project_id: facts.managed.project_id.clone(),
        instance: None,
        name: name.to_string(),
        steps: vec![PlannedStep::undone_by(Step::SetQuota { change }, back)],
        facts: noted,
    })
}
