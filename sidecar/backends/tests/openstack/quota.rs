//! Quotas in the lab's Nova, by the account that may set them and by the one that may not.

use super::assign::{assigner, assigner_as, tools};
use crate::leave::May;
use osm_backends::openstack::OpenStack;
use osm_core::ids::ProjectId;
use osm_core::ports::{ComputeAdmin, ComputeRead, Kind};
use osm_core::quota::{Limits, QuotaChange};

#[tokio::test]
#[ignore = "needs the lab: LAB_DIR"]
async fn set_by_whom_it_is_for_and_only_what_is_otherwise() {
    let config = super::lab::config();
    let region = config.regions[0].clone();
    let (worker, admin) = (assigner_as(config.clone(), "people"), assigner());
    let (cloud, tools) = (OpenStack::new(config).unwrap(), tools().await);
    let now = async || cloud.quota(&region, &tools).await.unwrap().limits;
    let before = now().await;
    let change = |before: Limits, instances: Option<u64>| QuotaChange {
        before,
        after: Limits {
            instances,
            ..before
        },
    };
    let more = change(before, before.instances.map(|most| most + 1));
    let set = async |change: &QuotaChange, may: bool| {
        admin.set_quota(&region, &tools, change, &May(may)).await
    };

    let error = worker.set_quota(&region, &tools, &more, &May(true)).await;
    assert_eq!(error.unwrap_err().kind, Kind::Denied);
    assert!(set(&more, false).await.is_err());
    assert_eq!(now().await, before);
    for _ in 0..2 {
        set(&more, true).await.unwrap();
        assert_eq!(now().await, more.after);
    }
    // Somebody else's change of another limit meanwhile stays.
    let cores = QuotaChange {
        before: more.after,
        after: Limits {
            cores: more.after.cores.map(|most| most + 1),
            ..more.after
        },
    };
    set(&cores, true).await.unwrap();
    set(&more.reversed(), true).await.unwrap();
    assert_eq!(now().await.cores, cores.after.cores);
    set(&cores.reversed(), true).await.unwrap();
    // Without limit, and back.
    let endless = change(before, None);
    set(&endless, true).await.unwrap();
    assert_eq!(now().await, endless.after);
    set(&endless.reversed(), true).await.unwrap();
    assert_eq!(now().await, before);

    // A project that is not there is refused, whatever Nova would note of it.
    let nowhere = ProjectId::trusted("0123456789abcdef0123456789abcdef");
    let error = admin.set_quota(&region, &nowhere, &more, &May(true)).await;
    assert_eq!(error.unwrap_err().kind, Kind::Rejected);
}
