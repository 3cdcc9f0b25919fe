//! Plans for what a project may use.

#![allow(clippy::unwrap_used, clippy::panic)]

use osm_core::action::Action;
use osm_core::actor::{Actor, WikiUser};
use osm_core::authz::{Permit, Policy, Target, authorise};
use osm_core::ids::{EntryUuid, ProjectId, ProjectName, Region};
use osm_core::plan::{PlannedStep, Step};
use osm_core::project::{ManagedProject, Project};
use osm_core::quota::{
    Limits, NAMES, Quota, QuotaChange, QuotaFacts, QuotaRequest, Used, plan_quota,
};
use osm_core::refusal::{Refusal, RefusalKind};

const NOW: Limits = Limits {
    instances: Some(10),
    cores: Some(20),
    ram: None,
};

fn permit() -> Permit {
    let user = WikiUser {
        wiki_user_id: 1,
        rights: ["listall", "manageproject"].map(str::to_owned).into(),
        ..Actor::system().user
    };
    let target = Target::Project(Region::trusted("R"), ProjectName::trusted("bots"));
    let actor = Actor { user, person: None };
    authorise(&Policy::default(), &actor, Action::ProjectQuota, &target).unwrap()
}

fn facts() -> QuotaFacts {
    QuotaFacts {
        managed: ManagedProject {
            project: Project {
                name: ProjectName::trusted("bots"),
                entry: EntryUuid::trusted("entry of bots"),
                description: None,
                members: Vec::new(),
            },
            project_id: ProjectId::trusted("p1"),
        },
        region: Region::trusted("R"),
        quota: Quota {
            limits: NOW,
            used: Used {
                instances: 3,
                cores: 6,
                ram: 3000,
            },
        },
        may_set: true,
    }
}

fn asked(instances: &str, cores: &str, ram: &str) -> QuotaRequest {
    let [instances, cores, ram] = [instances, cores, ram].map(str::to_owned);
    QuotaRequest {
        instances,
        cores,
        ram,
    }
}

fn refused(request: &QuotaRequest) -> (String, Option<String>) {
    let Refusal { message, field, .. } = plan_quota(&permit(), &facts(), request).unwrap_err();
    let name = message.key.trim_start_matches("openstackmanager-");
    (name.to_owned(), field)
}

#[test]
fn one_step_and_back_and_what_is_left_out_stays() {
    let plan = plan_quota(&permit(), &facts(), &asked(" 3 ", "", "")).unwrap();
    let change = QuotaChange {
        before: NOW,
        after: Limits {
            instances: Some(3),
            ..NOW
        },
    };
    let back = Step::SetQuota {
        change: change.reversed(),
    };
    assert_eq!(
        plan.steps,
        [PlannedStep::undone_by(Step::SetQuota { change }, back)]
    );
    let named: Vec<_> = change.after.otherwise_than(&change.before).collect();
    assert_eq!(named, [("instances", Some(3))]);
    assert_eq!(plan.resource(), "/project/bots");
    assert_eq!(plan.target(), *permit().target());
    // Who saw other limits is told which.
    let mut other = facts();
    other.quota.limits.cores = Some(40);
    let later = plan_quota(&permit(), &other, &asked("3", "", "")).unwrap();
    let why = later.facts.refuse_unless(&plan.facts).unwrap_err();
    let told = format!("{:?}", why.message);
    assert!(told.contains("cores in R: 20 → 40"), "{told}");
    // What is in use may change meanwhile.
    let mut busier = facts();
    busier.quota.used.cores = 7;
    let later = plan_quota(&permit(), &busier, &asked("3", "", "")).unwrap();
    assert!(later.facts.refuse_unless(&plan.facts).is_ok());
}

#[test]
fn what_is_no_limit_is_refused_at_its_field() {
    let wide = "1".repeat(400);
    for (typed, why) in [
        ("many", "quota-notanumber"),
        ("+5", "quota-notanumber"),
        ("1e3", "quota-notanumber"),
        ("5.0", "quota-notanumber"),
        ("0x10", "quota-notanumber"),
        ("٣", "quota-notanumber"),
        ("5 0", "quota-notanumber"),
        ("-", "quota-notanumber"),
        ("-1", "quota-negative"),
        ("\u{2212}7", "quota-negative"),
        ("1000000001", "quota-toomuch"),
        (&wide, "quota-toomuch"),
        ("2", "quota-inuse"),
        ("0", "quota-inuse"),
    ] {
        for (nth, (name, _)) in NAMES.into_iter().enumerate() {
            let mut typed_at = [""; 3];
            for (at, text) in typed_at.iter_mut().enumerate() {
                *text = if at == nth { typed } else { "" };
            }
            let [instances, cores, ram] = typed_at;
            let refused = refused(&asked(instances, cores, ram));
            assert_eq!(refused, (why.to_owned(), Some(name.to_owned())), "{typed}");
        }
    }
    // What was typed is said again, and no more of it than is needed.
    let long = asked(&"x".repeat(65536), "", "");
    let why = plan_quota(&permit(), &facts(), &long).unwrap_err();
    assert!(format!("{:?}", why.message).len() < 300);
}

#[test]
fn nothing_else_and_nobody_to_set_it() {
    for same in [asked("", "", ""), asked("10", "20", "")] {
        let why = plan_quota(&permit(), &facts(), &same).unwrap_err();
        assert_eq!(why.code(), "openstackmanager-quota-same");
        assert_eq!(why.kind, RefusalKind::Conflict);
    }
    let nobody = QuotaFacts {
        may_set: false,
        ..facts()
    };
    let why = plan_quota(&permit(), &nobody, &asked("11", "", "")).unwrap_err();
    assert_eq!(why.code(), "openstackmanager-noquotasetter");
    // A limit that is lower than what is used already may be left so, while another is changed.
    let mut over = facts();
    over.quota.used.instances = 12;
    let plan = plan_quota(&permit(), &over, &asked("10", "30", ""));
    assert!(plan.is_ok(), "{plan:?}");
}

#[test]
fn what_is_left() {
    let left = facts().quota.headroom();
    assert_eq!(
        (left.instances, left.cores, left.ram_mb),
        (Some(7), Some(14), None)
    );
    let mut over = facts().quota;
    over.used.instances = 12;
    assert_eq!(over.headroom().instances, Some(-2));
}
