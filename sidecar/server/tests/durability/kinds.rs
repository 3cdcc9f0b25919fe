//! Every kind of plan in the catalogue, with something to do it to. A new action is tested by being here,
//! and is missed when it is not.

use crate::world::{OUTSIDER, World, creation};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use osm_core::action::Action;
use osm_core::authz::{Policy, Target, authorise_own};
use osm_core::instance::plan_remove_stray;
use osm_core::plan::Plan;

pub struct Kind {
    pub action: Action,
    /// Makes what the plan is done to, then the plan.
    pub plan: for<'w> fn(&'w World) -> LocalBoxFuture<'w, Plan>,
}

pub const KINDS: [Kind; 8] = [
    Kind {
        action: Action::OperationProbe,
        plan: |world| async { world.planned("novaprobe", &[]).await }.boxed_local(),
    },
    Kind {
        action: Action::InstanceCreate,
        plan: |world| {
            async {
                let name = format!("{}-new", world.prefix);
                world.planned("novainstance", &creation(&name)).await
            }
            .boxed_local()
        },
    },
    Kind {
        action: Action::InstanceReboot,
        plan: |world| on_server(world, "subject", "reboot", ""),
    },
    Kind {
        action: Action::InstanceConfigure,
        // From `default` to `web`: one step in, one step out.
        plan: |world| {
            async {
                let id = world.server("subject").await.id.to_string();
                let now = world.server("subject").await.security_groups;
                let other = match now.iter().any(|group| group == "web") {
                    true => "default",
                    false => "web",
                };
                configured(world, &id, other).await
            }
            .boxed_local()
        },
    },
    Kind {
        action: Action::MemberAdd,
        plan: |world| on_member(world, "addmember", "member"),
    },
    Kind {
        action: Action::MemberRemove,
        plan: |world| on_member(world, "deletemember", "members"),
    },
    Kind {
        action: Action::InstanceDelete,
        plan: |world| on_server(world, "victim", "delete", ""),
    },
    Kind {
        action: Action::InstanceRemoveStray,
        plan: |world| {
            async {
                let stray = world.server("stray").await;
                let target = Target::Project(stray.region.clone(), stray.project.clone());
                let permit = authorise_own(&Policy::default(), &target).unwrap();
                plan_remove_stray(&permit, &stray, false).unwrap()
            }
            .boxed_local()
        },
    },
];

/// With whom it is done is in the project first, or not in it.
fn on_member<'w>(world: &'w World, word: &'w str, field: &'w str) -> LocalBoxFuture<'w, Plan> {
    async move {
        world.has_member(OUTSIDER, word == "deletemember").await;
        let params = [
            ("subaction", word),
            ("projectname", "bots"),
            (field, OUTSIDER),
        ];
        world.planned("novaproject", &params).await
    }
    .boxed_local()
}

fn on_server<'w>(
    world: &'w World,
    name: &'w str,
    word: &'w str,
    groups: &'w str,
) -> LocalBoxFuture<'w, Plan> {
    async move {
        let id = world.server(name).await.id.to_string();
        let params = [("subaction", word), ("instanceid", &id), ("groups", groups)];
        world.planned("novainstance", &params).await
    }
    .boxed_local()
}

async fn configured(world: &World, id: &str, group: &str) -> Plan {
    let params = [
        ("subaction", "configure"),
        ("instanceid", id),
        ("groups", group),
    ];
    world.planned("novainstance", &params).await
}

/// All that writes, but what is wished of operations, which are no operations themselves.
#[test]
fn every_action_that_plans_is_here() {
    let here: Vec<Action> = KINDS.iter().map(|kind| kind.action).collect();
    let wishes = [
        Action::OperationCancel,
        Action::OperationRetry,
        Action::OperationGiveUp,
    ];
    for action in Action::ALL {
        let planned = action.writes() && !wishes.contains(&action);
        assert_eq!(planned, here.contains(&action), "{action}");
    }
}
