"""What the demo finds in the cloud: projects, accounts, flavours, images, a network, security groups."""

from __future__ import annotations

from collections.abc import Callable

from cloud import Cloud, Refused, admin
from files import PROJECTS
from parts import keystone
from settings import Lab

NAME = "content"
PACKAGES: list[str] = []
NEEDS = ["keystone", "glance", "neutron", "nova", "compute", "ldap"]
PATIENCE = 5.0

FLAVORS = {"m1.tiny": (1, 512, 1), "m1.small": (1, 2048, 20), "m1.medium": (2, 4096, 40)}
IMAGES = {
    "debian-12": {"os_distro": "debian", "os_version": "12", "default": "true", "show": "true"},
    "debian-13": {"os_distro": "debian", "os_version": "13", "show": "true"},
}
INSTANCES_QUOTA = 10


def daemons(lab: Lab) -> list[str]:
    return []


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    cloud = admin(lab)
    _accounts(lab, cloud)
    for name, (cpus, ram, disk) in FLAVORS.items():
        body = {"name": name, "vcpus": cpus, "ram": ram, "disk": disk}
        cloud.ensure("nova", "/flavors", "flavor", body)
    for name, properties in IMAGES.items():
        _image(cloud, name, properties)
    _network(cloud)
    for project in PROJECTS:
        project_id = keystone.project(cloud, project.name, project.about)
        cloud.put("nova", f"/os-quota-sets/{project_id}", {"quota_set": {"instances": INSTANCES_QUOTA}})
        # Asking for the groups makes Neutron create the project's `default`.
        cloud.get("neutron", "/security-groups", project_id=project_id)
    _web_group(cloud, keystone.project(cloud, "bots", ""))
    lab.write(lab.folder("content") / "done", "")


def health(lab: Lab) -> str | None:
    return None if (lab.folder("content") / "done").exists() else "not created yet"


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return f"clouds demo-admin, demo-volunteer, demo-service in {lab.dir / 'clouds.yaml'}"


def _accounts(lab: Lab, cloud: Cloud) -> None:
    member, reader = keystone.role(cloud, "member"), keystone.role(cloud, "osm_reader")
    # What every reader of a project may; the policy files add what goes across projects.
    implied = f"/roles/{reader}/implies/{keystone.role(cloud, 'reader')}"
    _unless_there(lambda: cloud.put("keystone", implied))
    sidecar = keystone.user(lab, cloud, "openstackmanager")
    own = keystone.project(cloud, "openstackmanager", "Where OpenStackManager reads across projects")
    keystone.assign(cloud, own, sidecar, reader)
    # Whose only power is to give and take the role `member`.
    keeper = keystone.user(lab, cloud, "openstackmanager-admin")
    for each in (reader, keystone.role(cloud, "osm_membership")):
        keystone.assign(cloud, own, keeper, each)
    domain = cloud.get("keystone", "/domains", name="people")["domains"][0]["id"]
    people = {each["name"]: each["id"] for each in cloud.get("keystone", "/users", domain_id=domain)["users"]}
    for project in PROJECTS:
        project_id = keystone.project(cloud, project.name, project.about)
        keystone.assign(cloud, project_id, sidecar, member)
        for name in project.members:
            keystone.assign(cloud, project_id, people[name], member)


def _image(cloud: Cloud, name: str, properties: dict[str, str]) -> None:
    body = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public",
            "min_disk": 1, "min_ram": 256, **properties}  # fmt: skip
    image = cloud.ensure("glance", "/images", "image", body, name=name)
    if image["status"] == "queued":
        # No instance ever boots from it: the computes are fake.
        cloud.upload(f"/images/{image['id']}/file", f"stands for {name}\n".encode() * 256)


def _network(cloud: Cloud) -> None:
    network = cloud.ensure("neutron", "/networks", "network", {"name": "lan", "shared": True}, name="lan")
    subnet = {"name": "lan", "network_id": network["id"], "ip_version": 4, "cidr": "172.16.0.0/21"}
    cloud.ensure("neutron", "/subnets", "subnet", subnet, network_id=network["id"])


def _web_group(cloud: Cloud, project_id: str) -> None:
    body = {"name": "web", "description": "Web servers", "project_id": project_id}
    group = cloud.ensure("neutron", "/security-groups", "security_group", body, project_id=project_id)
    for port in (80, 443):
        rule = {"security_group_id": group["id"], "project_id": project_id, "direction": "ingress",
                "protocol": "tcp", "port_range_min": port, "port_range_max": port,
                "remote_ip_prefix": "0.0.0.0/0"}  # fmt: skip
        _unless_there(lambda: cloud.post("neutron", "/security-group-rules", {"security_group_rule": rule}))


def _unless_there(create: Callable[[], object]) -> None:
    """For what has no name to look for: a conflict says that it is there."""
    try:
        create()
    except Refused as refusal:
        if refusal.status != 409:
            raise
