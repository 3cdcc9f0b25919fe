//! The other neighbours under the same faults: who logs us in, who is asked before anything is planned, and
//! who says what somebody may do.

use crate::asked::{api, caller};
use crate::keystone::Admin;
use crate::network::{Ends, MODES, case, with_faults};
use crate::proxy::Mode;
use crate::world::{World, creation};
use openstackmanager::app;
use openstackmanager::faults::Points;
use openstackmanager::operations::{Effects, Runner};
use osm_backends::openstack::OpenStack;
use osm_backends::secret::Secret;
use osm_core::ports::{Directory as _, Identity as _, Links as _, OperationState};
use reqwest::Method;
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use ulid::Ulid;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn keystone_fails_for_a_while_and_all_is_done_once() {
    with_faults(async |world, faulty| {
        for (n, mode) in [Mode::Lost(""), Mode::Refused].into_iter().enumerate() {
            // Nobody is logged in yet.
            let faulty = faulty.anew(world);
            case(world, &faulty, &faulty.keystone, mode, Ends::AfterAll, n).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn glance_is_away_and_all_is_done_once() {
    with_faults(async |world, faulty| {
        let faulty = faulty.anew(world);
        let hung = Mode::Hung;
        case(world, &faulty, &faulty.glance, hung, Ends::Never, 0).await;
        assert!(faulty.glance.struck() > 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn ldap_fails_for_a_while_and_all_is_done_once() {
    with_faults(async |world, faulty| {
        for mode in [Mode::Lost(""), Mode::Refused, Mode::Cut(20)] {
            // The half of the kinds with people in it.
            case(world, faulty, &faulty.ldap, mode, Ends::AfterAll, 1).await;
        }
    })
    .await;
}

/// Nothing is planned on half the facts, nobody has a right that LDAP does not give, and it is said who is away.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn who_is_away_is_named_and_nothing_is_planned_or_granted() {
    with_faults(async |world, faulty| {
        let operator = world.directory.person_by_uid("operator").await.unwrap();
        let entry = operator.expect("the lab's operator").entry;
        assert!(world.store.link(2, &entry, "test", "test").await.unwrap());
        let (admin, person) = (caller(1, true), caller(2, false));
        let name = format!("{}-refused", world.prefix);
        let mut creation = creation(&name).to_vec();
        creation.push(("dryrun", "1"));
        let asked = async |who| api(&faulty.context, who, "novainstance", &creation).await;
        for who in [&admin, &person] {
            let reply = asked(who).await;
            assert!(
                reply["result"]["plan"].is_object(),
                "with all there: {reply}"
            );
        }
        let neighbours = [
            ("ldap", &faulty.ldap, &person),
            ("glance", &faulty.glance, &admin),
            ("neutron", &faulty.neutron, &admin),
            ("nova", &faulty.nova, &admin),
            ("mysql", &faulty.mysql, &person),
        ];
        for (system, proxy, who) in neighbours {
            for mode in MODES {
                if mode == Mode::Slow {
                    continue;
                }
                // What LDAP says of one person is short.
                let mode = match mode {
                    Mode::Cut(_) => Mode::Cut(8),
                    other => other,
                };
                proxy.set(mode);
                let reply = asked(who).await;
                proxy.pass().await;
                refused(&reply, system, mode);
                let reply = asked(who).await;
                assert!(
                    reply["result"]["plan"].is_object(),
                    "{system} is back: {reply}"
                );
            }
        }
        assert!(world.open().await.is_empty());
    })
    .await;
}

/// Refused as unavailable, with the neighbour's name.
pub fn refused(reply: &Json, system: &str, mode: Mode) {
    let text = reply["error"].to_string();
    assert!(reply["result"].is_null(), "{system} {mode:?}: {reply}");
    assert!(text.contains(system), "{system} {mode:?}: {reply}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn a_token_revoked_between_two_steps_is_replaced() {
    let world = World::new(|_| ()).await;
    let admin = Arc::new(Admin::login().await);
    let password = Ulid::generate().to_string();
    let name = format!("{}-account", world.prefix);
    let user = admin
        .like(&world.config.keystone.username, &name, &password)
        .await;
    let (mut config, mut secrets) = (world.config.clone(), world.secrets.clone());
    config.keystone.username = name;
    secrets.keystone_password = Secret::new(&password);
    let cloud = Arc::new(app::cloud(&config, &secrets, OpenStack::CALL_TIMEOUT).unwrap());
    let kinds = crate::network::plans(&world, 0).await;
    let before = world.listing().await;
    let mut ids = Vec::new();
    for plan in kinds {
        ids.push(world.submit(plan).await);
    }
    let revoked = Arc::new(AtomicBool::new(false));
    let points = {
        let (admin, revoked, cloud) = (admin.clone(), revoked.clone(), cloud.clone());
        let (user, password) = (user.clone(), password.clone());
        Points::watched(move |name| {
            let now = name == "instance-create/0-create-server.done"
                && !revoked.swap(true, Ordering::SeqCst);
            let (admin, cloud) = (admin.clone(), cloud.clone());
            let (user, password) = (user.clone(), password.clone());
            Box::pin(async move {
                if now {
                    admin.revoke(&user, &password).await;
                    // Keystone itself takes the old one no more.
                    cloud.our_projects().await.unwrap();
                }
                None
            })
        })
    };
    let runner = Runner {
        compute: cloud.clone(),
        effects: Effects::new(cloud, world.directory.clone(), world.assigner.clone()),
        ..world.runner(points)
    };
    world.run_with(runner).await;
    assert!(revoked.load(Ordering::SeqCst));
    for id in &ids {
        assert_eq!(world.operation(id).await.state, OperationState::Done);
        crate::network::came_to_rest(&world, &before, id, "revoked").await;
    }
    admin
        .call(Method::DELETE, &format!("/users/{user}"), Json::Null)
        .await;
    world.end().await;
}
