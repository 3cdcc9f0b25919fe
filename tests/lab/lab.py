"""The lab's command line: `tests/lab/lab up [PART…] | down [PART…] | status | env`."""

from __future__ import annotations

import fcntl
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import daemon
import files
import parts
import settings
from parts import Part
from settings import Lab, LabError
from up import up

USAGE = """usage: lab up [PART…]     install, start and set up (all, or the parts named and what they need)
       lab down [PART…]   stop (all, or the parts named)
       lab status         health and address of each part
       lab env            shell exports: folders, ports, addresses"""


def main(words: list[str]) -> int:
    match words:
        case ["up", *names]:
            return _up(names)
        case ["down", *names]:
            return _down(names)
        case ["status"]:
            return _status()
        case ["env"]:
            print((settings.load().dir / "env").read_text(), end="")
            return 0
    print(USAGE, file=sys.stderr)
    return 2


def _up(names: list[str]) -> int:
    lab = settings.create()
    chosen = parts.choose(parts.load(), names)
    with _locked(lab):
        begun = time.monotonic()
        files.write(lab)
        failed = up(lab, chosen)
    if failed:
        return 1
    print(f"up in {time.monotonic() - begun:.0f} s")
    if not names:
        _where_to_click(lab, chosen)
    return 0


def _where_to_click(lab: Lab, running: dict[str, Part]) -> None:
    if "mediawiki" not in running:
        return
    print(f"\nThe wiki: {lab.url('wiki', '/')}   its instances: {running['mediawiki'].url(lab)}")
    for account in json.loads((lab.dir / "accounts.json").read_text()):
        print(f"  log in as {account['user']:<10} password {account['password']}   ({account['about']})")
    if "irc" in running:
        print(f"The Server Admin Log: say `!log bots …` on {running['irc'].url(lab)}")


def _down(names: list[str]) -> int:
    lab = settings.load()
    known = parts.load()
    for name in names:
        if name not in known:
            raise LabError(f"there is no part {name}; there are {', '.join(known)}")
    with _locked(lab):
        for name in reversed(known):
            if not names or name in names:
                with ThreadPoolExecutor() as pool:
                    list(pool.map(lambda each: daemon.stop(lab, each), known[name].daemons(lab)))
        if not names:
            for left in daemon.names(lab):
                daemon.stop(lab, left)
    print("stopped" if not names else f"stopped {', '.join(names)}")
    return 0


def _status() -> int:
    lab = settings.load()
    known = parts.load()
    with ThreadPoolExecutor(len(known)) as pool:
        health = dict(zip(known, pool.map(lambda part: parts.objection(lab, part), known.values())))
    for name, reason in health.items():
        print(f"{name:<12} {'up' if reason is None else 'DOWN':<5} {known[name].url(lab)}")
        if reason is not None:
            print(f"{'':<12} {reason}; logs: {' '.join(map(str, logs(lab, known[name])))}")
    return 1 if any(health.values()) else 0


def logs(lab: Lab, part: Part) -> list[Path]:
    return [lab.log(name) for name in part.daemons(lab)]


class _locked:
    """One `up` or `down` at a time on the same LAB_DIR."""

    def __init__(self, lab: Lab) -> None:
        self._file = (lab.dir / "lock").open("w")

    def __enter__(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another `lab` command on the same folder", flush=True)
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
