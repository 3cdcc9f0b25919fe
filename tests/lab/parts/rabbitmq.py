"""RabbitMQ by its own start script, with its own home, node name and epmd.

Accounts: `openstack` for OpenStack's services, and `openstackmanager` for the sidecar, which reads
the services' exchanges and has a queue of its own, with the permissions that docs/INSTALL.md names.
"""

from __future__ import annotations

import base64
import hashlib
import json

import daemon
import probe
from settings import HOST, Lab

NAME = "rabbitmq"
PACKAGES = ["rabbitmq-server"]
NEEDS: list[str] = []
PATIENCE = 120.0

SCRIPT = "/usr/lib/rabbitmq/bin/rabbitmq-server"


def daemons(lab: Lab) -> list[str]:
    return ["epmd", "rabbitmq"]


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    home = lab.folder("rabbitmq")
    config, definitions, plugins = home / "rabbitmq.conf", home / "definitions.json", home / "plugins"
    lab.write(definitions, json.dumps(_definitions(lab), indent=2))
    lab.write(plugins, "[].\n")
    lab.write(
        config,
        f"""listeners.tcp.1 = {HOST}:{lab.port("rabbitmq")}
load_definitions = {definitions}
log.file = false
log.console = true
log.console.level = warning
""",
    )
    # Started by itself, epmd would outlive the broker and be nobody's to stop.
    epmd = {"ERL_EPMD_PORT": str(lab.port("epmd")), "ERL_EPMD_ADDRESS": HOST}
    daemon.ensure(lab, "epmd", ["/usr/bin/epmd"], env=epmd, ports=["epmd"])
    daemon.ensure(
        lab, "rabbitmq", [SCRIPT],
        env=epmd | {
            "HOME": str(home),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # By address: a bare machine may not even know the name localhost.
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_NODENAME": f"osmlab-{lab.port('rabbitmq')}@{HOST}",
            "RABBITMQ_DIST_PORT": str(lab.port("rabbitmq_dist")),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_MNESIA_BASE": str(lab.folder("rabbitmq", "mnesia")),
            "RABBITMQ_LOG_BASE": str(lab.folder("rabbitmq", "log")),
            "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        },
        config=[config, definitions], ports=["rabbitmq", "rabbitmq_dist"],
    )  # fmt: skip


def health(lab: Lab) -> str | None:
    return daemon.down_reason(lab, "epmd", "rabbitmq") or probe.port(lab, "rabbitmq")


def setup(lab: Lab) -> None:
    pass


def url(lab: Lab) -> str:
    return f"amqp://{HOST}:{lab.port('rabbitmq')}/"


def transport(lab: Lab) -> str:
    """How OpenStack's services reach the broker."""
    return f"rabbit://openstack:{lab.secret('rabbitmq-openstack')}@{HOST}:{lab.port('rabbitmq')}/"


def _definitions(lab: Lab) -> dict:
    def user(name: str) -> dict:
        password_hash = _hash(lab.secret(f"rabbitmq-{name}"))
        return {"name": name, "password_hash": password_hash, "tags": [],
                "hashing_algorithm": "rabbit_password_hashing_sha256"}  # fmt: skip

    def permission(name: str, configure: str, write: str, read: str) -> dict:
        return {"user": name, "vhost": "/", "configure": configure, "write": write, "read": read}

    own = "^openstackmanager$"
    return {
        "vhosts": [{"name": "/"}],
        "users": [user("openstack"), user("openstackmanager")],
        "permissions": [
            permission("openstack", ".*", ".*", ".*"),
            permission("openstackmanager", own, own, "^(openstackmanager|nova|neutron|keystone)$"),
        ],
    }


def _hash(password: str) -> str:
    """RabbitMQ's form: four bytes of salt, then SHA-256 of salt and password."""
    # Salt made from the password: the file stays the same, so the broker need not restart.
    salt = hashlib.sha256(b"salt" + password.encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
