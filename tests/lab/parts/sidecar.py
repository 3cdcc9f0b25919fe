"""The sidecar, built from the checkout; the demo's people linked to their LDAP entries."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import daemon
import probe
from files import PEOPLE
from parts import irc, keystone, ldap, mariadb, mediawiki, rabbitmq
from settings import HOST, Lab, LabError

NAME = "sidecar"
# For linking, and for crates that compile C.
PACKAGES = ["gcc", "libc6-dev"]
NEEDS = ["mariadb", "rabbitmq", "irc", "ldap", "content", "mediawiki"]
PATIENCE = 60.0

ACCOUNT = "openstackmanager"


def daemons(lab: Lab) -> list[str]:
    return ["sidecar"]


def install(lab: Lab) -> None:
    # The tests' own build has the program too. Another choice of packages has other features, and is built anew.
    build = ["test", "--workspace", "--no-run"] if _profile() == "dev" else ["build", "--release", "--package", ACCOUNT]
    lab.run(["nice", "cargo", *build, "--locked", "--quiet"], "sidecar-build", cwd=lab.root, as_root=True, timeout=3600)


def start(lab: Lab) -> None:
    _copy_program(lab)
    _write_config(lab)
    command(lab, "migrate")
    command(lab, "wiki", "push")
    # Before it serves, since a project's page is written at the first look and the next comes minutes later.
    for person in PEOPLE:
        command(lab, "link", "--wiki-user", person.name, "--uid", person.uid)
    serve(lab)


def serve(lab: Lab) -> None:
    """The process alone, as it starts when a neighbour is away."""
    changed = [_config(lab), _program(lab), *(mediawiki.keys_file(lab, way) for way in ("shim", "wiki"))]
    daemon.ensure(lab, "sidecar", [*_argv(lab), "serve"], config=changed, ports=["sidecar"])


def health(lab: Lab) -> str | None:
    return daemon.down_reason(lab, "sidecar") or probe.http(lab.url("sidecar", "/readyz"), timeout=10)


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return lab.url("sidecar")


def command(lab: Lab, *words: str) -> None:
    """Runs one of the program's commands to its end."""
    lab.run([*_argv(lab), *words], "sidecar-commands")


def _argv(lab: Lab) -> list[str]:
    return [str(_program(lab)), "--config", str(_config(lab))]


def _program(lab: Lab) -> Path:
    return lab.folder("sidecar") / "openstackmanager"


def _config(lab: Lab) -> Path:
    return lab.dir / "sidecar.toml"


def _profile() -> str:
    """LAB_SIDECAR_PROFILE=dev takes what `cargo test` builds."""
    profile = os.environ.get("LAB_SIDECAR_PROFILE") or "release"
    if profile not in ("dev", "release"):
        raise LabError(f"LAB_SIDECAR_PROFILE is {profile}, not dev or release")
    return profile


def built(lab: Lab) -> Path:
    """Where cargo puts it."""
    asked = subprocess.run(["cargo", "metadata", "--no-deps", "--format-version=1", "--offline"],
                           cwd=lab.root, capture_output=True, text=True)  # fmt: skip
    if asked.returncode != 0:
        raise LabError(f"cargo does not say where it builds: {asked.stderr.strip()}", lab.log("sidecar-build"))
    folder = "debug" if _profile() == "dev" else _profile()
    return Path(json.loads(asked.stdout)["target_directory"]) / folder / "openstackmanager"


def _copy_program(lab: Lab) -> None:
    """Out of the checkout, which the lab's user may not reach and the next build overwrites."""
    source, program = built(lab), _program(lab)
    if not program.exists() or program.read_bytes() != source.read_bytes():
        # A running program's file cannot be written to, but it can be replaced.
        fresh = program.with_suffix(".new")
        shutil.copyfile(source, fresh)
        fresh.chmod(0o755)
        fresh.rename(program)


def _write_config(lab: Lab) -> Path:
    mariadb.database(lab, ACCOUNT)
    sections = {
        "server": {"listen": f"{HOST}:{lab.port('sidecar')}", "public_authority": f"{HOST}:{lab.port('sidecar')}"},
        "database": {
            "host": HOST,
            "port": lab.port("mariadb"),
            "user": ACCOUNT,
            "name": ACCOUNT,
            "password_file": str(lab.secret_file(f"mariadb-{ACCOUNT}")),
        },
        "signing": {f"{way}_keys_file": str(mediawiki.keys_file(lab, way)) for way in ("shim", "wiki")},
        "wiki": {"api_url": lab.url("wiki", "/api.php"), "article_url": lab.url("wiki", "/wiki/")},
        "keystone": {
            "auth_url": lab.url("keystone", "/v3"),
            "username": ACCOUNT,
            "password_file": str(lab.secret_file(f"keystone-{ACCOUNT}")),
            "reader_project": ACCOUNT,
            "people_domain_id": keystone.people_domain(lab),
        },
        "rabbitmq": {
            "urls": [f"{rabbitmq.url(lab)}%2F"],
            "username": ACCOUNT,
            "password_file": str(lab.secret_file(f"rabbitmq-{ACCOUNT}")),
        },
        "keystone.admin": {
            "username": f"{ACCOUNT}-admin",
            "password_file": str(lab.secret_file(f"keystone-{ACCOUNT}-admin")),
            "project": ACCOUNT,
        },
        "[log.links]": {"pattern": r"\bT[1-9][0-9]*\b", "url": "https://phabricator.example/$0"},
        "[irc]": {
            "network": "lab",
            "host": HOST,
            "port": lab.port("irc"),
            "tls": False,
            "nick": irc.BOT,
            "channels": [irc.CHANNEL, {"name": irc.MEMBERS, "policy": "members"}],
            "account": irc.BOT,
            "password_file": str(lab.secret_file(f"irc-{irc.BOT}")),
            "burst": 50,
            "pause_ms": 20,
        },
        "[regions]": {"name": keystone.REGION, "network": "lan", "domain": "regionone.example"},
        "ldap": {
            "url": ldap.url(lab),
            "bind_dn": ldap.MANAGER,
            "password_file": str(lab.secret_file("ldap-openstackmanager")),
            **{f"{ou}_base": f"ou={ou},{ldap.BASE}" for ou in ("people", "projects", "groups", "hosts")},
        },
        # The demo's wiki sends no mail.
        "requests": {"rule": {"account_days": 0, "projects": 1, "every_days": 0, "quota": {"instances": 15}}},
        "accounts": {"first_uid": 20000, "gid": 500, "confirmed_email": False},
    }
    text = "".join(
        f"[{name}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in keys.items()) + "\n"
        for name, keys in sections.items()
    )
    lab.write(_config(lab), text)
    return _config(lab)


def _toml(value: object) -> str:
    """A JSON string, number or truth value is also one of TOML."""
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)
