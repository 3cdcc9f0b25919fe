"""The running lab that the tests look at: LAB_DIR names it (the demo's `.lab` by default)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import daemon
import parts
import settings

from support.waiting import until

lab = settings.load()
WIKI = lab.url("wiki")
OUT = Path(os.environ.get("E2E_OUT") or settings.ROOT / "target/test/e2e")


@dataclass(frozen=True)
class Account:
    """A wiki account; `uid` is the shell name of the LDAP entry of the demo's people."""

    name: str
    password: str

    @property
    def uid(self) -> str:
        return self.name.lower()


def _accounts() -> dict[str, Account]:
    stored = json.loads((lab.dir / "accounts.json").read_text())
    return {each["user"]: Account(each["user"], each["password"]) for each in stored}


ACCOUNTS = _accounts()
VOLUNTEER, OPERATOR, OUTSIDER = (ACCOUNTS[name] for name in ["Volunteer", "Operator", "Outsider"])
SYSOP = Account("WikiSysop", lab.secret("wiki-sysop"))


@contextmanager
def down(part: str, *only: str) -> Iterator[None]:
    """A part of the lab is away for a while (or only these of its daemons), and comes back."""
    for name in only or parts.load()[part].daemons(lab):
        daemon.stop(lab, name)
    try:
        yield
    finally:
        up(part)


@contextmanager
def asleep(name: str) -> Iterator[None]:
    """A daemon takes calls for a while and answers none."""
    group = daemon.pid(lab, name)
    os.killpg(group, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(group, signal.SIGCONT)


def up(part: str) -> None:
    known = parts.load()[part]
    known.start(lab)
    until(lambda: known.health(lab) is None, f"{part} is back", known.PATIENCE)


@contextmanager
def wiki_read_only(reason: str) -> Iterator[None]:
    """MediaWiki's own lock file: whoever writes it makes the wiki read-only."""
    lock = lab.dir / "mediawiki" / "images" / "lock_yBgMBwiR"
    lab.write(lock, reason, 0o644)
    try:
        yield
    finally:
        lock.unlink()


@contextmanager
def wiki_with(settings: str) -> Iterator[None]:
    """The wiki has other settings for a while, in PHP."""
    file = lab.dir / "mediawiki" / "for-a-while.php"
    lab.write(file, f"<?php\n{settings}\n", 0o644)
    try:
        yield
    finally:
        file.unlink()


def maintenance(script: str, *words: str) -> str:
    """Runs a maintenance script of the wiki and returns what it prints."""
    from parts import mediawiki

    done = subprocess.run(
        [*mediawiki._maintenance(lab, script), *words],
        env=lab.environment() | mediawiki._environment(lab),
        user=lab.uid, group=lab.gid, extra_groups=[], cwd="/", capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
    return done.stdout


def ready() -> None:
    """Waits until every part of the lab does its work."""
    known = parts.load()

    def all_well() -> bool:
        return not [name for name, part in known.items() if part.health(lab)]

    until(all_well, "all parts of the lab are healthy", 60)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """What `openstackmanager WORDS` does on the server."""
    argv = [str(lab.dir / "sidecar" / "openstackmanager"), "--config", str(lab.dir / "sidecar.toml"), *words]
    return subprocess.run(
        argv, env=lab.environment(), user=lab.uid, group=lab.gid,
        extra_groups=[], cwd="/", capture_output=True, text=True,
    )  # fmt: skip


def operations() -> int:
    """How many operations people have ever begun: a refusal adds none."""
    from parts import mariadb

    count = "SELECT COUNT(*) FROM operations WHERE wiki_user_id <> 0"
    return int(mariadb.query(lab, count, "openstackmanager")[0][0])


def suspended(account: Account) -> bool:
    """Something of theirs is kept, since they are blocked."""
    from parts import mariadb

    count = f"SELECT COUNT(*) FROM suspensions WHERE kept LIKE '%\"uid\":\"{account.uid}\"%'"
    return mariadb.query(lab, count, "openstackmanager") != [["0"]]


def compared_since(moment: datetime) -> bool:
    """A comparison of all that there is has come to its end that began after this."""
    from parts import mariadb

    at = f"{moment:%F %T.%f}"
    return mariadb.query(lab, f"SELECT MIN(at) > '{at}' FROM watermarks", "openstackmanager") == [["1"]]


@contextmanager
def sidecar_with(change: Callable[[str], str], **environment: str) -> Iterator[None]:
    """The sidecar runs with another configuration for a while."""
    from parts import sidecar

    config = lab.dir / "sidecar-e2e.toml"
    lab.write(config, change((lab.dir / "sidecar.toml").read_text()))
    argv = [str(lab.dir / "sidecar" / "openstackmanager"), "--config", str(config), "serve"]
    daemon.ensure(lab, "sidecar", argv, env=environment, config=[config], ports=["sidecar"])
    try:
        until(lambda: sidecar.health(lab) is None, "the sidecar is ready with another configuration", 30)
        yield
    finally:
        # Its own configuration is another one: it is started anew with that.
        up("sidecar")
        config.unlink()
