"""Nova's conductor and scheduler, between its API and its computes."""

from __future__ import annotations

import daemon
import openstack_service
from parts import nova, openstack
from settings import Lab

NAME = "conductor"
PACKAGES: list[str] = []
# Both end for good when Keystone, Placement or their accounts are missing as they start.
NEEDS = [*openstack_service.NEEDS, "keystone", "placement", "nova"]
PATIENCE = 120.0

DAEMONS = ["nova-conductor", "nova-scheduler"]


def daemons(lab: Lab) -> list[str]:
    return DAEMONS


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    config = nova.configuration(lab)
    for name in DAEMONS:
        daemon.ensure(lab, name, [openstack.program(lab, name), "--config-file", str(config[0])], config=config)


def health(lab: Lab) -> str | None:
    # A compute that calls before the conductor listens waits ten seconds to call again.
    return nova.reported_in(lab, DAEMONS)


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return "(reached over RabbitMQ)"
