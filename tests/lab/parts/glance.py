"""Glance: images, as files in LAB_DIR/glance/images."""

from __future__ import annotations

import openstack_service
from settings import Lab

NAME = "glance"
PACKAGES: list[str] = []
NEEDS = openstack_service.NEEDS
PATIENCE = 120.0


def daemons(lab: Lab) -> list[str]:
    return ["glance-api"]


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    config = openstack_service.configure(lab, "glance", "glance-api.conf")
    for name in ("images", "staging", "tasks", "locks"):
        lab.folder("glance", name)
    openstack_service.schema(
        lab, "glance", ["glance"],
        [["glance-manage", "--config-file", str(config[0]), "db_sync"]],
    )  # fmt: skip
    openstack_service.serve(lab, "glance", "glance.wsgi.api", config,
                            env={"OS_GLANCE_CONFIG_DIR": str(lab.folder("glance"))})  # fmt: skip


def health(lab: Lab) -> str | None:
    return openstack_service.health(lab, "glance")


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return lab.url("glance")
