"""The checkout, as the checks of this folder read it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "sidecar/server/src"
BACKENDS = ROOT / "sidecar/backends/src"


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def files() -> list[Path]:
    """Everything that git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    paths = (ROOT / each for each in listed if each)
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def rust(*folders: Path) -> Iterator[tuple[Path, str]]:
    """Rust files below the folders (or the files themselves) that are no tests, without comments."""
    for path in files():
        is_test = path.stem.endswith("tests") or "tests" in path.parts
        if path.suffix == ".rs" and not is_test and any(path == each or each in path.parents for each in folders):
            yield path, re.sub(r"(?m)^\s*//.*$", "", path.read_text())


def without_tests(text: str) -> str:
    """A module of unit tests stands at the end of its file."""
    return text.split("#[cfg(test)]\nmod tests {")[0]


@cache
def metadata() -> dict[str, Any]:
    asked = subprocess.run(
        ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert asked.returncode == 0, asked.stderr
    return json.loads(asked.stdout)


def dependencies(package: str, *, closure: bool) -> set[str]:
    """Names of what a package needs when it runs: directly, or with all that these need."""
    known = metadata()
    names = {each["id"]: each["name"] for each in known["packages"]}
    needs = {
        node["id"]: [
            each["pkg"] for each in node["deps"] if any(kind["kind"] is None for kind in each["dep_kinds"])
        ]
        for node in known["resolve"]["nodes"]
    }
    (start,) = [each for each in known["workspace_members"] if names[each] == package]
    found, ahead = set(), list(needs[start])
    while ahead:
        each = ahead.pop()
        if each not in found:
            found.add(each)
            ahead += needs[each] if closure else []
    return {names[each] for each in found}
