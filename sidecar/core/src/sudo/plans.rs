//! Making a rule, changing it, deleting it.

use super::words::{self, MOST, is_account, is_line};
use super::{
    ALL, ASK, ASK_NOT, COMMANDS, HOSTS, OPTIONS, Octets, RUNAS, Rule, RuleChange, USERS, Values,
    all_members,
};
use crate::authz::{Permit, Target};
use crate::ids::Region;
use crate::message::Msg;
use crate::pages::encode::cut;
use crate::plan::{Facts, Plan, PlannedStep, Step};
use crate::project::ManagedProject;
use crate::refusal::{Refusal, RefusalKind};
use sha2::{Digest as _, Sha256};

/// Characters of a fact that are written out.
const WHOLE: usize = 300;

/// What is to stand in a rule, of what the form shows; `None` stays as it is.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Wanted {
    pub users: Option<Vec<String>>,
    pub runas: Option<Vec<String>>,
    /// One a line.
    pub commands: Option<String>,
    /// One a line.
    pub options: Option<String>,
    /// Whether sudo asks for the password.
    pub asks: Option<bool>,
}

/// What a plan for a rule is made from.
#[derive(Clone, Debug)]
pub struct SudoFacts {
    /// The project with its people.
    pub managed: ManagedProject,
    /// All its rules.
    pub rules: Vec<Rule>,
}

impl SudoFacts {
    /// The rule of this very name.
    pub fn rule(&self, name: &str) -> Result<&Rule, Refusal> {
        let found = self.rules.iter().find(|rule| rule.name == name);
        found.ok_or_else(|| {
            let why = Msg::new("sudo-nosuchrule").with(cut(name, words::LONGEST_NAME));
            Refusal {
                kind: RefusalKind::NotFound,
                ..Refusal::field("sudoername", why.with(self.managed.project.name.as_str()))
            }
        })
    }

    /// Whom a form can choose: all members as one, then each of them.
    pub fn members(&self) -> Vec<String> {
        let project = &self.managed.project;
        let mut uids: Vec<String> = project.members.iter().map(|m| m.uid.clone()).collect();
        uids.retain(|uid| is_account(uid));
        uids.sort_unstable();
        uids.insert(0, all_members(&project.name));
        uids
    }

    /// As whom a form can have them run something.
    pub fn runners(&self) -> Vec<String> {
        let mut names = vec![ALL.to_owned(), "root".to_owned()];
        names.extend(self.members().into_iter().filter(|uid| uid != "root"));
        names
    }

    /// The values of an attribute that a form shows. What it does not show it does not change.
    pub fn shown(&self, rule: &Rule, attribute: &str) -> Vec<String> {
        let choice = match attribute {
            USERS => Some(self.members()),
            RUNAS => Some(self.runners()),
            _ => None,
        };
        let texts = rule.values.texts(attribute);
        let texts = texts.filter(|text| match (&choice, attribute) {
            (Some(choice), _) => choice.iter().any(|one| one == text),
            (None, OPTIONS) => is_line(text) && !matches!(*text, ASK | ASK_NOT),
            (None, _) => is_line(text),
        });
        texts.map(str::to_owned).collect()
    }

    /// The users, or those as whom something is run, that a form does not show.
    pub fn hidden(&self, rule: &Rule, attribute: &str) -> Vec<String> {
        let shown = self.shown(rule, attribute);
        let texts = rule.values.texts(attribute).map(str::to_owned);
        texts.filter(|text| !shown.contains(text)).collect()
    }

    /// What a rule is now, to be compared with when the form comes back.
    pub fn noted(&self, rule: &Rule) -> Facts {
        let mut facts = self.place();
        facts.note(format!("rule {}", rule.name), "there");
        for (attribute, values) in rule.values.told() {
            facts.note(format!("{attribute} of {}", rule.name), version(&values));
        }
        facts
    }

    fn place(&self) -> Facts {
        let project = &self.managed.project;
        let mut facts = Facts::default();
        facts.note(format!("project {}", project.name), project.entry.as_str());
        facts.note("Keystone project", self.managed.project_id.as_str());
        facts
    }

    /// The rule as it is to be, of what it is and what is wanted.
    fn changed(&self, rule: &Rule, wanted: &Wanted) -> Result<Values, Refusal> {
        let mut values = rule.values.clone();
        for (field, attribute, names, choice) in [
            ("users", USERS, &wanted.users, self.members()),
            ("runas", RUNAS, &wanted.runas, self.runners()),
        ] {
            let Some(names) = names else { continue };
            let shown = self.shown(rule, attribute);
            if let Some(unknown) = names.iter().find(|name| !choice.contains(name)) {
                let why = Msg::new("sudo-notmember").with(cut(unknown, words::LONGEST_NAME));
                let project = self.managed.project.name.as_str();
                return Err(Refusal::field(field, why.with(project)));
            }
            replace(&mut values, attribute, &shown, names);
        }
        for (field, attribute, text, good) in [
            (
                "commands",
                COMMANDS,
                &wanted.commands,
                words::command as fn(&str) -> _,
            ),
            ("options", OPTIONS, &wanted.options, words::option),
        ] {
            let Some(text) = text else { continue };
            let shown = self.shown(rule, attribute);
            let lines = words::lines(text);
            let new: Vec<&&str> = lines
                .iter()
                .filter(|line| !rule.values.has(attribute, line))
                .collect();
            if lines.len() > MOST.max(shown.len()) {
                let most = i64::try_from(MOST).unwrap_or(i64::MAX);
                return Err(Refusal::field(field, Msg::new("sudo-toomany").with(most)));
            }
            // What stands there already need not be good: somebody else has written it.
            for line in new {
                good(line).map_err(|why| Refusal::field(field, why))?;
            }
            let lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
            replace(&mut values, attribute, &shown, &lines);
        }
        if let Some(asks) = wanted.asks.filter(|asks| *asks != rule.asks()) {
            let word = |asks| if asks { ASK } else { ASK_NOT };
            values = values.less(OPTIONS, word(!asks));
            values.put(OPTIONS, Octets::Text(word(asks).to_owned()));
        }
        for (field, attribute, why) in [
            ("users", USERS, "sudo-nousers"),
            ("commands", COMMANDS, "sudo-nocommands"),
        ] {
            let emptied = rule.values.0.contains_key(attribute);
            if emptied && !values.0.contains_key(attribute) {
                return Err(Refusal::field(field, Msg::new(why)));
            }
        }
        Ok(values)
    }

    fn plan(
        &self,
        permit: &Permit,
        rule: &str,
        (before, after): (Option<Values>, Option<Values>),
        facts: Facts,
    ) -> Result<Plan, Refusal> {
        let project = &self.managed.project;
        if !matches!(permit.target(), Target::Project(_, name) if *name == project.name) {
            let why = Msg::new("noaccount").with(project.name.as_str());
            return Err(Refusal::new(RefusalKind::Forbidden, why));
        }
        let change = RuleChange {
            project: project.entry.clone(),
            rule: rule.to_owned(),
            before,
            after,
        };
        let back = Step::SetRule {
            change: change.clone().reversed(),
        };
        Ok(Plan {
            version: Plan::VERSION,
            action: permit.action(),
            // A rule is of no region.
            region: Region::trusted(""),
            project: project.name.clone(),
            project_id: self.managed.project_id.clone(),
            instance: None,
            name: rule.to_owned(),
            steps: vec![PlannedStep::undone_by(Step::SetRule { change }, back)],
            facts,
        })
    }
}

/// In the place of those that were shown.
fn replace(values: &mut Values, attribute: &str, shown: &[String], wanted: &[String]) {
    for gone in shown.iter().filter(|value| !wanted.contains(value)) {
        *values = values.less(attribute, gone);
    }
    for value in wanted {
        values.put(attribute, Octets::Text(value.clone()));
    }
}

/// A fact, or of a long one its beginning and what tells it from another.
fn version(values: &str) -> String {
    let whole = cut(values, WHOLE);
    if whole == values {
        return whole;
    }
    let digest = Sha256::digest(values.as_bytes());
    let digest: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("{whole} ({digest})")
}

/// Plans a new rule, which holds on all instances of the project.
pub fn plan_create_rule(
    permit: &Permit,
    facts: &SudoFacts,
    name: &str,
    wanted: &Wanted,
) -> Result<Plan, Refusal> {
    let name = words::name(name)?;
    let same = |rule: &&Rule| rule.name.eq_ignore_ascii_case(name);
    if let Some(taken) = facts.rules.iter().find(same) {
        let now = taken.values.told();
        let now: Vec<String> = now.map(|(what, is)| format!("{what}: {is}")).collect();
        let why = Msg::new("sudo-taken").with(taken.name.as_str());
        return Err(Refusal {
            kind: RefusalKind::Conflict,
            ..Refusal::field("sudoername", why.with(now.join("; ")))
        });
    }
    let mut empty = Rule {
        name: name.to_owned(),
        values: Values::default(),
    };
    for (attribute, value) in [
        ("objectclass", "top"),
        ("objectclass", "sudoRole"),
        ("cn", name),
        (HOSTS, ALL),
    ] {
        empty.values.put(attribute, Octets::Text(value.to_owned()));
    }
    let asks = wanted.asks.unwrap_or(true);
    let wanted = Wanted {
        asks: None,
        ..wanted.clone()
    };
    let mut values = facts.changed(&empty, &wanted)?;
    for (field, attribute, why) in [
        ("users", USERS, "sudo-nousers"),
        ("commands", COMMANDS, "sudo-nocommands"),
    ] {
        if !values.0.contains_key(attribute) {
            return Err(Refusal::field(field, Msg::new(why)));
        }
    }
    values.put(
        OPTIONS,
        Octets::Text(if asks { ASK } else { ASK_NOT }.to_owned()),
    );
    let mut noted = facts.place();
    noted.note(format!("rule {name}"), "");
    facts.plan(permit, name, (None, Some(values)), noted)
}

/// Plans to have a rule say something else. What the form does not show stays.
pub fn plan_modify_rule(
    permit: &Permit,
    facts: &SudoFacts,
    name: &str,
    wanted: &Wanted,
) -> Result<Plan, Refusal> {
    let rule = facts.rule(name)?;
    let values = facts.changed(rule, wanted)?;
    if values == rule.values {
        let why = Msg::new("sudo-same").with(name);
        return Err(Refusal::new(RefusalKind::Conflict, why));
    }
    let before = Some(rule.values.clone());
    facts.plan(permit, name, (before, Some(values)), facts.noted(rule))
}

/// Plans to delete a rule, whatever stands in it.
pub fn plan_delete_rule(permit: &Permit, facts: &SudoFacts, name: &str) -> Result<Plan, Refusal> {
    let rule = facts.rule(name)?;
    let before = Some(rule.values.clone());
    facts.plan(permit, name, (before, None), facts.noted(rule))
}

/// What takes a person out of all rules of a project that name them. One that is nobody's then stays.
pub(crate) fn without(
    project: &crate::project::Project,
    rules: &[Rule],
    uid: &str,
) -> Vec<RuleChange> {
    let named = rules
        .iter()
        .filter(|rule| is_account(uid) && rule.values.has(USERS, uid));
    let changes = named.map(|rule| RuleChange {
        project: project.entry.clone(),
        rule: rule.name.clone(),
        before: Some(rule.values.clone()),
        after: Some(rule.values.less(USERS, uid)),
    });
    changes.collect()
}
