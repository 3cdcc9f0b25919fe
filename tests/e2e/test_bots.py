"""The wiki's API with mwclient and bot passwords: the same actions, for machines."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from conftest import fresh_name
from mwclient.errors import APIError
from support import cloud
from support.browser import Browser, fetched
from support.waiting import until
from support.wiki import Bot, refused
from support.world import operations


def test_an_instance_s_life(volunteer_bot: Bot, name: str) -> None:
    begun = volunteer_bot.create(name, groups="default|web", idempotencykey=secrets.token_hex(8))
    assert begun["state"] in {"queued", "running"}
    done = volunteer_bot.followed(begun)
    assert (done["state"], done["name"], done["project"], done["region"]) == ("done", name, "bots", "RegionOne")
    assert done["started"] <= done["finished"] and {step["state"] for step in done["steps"]} == {"done"}
    until(lambda: volunteer_bot.page(done["page"]), "its page")

    rebooted = volunteer_bot.followed(volunteer_bot.call("reboot", instanceid=done["instanceid"]))
    assert rebooted["state"] == "done" and rebooted["instanceid"] == done["instanceid"]
    console = volunteer_bot.call("consoleoutput", instanceid=done["instanceid"])["consoleoutput"]
    assert "FAKE CONSOLE OUTPUT" in console

    deleted = volunteer_bot.followed(volunteer_bot.call("delete", instanceid=done["instanceid"]))
    assert deleted["state"] == "done" and cloud.server(done["instanceid"]) is None
    assert refused(volunteer_bot.call, "delete", instanceid=done["instanceid"]) == "openstackmanager-instancegone"


def test_a_dry_run_begins_nothing(volunteer_bot: Bot, name: str) -> None:
    before = operations()
    shown = volunteer_bot.create(name, dryrun=True)
    assert [step["step"]["step"] for step in shown["plan"]["steps"]] == ["create-server", "await-server"]
    assert refused(volunteer_bot.create, "No Good", dryrun=True) == "openstackmanager-badinstancename"
    assert operations() == before and not cloud.servers(name)


def test_the_list_goes_on(volunteer_bot: Bot) -> None:
    made = {volunteer_bot.started(fresh_name())["instanceid"] for _ in range(3)}
    params: dict[str, Any] = {"niproject": "bots", "nilimit": 1}
    seen: list[str] = []
    going: dict[str, Any] | None = {}
    while going is not None:
        answer = volunteer_bot.site.get("query", list="novainstances", **params, **going)
        page = answer["query"]["novainstances"]
        assert len(page) <= 1
        seen += [row["instanceid"] for row in page]
        going = answer.get("continue")
    assert made <= set(seen) and len(seen) == len(set(seen)), seen
    row = volunteer_bot.site.get("query", list="novainstances", niproject="bots")["query"]["novainstances"][0]
    for key in ["name", "state", "ip", "project", "region", "instancetype", "imageid", "securitygroups", "page"]:
        assert row[key], (key, row)


def test_errors_are_for_machines(volunteer_bot: Bot) -> None:
    site = volunteer_bot.site
    wanted = {"subaction": "create", "project": "bots", "instancename": "No Good", "instanceType": "m1.colossal",
              "imageType": "debian-12", "token": site.get_token("csrf")}  # fmt: skip
    error = site.raw_api("novainstance", http_method="POST", **wanted)["error"]
    assert error["code"] == "openstackmanager-badinstancename" and "No Good" in error["info"]
    assert {each["field"] for each in error["refusals"]} == {"instancename", "instanceType"}


def test_writing_needs_a_post_and_a_token(volunteer_bot: Bot, name: str) -> None:
    before = operations()
    wanted = {"subaction": "create", "instancename": name, "project": "bots"}
    site = volunteer_bot.site
    assert refused(site.get, "novainstance", token=site.get_token("csrf"), **wanted) == "mustpostparams"
    assert refused(site.get, "novainstance", **wanted) == "missingparam"
    assert refused(site.post, "novainstance", token="0123+\\", **wanted) == "badtoken"
    assert refused(site.post, "novainstance", **wanted) == "missingparam"
    assert operations() == before


def test_the_same_key_is_the_same_call(volunteer_bot: Bot, name: str) -> None:
    key = secrets.token_hex(8)
    first = volunteer_bot.create(name, idempotencykey=key)
    assert volunteer_bot.create(name, idempotencykey=key)["operation"] == first["operation"]
    assert refused(volunteer_bot.create, fresh_name(), idempotencykey=key) == "openstackmanager-keyreused"
    assert volunteer_bot.followed(first)["state"] == "done"
    assert volunteer_bot.create(name, idempotencykey=key)["operation"] == first["operation"]
    assert len(cloud.servers(name)) == 1


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """All the calls at the same moment; an error is an answer as well."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        gate.wait()
        try:
            return call()
        except APIError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_two_people_want_the_same_name(volunteer_bot: Bot, operator_bot: Bot) -> None:
    for _ in range(3):
        name = fresh_name()
        answers = at_once(lambda: volunteer_bot.create(name), lambda: operator_bot.create(name))
        (error,) = [each for each in answers if isinstance(each, APIError)]
        (winner,) = [each for each in answers if not isinstance(each, APIError)]
        assert error.code == "openstackmanager-nametaken"
        follower = operator_bot if answers[1] is winner else volunteer_bot
        assert follower.followed(winner)["state"] == "done"
        assert len(cloud.servers(name)) == 1


def test_one_form_sent_twice_makes_one_instance(volunteer: Browser, volunteer_bot: Bot, name: str) -> None:
    page = volunteer.open("Special:NovaInstance", action="create", project="bots")
    address = page.form_address("createinstance")
    sent = page.form("createinstance") | {"instancename": [name]}
    clients = [volunteer.http(), volunteer.http()]
    answers = at_once(*(lambda client=client: fetched(client, address, data=sent) for client in clients))
    assert [answer.status for answer in answers] == [303, 303]
    assert answers[0].url == answers[1].url and "operation=" in answers[0].url
    operation = answers[0].url.split("operation=")[1]
    assert volunteer_bot.followed({"operation": operation})["state"] == "done"
    assert len(cloud.servers(name)) == 1
