"""Long-running processes of the lab: started detached, remembered, and stopped by what was remembered.

A record in LAB_DIR/run holds the process id *and* its start time, so that a recycled process id is
never mistaken for ours, and a fingerprint of command, environment and configuration, so that a daemon
whose configuration changed is restarted and any other is left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from settings import HOST, Lab, LabError


def ensure(
    lab: Lab,
    name: str,
    argv: list[str],
    *,
    env: dict[str, str] | None = None,
    cwd: Path | None = None,
    config: list[Path] | None = None,
    ports: list[str] | None = None,
) -> bool:
    """Sees to it that the daemon runs as described; says whether it had to be (re)started.

    The process must stay in the foreground; its output goes to LAB_DIR/log/<name>.log. `config` are
    files whose change asks for a restart, `ports` the names of the ports it will listen on.
    """
    environment = lab.environment() | (env or {})
    fingerprint = _fingerprint(argv, environment, config or [])
    record = _read(lab, name)
    if record and record["fingerprint"] == fingerprint and _alive(record):
        return False
    stop(lab, name)
    for port in ports or []:
        _check_free(lab, port)
    with lab.log(name).open("a") as out:
        out.write(f"--- {time.strftime('%F %T')} started by the lab\n")
        out.flush()
        try:
            process = subprocess.Popen(
                argv,
                env=environment,
                cwd=cwd or lab.folder("home"),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=lab.uid,
                group=lab.gid,
                extra_groups=[],
            )
        except OSError as error:
            raise LabError(f"{argv[0]} could not be started: {error.strerror}", lab.log(name)) from None
    record = {
        "pid": process.pid,
        "started": _start_time(process.pid),
        "boot": _boot(),
        "at": time.time(),
        "fingerprint": fingerprint,
    }
    lab.write(_path(lab, name), json.dumps(record))
    return True


def running(lab: Lab, name: str) -> bool:
    record = _read(lab, name)
    return bool(record) and _alive(record)


def pid(lab: Lab, name: str) -> int:
    """Its process; 0 where it is not running."""
    record = _read(lab, name)
    return record["pid"] if record and _alive(record) else 0


def started_at(lab: Lab, name: str) -> float:
    """When it was last started, in seconds of the epoch; 0 where it is not running."""
    record = _read(lab, name)
    return record["at"] if record and _alive(record) else 0.0


def down_reason(lab: Lab, *names: str) -> str | None:
    """The first of these daemons that does not run, in words fit for health()."""
    for name in names:
        if not running(lab, name):
            return f"{name} is not running"
    return None


def names(lab: Lab) -> list[str]:
    """All daemons that were started and not stopped since."""
    return sorted(path.stem for path in lab.folder("run").glob("*.json"))


def stop(lab: Lab, name: str, patience: float = 20) -> None:
    """Ends the daemon and whatever is left of its process group, politely first."""
    record = _read(lab, name)
    if record is None:
        return
    if _alive(record):
        os.kill(record["pid"], signal.SIGTERM)
        _until(lambda: not _alive(record), patience)
    # A killed master may leave workers behind that still hold the port.
    if _group(lab, record):
        os.killpg(record["pid"], signal.SIGKILL)
        _until(lambda: not _group(lab, record), 5)
    _path(lab, name).unlink(missing_ok=True)


def wait_for(reason: Callable[[], str | None], patience: float, alive: Callable[[], str | None]) -> None:
    """Waits until `reason` has nothing to object; gives up early when `alive` says a daemon died."""
    deadline = time.monotonic() + patience
    while (objection := reason()) is not None:
        died = alive()
        if died is not None:
            raise LabError(died)
        if time.monotonic() > deadline:
            raise LabError(f"not ready after {patience:.0f} s: {objection}")
        time.sleep(0.2)


def _check_free(lab: Lab, port: str) -> None:
    # What was killed a moment ago may take a while to go.
    if not _until(lambda: _free(lab.port(port)), 10):
        raise LabError(f"port {lab.port(port)} is taken by another program; LAB_{port.upper()}_PORT names another")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _until(condition: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return met


def _path(lab: Lab, name: str) -> Path:
    return lab.folder("run") / f"{name}.json"


def _read(lab: Lab, name: str) -> dict | None:
    try:
        record = json.loads(_path(lab, name).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return record if record["boot"] == _boot() else None


def _alive(record: dict) -> bool:
    return _start_time(record["pid"]) == record["started"] is not None


def _start_time(pid: int) -> int | None:
    """Clock ticks after boot; None for a process that is gone or only waits to be reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _group(lab: Lab, record: dict) -> list[int]:
    """The living members of the record's process group, if it is still ours."""
    leader = _start_time(record["pid"])
    if leader is not None and leader != record["started"]:
        return []
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                owner = entry.stat().st_uid
            except OSError:
                continue
            if int(fields[2]) == record["pid"] and owner == lab.uid and fields[0] not in "ZX":
                found.append(int(entry.name))
    return found


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _fingerprint(argv: list[str], env: dict[str, str], config: list[Path]) -> str:
    digest = hashlib.sha256(json.dumps([argv, sorted(env.items())]).encode())
    for path in config:
        digest.update(path.read_bytes())
    return digest.hexdigest()
