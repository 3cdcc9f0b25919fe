"""A project with so many instances: one is real, the others are copies of its rows in Nova's databases.

Asking Nova for a thousand takes hours on two cores, even with its fake driver. The copies have all that
lists show; they have no port in Neutron and no host that looks after them.
"""

from __future__ import annotations

import subprocess

import cloud as lab_cloud
from mwclient import Site
from parts import keystone, ldap, mariadb
from support import cloud
from support.browser import address
from support.waiting import until
from support.world import VOLUNTEER, lab

PROJECT = "bench"
# Tables of the cell that hold an instance, after the one they refer to, and what names it in them.
TABLES = {
    "instances": "uuid",
    "instance_extra": "instance_uuid",
    "instance_info_caches": "instance_uuid",
    "instance_metadata": "instance_uuid",
    "instance_system_metadata": "instance_uuid",
    "block_device_mapping": "instance_uuid",
}
# LDAP's result code (RFC 4511): an earlier run in this lab has made it.
ALREADY_EXISTS = 68
CELL, API = "nova_cell1", "nova_api"
# What a copy is called, and its address, in SQL.
NAMED = f"CONCAT('{PROJECT}-', LPAD(seq, 5, '0'))"
ADDRESSED = "CONCAT('10.0.', seq DIV 250, '.', 1 + seq MOD 250)"


def name(number: int) -> str:
    return f"{PROJECT}-{number:05}"


def ip(number: int) -> str:
    return f"10.0.{number // 250}.{1 + number % 250}"


def project(person: Site) -> str:
    """The project in LDAP and Keystone, with the volunteer, `person`, in it; returns Keystone's id of it."""
    _in_ldap()
    admin = cloud.admin()
    project_id = keystone.project(admin, PROJECT, "For the benches")
    domain = admin.get("keystone", "/domains", name="people")["domains"][0]["id"]
    people = admin.get("keystone", "/users", domain_id=domain)["users"]
    member = next(each["id"] for each in people if each["name"] == VOLUNTEER.uid)
    for user in [member, keystone.user(lab, admin, "openstackmanager")]:
        keystone.assign(admin, project_id, user, keystone.role(admin, "member"))

    def known() -> bool:
        # A project that somebody wants an instance in is looked for at once.
        person.connection.get(address("Special:NovaInstance", action="create", project=PROJECT), timeout=60)
        return bool(mariadb.query(lab, f"SELECT 1 FROM pins WHERE project_id = '{project_id}'", "openstackmanager"))

    until(known, f"the sidecar knows project {PROJECT}")
    return project_id


def real() -> str:
    """The id of the real instance; of the one that an earlier run in this lab made, where there is one."""
    alive = f"SELECT uuid FROM instances WHERE deleted = 0 AND display_name = '{name(1)}'"
    if found := mariadb.query(lab, alive, CELL):
        return found[0][0]
    member = lab_cloud.Cloud(lab, VOLUNTEER.uid, lab.secret(f"ldap-{VOLUNTEER.uid}"), PROJECT, "people")
    body = {
        "name": name(1),
        "flavorRef": member.get("nova", "/flavors")["flavors"][0]["id"],
        "imageRef": member.get("glance", "/images")["images"][0]["id"],
        "networks": "auto",
    }
    made = member.post("nova", "/servers", {"server": body})["server"]["id"]
    until(lambda: cloud.server(made)["status"] == "ACTIVE", "the real instance runs")
    return made


def known() -> int:
    """How many there are."""
    alive = f"SELECT COUNT(*) FROM instances WHERE deleted = 0 AND display_name LIKE '{PROJECT}-%'"
    return int(mariadb.query(lab, alive, CELL)[0][0])


def copies(of: str, count: int, first: int = 2) -> None:
    """Makes the others, so that there are `count` in all; Nova lists them from then on."""
    if first > count:
        return
    real_ip = next(iter(cloud.server(of)["addresses"].values()))[0]["addr"]
    fresh = {
        "instances": {
            "uuid": _uuid(of),
            "display_name": NAMED,
            "hostname": NAMED,
            # No compute is to wonder where they are.
            "host": "'copies'",
            "node": "'copies'",
            "updated_at": "UTC_TIMESTAMP()",
        },
        "instance_info_caches": {
            "network_info": f"REPLACE(network_info, '{real_ip}', {ADDRESSED})"
        },
        "block_device_mapping": {"uuid": "UUID()"},
    }
    seqs = f"seq_{first}_to_{count}"
    statements = [
        _copy(CELL, table, by, of, seqs, {by: _uuid(of)} | fresh.get(table, {})) for table, by in TABLES.items()
    ]
    statements.append(_copy(API, "instance_mappings", "instance_uuid", of, seqs, {"instance_uuid": _uuid(of)}))
    mariadb.query(lab, "START TRANSACTION;\n" + ";\n".join(statements) + ";\nCOMMIT;", CELL)


def _copy(database: str, table: str, by: str, of: str, seqs: str, changed: dict[str, str]) -> str:
    listed = mariadb.query(
        lab, f"SELECT column_name FROM information_schema.columns WHERE table_schema = '{database}'"
        f" AND table_name = '{table}' AND column_name <> 'id'",
    )  # fmt: skip
    columns = [column for (column,) in listed]
    values = [changed.get(column, f"`{column}`") for column in columns]
    return (f"INSERT INTO {database}.{table} ({', '.join(f'`{each}`' for each in columns)})"
            f" SELECT {', '.join(values)} FROM {database}.{table} CROSS JOIN {seqs}"
            f" WHERE {by} = '{of}'")  # fmt: skip


def _uuid(of: str) -> str:
    """Of each copy, in SQL: differs in the digits that its page is called by."""
    return f"CONCAT(LPAD(LOWER(HEX(seq)), 8, '0'), '{of[8:]}')"


def _in_ldap() -> None:
    entry = f"""dn: cn={PROJECT},ou=projects,{ldap.BASE}
objectClass: extensibleObject
objectClass: groupOfNames
cn: {PROJECT}
description: For the benches
member: {ldap.MANAGER}
member: uid={VOLUNTEER.uid},ou=people,{ldap.BASE}
"""
    command = ["ldapadd", "-x", "-H", ldap.url(lab), "-D", ldap.ADMIN, "-y", str(lab.secret_file("ldap-admin"))]
    done = subprocess.run(command, input=entry, text=True, stdout=subprocess.DEVNULL)
    assert done.returncode in (0, ALREADY_EXISTS), done.returncode
