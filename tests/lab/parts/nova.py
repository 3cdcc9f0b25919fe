"""Nova's API and its databases; what schedules and runs servers is parts/compute.py."""

from __future__ import annotations

from pathlib import Path

import openstack_service
from parts import openstack
from settings import Lab

NAME = "nova"
PACKAGES: list[str] = []
NEEDS = openstack_service.NEEDS
PATIENCE = 180.0

DATABASES = ["nova_api", "nova_cell0", "nova_cell1"]
# Filled in by Nova from its own configuration, so that nothing of one lab stands in the database.
URL = "{scheme}://{username}:{password}@{hostname}:{port}/"


def daemons(lab: Lab) -> list[str]:
    return ["nova-api"]


def install(lab: Lab) -> None:
    pass


def configuration(lab: Lab) -> list[Path]:
    lab.folder("nova", "locks")
    return openstack_service.configure(
        lab, "nova", "nova.conf", "nova-policy.yaml",
        api_database=openstack_service.connection(lab, "nova", "nova_api"),
        database=openstack_service.connection(lab, "nova", "nova_cell1"),
        glance=lab.url("glance"),
    )  # fmt: skip


def start(lab: Lab) -> None:
    config = configuration(lab)
    manage = ["nova-manage", "--config-file", str(config[0])]
    openstack_service.schema(
        lab, "nova", DATABASES,
        [
            [*manage, "api_db", "sync"],
            [*manage, "cell_v2", "map_cell0", "--database_connection", f"{URL}nova_cell0?{{query}}"],
            [*manage, "db", "sync"],
            [*manage, "cell_v2", "create_cell", "--name", "cell1",
             "--database_connection", f"{URL}nova_cell1?{{query}}", "--transport-url", URL],
        ],
    )  # fmt: skip
    openstack_service.serve(
        lab, "nova", "nova.wsgi.osapi_compute", config,
        env={
            "OS_NOVA_CONFIG_DIR": "/",
            # The first has to be the paste file.
            "OS_NOVA_CONFIG_FILES": f"{openstack.venv(lab)}/etc/nova/api-paste.ini;{config[0]}",
        },
    )  # fmt: skip


def health(lab: Lab) -> str | None:
    return openstack_service.health(lab, "nova")


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return lab.url("nova", "/v2.1")
