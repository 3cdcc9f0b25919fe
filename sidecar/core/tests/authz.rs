//! Who may what, as a table: every kind of person × every action. The table is the specification.

use osm_core::action::Action;
use osm_core::actor::{Actor, Block, Person, WikiUser};
use osm_core::authz::{Need, Policy, Target, authorise, authorise_wish};
use osm_core::ids::{EntryUuid, ProjectName, Region};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

fn actor(id: u64, rights: &[&str], projects: Option<&[(&str, &[&str])]>) -> Actor {
    Actor {
        user: WikiUser {
            wiki_user_id: id,
            name: format!("User{id}"),
            groups: BTreeSet::new(),
            rights: rights.iter().map(|r| (*r).to_owned()).collect(),
            block: None,
            registered: None,
            email_confirmed: false,
        },
        person: projects.map(|projects| Person {
            entry: EntryUuid::trusted("e"),
            uid: "u".to_owned(),
            cn: "U".to_owned(),
            projects: projects
                .iter()
                .map(|(p, roles)| {
                    let roles = roles.iter().map(|r| (*r).to_owned()).collect();
                    (ProjectName::trusted(*p), roles)
                })
                .collect(),
        }),
    }
}

fn blocked(mut actor: Actor, sitewide: bool) -> Actor {
    actor.user.block = Some(Block {
        sitewide,
        reason: "spam".to_owned(),
        expiry: "infinity".to_owned(),
    });
    actor
}

#[test]
fn matrix() {
    let member: &[(&str, &[&str])] = &[("bots", &[])];
    let admin: &[(&str, &[&str])] = &[("bots", &["projectadmin"])];
    let keeper: &[(&str, &[&str])] = &[("bots", &["keeper"])];
    let elsewhere: &[(&str, &[&str])] = &[("tools", &["projectadmin"])];
    let cloudadmin: &[&str] = &["listall", "manageproject"];
    let people = [
        ("nobody", actor(0, &[], None)),
        ("not linked", actor(1, &[], None)),
        ("may have a shell", actor(12, &["loginviashell"], None)),
        ("linked, no project", actor(2, &[], Some(&[]))),
        ("member elsewhere", actor(3, &[], Some(elsewhere))),
        ("member", actor(4, &[], Some(member))),
        ("projectadmin", actor(5, &[], Some(admin))),
        ("holder of the role", actor(11, &[], Some(keeper))),
        ("listall", actor(6, &["listall"], None)),
        ("cloudadmin", actor(7, cloudadmin, None)),
        (
            "member, blocked",
            blocked(actor(8, &[], Some(member)), true),
        ),
        (
            "member, partly blocked",
            blocked(actor(9, &[], Some(member)), false),
        ),
        (
            "cloudadmin, blocked",
            blocked(actor(10, cloudadmin, None), true),
        ),
    ];
    let needs = BTreeMap::from([
        (Action::InstanceDelete, Need::Projectadmin),
        (Action::MemberAdd, Need::Projectadmin),
        (Action::MemberRemove, Need::Member),
    ]);
    let region = Region::trusted("RegionOne");
    let policies = [
        ("as usual", Policy::default()),
        (
            "deleting and adding members need projectadmin, removing them none",
            Policy {
                needs,
                ..Policy::default()
            },
        ),
        (
            "shell accounts are made here",
            Policy {
                accounts: true,
                ..Policy::default()
            },
        ),
        (
            "maintenance",
            Policy {
                maintenance: Some("move".into()),
                ..Policy::default()
            },
        ),
        (
            "region read-only",
            Policy {
                read_only_regions: BTreeMap::from([(region.clone(), "full".into())]),
                ..Policy::default()
            },
        ),
    ];
    let target = Target::Project(region, ProjectName::trusted("bots"));
    let person = |entry| Target::Person(ProjectName::trusted("bots"), EntryUuid::trusted(entry));
    let (themselves, another) = (person("e"), person("another"));
    let own = |entry| Target::Own(EntryUuid::trusted(entry));
    let owns = [("own", own("e")), ("another's", own("another"))];
    let role = |role: &str, entry: &str| {
        let entry = Some(EntryUuid::trusted(entry));
        Target::Role(ProjectName::trusted("bots"), role.to_owned(), entry)
    };
    let (own_role, anothers_role) = (role("keeper", "e"), role("keeper", "another"));
    let mut table = String::new();
    for (policy_name, policy) in &policies {
        writeln!(table, "# {policy_name}").unwrap();
        for (name, actor) in &people {
            let word = |action, target| match authorise(policy, actor, action, target) {
                Ok(_) => "yes".to_owned(),
                Err(no) => no.message.key.replace("openstackmanager-", ""),
            };
            write!(table, "{name:24}").unwrap();
            for action in Action::ALL {
                write!(table, " {action}={}", word(action, &target)).unwrap();
            }
            let wish = |action, target| {
                let of = (action, target);
                let begun_by = 99;
                match authorise_wish(policy, actor, Action::OperationCancel, of, begun_by) {
                    Ok(()) => "yes".to_owned(),
                    Err(no) => no.message.key.replace("openstackmanager-", ""),
                }
            };
            let leave = word(Action::MemberRemove, &themselves);
            let oust = word(Action::MemberRemove, &another);
            write!(table, " leave={leave} oust={oust}").unwrap();
            // What is theirs, and what is another's.
            for (whose, target) in &owns {
                for action in [Action::KeyAdd, Action::KeyRemove, Action::OperationShow] {
                    write!(table, " {whose}-{action}={}", word(action, target)).unwrap();
                }
                for wish in [
                    Action::OperationCancel,
                    Action::OperationRetry,
                    Action::OperationGiveUp,
                ] {
                    let may = authorise_wish(policy, actor, wish, (Action::KeyAdd, target), 99);
                    let may = may.map_or_else(|no| no.message.key, |()| "yes".to_owned());
                    let may = may.replace("openstackmanager-", "");
                    write!(table, " {whose}-key-{wish}={may}").unwrap();
                }
            }
            // Whoever has no shell account gets their own, where the community makes some.
            for (whose, id) in [("own", actor.user.wiki_user_id), ("another's", 99)] {
                let target = Target::User(id);
                let may = authorise(policy, actor, Action::AccountCreate, &target);
                let may = may.map_or_else(|no| no.message.key, |_| "yes".to_owned());
                let may = may.replace("openstackmanager-", "");
                write!(table, " {whose}-account={may}").unwrap();
            }
            let lay_down = word(Action::RoleRemove, &own_role);
            let give = word(Action::RoleAdd, &anothers_role);
            write!(table, " lay-down-role={lay_down} give-role={give}").unwrap();
            // Somebody else's operations, taken back.
            for (what, action, target) in [
                ("create", Action::InstanceCreate, &target),
                ("own-removal", Action::MemberRemove, &themselves),
                ("removal", Action::MemberRemove, &another),
                ("addition", Action::MemberAdd, &another),
                ("role", Action::RoleAdd, &anothers_role),
            ] {
                write!(table, " cancel-{what}={}", wish(action, target)).unwrap();
            }
            table.push('\n');
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/authz-matrix.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let golden = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(table, golden, "run with UPDATE_GOLDEN=1 and read the diff");
}
