"""Expensive installs, made once for all labs of the machine and found by the hash of what makes them."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from settings import Lab


def key(*makers: Path | str) -> str:
    """A hash over the files, folders' files and words that decide what the install looks like."""
    digest = hashlib.sha256()
    for maker in makers:
        if isinstance(maker, str):
            digest.update(maker.encode())
            continue
        files = sorted(path for path in maker.rglob("*") if path.is_file()) if maker.is_dir() else [maker]
        for path in files:
            if "__pycache__" not in path.parts:
                digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def folder(lab: Lab, name: str, key: str) -> Path:
    return lab.cache / f"{name}-{key}"


def once(lab: Lab, name: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder of that name and key; `make` fills it unless an earlier run came to its end."""
    path = folder(lab, name, key)
    done = path / ".complete"
    if done.exists():
        return path
    with (lab.cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir(mode=0o755)
            make(path)
            done.touch()
    return path
