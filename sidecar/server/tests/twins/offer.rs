//! What the twin's cloud offers.

use osm_core::instance::{Flavor, Image, SecurityGroup};
use osm_core::quota::Limits;

pub const GROUPS: [&str; 3] = ["default", "web", "x]]{{db}}"];

pub const LIMITS: Limits = Limits {
    instances: Some(10),
    cores: Some(20),
    ram: None,
};

pub fn flavor() -> Flavor {
    Flavor {
        id: Some("1".to_owned()),
        name: "m1.tiny".to_owned(),
        vcpus: 1,
        ram_mb: 512,
        disk_gb: 1,
        ephemeral_gb: 0,
    }
}

pub fn image() -> Image {
    Image {
        id: "img".to_owned(),
        name: None,
        default: true,
        min_ram_mb: 0,
        min_disk_gb: 0,
    }
}

pub fn groups_on_offer() -> Vec<SecurityGroup> {
    GROUPS
        .map(|name| SecurityGroup {
            id: format!("id of {name}"),
            name: name.to_owned(),
        })
        .into()
}
