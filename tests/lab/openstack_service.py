"""What Keystone, Placement, Glance, Neutron and Nova have in common: configuration, schema, uWSGI."""

from __future__ import annotations

from pathlib import Path
from string import Template

import daemon
import installed
import probe
from parts import mariadb, openstack, rabbitmq
from settings import HOST, ROOT, Lab

TEMPLATES = ROOT / "tests/lab/openstack"
NEEDS = ["openstack", "mariadb", "memcached", "rabbitmq"]


def configure(lab: Lab, service: str, *names: str, **values: str) -> list[Path]:
    """Fills the templates of these names into LAB_DIR/<service>; returns the files."""
    home = lab.folder(service)
    known = {
        "home": str(home),
        "venv": str(openstack.venv(lab)),
        "transport": rabbitmq.transport(lab),
        "database": connection(lab, service),
        "memcached": f"{HOST}:{lab.port('memcached')}",
        "keystone": lab.url("keystone", "/v3"),
        "password": lab.secret(f"keystone-{service}"),
        "authtoken": _authtoken(lab, service),
    } | values
    files = []
    for name in names:
        text = (TEMPLATES / name).read_text()
        # Policies are full of %(…)s and need nothing filled in.
        lab.write(home / name, text if name.endswith(".yaml") else Template(text).substitute(known))
        files.append(home / name)
    return files


def connection(lab: Lab, account: str, database: str | None = None) -> str:
    password = lab.secret(f"mariadb-{account}")
    return f"mysql+pymysql://{account}:{password}@{HOST}:{lab.port('mariadb')}/{database or account}?charset=utf8"


def schema(
    lab: Lab, service: str, databases: list[str], sync: list[list[str]], *, once: list[list[str]] | None = None
) -> None:
    """Brings the service's databases to the schema of the installed release; `once` is for empty ones only.

    A migration from nothing takes a minute; the machine keeps a dump of its outcome, which holds
    nothing of this lab, for the next lab that begins with empty databases.
    """
    home = lab.folder(service)
    marker = home / "schema"
    commands = [*sync, *(once or [])]
    version = installed.key(openstack.LOCK, repr([command[1:] for command in commands]).replace(str(home), ""))
    if marker.exists() and marker.read_text() == version:
        return
    for name in databases:
        mariadb.database(lab, name, service, charset="utf8mb3")
    dump = lab.cache / f"schema-{service}-{version}.sql"
    fresh = not any(mariadb.query(lab, f"SHOW TABLES FROM `{name}`") for name in databases)
    if fresh and dump.exists():
        mariadb.restore(lab, dump)
    else:
        for command in commands if fresh else sync:
            lab.run([openstack.program(lab, command[0]), *command[1:]], f"{service}-setup")
        if fresh:
            mariadb.dump(lab, databases, dump)
    lab.write(marker, version)


def serve(
    lab: Lab, service: str, module: str, config: list[Path], *, env: dict[str, str], processes: int = 1
) -> None:
    """The service's API in a uWSGI of its own."""
    argv = [
        openstack.program(lab, "uwsgi"),
        "--http-socket", f"{HOST}:{lab.port(service)}",
        "--module", module,
        "--virtualenv", str(openstack.venv(lab)),
        "--master", "--die-on-term", "--need-app", "--lazy-apps", "--single-interpreter",
        "--enable-threads", "--processes", str(processes), "--threads", "8",
        "--buffer-size", "65535", "--disable-logging", "--procname-prefix", f"{service}-api ",
        # uWSGI closes after each answer without saying so: clients that keep connections would be cut.
        "--add-header", "Connection: close",
        # The folder it runs in goes onto Python's path: it has to be an empty one.
        "--chdir", str(lab.folder("empty")),
    ]  # fmt: skip
    daemon.ensure(lab, _api(service), argv, env=env, config=config, ports=[service])


def health(lab: Lab, service: str, path: str = "/") -> str | None:
    return daemon.down_reason(lab, _api(service)) or probe.http(
        lab.url(service, path), expect=(200, 300), timeout=30
    )


def _api(service: str) -> str:
    return service if service == "keystone" else f"{service}-api"


def _authtoken(lab: Lab, service: str) -> str:
    keystone = lab.url("keystone", "/v3")
    return f"""[keystone_authtoken]
www_authenticate_uri = {keystone}
auth_type = password
auth_url = {keystone}
username = {service}
password = {lab.secret(f"keystone-{service}")}
user_domain_id = default
project_name = service
project_domain_id = default
region_name = RegionOne
memcached_servers = {HOST}:{lab.port("memcached")}
service_token_roles_required = true
"""
