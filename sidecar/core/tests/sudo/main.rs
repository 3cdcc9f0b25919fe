//! Sudo rules: what may stand in one, what of one is kept that a form does not show, and how a change is made.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use osm_core::action::Action;
use osm_core::actor::{Actor, WikiUser};
use osm_core::authz::{Permit, Policy, Target, authorise};
use osm_core::ids::{EntryUuid, ProjectId, ProjectName, Region};
use osm_core::plan::{Plan, Step, Undo};
use osm_core::project::{ManagedProject, Member, Project};
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::sudo::*;

mod plans;
mod words;

fn bots() -> ProjectName {
    ProjectName::trusted("bots")
}

fn permit(action: Action) -> Permit {
    let user = WikiUser {
        wiki_user_id: 7,
        rights: ["listall", "manageproject"].map(str::to_owned).into(),
        ..Actor::system().user
    };
    let target = Target::Project(Region::trusted(""), bots());
    let actor = Actor { user, person: None };
    authorise(&Policy::default(), &actor, action, &target).unwrap()
}

/// `attribute=value`, one a line.
fn values(lines: &str) -> Values {
    let mut values = Values::default();
    for line in lines.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let (attribute, value) = line.split_once(": ").unwrap();
        values.put(attribute, Octets::Text(value.to_owned()));
    }
    values
}

fn rule(name: &str, lines: &str) -> Rule {
    let head = format!("objectClass: sudoRole\ncn: {name}\n");
    Rule {
        name: name.to_owned(),
        values: values(&(head + lines)),
    }
}

/// Ann and Bob are members, and somebody whose shell name is everybody's to sudo.
fn facts(rules: &[Rule]) -> SudoFacts {
    let member = |uid: &str| Member {
        entry: EntryUuid::trusted(format!("entry of {uid}")),
        uid: uid.to_owned(),
        cn: uid.to_uppercase(),
        roles: Vec::new(),
    };
    SudoFacts {
        managed: ManagedProject {
            project: Project {
                name: bots(),
                entry: EntryUuid::trusted("entry of bots"),
                description: None,
                members: ["ann", "bob", "ALL", "%wheel", "#0"].map(member).into(),
            },
            project_id: ProjectId::trusted("p1"),
        },
        rules: rules.to_vec(),
    }
}

fn some(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|name| (*name).to_owned()).collect())
}

fn wanted(users: &[&str], commands: &str) -> Wanted {
    Wanted {
        users: some(users),
        commands: Some(commands.to_owned()),
        ..Wanted::default()
    }
}

fn create(name: &str, wanted: &Wanted) -> Result<Plan, Refusal> {
    plan_create_rule(&permit(Action::SudoCreate), &facts(&[]), name, wanted)
}

fn modify(rule: &Rule, wanted: &Wanted) -> Result<Values, Refusal> {
    let permit = permit(Action::SudoModify);
    let plan = plan_modify_rule(
        &permit,
        &facts(std::slice::from_ref(rule)),
        &rule.name,
        wanted,
    )?;
    Ok(change(&plan).after.unwrap())
}

fn change(plan: &Plan) -> RuleChange {
    let [planned] = plan.steps.as_slice() else {
        panic!("{plan:?}")
    };
    let Step::SetRule { change } = &planned.step else {
        panic!("{plan:?}")
    };
    let step = Box::new(Step::SetRule {
        change: change.clone().reversed(),
    });
    assert_eq!(planned.undo, Undo::Do { step });
    change.clone()
}

fn refused<T: std::fmt::Debug>(said: Result<T, Refusal>) -> (String, String) {
    let no = said.unwrap_err();
    let code = no.code().strip_prefix("openstackmanager-").unwrap();
    (code.to_owned(), no.field.unwrap_or_default())
}
