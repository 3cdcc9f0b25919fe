"""The files that tests, scripts and people read: env, clouds.yaml and accounts.json in LAB_DIR."""

from __future__ import annotations

import json
from dataclasses import dataclass

from settings import Lab


@dataclass(frozen=True)
class Person:
    """One of the demo's people: an LDAP entry (uid, cn) and a wiki account of the same name as cn."""

    uid: str
    name: str
    role: str
    about: str
    number: int


PEOPLE = [
    Person("operator", "Operator", "cloudadmin", "cloud admin; projectadmin of bots and tools", 2001),
    Person("volunteer", "Volunteer", "member", "member of bots", 2002),
    Person("outsider", "Outsider", "none", "member of no project", 2003),
]
# Wiki accounts without an LDAP entry, to make one for.
NEWCOMERS = [("Newcomer", "no shell account yet")]


@dataclass(frozen=True)
class Project:
    """A project of that name both in LDAP and in Keystone; members and admins by uid."""

    name: str
    about: str
    number: int
    members: list[str]
    admins: list[str]


PROJECTS = [
    Project("bots", "Bots that look after articles", 3001, ["volunteer", "operator"], ["operator"]),
    Project("tools", "Tools for everybody", 3002, ["operator"], ["operator"]),
]


def write(lab: Lab) -> None:
    keystone = lab.url("keystone", "/v3")
    names = {
        "LAB_DIR": str(lab.dir),
        "LAB_CACHE": str(lab.cache),
        **{f"LAB_{name.upper()}_PORT": str(port) for name, port in lab.ports.items()},
        "LAB_WIKI_URL": lab.url("wiki", "/"),
        "LAB_SIDECAR_URL": lab.url("sidecar"),
        "LAB_KEYSTONE_URL": keystone,
        "LAB_LDAP_URL": f"ldap://127.0.0.1:{lab.port('ldap')}",
        "OS_CLIENT_CONFIG_FILE": str(lab.dir / "clouds.yaml"),
    }
    lab.write(lab.dir / "env", "".join(f"export {key}='{value}'\n" for key, value in names.items()), 0o644)

    accounts = [
        {
            "user": person.name,
            "password": lab.secret(f"wiki-{person.uid}"),
            "role": person.role,
            "about": person.about,
        }
        for person in PEOPLE
    ] + [
        {"user": name, "password": lab.secret(f"wiki-{name.lower()}"), "role": "none", "about": about}
        for name, about in NEWCOMERS
    ]
    lab.write(lab.dir / "accounts.json", json.dumps(accounts, indent=2) + "\n", 0o600)

    def cloud(user: str, domain: str, password: str, project: str) -> dict:
        return {
            "region_name": "RegionOne",
            "identity_api_version": 3,
            "auth": {
                "auth_url": keystone,
                "username": user,
                "user_domain_name": domain,
                "password": password,
                "project_name": project,
                "project_domain_name": "Default",
            },
        }

    clouds = {
        "demo-admin": cloud("admin", "Default", lab.secret("keystone-admin"), "admin"),
        "demo-volunteer": cloud("volunteer", "people", lab.secret("ldap-volunteer"), "bots"),
        "demo-service": cloud(
            "openstackmanager", "Default", lab.secret("keystone-openstackmanager"), "openstackmanager"
        ),
    }
    # JSON is YAML.
    lab.write(lab.dir / "clouds.yaml", json.dumps({"clouds": clouds}, indent=2) + "\n", 0o600)
