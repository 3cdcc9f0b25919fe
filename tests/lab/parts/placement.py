"""Placement: what resources the computes have."""

from __future__ import annotations

import openstack_service
from settings import Lab

NAME = "placement"
PACKAGES: list[str] = []
NEEDS = openstack_service.NEEDS
PATIENCE = 120.0


def daemons(lab: Lab) -> list[str]:
    return ["placement-api"]


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    config = openstack_service.configure(lab, "placement", "placement.conf")
    openstack_service.schema(
        lab, "placement", ["placement"],
        [["placement-manage", "--config-file", str(config[0]), "db", "sync"]],
    )  # fmt: skip
    openstack_service.serve(lab, "placement", "placement.wsgi.api", config,
                            env={"OS_PLACEMENT_CONFIG_DIR": str(lab.folder("placement"))})  # fmt: skip


def health(lab: Lab) -> str | None:
    return openstack_service.health(lab, "placement")


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return lab.url("placement")
