"""Where one instance of the lab lives: its folders, ports, secrets and system user.

Everything that two labs on the same machine must not share hangs on LAB_DIR; everything that is
expensive to make and the same for all of them lies in LAB_CACHE.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
import random
import secrets
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
USER = "osmlab"
HOST = "127.0.0.1"
# A socket's path has at most 107 bytes; this leaves room for its name below LAB_DIR.
LONGEST = 80

# The fixed contract for scripts; LAB_<NAME>_PORT changes one of them.
PORTS: dict[str, int] = {
    "wiki": 8080,
    "sidecar": 8090,
    "keystone": 5000,
    "nova": 8774,
    "placement": 8778,
    "glance": 9292,
    "neutron": 9696,
    "ldap": 3890,
    "mariadb": 3307,
    "rabbitmq": 5673,
    "rabbitmq_dist": 25673,
    "epmd": 4370,
    "memcached": 11311,
    "irc": 6667,
    "irc_services": 7001,
}


class LabError(Exception):
    """Something a person has to know or mend; its text is shown as it is."""

    def __init__(self, reason: str, log: Path | None = None) -> None:
        super().__init__(reason)
        self.log = log


@dataclass(frozen=True)
class Lab:
    """What every part is given: see parts/__init__.py for how it is used."""

    dir: Path
    cache: Path
    ports: dict[str, int]
    uid: int
    gid: int
    root: Path = ROOT
    user: str = USER

    def port(self, name: str) -> int:
        return self.ports[name]

    def url(self, name: str, path: str = "") -> str:
        return f"http://{HOST}:{self.ports[name]}{path}"

    def folder(self, *names: str) -> Path:
        """A folder below LAB_DIR, made where missing, owned by the lab's user."""
        path = self.dir
        for name in names:
            path = path / name
            if not path.is_dir():
                # Parts come up in parallel and may want the same folder.
                path.mkdir(mode=0o750, exist_ok=True)
                os.chown(path, self.uid, self.gid)
        return path

    def write(self, path: Path, text: str, mode: int = 0o640) -> bool:
        """Writes a file of the lab's user; says whether its content changed."""
        changed = not path.exists() or path.read_text() != text
        if changed:
            fresh = path.with_name(path.name + ".new")
            fresh.touch(mode=0o600)
            os.chmod(fresh, mode)
            fresh.write_text(text)
            os.chown(fresh, self.uid, self.gid)
            fresh.rename(path)
        return changed

    def secret(self, name: str) -> str:
        """A password: generated at first use, the same from then on, in LAB_DIR/secrets (0600)."""
        path = self.folder("secrets") / name
        try:
            # Exclusive creation: parts start in parallel and may ask for the same secret.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text()
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(18).replace("-", "a").replace("_", "b"))
        os.chown(path, self.uid, self.gid)
        return path.read_text()

    def secret_file(self, name: str) -> Path:
        """The file that holds the secret, for daemons that read their password from one."""
        self.secret(name)
        return self.dir / "secrets" / name

    def environment(self) -> dict[str, str]:
        """What daemons see: nothing of the caller's, so that a start never depends on who starts."""
        return {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": str(self.folder("home")),
            "NO_PROXY": f"{HOST},localhost",
        }

    def run(
        self,
        argv: list[str],
        log: str,
        *,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
        input: str | None = None,
        as_root: bool = False,
        timeout: float = 900,
    ) -> None:
        """Runs a command to its end, output appended to LAB_DIR/log/<log>.log; raises where it fails.

        As root (for installs) it sees the caller's environment, which may name proxies and mirrors.
        """
        path = self.log(log)
        base = dict(os.environ) if as_root else self.environment()
        base.pop("PYTHONDONTWRITEBYTECODE", None)
        identity = {} if as_root else {"user": self.uid, "group": self.gid, "extra_groups": []}
        with path.open("a") as out:
            try:
                done = subprocess.run(
                    argv,
                    env=base | (env or {}),
                    cwd=cwd or ("/" if as_root else self.folder("home")),
                    input=input,
                    text=True,
                    stdin=subprocess.DEVNULL if input is None else None,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    timeout=timeout,
                    **identity,
                )
            except subprocess.TimeoutExpired:
                raise LabError(f"{argv[0]} did not end within {timeout:.0f} s", path) from None
            except OSError as error:
                raise LabError(f"{argv[0]} could not be started: {error.strerror}", path) from None
        if done.returncode != 0:
            raise LabError(f"{argv[0]} ended with status {done.returncode}", path)

    def log(self, name: str) -> Path:
        path = self.folder("log") / f"{name}.log"
        if not path.exists():
            path.touch(mode=0o640)
            os.chown(path, self.uid, self.gid)
        return path


def lab_dir() -> Path:
    """LAB_DIR as asked for; `.lab` in the checkout by default."""
    return Path(os.environ.get("LAB_DIR") or ROOT / ".lab").absolute()


def load() -> Lab:
    """An existing lab, for the commands that only look or stop."""
    directory = lab_dir()
    if not directory.is_dir():
        raise LabError(f"there is no lab in {directory}: `make demo` makes one")
    account = pwd.getpwnam(USER)
    return Lab(directory.resolve(), _cache(), _ports(directory), account.pw_uid, account.pw_gid)


def create() -> Lab:
    """The lab of LAB_DIR, its system user and its folder, made where missing."""
    if os.geteuid() != 0:
        raise LabError("the lab installs packages and changes users: run it as root")
    account = _system_user()
    directory = _state_folder(lab_dir(), account)
    cache = _cache()
    cache.mkdir(parents=True, exist_ok=True)
    ports = _ports(directory)
    lab = Lab(directory, cache, ports, account.pw_uid, account.pw_gid)
    lab.write(directory / "ports.json", json.dumps(ports, indent=2) + "\n", 0o644)
    return lab


def _cache() -> Path:
    return Path(os.environ.get("LAB_CACHE") or "/var/cache/openstackmanager-lab").absolute()


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        subprocess.run(
            ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
             "--shell", "/usr/sbin/nologin", USER],
            check=True,
        )  # fmt: skip
        return pwd.getpwnam(USER)


def _state_folder(wanted: Path, account: pwd.struct_passwd) -> Path:
    if wanted.is_symlink():
        directory = wanted.resolve()
    elif _may_enter(wanted.parent, account) and len(str(wanted)) <= LONGEST:
        directory = wanted
    else:
        # The unprivileged user cannot get there (a checkout below /root), or sockets can not be there.
        key = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
        directory = Path("/var/lib/openstackmanager-lab") / key
        wanted.parent.mkdir(parents=True, exist_ok=True)
        wanted.symlink_to(directory)
    directory.mkdir(parents=True, exist_ok=True)
    os.chmod(directory, 0o755)
    os.chown(directory, account.pw_uid, account.pw_gid)
    return directory.resolve()


def _may_enter(folder: Path, account: pwd.struct_passwd) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            ["test", "-x", str(folder)], user=account.pw_uid, group=account.pw_gid, extra_groups=[]
        )
    except OSError:
        return False
    return done.returncode == 0


def _ports(directory: Path) -> dict[str, int]:
    """The environment decides first, then what this LAB_DIR was started with, then the defaults."""
    recorded = directory / "ports.json"
    known: dict[str, int] = json.loads(recorded.read_text()) if recorded.exists() else {}
    missing = [name for name in PORTS if name not in known]
    if os.environ.get("LAB_FREE_PORTS") == "1":
        known |= _free_ports(missing)
    ports = PORTS | known
    for name in PORTS:
        asked = os.environ.get(f"LAB_{name.upper()}_PORT")
        if asked:
            if not asked.isdigit() or not 0 < int(asked) < 65536:
                raise LabError(f"LAB_{name.upper()}_PORT={asked} is not a port number")
            ports[name] = int(asked)
    return ports


def _free_ports(names: list[str]) -> dict[str, int]:
    """Free ports below those that the kernel gives to clients: one of them might be quicker than the part.

    All sockets are held open until the last is found, so that no port is given twice.
    """
    held: dict[str, socket.socket] = {}
    candidates = iter(random.sample(range(15000, 32000), 17000))
    try:
        for name in names:
            while name not in held:
                with contextlib.suppress(OSError):
                    held[name] = socket.create_server((HOST, next(candidates)))
        return {name: each.getsockname()[1] for name, each in held.items()}
    finally:
        for each in held.values():
            each.close()
