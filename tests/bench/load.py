"""Many requests at once: wrk sends what was written and signed before, so that it is not what is measured."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Load:
    """What came of it; times in milliseconds."""

    requests: int
    seconds: float
    p50: float
    p99: float
    # Answers of status 400 and above, and what got no answer at all.
    refused: int
    broken: int
    # Share of one core that wrk itself took.
    generator: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def raw(method: str, url: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request as it goes over the wire."""
    address = urlsplit(url)
    lines = [f"{method} {address.path or '/'}{'?' + address.query if address.query else ''} HTTP/1.1",
             f"Host: {address.netloc}", *(f"{name}: {value}" for name, value in headers.items())]  # fmt: skip
    if method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def load(url: str, requests: Iterator[bytes], connections: int, seconds: int) -> Load:
    """Each connection sends the next request as soon as it has the answer to the last."""
    with tempfile.NamedTemporaryFile() as file:
        for request in requests:
            file.write(b"%d\n" % len(request) + request)
        file.flush()
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds}s", "--timeout=20s",
             f"--script={SCRIPT}", url],
            env=os.environ | {"OSM_REQUESTS": file.name}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    measured = json.loads(done.stdout.splitlines()[-1])
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Load(**measured, generator=spent / measured["seconds"])
