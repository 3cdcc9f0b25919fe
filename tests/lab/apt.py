"""Debian packages: only those missing, without recommended ones, and without any service being started."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from settings import Lab, LabError

POLICY = Path("/usr/sbin/policy-rc.d")
REFUSAL = "#!/bin/sh\n# Put here by OpenStackManager's lab while it runs apt-get.\nexit 101\n"
SAVED = Path("/usr/sbin/policy-rc.d.before-openstackmanager-lab")
LISTS = Path("/var/lib/apt/lists")


def install(lab: Lab, packages: set[str]) -> list[str]:
    """Installs what is missing and returns it."""
    missing = sorted(packages - _installed())
    if not missing:
        return []
    with (lab.cache / "apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _no_service_starts():
            if _lists_are_old():
                _apt_get(lab, "update")
            _apt_get(lab, "install", "--no-install-recommends", *missing)
    return missing


def _installed() -> set[str]:
    listing = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = (line.split() for line in listing.stdout.splitlines())
    return {name for status, name in lines if status == "installed"}


def _apt_get(lab: Lab, *words: str) -> None:
    try:
        lab.run(
            ["apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3",
             "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold", *words],
            "apt", env={"DEBIAN_FRONTEND": "noninteractive"}, as_root=True, timeout=1800,
        )  # fmt: skip
    except LabError as error:
        raise LabError(f"apt-get {words[0]} failed: {error}", error.log) from None


def _lists_are_old() -> bool:
    """Without fresh lists a package may be gone from the mirror under the name we know."""
    newest = max((path.stat().st_mtime for path in LISTS.glob("*Packages*")), default=0)
    return time.time() - newest > 24 * 3600


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Packages start their services unless this file refuses; the machine's own file is put back."""
    # A run that was killed may have left our file: that one is not the machine's.
    if POLICY.exists() and POLICY.read_text() != REFUSAL:
        POLICY.rename(SAVED)
    POLICY.write_text(REFUSAL)
    os.chmod(POLICY, 0o755)
    try:
        yield
    finally:
        if SAVED.exists():
            SAVED.rename(POLICY)
        else:
            POLICY.unlink()
