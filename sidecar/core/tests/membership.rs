//! Who may be put into a project and taken out of it, in which steps, and how each is taken back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use osm_core::action::Action;
use osm_core::actor::{Actor, Person, WikiUser};
use osm_core::authz::{PROJECTADMIN, Permit, Policy, Target, authorise};
use osm_core::ids::{EntryUuid, ProjectId, ProjectName, Region};
use osm_core::membership::*;
use osm_core::plan::{Plan, Step, Undo};
use osm_core::project::{ManagedProject, Member, Project};
use osm_core::refusal::{Refusal, RefusalKind};
use osm_core::sudo::{Octets, RUNAS, Rule, USERS, Values};
use std::collections::{BTreeMap, BTreeSet};

const NAMES: [&str; 4] = ["ann", "bob", "carl", "dora"];

fn bots() -> ProjectName {
    ProjectName::trusted("bots")
}

fn entry(uid: &str) -> EntryUuid {
    EntryUuid::trusted(format!("entry of {uid}"))
}

fn person(uid: &str) -> Person {
    Person {
        entry: entry(uid),
        uid: uid.to_owned(),
        cn: uid.to_uppercase(),
        projects: BTreeMap::new(),
    }
}

/// Ann and Bob are in it; these of the two administer it.
fn project(admins: &[&str]) -> Project {
    let member = |uid: &str| Member {
        entry: entry(uid),
        uid: uid.to_owned(),
        cn: uid.to_uppercase(),
        roles: match admins.contains(&uid) {
            true => vec!["netadmin".to_owned(), PROJECTADMIN.to_owned()],
            false => Vec::new(),
        },
    };
    Project {
        name: bots(),
        entry: EntryUuid::trusted("entry of bots"),
        description: None,
        members: vec![member("ann"), member("bob")],
    }
}

fn facts(admins: &[&str], asked: &str) -> MembershipFacts {
    let in_project = ["ann", "bob"].contains(&asked);
    MembershipFacts {
        managed: ManagedProject {
            project: project(admins),
            project_id: ProjectId::trusted("p1"),
        },
        asked: asked.to_owned(),
        person: NAMES.contains(&asked).then(|| person(asked)),
        in_group: Some(in_project),
        cloud_role: Some(("member".to_owned(), in_project)),
        has_role: true,
        rules: Vec::new(),
    }
}

/// By a cloud admin, or by Ann, who administers the project.
fn permit(action: Action, about: &str, cloudadmin: bool) -> Permit {
    let rights: &[&str] = match cloudadmin {
        true => &["listall", "manageproject"],
        false => &[],
    };
    let held = BTreeMap::from([(bots(), BTreeSet::from([PROJECTADMIN.to_owned()]))]);
    let actor = Actor {
        user: WikiUser {
            wiki_user_id: 7,
            name: "Ann".into(),
            groups: BTreeSet::new(),
            rights: rights.iter().map(|r| (*r).to_owned()).collect(),
            block: None,
            registered: None,
            email_confirmed: false,
        },
        person: Some(Person {
            projects: held,
            ..person("ann")
        }),
    };
    let target = Target::Person(bots(), entry(about));
    authorise(&Policy::default(), &actor, action, &target).unwrap()
}

fn steps(plan: &Plan) -> Vec<&str> {
    plan.steps.iter().map(|s| s.step.name()).collect()
}

fn told(refusal: Refusal) -> (String, RefusalKind, Option<String>) {
    let key = refusal.message.key.replace("openstackmanager-", "");
    (key, refusal.kind, refusal.field)
}

#[test]
fn what_counts_is_given_last_and_all_can_be_taken_back() {
    let permit = permit(Action::MemberAdd, "carl", false);
    let plan = plan_add_member(&permit, &facts(&["ann"], "carl")).unwrap();
    assert_eq!(
        steps(&plan),
        ["grant-group", "grant-cloud", "grant-project"]
    );
    assert_eq!(plan.name, "carl");
    assert_eq!(plan.resource(), "/member/bots/entry of carl");
    assert_eq!(plan.target(), Target::Person(bots(), entry("carl")));
    for planned in &plan.steps {
        let Undo::Do { step: back } = &planned.undo else {
            unreachable!("{planned:?}");
        };
        let there = planned.step.change(&plan, None).unwrap();
        assert!(there.before.is_none() && there.after.is_some());
        assert_eq!(back.change(&plan, None), Some(there.reversed()));
    }
    assert_eq!(plan.changes(None)[2].resource, "/project/bots/member/carl");
    let stored = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap(), plan);
}

#[test]
fn what_there_is_no_place_for_is_left_out() {
    let permit = permit(Action::MemberAdd, "carl", false);
    let assigned = Some(("member".to_owned(), true));
    for (in_group, cloud_role) in [(None, None), (Some(true), None), (Some(true), assigned)] {
        let facts = MembershipFacts {
            in_group,
            cloud_role,
            ..facts(&["ann"], "carl")
        };
        let plan = plan_add_member(&permit, &facts).unwrap();
        assert_eq!(steps(&plan), ["grant-project"]);
    }
}

#[test]
fn who_goes_leaves_everything() {
    let permit = permit(Action::MemberRemove, "bob", false);
    let plan = plan_remove_member(&permit, &facts(&["ann", "bob"], "bob")).unwrap();
    let all = [
        "withdraw-role",
        "withdraw-role",
        "withdraw-project",
        "withdraw-group",
        "withdraw-cloud",
    ];
    assert_eq!(steps(&plan), all);
    // Whether somebody is the last may have changed when it comes to that: the step looks again.
    let watched: Vec<bool> = plan
        .steps
        .iter()
        .map(|s| {
            matches!(
                s.step,
                Step::Withdraw {
                    unless_last: true,
                    ..
                }
            )
        })
        .collect();
    assert_eq!(watched, [false, true, false, false, false]);
    let plan = plan_remove_member(&permit, &facts(&["ann"], "bob")).unwrap();
    assert_eq!(
        steps(&plan),
        ["withdraw-project", "withdraw-group", "withdraw-cloud"]
    );
    // What a person has not is not taken: taking that back would give it.
    let without = MembershipFacts {
        in_group: Some(false),
        cloud_role: Some(("member".to_owned(), false)),
        ..facts(&["ann"], "bob")
    };
    let plan = plan_remove_member(&permit, &without).unwrap();
    assert_eq!(steps(&plan), ["withdraw-project"]);
}

#[test]
fn who_goes_leaves_the_sudo_rules_and_those_stay() {
    let rule = |name: &str, users: &[&str]| {
        let mut values = Values::default();
        for user in users {
            values.put(USERS, Octets::Text((*user).to_owned()));
        }
        values.put(RUNAS, Octets::Text("bob".to_owned()));
        let name = name.to_owned();
        Rule { name, values }
    };
    let rules = [
        rule("alone", &["bob"]),
        rule("both", &["ann", "bob", "!bob", "%project-bots"]),
        rule("others", &["ann", "bobby", "Bob", "%bob"]),
    ];
    let permit = permit(Action::MemberRemove, "bob", false);
    let with_rules = MembershipFacts {
        rules: rules.to_vec(),
        ..facts(&["ann"], "bob")
    };
    let plan = plan_remove_member(&permit, &with_rules).unwrap();
    assert_eq!(steps(&plan)[3..], ["change-sudo-rule"; 2]);
    assert_eq!(plan.resource(), "/member/bots/entry of bob");
    assert_eq!(plan.target(), Target::Person(bots(), entry("bob")));
    assert_eq!(plan.facts.0["sudo rules of bob"], "alone, both");
    let changes = plan.changes(None);
    for (change, rule) in changes[3..].iter().zip(&rules) {
        let resource = format!("/project/bots/sudo/{}", rule.name);
        assert_eq!(change.resource, resource);
        let after: Values = serde_json::from_value(change.after.clone().unwrap()).unwrap();
        // Where nobody is named as whom, it would be root.
        assert_eq!(after, rule.values.less(USERS, "bob"));
        assert!(after.has(RUNAS, "bob"));
    }
    let told = |nth: usize| plan.steps[nth].step.told(&plan).key;
    assert!(
        told(3).ends_with("will-empty-sudo-rule") && told(4).ends_with("will-change-sudo-rule")
    );
}

#[test]
fn refusals_say_who_and_why() {
    type Planner = fn(&Permit, &MembershipFacts) -> Result<Plan, Refusal>;
    let (add, remove) = (Action::MemberAdd, Action::MemberRemove);
    for (action, planner, admins, asked, key, kind) in [
        (
            add,
            plan_add_member as Planner,
            &["ann"][..],
            "eve",
            "nosuchperson",
            RefusalKind::NotFound,
        ),
        (
            add,
            plan_add_member,
            &["ann"],
            "bob",
            "alreadymember",
            RefusalKind::Conflict,
        ),
        (
            remove,
            plan_remove_member,
            &["ann"],
            "eve",
            "nosuchperson",
            RefusalKind::NotFound,
        ),
        (
            remove,
            plan_remove_member,
            &["ann"],
            "carl",
            "notamember",
            RefusalKind::Conflict,
        ),
        (
            remove,
            plan_remove_member,
            &["ann"],
            "ann",
            "lastprojectadmin",
            RefusalKind::Conflict,
        ),
    ] {
        let refusal = planner(&permit(action, asked, false), &facts(admins, asked)).unwrap_err();
        let field = if action == add { "member" } else { "members" };
        assert_eq!(
            told(refusal),
            (key.to_owned(), kind, Some(field.to_owned()))
        );
    }
    // A cloud admin may, and then the step does not look either.
    let by_cloudadmin = permit(remove, "ann", true);
    let plan = plan_remove_member(&by_cloudadmin, &facts(&["ann"], "ann")).unwrap();
    assert!(plan.steps.iter().all(|s| !matches!(
        s.step,
        Step::Withdraw {
            unless_last: true,
            ..
        }
    )));
}

#[test]
fn a_permit_for_one_person_is_none_for_another() {
    // Ann may leave; that is no leave to take Bob out.
    for (action, asked) in [(Action::MemberRemove, "bob"), (Action::MemberAdd, "carl")] {
        let permit = permit(action, "ann", false);
        let facts = facts(&["ann", "bob"], asked);
        let refusal = match action {
            Action::MemberAdd => plan_add_member(&permit, &facts),
            _ => plan_remove_member(&permit, &facts),
        };
        assert_eq!(refusal.unwrap_err().kind, RefusalKind::Forbidden);
    }
    // Nor is one for another project.
    let elsewhere = Target::Project(Region::trusted(""), ProjectName::trusted("tools"));
    let by = permit(Action::MemberAdd, "carl", true).actor().clone();
    let permit = authorise(&Policy::default(), &by, Action::MemberAdd, &elsewhere).unwrap();
    let refusal = plan_add_member(&permit, &facts(&["ann"], "carl")).unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Forbidden);
}

#[test]
fn a_stale_plan_is_refused_by_name_of_what_changed() {
    let permit = permit(Action::MemberRemove, "bob", false);
    let shown = plan_remove_member(&permit, &facts(&["ann"], "bob")).unwrap();
    let now = plan_remove_member(&permit, &facts(&["ann", "bob"], "bob")).unwrap();
    assert!(shown.facts.refuse_unless(&shown.facts).is_ok());
    let refusal = now.facts.refuse_unless(&shown.facts).unwrap_err();
    let params = format!("{:?}", refusal.message.params);
    assert!(params.contains("roles of bob"), "{params}");
}
