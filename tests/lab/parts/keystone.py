"""Keystone: accounts, projects and roles in SQL, people from LDAP as the domain `people`."""

from __future__ import annotations

import json

import openstack_service
from cloud import Cloud, admin
from parts import ldap, openstack
from settings import Lab

NAME = "keystone"
PACKAGES: list[str] = []
NEEDS = [*openstack_service.NEEDS, "ldap"]
PATIENCE = 120.0

REGION = "RegionOne"
# Type in the catalogue, and where the API begins.
CATALOGUE = {
    "placement": ("placement", ""),
    "glance": ("image", ""),
    "neutron": ("network", ""),
    "nova": ("compute", "/v2.1"),
}


def daemons(lab: Lab) -> list[str]:
    return ["keystone"]


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    home = lab.folder("keystone")
    config = openstack_service.configure(lab, "keystone", "keystone.conf", "keystone-policy.yaml")
    manage = ["keystone-manage", "--config-file", str(config[0])]
    openstack_service.schema(lab, "keystone", ["keystone"], [[*manage, "db_sync"]])
    program = openstack.program(lab, "keystone-manage")
    for keys, command in (("fernet-keys", "fernet_setup"), ("credential-keys", "credential_setup")):
        if not (home / keys / "0").exists():
            lab.folder("keystone", keys)
            lab.run([program, *manage[1:], command], "keystone-setup")
    # Bootstrapping again is harmless and takes seconds: only when it would say something new.
    bootstrapped, url = home / "bootstrapped", lab.url("keystone", "/v3")
    if not bootstrapped.exists() or bootstrapped.read_text() != url:
        lab.run(
            [program, *manage[1:], "bootstrap", "--bootstrap-region-id", REGION,
             "--bootstrap-public-url", url, "--bootstrap-internal-url", url, "--bootstrap-admin-url", url],
            "keystone-setup", env={"OS_BOOTSTRAP_PASSWORD": lab.secret("keystone-admin")},
        )  # fmt: skip
        lab.write(bootstrapped, url)
    openstack_service.serve(lab, "keystone", "keystone.wsgi.api", config,
                            env={"OS_KEYSTONE_CONFIG_DIR": str(home)}, processes=2)  # fmt: skip


def health(lab: Lab) -> str | None:
    return openstack_service.health(lab, "keystone", "/v3")


def setup(lab: Lab) -> None:
    cloud = admin(lab)
    _services(lab, cloud)
    _people(lab, cloud)


def url(lab: Lab) -> str:
    return lab.url("keystone", "/v3")


def role(cloud: Cloud, name: str) -> str:
    return cloud.ensure("keystone", "/roles", "role", {"name": name}, name=name)["id"]


def user(lab: Lab, cloud: Cloud, name: str) -> str:
    body = {"name": name, "domain_id": "default", "password": lab.secret(f"keystone-{name}")}
    return cloud.ensure("keystone", "/users", "user", body, name=name, domain_id="default")["id"]


def project(cloud: Cloud, name: str, about: str) -> str:
    body = {"name": name, "domain_id": "default", "description": about}
    return cloud.ensure("keystone", "/projects", "project", body, name=name, domain_id="default")["id"]


def assign(cloud: Cloud, project_id: str, user_id: str, role_id: str) -> None:
    cloud.put("keystone", f"/projects/{project_id}/users/{user_id}/roles/{role_id}")


def people_domain(lab: Lab) -> str:
    """The id of the domain of LDAP's people."""
    return admin(lab).get("keystone", "/domains", name="people")["domains"][0]["id"]


def _services(lab: Lab, cloud: Cloud) -> None:
    """OpenStack's own accounts and the catalogue."""
    services = project(cloud, "service", "OpenStack's own services")
    roles = [role(cloud, "admin"), role(cloud, "service")]
    for name, (kind, path) in CATALOGUE.items():
        account = user(lab, cloud, name)
        for each in roles:
            assign(cloud, services, account, each)
        service = cloud.ensure("keystone", "/services", "service", {"name": name, "type": kind}, name=name)
        there = cloud.get("keystone", "/endpoints", service_id=service["id"])["endpoints"]
        address = lab.url(name, path)
        for interface in ("public", "internal"):
            body = {"interface": interface, "url": address, "region_id": REGION, "service_id": service["id"]}
            found = [endpoint for endpoint in there if endpoint["interface"] == interface]
            if not found:
                cloud.post("keystone", "/endpoints", {"endpoint": body})
            elif found[0]["url"] != address:
                cloud.patch("keystone", f"/endpoints/{found[0]['id']}", {"endpoint": body})


def _people(lab: Lab, cloud: Cloud) -> None:
    domain = cloud.ensure("keystone", "/domains", "domain",
                          {"name": "people", "description": "People, from LDAP"}, name="people")  # fmt: skip
    config = {
        "identity": {"driver": "ldap"},
        "ldap": {
            "url": ldap.url(lab),
            # Pooled connections fail once each after a restart of slapd.
            "use_pool": False,
            "use_auth_pool": False,
            "user": ldap.KEYSTONE,
            "password": lab.secret("ldap-keystone"),
            "suffix": ldap.BASE,
            "page_size": "100",
            "user_tree_dn": f"ou=people,{ldap.BASE}",
            "user_objectclass": "inetOrgPerson",
            "user_id_attribute": "uid",
            "user_name_attribute": "uid",
            "user_mail_attribute": "mail",
            "group_tree_dn": f"ou=groups,{ldap.BASE}",
            "group_objectclass": "groupOfNames",
            "group_id_attribute": "cn",
            "group_name_attribute": "cn",
            "group_member_attribute": "member",
        },
    }
    # Keystone never shows the password again, so what was put is remembered here.
    done = lab.folder("keystone") / "people.json"
    if lab.write(done, json.dumps(config), 0o600):
        cloud.put("keystone", f"/domains/{domain['id']}/config", {"config": config})
