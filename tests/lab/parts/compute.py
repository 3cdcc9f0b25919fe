"""Nova's computes, with a fake driver: no machine ever starts. LAB_COMPUTES says how many."""

from __future__ import annotations

import os

import daemon
from parts import nova, openstack
from settings import Lab

NAME = "compute"
PACKAGES: list[str] = []
NEEDS = ["conductor"]
PATIENCE = 180.0


def daemons(lab: Lab) -> list[str]:
    return _hosts()


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    config = nova.configuration(lab)
    base = ["--config-file", str(config[0])]
    for host in _hosts():
        # Each host keeps its identity here, which belongs to its row in the database.
        state = lab.folder("nova", host)
        own = state / "host.conf"
        lab.write(own, f"[DEFAULT]\nhost = {host}\nstate_path = {state}\n")
        argv = [openstack.program(lab, "nova-compute"), *base, "--config-file", str(own)]
        daemon.ensure(lab, host, argv, config=[*config, own])


def health(lab: Lab) -> str | None:
    return nova.reported_in(lab, _hosts())


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return f"{len(_hosts())} host(s)"


def _hosts() -> list[str]:
    count = int(os.environ.get("LAB_COMPUTES") or 1)
    return [f"nova-compute{number}" for number in range(1, count + 1)]
