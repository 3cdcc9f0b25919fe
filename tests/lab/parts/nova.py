"""Nova's API and its databases; what schedules and runs servers: conductor.py, compute.py."""

from __future__ import annotations

from pathlib import Path

import daemon
import openstack_service
from parts import mariadb, openstack
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
        ],
        # Nova would make a second cell of the same name, and count each server twice.
        once=[
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


def reported_in(lab: Lab, names: list[str]) -> str | None:
    """Whether these daemons take work: they do once they have reported in after their start, and a
    compute once the scheduler knows it."""
    down = daemon.down_reason(lab, *names)
    if down is not None:
        return down
    reported = {
        name: float(at)
        for name, at in mariadb.query(
            lab,
            "SET time_zone = '+00:00'; SELECT IF(s.`binary` = 'nova-compute', s.host, s.`binary`),"
            " UNIX_TIMESTAMP(COALESCE(s.updated_at, s.created_at)) FROM nova_cell1.services s"
            " WHERE s.`binary` <> 'nova-compute' OR EXISTS"
            " (SELECT * FROM nova_api.host_mappings m WHERE m.host = s.host)",
        )
    }
    for name in names:
        if reported.get(name, 0) < daemon.started_at(lab, name) - 1:
            return f"{name} has not reported in to Nova since its start"
    return None


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return lab.url("nova", "/v2.1")
