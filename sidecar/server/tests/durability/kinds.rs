//! Every kind of plan in the catalogue, with something to do it to. A new action is tested by being here,
//! and is missed when it is not.

use crate::people::{founding, role_params};
use crate::world::{World, creation};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use osm_core::action::Action;
use osm_core::actor::{Actor, WikiUser};
use osm_core::authz::{Policy, Target, authorise, authorise_own};
use osm_core::drift::{Difference, ServerDrift, plan_repair};
use osm_core::instance::plan_remove_stray;
use osm_core::plan::Plan;

pub struct Kind {
    pub action: Action,
    /// Makes what the plan is done to, then the plan. The word after the world goes into the names of what
    /// it is done to: other words, other servers.
    pub plan: for<'w> fn(&'w World, &'w str) -> LocalBoxFuture<'w, Plan>,
    /// What must be there before.
    pub subject: Option<&'static str>,
}

pub const KINDS: [Kind; 23] = [
    Kind {
        action: Action::OperationProbe,
        plan: |world, _| async { world.planned("novaprobe", &[]).await }.boxed_local(),
        subject: None,
    },
    Kind {
        action: Action::InstanceCreate,
        plan: |world, of| {
            async move {
                let name = format!("{}-new{of}", world.prefix);
                world.planned("novainstance", &creation(&name)).await
            }
            .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::InstanceReboot,
        plan: |world, of| on_server(world, format!("subject{of}"), "reboot"),
        subject: Some("subject"),
    },
    Kind {
        action: Action::InstanceConfigure,
        plan: |world, of| configured(world, format!("subject{of}")).boxed_local(),
        subject: Some("subject"),
    },
    Kind {
        action: Action::ProjectCreate,
        plan: |world, of| {
            async move {
                let (name, uid) = (world.project_name(of), world.person("founder").await);
                world.planned("novaproject", &founding(&name, &uid)).await
            }
            .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::ProjectConfigure,
        plan: |world, of| {
            async move {
                let name = world.has_project(&format!("told{of}")).await;
                let told = ("description", "What it is for");
                let params = [("subaction", "configure"), ("projectname", &name), told];
                world.planned("novaproject", &params).await
            }
            .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::ProjectQuota,
        plan: |world, of| {
            async move {
                let name = world.has_project(&format!("limited{of}")).await;
                let more = ("instances", world.another_quota(&name).await);
                let params = [
                    ("subaction", "quota"),
                    ("projectname", &name),
                    (more.0, &more.1),
                ];
                world.planned("novaproject", &params).await
            }
            .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::ProjectDelete,
        plan: |world, of| {
            async move {
                let name = world.has_project(&format!("ending{of}")).await;
                let params = [("subaction", "delete"), ("projectname", name.as_str())];
                world.planned("novaproject", &params).await
            }
            .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::MemberAdd,
        plan: |world, of| on_member(world, format!("joiner{of}"), "addmember", "member"),
        subject: None,
    },
    Kind {
        action: Action::MemberRemove,
        plan: |world, of| on_member(world, format!("leaver{of}"), "deletemember", "members"),
        subject: None,
    },
    Kind {
        action: Action::PersonSuspend,
        plan: |world, of| {
            world
                .block_plan(Action::PersonSuspend, format!("blocked{of}"))
                .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::PersonReinstate,
        plan: |world, of| {
            world
                .block_plan(Action::PersonReinstate, format!("unblocked{of}"))
                .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::KeyAdd,
        plan: |world, of| {
            world
                .key_plan(Action::KeyAdd, format!("keyless{of}"))
                .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::KeyRemove,
        plan: |world, of| {
            world
                .key_plan(Action::KeyRemove, format!("keyed{of}"))
                .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::AccountCreate,
        plan: |world, of| world.account_plan(format!("new{of}")).boxed_local(),
        subject: None,
    },
    Kind {
        action: Action::SudoCreate,
        plan: |world, of| world.rule_plan("create", format!("made{of}")).boxed_local(),
        subject: None,
    },
    Kind {
        action: Action::SudoModify,
        plan: |world, of| {
            world
                .rule_plan("modify", format!("changed{of}"))
                .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::SudoDelete,
        plan: |world, of| {
            world
                .rule_plan("delete", format!("ended{of}"))
                .boxed_local()
        },
        subject: None,
    },
    Kind {
        action: Action::RoleAdd,
        plan: |world, of| in_role(world, format!("holder{of}"), "addmember").boxed_local(),
        subject: None,
    },
    Kind {
        action: Action::RoleRemove,
        plan: |world, of| in_role(world, format!("retired{of}"), "deletemember").boxed_local(),
        subject: None,
    },
    Kind {
        action: Action::InstanceDelete,
        plan: |world, of| on_server(world, format!("victim{of}"), "delete"),
        subject: Some("victim"),
    },
    Kind {
        action: Action::InstanceRemoveStray,
        plan: |world, of| {
            async move {
                let stray = world.server(&format!("stray{of}")).await;
                let target = Target::Project(stray.region.clone(), stray.project.clone());
                let permit =
                    authorise_own(&Policy::default(), Action::InstanceRemoveStray, &target)
                        .unwrap();
                plan_remove_stray(&permit, &stray, false).unwrap()
            }
            .boxed_local()
        },
        subject: Some("stray"),
    },
    Kind {
        action: Action::DriftRepair,
        plan: |world, of| repair(world, format!("subject{of}")).boxed_local(),
        subject: Some("subject"),
    },
];

/// The servers that must be there before, of all kinds; `of` is the word that is given to a kind's plan.
pub fn subjects(of: impl Fn(&Kind) -> String) -> Vec<String> {
    let kinds = KINDS.iter();
    let named = kinds.filter_map(|kind| Some(format!("{}{}", kind.subject?, of(kind))));
    named.collect()
}

/// Our copy of a server does not know its name.
async fn repair(world: &World, name: String) -> Plan {
    let server = world.server(&name).await;
    let difference = Difference::Server {
        region: server.region,
        id: server.id,
        project: server.project,
        project_id: server.project_id.clone(),
        name: server.name,
        what: ServerDrift::Facts {
            differ: [("name".to_owned(), ("old".to_owned(), name))].into(),
            old_name: "old".to_owned(),
        },
    };
    let admin = Actor {
        user: WikiUser {
            wiki_user_id: 1,
            rights: ["listall", "manageproject"].map(str::to_owned).into(),
            ..Actor::system().user
        },
        person: None,
    };
    let (policy, target) = (Policy::default(), difference.target());
    let permit = authorise(&policy, &admin, Action::DriftRepair, &target).unwrap();
    plan_repair(&permit, &difference, &server.project_id).unwrap()
}

/// With whom it is done is in the project first and in one of its sudo rules, or not in it.
fn on_member<'w>(
    world: &'w World,
    name: String,
    word: &'w str,
    field: &'w str,
) -> LocalBoxFuture<'w, Plan> {
    async move {
        let uid = world.person(&name).await;
        let leaves = word == "deletemember";
        world.has_member(&uid, leaves).await;
        if leaves {
            world.has_rule(&uid, Some(&uid)).await;
        }
        let params = [("subaction", word), ("projectname", "bots"), (field, &uid)];
        world.planned("novaproject", &params).await
    }
    .boxed_local()
}

/// Who is given the role is a member without it, and who loses it has it.
async fn in_role(world: &World, name: String, word: &str) -> Plan {
    let uid = world.person(&name).await;
    world.has_member(&uid, true).await;
    world.has_role(&uid, word == "deletemember").await;
    world.planned("novarole", &role_params(word, &uid)).await
}

fn on_server<'w>(world: &'w World, name: String, word: &'w str) -> LocalBoxFuture<'w, Plan> {
    async move {
        let id = world.server(&name).await.id.to_string();
        let params = [("subaction", word), ("instanceid", &id), ("groups", "")];
        world.planned("novainstance", &params).await
    }
    .boxed_local()
}

/// From `default` to `web` or back: one step in, one step out.
pub async fn configured(world: &World, name: String) -> Plan {
    let server = world.server(&name).await;
    let other = match server.security_groups.iter().any(|group| group == "web") {
        true => "default",
        false => "web",
    };
    let id = server.id.to_string();
    let params = [
        ("subaction", "configure"),
        ("instanceid", &id),
        ("groups", other),
    ];
    world.planned("novainstance", &params).await
}

#[test]
fn every_action_that_plans_is_here() {
    let here: Vec<Action> = KINDS.iter().map(|kind| kind.action).collect();
    for action in Action::ALL {
        assert_eq!(action.plans(), here.contains(&action), "{action}");
    }
}
