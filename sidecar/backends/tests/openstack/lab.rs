//! The adapter against the lab's Keystone, Nova, Glance and Neutron.
//!
//! `eval "$(tests/lab/lab env)"; cargo test -p osm-backends --test openstack -- --ignored`

use futures_util::FutureExt;
use osm_backends::openstack::{OpenStack, OpenStackConfig, with_request_id};
use osm_backends::secret::Secret;
use osm_core::ids::{InstanceId, InstanceName, OperationId, ProjectId, Region};
use osm_core::instance::{Instance, META_CREATOR, META_OPERATION, ServerRequest};
use osm_core::ports::{ComputeRead, ComputeWrite, Identity, Kind, PortError, Since, Tagged};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::{Duration, Instant};
use uuid::Uuid;

const LONG_ENOUGH: Duration = Duration::from_secs(180);

/// The service account of the lab's clouds.yaml (which is JSON).
pub fn config() -> OpenStackConfig {
    let lab = std::env::var("LAB_DIR").expect("LAB_DIR, from `tests/lab/lab env`");
    let text = std::fs::read_to_string(Path::new(&lab).join("clouds.yaml")).unwrap();
    let clouds: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cloud = &clouds["clouds"]["demo-service"];
    let auth = |key: &str| cloud["auth"][key].as_str().unwrap().to_owned();
    OpenStackConfig {
        auth_url: auth("auth_url"),
        username: auth("username"),
        user_domain: auth("user_domain_name"),
        password: Secret::new(auth("password")),
        project_domain: auth("project_domain_name"),
        reader_project: auth("project_name"),
        interface: "public".to_owned(),
        regions: vec![Region::trusted(cloud["region_name"].as_str().unwrap())],
    }
}

struct Lab {
    cloud: OpenStack,
    region: Region,
    bots: ProjectId,
}

async fn lab(config: OpenStackConfig) -> Lab {
    let region = config.regions[0].clone();
    let cloud = OpenStack::new(config).unwrap();
    let projects = cloud.our_projects().await.unwrap();
    let bots = projects.into_iter().find(|p| p.name == "bots").unwrap();
    assert!(bots.enabled);
    Lab {
        cloud,
        region,
        bots: bots.id,
    }
}

impl Lab {
    async fn request(&self, name: &str) -> ServerRequest {
        let Self {
            cloud,
            region,
            bots,
        } = self;
        let flavors = cloud.flavors(region, bots).await.unwrap();
        let tiny = flavors.iter().find(|f| f.name == "m1.tiny").unwrap();
        assert_eq!((tiny.vcpus, tiny.ram_mb, tiny.disk_gb), (1, 512, 1));
        let images = cloud.images(region, bots).await.unwrap();
        let offered_first: Vec<_> = images.iter().filter(|i| i.default).collect();
        assert_eq!(offered_first.len(), 1);
        let image = offered_first[0];
        assert_eq!(image.name.as_deref(), Some("debian-12"));
        assert_eq!((image.min_ram_mb, image.min_disk_gb), (256, 1));
        let groups = cloud.security_groups(region, bots).await.unwrap();
        assert!(groups.iter().any(|g| g.name == "default"));
        let network = cloud.network(region, bots, "lan").await.unwrap();
        assert_eq!(
            cloud.network(region, bots, &network).await.unwrap(),
            network
        );
        ServerRequest {
            name: InstanceName::parse(name).unwrap(),
            flavor_id: tiny.id.clone().unwrap(),
            flavor_name: tiny.name.clone(),
            image_id: image.id.clone(),
            image_name: image.name.clone().unwrap(),
            network,
            security_groups: vec!["web".to_owned()],
        }
    }

    async fn read(&self, id: InstanceId) -> Option<Instance> {
        self.cloud
            .server(&self.region, &self.bots, id)
            .await
            .unwrap()
    }

    /// Waits until the server is as wanted; what it was at last, if it never is.
    async fn until(
        &self,
        id: InstanceId,
        good: impl Fn(&Option<Instance>) -> bool,
    ) -> Option<Instance> {
        let begun = Instant::now();
        loop {
            let found = self.read(id).await;
            if good(&found) {
                return found;
            }
            assert!(begun.elapsed() < LONG_ENOUGH, "still {found:?}");
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

fn active(found: &Option<Instance>) -> bool {
    found
        .as_ref()
        .is_some_and(|i| i.status == "ACTIVE" && i.task_state.is_none())
}

fn operation() -> OperationId {
    // Not a ULID: a sidecar that sees the server is not to miss its operation.
    OperationId::trusted(format!(
        "TEST{}",
        &Uuid::new_v4().simple().to_string()[..22]
    ))
}

#[tokio::test]
#[ignore = "needs the lab: LAB_DIR"]
async fn a_server_from_create_to_gone() {
    let lab = lab(config()).await;
    lab.cloud.ping().await.unwrap();
    let operation = operation();
    let life = AssertUnwindSafe(with_request_id(
        "4f1d2c3b4a5968778695a4b3",
        life(&lab, &operation),
    ));
    let outcome = life.catch_unwind().await;
    // Whatever went wrong, nothing is left behind.
    for id in made_by(&lab, &operation).await {
        lab.cloud
            .delete_server(&lab.region, &lab.bots, id)
            .await
            .unwrap();
    }
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

async fn made_by(lab: &Lab, operation: &OperationId) -> Vec<InstanceId> {
    lab.cloud
        .servers_of_operation(&lab.region, &lab.bots, operation)
        .await
        .unwrap()
}

async fn life(lab: &Lab, operation: &OperationId) {
    let Lab {
        cloud,
        region,
        bots,
    } = lab;
    let request = lab.request("adapter-test").await;
    let before = cloud.quota(region, bots).await.unwrap();
    assert_eq!(made_by(lab, operation).await, []);

    let tagged = Tagged {
        operation: operation.clone(),
        metadata: BTreeMap::from([(META_CREATOR.to_owned(), "Zoë | [[x]]".to_owned())]),
    };
    let id = cloud
        .create_server(region, bots, &request, &tagged)
        .await
        .unwrap();
    assert_eq!(made_by(lab, operation).await, [id]);
    let begun = lab.read(id).await.unwrap();
    let began = begun.created;
    assert_eq!(begun.metadata[META_CREATOR], "Zoë | [[x]]");
    assert_eq!(begun.metadata[META_OPERATION], operation.as_str());

    assert!(cloud.ours(region, bots, id).await.unwrap());

    let running = lab.until(id, active).await.unwrap();
    assert_eq!(running.name, "adapter-test");
    assert_eq!(running.project.as_str(), "bots");
    assert_eq!(running.flavor.name, "m1.tiny");
    assert_eq!(
        running.image.as_ref().unwrap().name.as_deref(),
        Some("debian-12")
    );
    assert_eq!(running.security_groups, ["web"]);
    assert_eq!(running.addresses.len(), 1);
    assert_eq!(running.addresses[0].network, "lan");
    assert!(!running.addresses[0].floating);
    assert!(running.launched.is_some() && running.deleted.is_none());
    let after = cloud.quota(region, bots).await.unwrap();
    assert_eq!(after.limits, before.limits);
    // Others may be at work there as well.
    assert!(after.used.instances > 0 && after.used.ram >= 512 && after.used.cores > 0);

    let all = cloud.servers(region, Since::Everything).await.unwrap();
    let listed = all.into_iter().find(|i| i.id == id).unwrap();
    assert!(listed.host.is_some());
    assert_eq!(
        Instance {
            host: None,
            ..listed
        },
        Instance {
            host: None,
            ..running
        }
    );

    let console = cloud.console_output(region, bots, id).await.unwrap();
    assert!(!console.trim().is_empty());
    cloud.reboot_server(region, bots, id).await.unwrap();
    lab.until(id, active).await;

    cloud.delete_server(region, bots, id).await.unwrap();
    lab.until(id, Option::is_none).await;
    cloud.delete_server(region, bots, id).await.unwrap();
    let error = cloud.console_output(region, bots, id).await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound, "{error}");
    assert!(error.request_id.is_some());
    let changed = cloud.servers(region, Since::Changed(began)).await.unwrap();
    let gone = changed.into_iter().find(|i| i.id == id).unwrap();
    assert_eq!(gone.status, "DELETED");
    assert!(gone.deleted.is_some());
}

#[tokio::test]
#[ignore = "needs the lab: LAB_DIR"]
async fn without_the_grant_each_project_is_listed() {
    let all = lab(config()).await;
    let few = lab(OpenStackConfig {
        reader_project: "bots".to_owned(),
        ..config()
    })
    .await;
    let ids = |list: Result<Vec<Instance>, PortError>| {
        let mut ids: Vec<_> = list.unwrap().into_iter().map(|i| i.id).collect();
        ids.sort();
        ids
    };
    // Other tests make and delete servers meanwhile: both lists are asked for until they agree.
    let begun = Instant::now();
    loop {
        let everywhere = ids(all.cloud.servers(&all.region, Since::Everything).await);
        let by_project = ids(few.cloud.servers(&few.region, Since::Everything).await);
        if everywhere == by_project {
            break;
        }
        assert!(
            begun.elapsed() < LONG_ENOUGH,
            "{everywhere:?} {by_project:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs the lab: LAB_DIR"]
async fn what_the_services_refuse() {
    let lab = lab(config()).await;
    let Lab {
        cloud,
        region,
        bots,
    } = &lab;
    let error = cloud.network(region, bots, "nosuch").await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound, "{error}");

    let good = lab.request("adapter-refused").await;
    let tagged = Tagged {
        operation: operation(),
        metadata: BTreeMap::new(),
    };
    let nowhere = Uuid::new_v4().to_string();
    let mut wrong = good.clone();
    wrong.image_id = nowhere.clone();
    let error = cloud
        .create_server(region, bots, &wrong, &tagged)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Rejected, "{error}");
    let mut wrong = good;
    wrong.flavor_id = nowhere;
    let error = cloud
        .create_server(region, bots, &wrong, &tagged)
        .await
        .unwrap_err();
    assert_eq!(error.kind, Kind::Rejected, "{error}");
    assert_eq!(made_by(&lab, &tagged.operation).await, []);

    let nobody = ProjectId::trusted(Uuid::new_v4().simple().to_string());
    let error = cloud.quota(region, &nobody).await.unwrap_err();
    assert_eq!((error.system, error.kind), ("keystone", Kind::Denied));

    let password = "wrong-password-7c1";
    let stranger = OpenStack::new(OpenStackConfig {
        password: Secret::new(password),
        ..config()
    })
    .unwrap();
    let error = stranger.ping().await.unwrap_err();
    assert_eq!((error.system, error.kind), ("keystone", Kind::Denied));
    assert!(!format!("{error} {error:?}").contains(password));

    let elsewhere = OpenStack::new(OpenStackConfig {
        regions: vec![Region::trusted("Atlantis")],
        ..config()
    })
    .unwrap();
    let error = elsewhere.ping().await.unwrap_err();
    assert!(error.detail.contains("Atlantis"), "{error}");
}
