"""Neutron without agents: its own driver binds each port at once (openstack_drivers)."""

from __future__ import annotations

import openstack_service
from settings import Lab

NAME = "neutron"
PACKAGES: list[str] = []
NEEDS = openstack_service.NEEDS
PATIENCE = 180.0


def daemons(lab: Lab) -> list[str]:
    return ["neutron-api"]


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    config = openstack_service.configure(
        lab, "neutron", "neutron.conf", "ml2_conf.ini", "neutron-policy.yaml"
    )
    lab.folder("neutron", "locks")
    files = [word for path in config[:2] for word in ("--config-file", str(path))]
    openstack_service.schema(
        lab, "neutron", ["neutron"], [["neutron-db-manage", *files, "upgrade", "heads"]]
    )
    openstack_service.serve(
        lab, "neutron", "neutron.wsgi.api", config,
        env={
            "OS_NEUTRON_CONFIG_DIR": str(lab.folder("neutron")),
            "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2_conf.ini",
        },
    )  # fmt: skip


def health(lab: Lab) -> str | None:
    return openstack_service.health(lab, "neutron")


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return lab.url("neutron")
