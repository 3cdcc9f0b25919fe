"""Who is blocked on the whole wiki is out of their projects until the block ends; a block of some pages changes nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from mwclient.errors import APIError
from parts import ldap
from support import cloud
from support.waiting import until
from support.wiki import Bot, Json, refused, sysop
from support.world import VOLUNTEER, down, lab, suspended, wiki_with

PROJECT = "Nova Resource:Bots"
# What is told, and how soon it is so everywhere.
SECONDS = 5.0


def entries() -> list[str]:
    """All of LDAP as it stands, but for what the server counts."""
    command = ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", ldap.url(lab), "-D", ldap.ADMIN,
               "-y", str(lab.secret_file("ldap-admin")), "-b", ldap.BASE, "*", "entryUUID"]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sorted("\n".join(sorted(entry.splitlines())) for entry in found.split("\n\n"))


def named(uid: str = VOLUNTEER.uid) -> list[str]:
    """The entries in which the person is a member, or holds the role."""
    dn = f"uid={uid},ou=people,{ldap.BASE}"
    values = {f"member: {dn}", f"roleOccupant: {dn}"}
    return [entry for entry in entries() if values & set(entry.splitlines())]


def assignments(uid: str = VOLUNTEER.uid) -> list[tuple[str, str]]:
    rows = cloud.admin().get("keystone", "/role_assignments", include_names="1")["role_assignments"]
    of = [row for row in rows if "user" in row and row["user"]["name"] == uid and "project" in row["scope"]]
    return sorted((row["scope"]["project"]["name"], row["role"]["name"]) for row in of)


def block(**params: str) -> None:
    by = sysop()
    sent = {"user": VOLUNTEER.name, "reason": "e2e: a block", "expiry": "1 hour", "reblock": "1", "allowusertalk": "1"} | params
    by.post("block", token=by.get_token("csrf"), **sent)


def unblock() -> None:
    by = sysop()
    try:
        by.post("unblock", user=VOLUNTEER.name, reason="e2e: over", token=by.get_token("csrf"))
    except APIError as error:
        assert error.code == "cantunblock", error


@pytest.fixture(autouse=True)
def unblocked() -> Iterator[None]:
    """Whatever a test did, the volunteer is not blocked, and has what they had."""
    yield
    unblock()
    until(lambda: not suspended(VOLUNTEER), "the volunteer has everything back", 90)


def call(bot: Bot, module: str, subaction: str, **params: str) -> Json:
    token = bot.site.get_token("csrf")
    sent = {"projectname": "bots", "subaction": subaction, "token": token} | params
    return bot.site.post(module, **sent)[module]


@pytest.fixture
def an_admin(operator_bot: Bot, unblocked: None) -> Iterator[None]:
    """The volunteer administers the project for a while."""

    def role(subaction: str) -> None:
        (begun,) = call(operator_bot, "novarole", subaction, rolename="projectadmin", members=VOLUNTEER.uid)["operations"]
        assert operator_bot.followed({"operation": begun})["state"] == "done"

    role("addmember")
    yield
    unblock()
    until(lambda: not suspended(VOLUNTEER), "the volunteer has everything back", 90)
    role("deletemember")


def gone() -> bool:
    return not named() and not assignments()


def told(bot: Bot, what: str) -> Json:
    def look() -> Json | None:
        return next((each for each in bot.changes(PROJECT)[:5] if what in each["comment"]), None)

    return until(look, f"{what} in Recent Changes", 30)


def test_a_block_of_the_whole_wiki_suspends_until_it_ends(
    volunteer_bot: Bot, operator_bot: Bot, an_admin: None
) -> None:
    before, assigned = entries(), assignments()
    # The project, its group, the role.
    assert len(named()) >= 3 and ("bots", "member") in assigned
    block()
    until(gone, "the volunteer is out of LDAP and Keystone", SECONDS)
    assert refused(volunteer_bot.create, "e2e-blocked") == "openstackmanager-blocked"
    told(operator_bot, f"suspended {VOLUNTEER.name} in project bots: blocked on the wiki by ")
    assert f"User:{VOLUNTEER.name}" not in operator_bot.page(PROJECT)["text"]

    unblock()
    until(lambda: entries() == before and assignments() == assigned, "all is as it was", SECONDS)
    told(operator_bot, f"gave {VOLUNTEER.name} back their places in project bots")
    until(lambda: f"User:{VOLUNTEER.name}" in operator_bot.page(PROJECT)["text"], "the page has the volunteer", 30)


def test_a_block_of_some_pages_changes_nothing_and_ends_one_of_the_whole_wiki(volunteer_bot: Bot) -> None:
    before, assigned = entries(), assignments()
    some = {"partial": "1", "pagerestrictions": "Main Page"}
    block(**some)
    # The next entry of the block log is seen after this one.
    block()
    until(gone, "the volunteer is out of LDAP and Keystone", SECONDS)
    block(**some)
    until(lambda: entries() == before and assignments() == assigned, "all is as it was", SECONDS)
    until(lambda: not suspended(VOLUNTEER), "nothing is kept any more", SECONDS)
    # Everything through us is as open as before.
    assert call(volunteer_bot, "novaproject", "configure", description="While some pages are closed", dryrun="1")["plan"]
    assert entries() == before


def test_a_block_ends_by_itself_and_what_the_log_did_not_tell_is_seen_at_the_start() -> None:
    before, assigned = entries(), assignments()
    with down("sidecar"):
        block()
    until(gone, "the volunteer is out of LDAP and Keystone", 20)
    block(expiry="3 seconds")
    until(lambda: entries() == before and assignments() == assigned, "all is as it was", 3 + SECONDS)


def test_where_the_wiki_cannot_tell_it_is_seen_in_its_log() -> None:
    before, assigned = entries(), assignments()
    with wiki_with('$wgOpenStackManagerSidecarUrl = "http://127.0.0.1:9";'):
        block()
        until(gone, "the volunteer is out of LDAP and Keystone", SECONDS)
        unblock()
        until(lambda: entries() == before and assignments() == assigned, "all is as it was", SECONDS)
