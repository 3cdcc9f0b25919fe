"""Whether the sidecar has compared everything since it was started."""

from __future__ import annotations

from parts import mariadb
from support.world import lab


def now() -> str:
    return _one("SELECT NOW(6)")


def since(at: str) -> bool:
    return _one(f"SELECT MIN(at) > '{at}' FROM watermarks") == "1"


def _one(sql: str) -> str:
    return mariadb.query(lab, f"SET time_zone = '+00:00'; {sql}", "openstackmanager")[0][0]
