"""Brings parts up: each in a thread of its own, as soon as those that it needs are healthy."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apt
import daemon
import parts
from parts import Part
from settings import Lab, LabError

TAIL = 15
# Seconds after which somebody who waits wants to know for what.
QUIET = 5.0


def up(lab: Lab, chosen: dict[str, Part]) -> list[str]:
    """Returns the names of the parts that did not come up; has said why by then."""
    begun = time.monotonic()
    wanted = {package for part in chosen.values() for package in part.PACKAGES}
    try:
        with _announced(lab, "packages"):
            added = apt.install(lab, wanted)
    except LabError as error:
        _report_failure(lab, "packages", error, [])
        return ["packages"]
    _say("packages", begun, f"{len(added)} installed" if added else "all there")

    done = {name: threading.Event() for name in chosen}
    failed: list[str] = []

    def bring_up(name: str, part: Part) -> None:
        try:
            was_healthy = parts.objection(lab, part) is None
            begun = time.monotonic()
            with _announced(lab, name):
                part.install(lab)
            if time.monotonic() - begun > 1:
                _say(name, begun, "installed")
            for need in part.NEEDS:
                done[need].wait()
            missing = [need for need in part.NEEDS if need in failed]
            if missing:
                failed.append(name)
                _line(f"{name:<12} left out: it needs {', '.join(missing)}")
                return
            begun = time.monotonic()
            before = [daemon.started_at(lab, each) for each in part.daemons(lab)]
            part.start(lab)
            daemon.wait_for(
                lambda: parts.objection(lab, part),
                part.PATIENCE,
                lambda: daemon.down_reason(lab, *part.daemons(lab)),
            )
            part.setup(lab)
            untouched = before == [daemon.started_at(lab, each) for each in part.daemons(lab)]
            _say(name, begun, "already up" if was_healthy and untouched else "up")
        except LabError as error:
            failed.append(name)
            _report_failure(lab, name, error, part.daemons(lab))
        except Exception:
            failed.append(name)
            _line(f"{name:<12} FAILED in the lab's own code\n{traceback.format_exc()}")
        finally:
            done[name].set()

    threads = [threading.Thread(target=bring_up, args=item, name=item[0]) for item in chosen.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


def _line(text: str) -> None:
    # One write, so that the threads' lines do not run into each other.
    print(f"{text}\n", end="", flush=True)


def _say(name: str, begun: float, what: str) -> None:
    _line(f"{name:<12} {what:<14} {time.monotonic() - begun:6.1f} s")


@contextmanager
def _announced(lab: Lab, name: str) -> Iterator[None]:
    timer = threading.Timer(QUIET, _line, [f"{name:<12} installing     logs: {lab.dir}/log/"])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _report_failure(lab: Lab, name: str, error: LabError, daemons: list[str]) -> None:
    # Of several daemons the one that is down has something to say.
    speakers = [each for each in daemons if not daemon.running(lab, each)] or daemons or [name]
    log = error.log or lab.log(speakers[0])
    _line(f"{name:<12} FAILED: {error}\n  log: {log}\n{_tail(log)}")


def _tail(log: Path) -> str:
    if not log.exists():
        return "  (no log)"
    lines = log.read_text(errors="replace").splitlines()[-TAIL:]
    return "\n".join(f"  | {line[:300]}" for line in lines)
