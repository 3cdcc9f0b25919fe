"""An older copy of the database is restored: nothing is undone or repeated by itself, and the differences are shown."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from conftest import fresh_name
from parts import mariadb, sidecar
from support import cloud
from support.browser import Browser, address, fetched
from support.waiting import until
from support.wiki import Bot, refused
from support.wording import said
from support.world import command, down, lab

PAGE, LIST, DATABASE = "Special:NovaOperations", "Special:NovaInstance", "openstackmanager"


def rows(sql: str) -> list[list[str]]:
    return mariadb.query(lab, sql, DATABASE)


def told_by(*words: str) -> str:
    """What the command says."""
    done = command("restored", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def held() -> bool:
    return bool(rows("SELECT 1 FROM holds"))


@pytest.fixture
def never_left_held() -> Iterator[None]:
    yield
    if held():
        told_by("release")


def test_an_older_database_is_restored(
    operator: Browser, volunteer: Browser, volunteer_bot: Bot, never_left_held: None
) -> None:
    doomed = volunteer_bot.started(fresh_name())
    name, lost_name, dump = fresh_name(), fresh_name(), lab.folder("restored") / "dump.sql"
    begun = volunteer_bot.started(name)
    # A page in somebody's hands would wait for the end of a lease that nobody holds any more.
    until(lambda: not rows("SELECT 1 FROM page_queue"), "no page waits")
    mariadb.dump(lab, [DATABASE], dump)
    lost = volunteer_bot.started(lost_name)
    deleted = volunteer_bot.followed(volunteer_bot.call("delete", instanceid=doomed["instanceid"]))
    until(lambda: "Deleted instances" in volunteer_bot.categories(doomed["page"]), "the page says so")

    with down("sidecar"):
        mariadb.restore(lab, dump)
        # This one as it stood a moment before it was begun: the dump could have been taken then.
        rows(f"""UPDATE operations SET state = 'queued', instance_id = NULL, finished_at = NULL, generation = 0,
                   due_at = created_at WHERE id = '{begun["id"]}';
                 UPDATE steps SET state = 'waiting', attempts = 0 WHERE operation_id = '{begun["id"]}';
                 DELETE FROM step_times WHERE operation_id = '{begun["id"]}';""")
        said_before = told_by()
    for operation in [lost["id"], deleted["id"], begun["id"]]:
        assert operation in said_before, said_before
    until(held, "what it forgot is found when it starts")
    assert sidecar.health(lab) is None, "reading goes on"

    # The observer has read the cloud through, and the documenter has written what was to be written.
    until(lambda: rows("SELECT 1 FROM holds WHERE read_through_at IS NOT NULL"), "the cloud is read through")
    until(lambda: lost_name in volunteer.open(LIST).rows("bots"), "what the database forgot is seen")
    until(lambda: not rows("SELECT 1 FROM page_queue"), "no page waits")
    assert doomed["name"] not in volunteer.open(LIST).rows("bots")
    assert "Deleted instances" in volunteer_bot.categories(doomed["page"])
    # It has the page that it had, not a second one.
    title = rows(f"SELECT title FROM pages WHERE page_key LIKE 'instance/%/{lost['instanceid']}'")
    assert title == [[lost["page"]]]

    before = rows("SELECT COUNT(*) FROM operations")
    assert refused(volunteer_bot.create, fresh_name()) == "openstackmanager-held"
    assert refused(volunteer_bot.call, "reboot", instanceid=lost["instanceid"]) == "openstackmanager-held"
    assert said(volunteer.open(LIST).text, "held")
    page = operator.open(PAGE)
    operator.shot("restored")
    assert said(page.text, "held") and said(page.text, "held-lost")
    for operation in [lost["id"], deleted["id"]]:
        assert operation in page.text
    page = fetched(volunteer.http(), address(PAGE))
    assert not said(page.text, "held-lost") and lost["id"] not in page.text
    metrics = volunteer.http().get(lab.url("sidecar", "/metrics")).text
    assert "openstackmanager_held 1" in metrics
    assert volunteer_bot.operation(begun["id"])["state"] == "queued"
    assert rows("SELECT COUNT(*) FROM operations") == before

    assert "all writing is held" in command("doctor").stdout
    shown = told_by()
    assert f"{lost['page']}" in shown and f"the cloud has its server: {cloud.servers(name)[0]['id']}" in shown
    assert f"parked {begun['id']}" in told_by("release")
    parked = volunteer_bot.operation(begun["id"])
    assert parked["state"] == "parked", json.dumps(parked)
    assert len(cloud.servers(name)) == len(cloud.servers(lost_name)) == 1 and not cloud.servers(doomed["name"])

    # A person has it tried again: the server that it had made is found.
    page = operator.open(PAGE, operation=begun["id"])
    assert said(page.text, "restored")
    operator.submit("retryoperation")
    assert volunteer_bot.followed({"operation": begun["id"]})["state"] == "done"
    assert len(cloud.servers(name)) == 1
    assert volunteer_bot.started(fresh_name())["state"] == "done"
    # What is lost is known to be: it is no reason for another hold.
    with down("sidecar"):
        pass
    rebooted = volunteer_bot.followed(volunteer_bot.call("reboot", instanceid=lost["instanceid"]))
    assert rebooted["state"] == "done" and not held()
