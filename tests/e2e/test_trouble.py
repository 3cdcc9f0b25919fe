"""When a part is away: people are told which, nothing is half done, and it goes on when the part is back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import fresh_name
from support import cloud
from support.browser import Browser, address, fetched
from support.waiting import until
from support.wiki import Bot, refused
from support.wording import said
from support.world import WIKI, down, operations, sidecar_with

LIST = "Special:NovaInstance"


@pytest.fixture(scope="module")
def instance(volunteer_bot: Bot) -> dict:
    return volunteer_bot.started(fresh_name())


def test_the_sidecar_is_down(volunteer: Browser, volunteer_bot: Bot, instance: dict) -> None:
    with down("sidecar"):
        page = fetched(volunteer.http(), address(LIST))
        assert page.status == 503 and said(page.text, "unavailable"), page.text
        assert "Fatal" not in page.text and "Exception" not in page.text
        volunteer.open(LIST)
        volunteer.shot("sidecar-down")
        # Not by mwclient, which would try again and again.
        answer = volunteer_bot.site.connection.get(f"{WIKI}/api.php?action=query&list=novainstances&format=json")
        assert answer.status_code == 503 and answer.json()["error"]["code"] == "openstackmanager-unavailable"
        # The wiki itself does not care.
        assert fetched(volunteer.http(), address(instance["page"])).status == 200
    assert instance["name"] in volunteer.open(LIST).rows("bots")


def test_an_operation_outlives_the_sidecar(volunteer_bot: Bot, name: str) -> None:
    begun = volunteer_bot.create(name)
    with down("sidecar"):
        pass
    assert volunteer_bot.followed(begun)["state"] == "done"
    assert len(cloud.servers(name)) == 1


def test_ldap_is_down(volunteer: Browser, volunteer_bot: Bot, instance: dict) -> None:
    before = operations()
    with down("ldap"):
        for call in calls(volunteer_bot, instance):
            assert refused(call) == "openstackmanager-backend-unavailable"
        page = fetched(volunteer.http(), address(LIST))
        assert page.status == 503 and said(page.text, "backend-unavailable", "ldap"), page.text
    assert operations() == before
    until(lambda: instance["name"] in volunteer.open(LIST).rows("bots"), "the rights are back", 30)


def calls(bot: Bot, instance: dict) -> list[Callable[[], dict]]:
    act = [lambda word=word: bot.call(word, instanceid=instance["instanceid"])
           for word in ["reboot", "delete", "consoleoutput"]]  # fmt: skip
    return [lambda: bot.create(fresh_name()), *act]


def test_nova_is_down(volunteer: Browser, volunteer_bot: Bot, name: str, instance: dict) -> None:
    before = operations()
    with down("nova"):
        assert refused(volunteer_bot.create, name) == "openstackmanager-backend-unavailable"
        page = fetched(volunteer.http(), address(LIST, action="create", project="bots"))
        assert page.status == 503 and said(page.text, "backend-unavailable", "nova"), page.text
        # The list is our own copy: it still shows, and says as of when.
        page = fetched(volunteer.http(), address(LIST))
        assert page.status == 200 and instance["name"] in page.rows("bots") and said(page.text, "asof")
    assert operations() == before and not cloud.servers(name)
    assert volunteer_bot.followed(volunteer_bot.create(name))["state"] == "done"


def test_maintenance(volunteer: Browser, volunteer_bot: Bot, instance: dict) -> None:
    before, reason = operations(), "e2e: new switches in row B"
    with sidecar_with(lambda config: f'{config}[maintenance]\nreason = "{reason}"\n'):
        for call in calls(volunteer_bot, instance)[:3]:
            assert refused(call) == "openstackmanager-maintenance"
        page = volunteer.open(LIST)
        assert said(page.text, "banner-maintenance", reason) and instance["name"] in page.rows("bots")
        volunteer.shot("maintenance")
        page = fetched(volunteer.http(), address(LIST, action="create", project="bots"))
        assert page.status == 503 and said(page.text, "maintenance", reason), page.text
        console = volunteer_bot.call("consoleoutput", instanceid=instance["instanceid"])
        assert console["consoleoutput"], "reading goes on"
    assert operations() == before
