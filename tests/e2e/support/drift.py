"""Differences between cloud, LDAP and wiki, made by hand past the sidecar."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import cache
from urllib.parse import urljoin

from parts import ldap, mariadb

from support import cloud
from support.browser import Browser
from support.waiting import until
from support.world import command, lab

PAGE = "Special:NovaDrift"
PEOPLE = f"ou=people,{ldap.BASE}"
GROUP = f"cn=project-bots,ou=groups,{ldap.BASE}"
ADMINS = f"cn=projectadmin,cn=bots,ou=projects,{ldap.BASE}"
MANAGER = f"cn=openstackmanager,ou=services,{ldap.BASE}"


def ldif(text: str) -> None:
    command = ["ldapmodify", "-x", "-H", ldap.url(lab), "-D", ldap.ADMIN, "-y", str(lab.secret_file("ldap-admin"))]
    subprocess.run(command, input=text, text=True, check=True, capture_output=True)


def seat(entry: str, attribute: str, uid: str, there: bool) -> None:
    """Puts a person's DN into an entry or takes it out."""
    change = "add" if there else "delete"
    ldif(f"dn: {entry}\nchangetype: modify\n{change}: {attribute}\n{attribute}: uid={uid},{PEOPLE}\n")


def ldap_project(name: str, there: bool) -> None:
    dn = f"dn: cn={name},ou=projects,{ldap.BASE}\n"
    if there:
        ldif(f"{dn}changetype: add\nobjectClass: groupOfNames\ncn: {name}\nmember: {MANAGER}\n")
    else:
        ldif(f"{dn}changetype: delete\n")


def sql(text: str) -> list[list[str]]:
    return mariadb.query(lab, text, "openstackmanager")


@cache
def member_role() -> str:
    return cloud.admin().get("keystone", "/roles", name="member")["roles"][0]["id"]


def user_id(name: str, domain: str) -> str:
    (found,) = cloud.admin().get("keystone", "/domains", name=domain)["domains"]
    return cloud.admin().get("keystone", "/users", name=name, domain_id=found["id"])["users"][0]["id"]


def assign(project_id: str, user: str, there: bool) -> None:
    path = f"/projects/{project_id}/users/{user}/roles/{member_role()}"
    cloud.admin()._send("PUT" if there else "DELETE", "keystone", path)


def listed(browser: Browser) -> dict[str, tuple[str, str | None]]:
    """Every difference on the page by its name: what is said of it, and the address of its repair."""
    page = browser.open(PAGE)
    found = {}
    for tr in page.tree.xpath("//table[@id='drift']/tbody/tr[@id]"):
        links = [a.get("href") for a in tr.xpath("./td[3]//a[contains(@href, 'action=repair')]")]
        text = " ".join(tr.text_content().split())
        found[tr.get("id").removeprefix("drift-")] = (text, urljoin(page.url, links[0]) if links else None)
    return found


def only(browser: Browser, wanted: Callable[[str], bool], what: str) -> tuple[str, str | None]:
    """The one difference that there is: what is said of it, and the address of its repair."""

    def look() -> tuple[str, str | None] | None:
        found = listed(browser)
        if len(found) != 1:
            return None
        (row,) = found.values()
        return row if wanted(row[0]) else None

    # What changed a minute ago may be under way.
    return until(look, what, 100)


def nothing_differs(browser: Browser) -> None:
    left: dict[str, tuple[str, str | None]] = {}

    def look() -> bool:
        nonlocal left
        left = listed(browser)
        return not left

    try:
        until(look, "nothing differs")
    except AssertionError as error:
        recorded = command("operations", "list").stdout
        raise AssertionError(f"{error}: {left}; {recorded}") from None


def mended(browser: Browser, address: str) -> None:
    """Presses the button, and looks until nothing differs any more."""
    browser.go(address)
    page = browser.submit("repairdrift")
    assert "operation=" in page.url, page.text
    nothing_differs(browser)
