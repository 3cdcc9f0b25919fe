"""memcached: Keystone's cache, without which each call takes half a second, and the wiki's."""

from __future__ import annotations

import daemon
import probe
from settings import HOST, Lab

NAME = "memcached"
PACKAGES = ["memcached"]
NEEDS: list[str] = []
PATIENCE = 20.0


def daemons(lab: Lab) -> list[str]:
    return ["memcached"]


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    argv = ["/usr/bin/memcached", "-l", HOST, "-p", str(lab.port("memcached")), "-U", "0", "-m", "128"]
    daemon.ensure(lab, "memcached", argv, ports=["memcached"])


def health(lab: Lab) -> str | None:
    return daemon.down_reason(lab, "memcached") or probe.port(lab, "memcached")


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return f"memcached://{HOST}:{lab.port('memcached')}"
