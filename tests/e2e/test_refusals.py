"""What is wrong is said at its field, and nothing is begun."""

from __future__ import annotations

import re

import pytest
from conftest import fresh_name
from support import cloud
from support.browser import Browser, Page, address, fetched
from support.wiki import Bot, refused
from support.wording import said
from support.world import operations


@pytest.fixture(scope="module")
def there(volunteer_bot: Bot) -> str:
    """The name of an instance that exists."""
    name = fresh_name()
    volunteer_bot.started(name)
    return name


def ask(browser: Browser, name: str, flavor: str = "m1.tiny") -> Page:
    browser.open("Special:NovaInstance", action="create", project="bots")
    browser.fill(instancename=name, instanceType=flavor, imageType="debian-12")
    return browser.submit("createinstance")


@pytest.mark.parametrize("bad", ["Tools", "9lives", "two words", "under_score", "trailing-", "x]]{{Delete}}<b>"])
def test_a_wrong_name(volunteer: Browser, bad: str) -> None:
    before = operations()
    page = ask(volunteer, bad)
    assert said(page.field_error("instancename"), "badinstancename"), page.text
    assert page.form("createinstance")["instancename"] == [bad], "what was typed is still there"
    assert operations() == before and not cloud.servers(bad)


def test_a_name_in_use(volunteer: Browser, there: str) -> None:
    before = operations()
    page = ask(volunteer, there)
    assert said(page.field_error("instancename"), "nametaken", there), page.text
    assert operations() == before and len(cloud.servers(there)) == 1
    volunteer.shot("create-refused")


def test_a_flavour_beyond_the_quota(volunteer: Browser, name: str) -> None:
    before = operations()
    with cloud.quota("bots", cores=1):
        page = ask(volunteer, name, "m1.medium")
    assert said(page.field_error("instanceType"), "noquota-cores"), page.text
    assert operations() == before and not cloud.servers(name)


def test_one_instance_too_many(volunteer: Browser, name: str, there: str) -> None:
    before = operations()
    with cloud.quota("bots", instances=1):
        page = ask(volunteer, name)
    assert said(page.field_error("instancename"), "noquota-instances"), page.text
    assert operations() == before and not cloud.servers(name)


def test_everything_wrong_is_said_at_once(volunteer: Browser, there: str) -> None:
    with cloud.quota("bots", cores=1):
        page = ask(volunteer, there, "m1.medium")
    assert page.field_error("instancename") and page.field_error("instanceType")


def test_a_missing_token(volunteer: Browser, name: str) -> None:
    form = volunteer.open("Special:NovaInstance", action="create", project="bots")
    sent = form.form("createinstance") | {"instancename": [name]}
    before = operations()
    for token in [None, "0123456789abcdef+\\"]:
        tampered = {key: value for key, value in sent.items() if key != "wpEditToken"}
        if token:
            tampered["wpEditToken"] = [token]
        answer = fetched(volunteer.http(), form.form_address("createinstance"), data=tampered)
        assert answer.status == 403
        assert answer.form("createinstance")["instancename"] == [name], "it can be sent again"
    assert operations() == before and not cloud.servers(name)


def test_a_get_begins_nothing(volunteer: Browser, name: str, there: str) -> None:
    before = operations()
    (server,) = cloud.servers(there)
    for query in [
        {"action": "create", "project": "bots", "instancename": name, "instanceType": "m1.tiny"},
        {"action": "delete", "instanceid": server["id"]},
        {"action": "reboot", "instanceid": server["id"]},
    ]:
        assert fetched(volunteer.http(), address("Special:NovaInstance", **query)).status == 200
    assert operations() == before


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"instancename": "No Good"}, "badinstancename"),
        ({"instanceType": "m1.colossal"}, "badinstancetype"),
        ({"imageType": "no-such-image"}, "badimage"),
        ({"groups": "nobody"}, "badsecuritygroup"),
        ({"project": "tools"}, "noaccount"),
        ({"project": "I-3f9a2c1e"}, "projectname-likeid"),
        ({"region": "Elsewhere"}, "badregion"),
    ],
)
def test_the_api_says_the_same(volunteer_bot: Bot, name: str, wanted: dict[str, str], code: str) -> None:
    before = operations()
    params = {"instancename": name} | wanted
    assert refused(volunteer_bot.create, params.pop("instancename"), **params) == f"openstackmanager-{code}"
    assert operations() == before


def test_no_such_instance(volunteer: Browser, volunteer_bot: Bot) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    for word in ["reboot", "delete", "consoleoutput"]:
        assert refused(volunteer_bot.call, word, instanceid=nobody) == "openstackmanager-nonexistenthost"
        assert refused(volunteer_bot.call, word, instanceid="x'--") == "openstackmanager-badinstanceid"
        page = fetched(volunteer.http(), address("Special:NovaInstance", action=word, instanceid=nobody))
        assert page.status == 404 and re.search(nobody, page.text)
