"""Nova's conductor, scheduler and computes with the upstream fake driver; LAB_COMPUTES says how many."""

from __future__ import annotations

import os

import daemon
import openstack_service
from parts import mariadb, nova, openstack
from settings import Lab

NAME = "compute"
PACKAGES: list[str] = []
# The conductor and the scheduler end for good when Keystone or Placement is missing at their start.
NEEDS = [*openstack_service.NEEDS, "keystone", "placement", "nova"]
PATIENCE = 180.0


def daemons(lab: Lab) -> list[str]:
    return ["nova-conductor", "nova-scheduler", *_hosts()]


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    config = nova.configuration(lab)
    base = ["--config-file", str(config[0])]
    for name in ("nova-conductor", "nova-scheduler"):
        daemon.ensure(lab, name, [openstack.program(lab, name), *base], config=config)
    for host in _hosts():
        # Each host keeps its identity here, which belongs to its row in the database.
        state = lab.folder("nova", host)
        own = state / "host.conf"
        lab.write(own, f"[DEFAULT]\nhost = {host}\nstate_path = {state}\n")
        argv = [openstack.program(lab, "nova-compute"), *base, "--config-file", str(own)]
        daemon.ensure(lab, host, argv, config=[*config, own])


def health(lab: Lab) -> str | None:
    down = daemon.down_reason(lab, *daemons(lab))
    if down is not None:
        return down
    # A running process takes no work yet: it does once it has reported in after its start, and a
    # compute once the scheduler knows it.
    reported = {
        host: float(at)
        for host, at in mariadb.query(
            lab,
            "SET time_zone = '+00:00'; SELECT IF(s.`binary` = 'nova-compute', s.host, s.`binary`),"
            " UNIX_TIMESTAMP(COALESCE(s.updated_at, s.created_at)) FROM nova_cell1.services s"
            " WHERE s.`binary` <> 'nova-compute' OR EXISTS"
            " (SELECT * FROM nova_api.host_mappings m WHERE m.host = s.host)",
        )
    }
    for name in daemons(lab):
        if reported.get(name, 0) < daemon.started_at(lab, name) - 1:
            return f"{name} has not reported in to Nova since its start"
    return None


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return f"{len(_hosts())} host(s)"


def _hosts() -> list[str]:
    count = int(os.environ.get("LAB_COMPUTES") or 1)
    return [f"nova-compute{number}" for number in range(1, count + 1)]
