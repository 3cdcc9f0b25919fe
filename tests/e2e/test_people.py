"""Who may what: members, strangers, the cloud admin, and those who only look like somebody."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

import pytest
import requests
from conftest import fresh_name
from parts import ldap
from support import cloud
from support.browser import Browser, address, fetched
from support.directory import ldap_modify
from support.wiki import Bot, blocked, refused, register
from support.wording import said
from support.world import ACCOUNTS, VOLUNTEER, WIKI, Account, lab, operations

LIST = "Special:NovaInstance"
ACTIONS = ["reboot", "delete", "consoleoutput"]


@pytest.fixture(scope="module")
def instance(volunteer_bot: Bot) -> dict:
    return volunteer_bot.started(fresh_name())


def test_a_stranger_sees_why_there_is_nothing(outsider: Browser) -> None:
    page = outsider.open(LIST)
    assert page.projects == [] and said(page.text, "noprojects")
    outsider.shot("list-outsider")


def test_a_stranger_is_refused_by_the_name_of_the_right(outsider: Browser, instance: dict) -> None:
    before = operations()
    for query in [
        {"action": "create", "project": "bots"},
        *({"action": word, "instanceid": instance["instanceid"]} for word in ACTIONS),
        # Another project in the address changes nothing: the object's own counts.
        *({"action": word, "instanceid": instance["instanceid"], "project": "tools"} for word in ACTIONS),
        {"project": "bots"},
    ]:
        page = fetched(outsider.http(), address(LIST, **query))
        assert page.status == 403, query
        assert said(page.text, "noaccount", "bots"), (query, page.text)
    assert operations() == before


def test_a_stranger_s_bot_is_refused_as_well(outsider_bot: Bot, instance: dict) -> None:
    for word in ACTIONS:
        code = refused(outsider_bot.call, word, instanceid=instance["instanceid"])
        assert code == "openstackmanager-noaccount"
    assert refused(outsider_bot.create, fresh_name()) == "openstackmanager-noaccount"
    assert refused(outsider_bot.operation, instance["id"]) == "openstackmanager-noaccount"
    listed = outsider_bot.site.get("query", list="novainstances")["query"]["novainstances"]
    assert listed == []


def test_nobody_is_asked_to_log_in() -> None:
    answer = requests.get(address(LIST), timeout=60)
    assert "Special:UserLogin" in answer.url or "UserLogin" in answer.text
    api = requests.get(f"{WIKI}/api.php?action=query&list=novainstances&format=json", timeout=60).json()
    assert api["error"]["code"] == "openstackmanager-mustbeloggedin"


def test_the_cloud_admin_sees_all_projects(operator: Browser, instance: dict) -> None:
    page = operator.open(LIST)
    assert {"bots", "tools"} <= set(page.projects)
    row = page.rows("bots")[instance["name"]]
    assert row.action("delete") and row.action("reboot") and row.action("consoleoutput")
    operator.shot("list-operator")
    page = operator.open("Special:NovaProject")
    assert "Bots that look after articles" in page.text and VOLUNTEER.name in page.text
    operator.shot("projects-operator")


def test_a_member_who_is_blocked(volunteer: Browser, volunteer_bot: Bot, instance: dict) -> None:
    before = operations()
    with blocked(VOLUNTEER, "e2e: a block"):
        assert refused(volunteer_bot.create, fresh_name()) == "openstackmanager-blocked"
        for word in ["reboot", "delete"]:
            code = refused(volunteer_bot.call, word, instanceid=instance["instanceid"])
            assert code == "openstackmanager-blocked"
        page = fetched(volunteer.http(), address(LIST, action="create", project="bots"))
        assert page.status == 403 and "e2e: a block" in page.text
    assert operations() == before and cloud.server(instance["instanceid"])["status"] == "ACTIVE"


# Wiki accounts that somebody registered under the name of somebody in LDAP.
LOOKALIKES = ["VOLUNTEER", "E2e unlinked", "E2e under score", "E2e Zoë Müller"]


# People in LDAP, members of bots, whom no wiki account is linked with: uid and cn.
PROVER = "e2eprover"
PEOPLE = {"e2eplain": "E2e unlinked", "e2eunder": "E2e_under_score", "e2ezoe": "E2e Zoë Müller", PROVER: "E2e prover"}


@pytest.fixture(scope="module")
def people_in_ldap() -> Iterator[None]:
    project = f"dn: cn=bots,ou=projects,{ldap.BASE}\nchangetype: modify\n"
    come, go = [], []
    for number, (uid, cn) in enumerate(PEOPLE.items(), 9001):
        dn = f"uid={uid},ou=people,{ldap.BASE}"
        common = base64.b64encode(cn.encode()).decode()
        come += [
            f"dn: {dn}\nchangetype: add\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n"
            f"uid: {uid}\ncn:: {common}\nsn: {uid}\nuidNumber: {number}\ngidNumber: 500\n"
            f"homeDirectory: /home/{uid}\nuserPassword: {ldap.hashed(lab.secret(f'ldap-{uid}'))}\n",
            f"{project}add: member\nmember: {dn}\n",
        ]
        go += [f"{project}delete: member\nmember: {dn}\n", f"dn: {dn}\nchangetype: delete\n"]
    ldap_modify("\n".join(come))
    yield
    ldap_modify("\n".join(go))


@pytest.mark.parametrize("name", LOOKALIKES)
def test_a_name_alone_gives_no_right(people_in_ldap: None, bot: Callable[[Account], Bot], name: str) -> None:
    stranger = bot(register(name))
    assert refused(stranger.create, fresh_name()) == "openstackmanager-nolink"
    assert stranger.site.get("query", list="novainstances")["query"]["novainstances"] == []


def test_who_proves_the_password_is_linked(people_in_ldap: None) -> None:
    account = register(f"E2e someone {fresh_name()}")
    browser = Browser(account)
    try:
        page = browser.open("Special:NovaLink")
        assert page.status in (None, 200), page.text
        browser.fill(uid=PROVER, password="wrong")
        page = browser.submit("link")
        assert said(page.field_error("password"), "link-wrong"), page.text
        assert lab.secret(f"ldap-{PROVER}") not in page.text
        browser.fill(uid=PROVER, password=lab.secret(f"ldap-{PROVER}"))
        page = browser.submit("link")
        assert said(page.text, "linked"), page.text
        browser.shot("linked")
        assert browser.open(LIST).projects == ["bots"]
    finally:
        browser.close()


def test_one_entry_is_one_person_s(people_in_ldap: None, outsider: Browser) -> None:
    """Someone else proving the same password does not get it; the volunteer's neither."""
    account = register(f"E2e another {fresh_name()}")
    browser = Browser(account)
    try:
        page = browser.open("Special:NovaLink")
        browser.fill(uid=VOLUNTEER.uid, password=lab.secret(f"ldap-{VOLUNTEER.uid}"))
        page = browser.submit("link")
        assert said(page.field_error("uid"), "link-taken"), page.text
        assert browser.open(LIST).projects == []
    finally:
        browser.close()


def test_the_demo_s_accounts_are_whom_they_say(bot: Callable[[Account], Bot]) -> None:
    for name, account in ACCOUNTS.items():
        info = bot(account).site.get("query", meta="userinfo")["query"]["userinfo"]
        assert info["name"] == name
