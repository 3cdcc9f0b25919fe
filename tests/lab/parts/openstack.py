"""OpenStack's programs: the released packages at pinned versions in one virtualenv; no daemon."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import installed
from settings import ROOT, Lab

NAME = "openstack"
# python-ldap and uWSGI are built from source.
PACKAGES = ["python3", "python3-dev", "python3-venv", "gcc", "libc6-dev", "libldap-dev", "libsasl2-dev", "ca-certificates"]
NEEDS: list[str] = []
PATIENCE = 5.0

LOCK = ROOT / "tests/lab/openstack.lock"
DRIVERS = ROOT / "tests/lab/openstack_drivers"
PYTHON = "/usr/bin/python3.11"


def venv(lab: Lab) -> Path:
    return installed.folder(lab, NAME, _key())


def program(lab: Lab, name: str) -> str:
    return str(venv(lab) / "bin" / name)


def daemons(lab: Lab) -> list[str]:
    return []


def install(lab: Lab) -> None:
    installed.once(lab, NAME, _key(), lambda folder: _make(lab, folder))


def start(lab: Lab) -> None:
    pass


def health(lab: Lab) -> str | None:
    return None if (venv(lab) / ".complete").exists() else "not installed"


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return str(venv(lab))


def _key() -> str:
    return installed.key(LOCK, DRIVERS, Path(__file__))


def _make(lab: Lab, folder: Path) -> None:
    # A build leaves files beside its sources, which are not to lie in the checkout.
    sources = folder / "drivers"
    shutil.copytree(DRIVERS, sources)
    pins = dict(line.split("==") for line in LOCK.read_text().split() if "==" in line)
    python = str(folder / "bin/python")
    # It brings certificates of its own; the machine's may know a proxy of its network besides.
    uv = [str(folder / "bin/uv"), "--system-certs", "pip", "install", "--quiet", "--python", python,
          "--link-mode", "copy"]  # fmt: skip
    for argv in (
        [PYTHON, "-m", "venv", str(folder)],
        [python, "-m", "pip", "install", "--quiet", f"uv=={pins['uv']}"],
        [*uv, "--requirement", str(LOCK)],
        [*uv, "--no-deps", "--no-build-isolation", str(sources)],
        ["cp", str(sources / "nova_virt/osmlab.py"), str(folder / "lib/python3.11/site-packages/nova/virt")],
        # Without compiled modules each start of each daemon compiles what it imports.
        [python, "-m", "compileall", "-q", "-j", str(os.cpu_count() or 1), str(folder / "lib")],
    ):
        lab.run(argv, "openstack-install", as_root=True)
