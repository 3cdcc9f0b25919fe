"""OpenLDAP's slapd with the tree of people, projects, roles and groups that the sidecar manages.

Accounts: cn=admin (everything), cn=openstackmanager,ou=services (the sidecar: writes projects,
groups and `sshPublicKey` of people, reads the rest), cn=keystone,ou=services (reads).
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from string import Template

import daemon
import probe
from files import PEOPLE, PROJECTS
from settings import HOST, ROOT, Lab, LabError

NAME = "ldap"
PACKAGES = ["slapd", "ldap-utils"]
NEEDS: list[str] = []
PATIENCE = 30.0

BASE = "dc=cloud,dc=example"
ADMIN = f"cn=admin,{BASE}"
MANAGER = f"cn=openstackmanager,ou=services,{BASE}"
KEYSTONE = f"cn=keystone,ou=services,{BASE}"
SOURCES = ROOT / "tests/lab/ldap"
ALREADY_THERE = 68


def daemons(lab: Lab) -> list[str]:
    return ["ldap"]


def install(lab: Lab) -> None:
    pass


def start(lab: Lab) -> None:
    home, data = lab.folder("ldap"), lab.folder("ldap", "data")
    schema, config = home / "schema.ldif", home / "config.ldif"
    lab.write(schema, (SOURCES / "schema.ldif").read_text())
    lab.write(
        config,
        Template((SOURCES / "config.ldif").read_text()).substitute(
            home=home, data=data, schema=schema, base=BASE, manager=MANAGER, keystone=KEYSTONE,
            admin_hash=hashed(lab.secret("ldap-admin")),
        ),
    )  # fmt: skip
    # The configuration has a folder of its own for each content of those files.
    tree = home / f"config-{hashlib.sha256(config.read_bytes() + schema.read_bytes()).hexdigest()[:12]}"
    if not tree.is_dir():
        fresh = lab.folder("ldap", "config-new")
        lab.run(["/usr/sbin/slapadd", "-n", "0", "-F", str(fresh), "-l", str(config)], "ldap")
        for old in home.glob("config-*/"):
            if old != fresh:
                shutil.rmtree(old)
        fresh.rename(tree)
    # A debug level, even one that says nothing, keeps slapd in the foreground.
    argv = ["/usr/sbin/slapd", "-d", "0", "-F", str(tree), "-h", f"ldap://{HOST}:{lab.port('ldap')}"]
    daemon.ensure(lab, "ldap", argv, ports=["ldap"])


def health(lab: Lab) -> str | None:
    return daemon.down_reason(lab, "ldap") or probe.port(lab, "ldap")


def setup(lab: Lab) -> None:
    tree = lab.folder("ldap") / "tree.ldif"
    lab.write(tree, "\n".join(_entries(lab)), 0o600)
    command = ["ldapadd", "-x", "-c", "-H", url(lab), "-D", ADMIN,
               "-y", str(lab.secret_file("ldap-admin")), "-f", str(tree)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, ALREADY_THERE):
        raise LabError(f"the demo's entries were refused: {done.stderr.strip()}", lab.log("ldap"))


def url(lab: Lab) -> str:
    return f"ldap://{HOST}:{lab.port('ldap')}"


def hashed(password: str) -> str:
    """{SSHA}, salted with what belongs to the password, so that files made twice are the same."""
    salt = hashlib.sha256(b"salt" + password.encode()).digest()[:8]
    return "{SSHA}" + base64.b64encode(hashlib.sha1(password.encode() + salt).digest() + salt).decode()


def _entries(lab: Lab) -> list[str]:
    """The tree as LDIF; entries that are there already are left as they are."""

    def entry(dn: str, classes: str, **attributes: str | list[str]) -> str:
        lines = [f"dn: {dn},{BASE}" if dn else f"dn: {BASE}"]
        lines += [f"objectClass: {name}" for name in classes.split()]
        for name, values in attributes.items():
            lines += [f"{name}: {value}" for value in ([values] if isinstance(values, str) else values)]
        return "\n".join(lines) + "\n"

    def dn(person: str) -> str:
        return f"uid={person},ou=people,{BASE}"

    entries = [entry("", "dcObject organization", dc="cloud", o="Example cloud")]
    for ou in ("people", "groups", "projects", "services", "hosts"):
        entries.append(entry(f"ou={ou}", "organizationalUnit", ou=ou))
    for name in ("openstackmanager", "keystone"):
        entries.append(
            entry(f"cn={name},ou=services", "organizationalRole simpleSecurityObject", cn=name,
                  userPassword=hashed(lab.secret(f"ldap-{name}")))
        )  # fmt: skip
    for person in PEOPLE:
        entries.append(
            entry(f"uid={person.uid},ou=people",
                  "person inetOrgPerson posixAccount shadowAccount ldapPublicKey",
                  uid=person.uid, cn=person.name, sn=person.name, displayName=person.name,
                  uidNumber=str(person.number), gidNumber="500", homeDirectory=f"/home/{person.uid}",
                  loginShell="/bin/bash", mail=f"{person.uid}@cloud.example",
                  userPassword=hashed(lab.secret(f"ldap-{person.uid}")))
        )  # fmt: skip
    for project in PROJECTS:
        members = [MANAGER, *map(dn, project.members)]
        entries += [
            entry(f"cn={project.name},ou=projects", "extensibleObject groupOfNames", cn=project.name,
                  description=project.about, member=members),
            entry(f"cn=projectadmin,cn={project.name},ou=projects", "organizationalRole",
                  cn="projectadmin", roleOccupant=[dn(admin) for admin in project.admins]),
            entry(f"ou=sudoers,cn={project.name},ou=projects", "organizationalUnit", ou="sudoers"),
            entry(f"cn=default,ou=sudoers,cn={project.name},ou=projects", "sudoRole", cn="default",
                  sudoUser=f"%project-{project.name}", sudoHost="ALL", sudoCommand="ALL",
                  sudoOption="!authenticate"),
            entry(f"cn=project-{project.name},ou=groups", "posixGroup groupOfNames",
                  cn=f"project-{project.name}", gidNumber=str(project.number), member=members),
        ]  # fmt: skip
    return entries
