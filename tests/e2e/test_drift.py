"""What cloud, LDAP and wiki say differently is listed, and mended by a click; at rest there is nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from conftest import fresh_name
from parts import keystone
from support import cloud, drift
from support.browser import Browser, address, fetched
from support.drift import listed, mended, nothing_differs, only
from support.waiting import until
from support.wiki import Bot, refused, sysop
from support.wording import said
from support.world import OUTSIDER, VOLUNTEER, command, down, lab, operations, sidecar_with

PROJECT = "Nova Resource:Bots"


@pytest.fixture(scope="module", autouse=True)
def left_alone() -> Iterator[None]:
    """The observer compares at its start and then not before tomorrow: what differs stays for the test to see."""
    with sidecar_with(lambda config: f"{config}\n[observe]\npoll_seconds = 3600\ncompare_minutes = 1440\n"):
        yield


@pytest.fixture(autouse=True)
def at_rest(operator: Browser) -> Iterator[None]:
    nothing_differs(operator)
    yield


@pytest.fixture(scope="module")
def instance(volunteer_bot: Bot) -> dict:
    return volunteer_bot.started(fresh_name())


@pytest.fixture(scope="module")
def gone(volunteer_bot: Bot) -> dict:
    """Made and deleted at the beginning: what the cloud tells of that later has long been told when it is looked at."""
    made = volunteer_bot.started(fresh_name())
    made["text"] = volunteer_bot.page(made["page"])["text"]
    assert volunteer_bot.followed(volunteer_bot.call("delete", instanceid=made["instanceid"]))["state"] == "done"
    until(lambda: "deleted instance" in volunteer_bot.page(made["page"])["text"], "the page says that it is gone")
    return made


def test_at_rest_there_is_nothing(operator: Browser, volunteer: Browser, instance: dict, gone: dict) -> None:
    nothing_differs(operator)
    page = operator.open(drift.PAGE)
    assert said(page.text, "drift-none") and said(page.text, "asof"), page.text
    assert said(volunteer.open(drift.PAGE).text, "drift-none")
    asked = command("drift")
    assert asked.returncode == 0, asked


def in_group(uid: str, there: bool) -> Callable[[], None]:
    return lambda: drift.seat(drift.GROUP, "member", uid, there)


def role(uid: str, there: bool) -> Callable[[], None]:
    return lambda: drift.seat(drift.ADMINS, "roleOccupant", uid, there)


def assigned(uid: str, there: bool) -> Callable[[], None]:
    return lambda: drift.assign(cloud.project_id("bots"), drift.user_id(uid, "people"), there)


@pytest.mark.parametrize(
    ("make", "key", "uid", "by_member"),
    [
        (in_group(OUTSIDER.uid, True), "strangeringroup", OUTSIDER.uid, False),
        (in_group(VOLUNTEER.uid, False), "nogroup", VOLUNTEER.uid, True),
        (role(OUTSIDER.uid, True), "strangersrole", OUTSIDER.uid, False),
        (assigned(OUTSIDER.uid, True), "strangerassigned", OUTSIDER.uid, False),
        (assigned(VOLUNTEER.uid, False), "notassigned", VOLUNTEER.uid, True),
    ],
    ids=lambda value: value if isinstance(value, str) and not value.islower() else None,
)
def test_people(
    operator: Browser, volunteer: Browser, make: Callable[[], None], key: str, uid: str, by_member: bool
) -> None:
    make()
    text, repair = only(operator, lambda text: said(text, f"drift-{key}", uid, "bots"), key)
    assert repair, text
    # A member sees it as well, and may mend what a member may.
    ((text, own),) = listed(volunteer).values()
    assert said(text, f"drift-{key}", uid, "bots") and bool(own) == by_member, text
    mended(volunteer if by_member else operator, repair)


def test_a_repair_is_refused_when_it_is_another_difference_by_now(operator: Browser) -> None:
    before = operations()
    drift.seat(drift.GROUP, "member", OUTSIDER.uid, True)
    _, repair = only(operator, lambda text: said(text, "drift-strangeringroup"), "a stranger in the group")
    operator.go(repair)
    operator.shot("drift-repair")
    drift.seat(drift.GROUP, "member", OUTSIDER.uid, False)
    page = operator.submit("repairdrift")
    assert said(page.text, "drift-gone"), page.text
    assert operations() == before


@contextmanager
def only_in_ldap() -> Iterator[None]:
    drift.ldap_project("e2e-nowhere", True)
    try:
        yield
    finally:
        drift.ldap_project("e2e-nowhere", False)


@contextmanager
def only_in_keystone() -> Iterator[None]:
    made = cloud.admin().post("keystone", "/projects", {"project": {"name": "e2e-nowhere", "domain_id": "default"}})
    drift.assign(made["project"]["id"], drift.user_id("openstackmanager", "Default"), True)
    try:
        yield
    finally:
        cloud.admin()._send("DELETE", "keystone", f"/projects/{made['project']['id']}")


@contextmanager
def another_pair() -> Iterator[None]:
    ((entry,),) = drift.sql("SELECT CONVERT(entry_uuid USING utf8mb4) FROM pins WHERE name = 'tools'")
    drift.sql("UPDATE pins SET entry_uuid = 'another' WHERE name = 'tools'")
    try:
        yield
    finally:
        drift.sql(f"UPDATE pins SET entry_uuid = '{entry}' WHERE name = 'tools'")


@contextmanager
def page_stuck() -> Iterator[None]:
    page = '{"v":1,"data":{"page":"project","project":"bots"}}'
    drift.sql(
        "INSERT INTO page_queue (page_key, page, seen_only, since, due_at, attempts, error)"
        f" VALUES ('project/bots', '{page}', 1, NOW(6), NOW(6) + INTERVAL 1 HOUR, 9, 'protected: e2e')"
    )
    try:
        yield
    finally:
        drift.sql("DELETE FROM page_queue WHERE page_key = 'project/bots'")


@pytest.mark.parametrize(
    ("make", "key"),
    [(only_in_ldap, "onlyinldap"), (only_in_keystone, "onlyinkeystone"),
     (another_pair, "pairbroken"), (page_stuck, "stuck")],
)  # fmt: skip
def test_what_only_an_operator_can_judge(operator: Browser, make: Callable, key: str) -> None:
    with make():
        text, repair = only(operator, lambda text: said(text, f"drift-{key}"), key)
        assert repair is None and said(text, f"drift-todo-{key}"), text


def facts(instance: dict, old: str, new: str) -> None:
    drift.sql(
        f"""UPDATE instances SET facts = REPLACE(facts, '"{old}"', '"{new}"') WHERE id = '{instance["instanceid"]}'"""
    )


def test_our_copy_differs_from_nova(operator: Browser, volunteer: Browser, instance: dict) -> None:
    facts(instance, "ACTIVE", "SHUTOFF")

    def both() -> dict | None:
        found = listed(volunteer)
        return found if len(found) == 2 else None

    found = until(both, "our copy and the page made of it differ", 100)
    assert {name.partition("/")[0] for name in found} == {"server", "page"}
    volunteer.shot("drift-server")
    (name,) = [name for name in found if name.startswith("server/")]
    assert said(found[name][0], "drift-serverdiffers", instance["name"]) and "SHUTOFF → ACTIVE" in found[name][0]
    asked = command("drift", "--json")
    assert asked.returncode == 1 and {each["id"] for each in json.loads(asked.stdout)["differences"]} == set(found)
    mended(volunteer, found[name][1])


def test_our_copy_has_lost_it(volunteer: Browser, instance: dict) -> None:
    drift.sql(f"DELETE FROM instances WHERE id = '{instance['instanceid']}'")

    def lost() -> str | None:
        rows = [row for row in listed(volunteer).values() if said(row[0], "drift-serverunknown", instance["name"])]
        return rows[0][1] if rows else None

    mended(volunteer, until(lost, "our copy has lost it", 100))


def test_a_server_that_is_gone(volunteer: Browser, volunteer_bot: Bot, gone: dict) -> None:
    # Somebody brings the old text back.
    token = volunteer_bot.site.get_token("csrf")
    volunteer_bot.site.post("edit", title=gone["page"], text=gone["text"], token=token)
    _, repair = only(volunteer, lambda text: said(text, "drift-notmarkeddeleted"), "the page does not say so")
    mended(volunteer, repair)

    # Our copy is older than the cloud.
    ((now,),) = drift.sql(f"SELECT facts FROM instances WHERE id = '{gone['instanceid']}'")
    stored = json.loads(now)
    stored["data"] |= {"deleted": None, "status": "ACTIVE"}
    alive = json.dumps(stored)
    quoted = alive.replace("\\", "\\\\").replace("'", "\\'")
    drift.sql(f"UPDATE instances SET facts = '{quoted}', ended = 0 WHERE id = '{gone['instanceid']}'")

    def lost() -> str | None:
        rows = [row for row in listed(volunteer).values() if said(row[0], "drift-servergone", gone["name"])]
        return rows[0][1] if rows else None

    mended(volunteer, until(lost, "our copy has what is gone", 60))


def test_pages(operator: Browser, volunteer: Browser, volunteer_bot: Bot, instance: dict) -> None:
    title, note = instance["page"], "A person wrote this."
    volunteer_bot.append(title, f"\n\n{note}")
    assert not listed(volunteer), "what people write is no difference"
    text = volunteer_bot.page(title)["text"]
    token = volunteer_bot.site.get_token("csrf")
    volunteer_bot.site.post("edit", title=title, text=text.replace("m1.tiny", "m1.huge"), token=token)
    _, repair = only(volunteer, lambda text: said(text, "drift-pagediffers", title), "the page differs")
    # Another edit in between: what was seen is not what is mended.
    volunteer.go(repair)
    volunteer_bot.append(title, "\n\nAnother line.")
    page = volunteer.submit("repairdrift")
    assert said(page.text, "planchanged"), page.text
    mended(volunteer, repair)
    text = volunteer_bot.page(title)["text"]
    assert note in text and "Another line." in text and "m1.huge" not in text
    assert volunteer_bot.history(title)[0]["user"] == VOLUNTEER.name

    by = sysop()
    by.post("delete", title=title, token=by.get_token("csrf"))
    _, repair = only(operator, lambda text: said(text, "drift-nopage", title), "the page is missing")
    mended(operator, repair)
    assert volunteer_bot.page(title)


def test_strays(operator: Browser, volunteer: Browser, volunteer_bot: Bot, instance: dict) -> None:
    """A server that bears the mark of an operation which has made another one; a mark that a member wrote into
    their own server, or into one that another operation has made, is none."""
    stray, own = cloud.create(fresh_name(), by=cloud.service()), cloud.create(fresh_name())
    other, operation = volunteer_bot.started(fresh_name())["instanceid"], instance["id"]
    for server in (stray, own):
        until(lambda: cloud.server(server)["status"] == "ACTIVE", "the server runs")
    for server in (stray, own, other):
        cloud.mark(server, operation)
    # Long enough ago that nothing of it can come late.
    drift.sql(f"UPDATE operations SET finished_at = finished_at - INTERVAL 1 MINUTE WHERE id = '{operation}'")

    def found() -> tuple[str, str | None] | None:
        return listed(operator).get(f"stray/{keystone.REGION}/{stray}")

    text, repair = until(found, "the stray is listed", 120)
    assert said(text, "drift-stray") and repair
    strays = [each for each in listed(volunteer).items() if each[0].startswith("stray/")]
    ((_, (_, offered)),) = strays
    assert offered is None, "only a cloud admin removes strays"
    mended(operator, repair)
    assert cloud.server(stray) is None and cloud.server(own) and cloud.server(other)


def test_who_is_away_differs_in_nothing(operator: Browser, instance: dict) -> None:
    with down("nova"):
        page = operator.open(drift.PAGE)
        assert said(page.text, "drift-notcompared", "nova") and said(page.text, "drift-nonecompared"), page.text
        operator.shot("drift-nova-away")
        asked = command("drift")
        assert asked.returncode == 1 and "could not be compared" in asked.stdout, asked
    with down("keystone"):
        page = operator.open(drift.PAGE)
        assert said(page.text, "drift-notcompared", "keystone"), page.text
        assert not page.tree.xpath("//table[@id='drift']/tbody/tr[@id]")


def test_nobody_sees_or_mends_what_is_not_theirs(outsider: Browser, outsider_bot: Bot) -> None:
    before = operations()
    drift.seat(drift.GROUP, "member", OUTSIDER.uid, True)
    try:
        assert not listed(outsider)
        name = f"place/project/bots/group/{OUTSIDER.uid}"
        token = outsider_bot.site.get_token("csrf")
        call = outsider_bot.site.post
        code = refused(call, "novadrift", difference=name, token=token)
        assert code == "openstackmanager-drift-gone"
        page = fetched(outsider.http(), address(drift.PAGE, action="repair", difference=name))
        assert page.status == 409 and said(page.text, "drift-gone"), page.text
    finally:
        drift.seat(drift.GROUP, "member", OUTSIDER.uid, False)
    assert operations() == before
