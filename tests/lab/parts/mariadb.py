"""MariaDB: one server of the lab's own, for OpenStack, the wiki and the sidecar."""

from __future__ import annotations

import subprocess
from pathlib import Path

import daemon
from settings import HOST, Lab, LabError

NAME = "mariadb"
# Without the `mariadb-server` package the machine gets no database service of its own from us.
PACKAGES = ["mariadb-server-core", "mariadb-client"]
NEEDS: list[str] = []
PATIENCE = 60.0


def daemons(lab: Lab) -> list[str]:
    return ["mariadb"]


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    home = lab.folder("mariadb")
    data = lab.folder("mariadb", "data")
    config = home / "my.cnf"
    lab.write(
        config,
        f"""[mariadbd]
datadir = {data}
socket = {_socket(lab)}
pid_file = {home / "mariadbd.pid"}
tmpdir = {lab.folder("mariadb", "tmp")}
bind_address = {HOST}
port = {lab.port("mariadb")}
skip_name_resolve
character_set_server = utf8mb4
collation_server = utf8mb4_unicode_ci
max_connections = 600
innodb_buffer_pool_size = 256M
innodb_log_file_size = 64M
# A lab survives a crash of the database, and need not survive one of the machine.
innodb_flush_log_at_trx_commit = 2
""",
    )
    if not (data / "mysql").is_dir():
        # Forced, since it otherwise wants to look up the machine's name, which matters to nobody here.
        lab.run(
            ["mariadb-install-db", f"--defaults-file={config}", "--skip-test-db", "--force",
             "--auth-root-authentication-method=normal"], "mariadb",
        )  # fmt: skip
    daemon.ensure(lab, "mariadb", ["/usr/sbin/mariadbd", f"--defaults-file={config}"],
                  config=[config], ports=["mariadb"])  # fmt: skip


def health(lab: Lab) -> str | None:
    try:
        query(lab, "SELECT 1")
    except LabError as error:
        return daemon.down_reason(lab, "mariadb") or str(error)
    return None


def setup(lab: Lab) -> None:
    # Root may come in by the socket only, which is in a folder of the lab's user, and has a password.
    query(lab, f"""ALTER USER 'root'@'localhost' IDENTIFIED BY '{lab.secret("mariadb-root")}';
                   DROP USER IF EXISTS 'root'@'127.0.0.1', 'root'@'::1', ''@'localhost';""")


def url(lab: Lab) -> str:
    return f"mysql://{HOST}:{lab.port('mariadb')}/"


def query(lab: Lab, sql: str, database: str = "") -> list[list[str]]:
    """Runs statements as the database's root; rows come back as lists of strings."""
    for password in (lab.secret("mariadb-root"), ""):
        done = subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={_socket(lab)}", "--user=root", "--batch",
             "--skip-column-names", "--default-character-set=utf8mb4", database],
            input=sql, text=True, capture_output=True,
            env=lab.environment() | {"MYSQL_PWD": password},
        )  # fmt: skip
        # Before the first setup() root has no password yet.
        if "ERROR 1045" not in done.stderr:
            break
    if done.returncode != 0:
        raise LabError(f"the database says: {done.stderr.strip()}", lab.log("mariadb"))
    return [line.split("\t") for line in done.stdout.splitlines()]


def database(lab: Lab, name: str, account: str | None = None, charset: str = "utf8mb4") -> str:
    """Makes the database and an account with all rights on it; returns the account's password."""
    account = account or name
    password = lab.secret(f"mariadb-{account}")
    statements = [f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET {charset};"]
    # skip_name_resolve: a client on TCP is 127.0.0.1, one on the socket is localhost.
    for host in (HOST, "localhost"):
        statements.append(f"CREATE USER IF NOT EXISTS '{account}'@'{host}' IDENTIFIED BY '{password}';")
        statements.append(f"GRANT ALL PRIVILEGES ON `{name}`.* TO '{account}'@'{host}';")
    query(lab, "\n".join(statements))
    return password


def dump(lab: Lab, names: list[str], path: Path) -> None:
    """Writes these databases as SQL; the file appears only when complete."""
    fresh = path.with_name(f"{path.name}.{lab.port('mariadb')}")
    with fresh.open("w") as out:
        done = subprocess.run(
            ["mariadb-dump", "--no-defaults", f"--socket={_socket(lab)}", "--user=root",
             "--single-transaction", "--databases", *names],
            stdout=out, stderr=subprocess.PIPE, text=True,
            env=lab.environment() | {"MYSQL_PWD": lab.secret("mariadb-root")},
        )  # fmt: skip
    if done.returncode != 0:
        fresh.unlink()
        raise LabError(f"mariadb-dump: {done.stderr.strip()}", lab.log("mariadb"))
    fresh.rename(path)


def restore(lab: Lab, path: Path) -> None:
    # The data is the machine's own and whole: checks and flushes per statement only cost time.
    query(lab, f"SET foreign_key_checks=0, unique_checks=0;\n{path.read_text()}")


def _socket(lab: Lab) -> Path:
    return lab.folder("mariadb") / "sock"
