"""Three MariaDB servers on loopback that form a Galera cluster, and the store's tests against them.

`tests/run --all` runs it; `LAB_DIR=… python3 -B tests/galera/cluster.py` by itself. The servers belong to the lab
of LAB_DIR as its other daemons do: its system user, its folders, recorded process ids. They are stopped at the end.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lab"))

import apt  # noqa: E402
import daemon  # noqa: E402
import settings  # noqa: E402
from settings import HOST, Lab, LabError  # noqa: E402

# Not `mariadb-server`, whose service would be one of the machine.
PACKAGES = {"mariadb-server-core", "mariadb-client", "galera-4"}
PROVIDER = "/usr/lib/galera/libgalera_smm.so"
NODES = [1, 2, 3]
ACCOUNT = "galera"
PATIENCE = 60.0
# How a server that joins is given the cluster's state: it has all but the last changes, which Galera sends itself. So
# the two have only to agree on the position from which on they are sent. (The programs that copy whole databases are in
# the package that would also make a service of the machine.)
TRANSFER = """#!/bin/sh
while [ $# -gt 0 ]; do
    case "$1" in
        --role) role=$2 ;;
        --address) address=$2 ;;
        --gtid) position=$2 ;;
    esac
    shift
done
told=$(dirname "$0")/told-$address
if [ "$role" = donor ]; then
    echo "$position" >"$told.new" && mv "$told.new" "$told"
    echo "done $position"
else
    rm -f "$told"
    echo "ready $address"
    while [ ! -s "$told" ]; do sleep 0.1; done
    cat "$told"
fi
"""


class Cluster:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        names = [f"{kind}{node}" for node in NODES for kind in ("sql", "group", "transfer")]
        self.ports = settings._free_ports(names)

    def up(self) -> None:
        """The first server's data are copied to the others, which then join with all but the last changes."""
        self.down()
        shutil.rmtree(self.lab.folder("galera"))
        first = self._data(1)
        self.lab.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={first}", "--skip-test-db", "--force",
             "--auth-root-authentication-method=normal"], "galera",
        )  # fmt: skip
        self._start(1, "--wsrep-new-cluster")
        self._query(1, f"""CREATE DATABASE {ACCOUNT};
                           CREATE USER '{ACCOUNT}'@'{HOST}' IDENTIFIED BY '{self.lab.secret(f"galera-{ACCOUNT}")}';
                           GRANT ALL PRIVILEGES ON {ACCOUNT}.* TO '{ACCOUNT}'@'{HOST}';""")  # fmt: skip
        daemon.stop(self.lab, "galera-1")
        for node in NODES[1:]:
            shutil.copytree(first, self._data(node), dirs_exist_ok=True)
            self.lab.run(["chown", "-R", f"{self.lab.uid}:{self.lab.gid}", str(self._data(node))], "galera", as_root=True)
        for node in NODES:
            self._start(node, *(["--wsrep-new-cluster"] if node == 1 else []))
        self._wait(1, lambda: self._says(1, "wsrep_cluster_size") == str(len(NODES)), "all have joined")

    def down(self) -> None:
        for node in NODES:
            daemon.stop(self.lab, f"galera-{node}")

    def environment(self) -> dict[str, str]:
        """What the tests need to know; the process ids are for those that kill a server."""
        pids = [json.loads((self.lab.folder("run") / f"galera-{node}.json").read_text())["pid"] for node in NODES]
        return {
            "GALERA_PORTS": ",".join(str(self.ports[f"sql{node}"]) for node in NODES),
            "GALERA_PIDS": ",".join(map(str, pids)),
            "GALERA_ACCOUNT": ACCOUNT,
            "GALERA_PASSWORD": self.lab.secret(f"galera-{ACCOUNT}"),
        }

    def _start(self, node: int, *more: str) -> None:
        lab, home = self.lab, self.lab.folder("galera", str(node))
        config = home / "my.cnf"
        members = ",".join(f"{HOST}:{self.ports[f'group{each}']}" for each in NODES)
        options = [
            f"gmcast.listen_addr=tcp://{HOST}:{self.ports[f'group{node}']}",
            f"ist.recv_addr={HOST}:{self.ports[f'transfer{node}']}",
            "gcache.size=64M",
        ]  # fmt: skip
        lab.write(
            config,
            f"""[mariadbd]
datadir = {self._data(node)}
socket = {home / "sock"}
pid_file = {home / "pid"}
bind_address = {HOST}
port = {self.ports[f"sql{node}"]}
skip_name_resolve
character_set_server = utf8mb4
binlog_format = ROW
innodb_autoinc_lock_mode = 2
innodb_buffer_pool_size = 64M
innodb_log_file_size = 32M
innodb_flush_log_at_trx_commit = 0
wsrep_on = ON
wsrep_provider = {PROVIDER}
wsrep_provider_options = "{";".join(options)}"
wsrep_cluster_name = {ACCOUNT}
wsrep_cluster_address = gcomm://{members}
wsrep_node_name = node{node}
wsrep_node_address = {HOST}:{self.ports[f"group{node}"]}
wsrep_sst_method = position
""",
        )
        programs = lab.folder("galera", "bin")
        lab.write(programs / "wsrep_sst_position", TRANSFER, 0o755)
        argv = ["/usr/sbin/mariadbd", f"--defaults-file={config}", *more]
        daemon.ensure(lab, f"galera-{node}", argv, env={"PATH": f"{programs}:{lab.environment()['PATH']}"})
        self._wait(node, lambda: self._says(node, "wsrep_local_state_comment") == "Synced", "is synced")

    def _wait(self, node: int, condition, what: str) -> None:
        def objection() -> str | None:
            try:
                return None if condition() else f"not yet: {what}"
            except LabError as error:
                return str(error)

        name = f"galera-{node}"
        try:
            daemon.wait_for(objection, PATIENCE, lambda: daemon.down_reason(self.lab, name))
        except LabError as error:
            raise LabError(f"{name}: {error}", self.lab.log(name)) from None

    def _says(self, node: int, status: str) -> str:
        return self._query(node, f"SHOW STATUS LIKE '{status}'").split("\t")[-1].strip()

    def _query(self, node: int, sql: str) -> str:
        socket = self.lab.folder("galera", str(node)) / "sock"
        done = subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "--batch", "--skip-column-names"],
            input=sql, text=True, capture_output=True, env=self.lab.environment(),
        )  # fmt: skip
        if done.returncode != 0:
            raise LabError(done.stderr.strip())
        return done.stdout

    def _data(self, node: int) -> Path:
        return self.lab.folder("galera", str(node), "data")


def main() -> int:
    lab = settings.create()
    apt.install(lab, PACKAGES)
    cluster = Cluster(lab)
    try:
        cluster.up()
        command = ["cargo", "test", "--workspace", "--locked", "--test", "mysql", "--", "--ignored", "galera"]
        return subprocess.run(command, cwd=ROOT, env=os.environ | cluster.environment()).returncode
    except LabError as error:
        print(f"{error}" + (f" (see {error.log})" if error.log else ""), file=sys.stderr)
        return 1
    finally:
        cluster.down()


if __name__ == "__main__":
    sys.exit(main())
