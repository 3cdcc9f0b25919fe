"""Requests: who may not make a project asks for one, and a rule or a cloud admin grants it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from mwclient.errors import APIError
from support.browser import Browser
from support.waiting import until
from support.wiki import Bot, Json, refused, sysop
from support.wording import said
from support.world import Account, OPERATOR, OUTSIDER, VOLUNTEER, sidecar_with
from test_projects import call, everywhere, in_ldap

PAGE = "Special:NovaRequest"


def request(bot: Bot, subaction: str, **params: str) -> Json:
    return call(bot, "novarequest", subaction, **params)


def title(asked: Json) -> str:
    return f"Nova Resource:Request {asked['request']}"


@contextmanager
def blocked(account: Account) -> Iterator[None]:
    """A block of somebody who has nothing that could be taken."""
    by = sysop()
    by.post("block", user=account.name, reason="spam", expiry="1 hour", token=by.get_token("csrf"))
    try:
        yield
    finally:
        by.post("unblock", user=account.name, token=by.get_token("csrf"))


@pytest.fixture
def names(operator_bot: Bot, outsider_bot: Bot) -> Iterator[list[str]]:
    names = [f"asked-{secrets.token_hex(4)}" for _ in range(3)]
    yield names
    for name in names:
        if in_ldap(f"cn={name},ou=projects"):
            operator_bot.followed(call(operator_bot, "novaproject", "delete", projectname=name))
    for each in outsider_bot.site.get("query", list="novarequests", nrstate="open", nrlimit=50)["query"]["novarequests"]:
        if each["user"] == OUTSIDER.name:
            request(outsider_bot, "withdraw", request=each["request"])


def test_the_rule_grants_one_and_an_approver_the_next(
    outsider: Browser, operator: Browser, outsider_bot: Bot, operator_bot: Bot, volunteer: Browser, names: list[str]
) -> None:
    first, second, third = names
    # Whoever may make none is led to the form, which says what will become of it.
    page = outsider.open("Special:NovaProject")
    assert "Special:NovaRequest" in str(page.tree.xpath("//div[@id='mw-content-text']//a/@href"))
    outsider.open(PAGE, action="project")
    assert said(outsider.page.text, "request-byrule")
    outsider.fill(projectname=first, description="First", reason="To try [[x]]{{Delete}} it")
    outsider.shot("request-project")
    outsider.submit("request-project")
    until(lambda: said(outsider.page.text, "createproject-done", first), "the project is there", 90)
    outsider.shot("request-granted-by-rule")
    assert said(outsider.page.text, "request-therule") and everywhere(first) == [True] * 3
    until(lambda: outsider_bot.page(f"Nova Resource:{first.capitalize()}"), "it has a page")
    # Its first member adds another as a member of any project does, and takes them out again.
    for subaction, field in (("addmember", "member"), ("deletemember", "members")):
        begun = call(outsider_bot, "novaproject", subaction, projectname=first, **{field: VOLUNTEER.uid})
        assert outsider_bot.followed({"operation": begun["operations"][0]})["state"] == "done"
        there = f"memberUid: {VOLUNTEER.uid}" in str(in_ldap(f"cn=project-{first},ou=groups")) or (
            f"uid={VOLUNTEER.uid}," in str(in_ldap(f"cn={first},ou=projects")))  # fmt: skip
        assert there == (subaction == "addmember")

    # The next one waits for a person, and shows on the wiki under the asker's name.
    outsider.open(PAGE, action="project")
    assert said(outsider.page.text, "request-byapprover")
    asked = request(outsider_bot, "project", projectname=second, description="Second", reason="Because")
    assert asked["state"] == "open" and "byrule" not in asked
    until(lambda: outsider_bot.page(title(asked)), "the request has its page")
    revision = outsider_bot.page(title(asked))
    assert revision["user"] == OUTSIDER.name and revision["comment"] == f"asked for project {second}"
    assert f"Request {asked['request']}" in outsider.open("Special:EditWatchlist").text
    assert {"Requests", "Open requests"} <= outsider_bot.categories(title(asked))
    assert outsider_bot.facts(title(asked))["Request State"] == ["open"]
    assert refused(request, outsider_bot, "project", projectname=third, reason="x") == "openstackmanager-request-oneisopen"

    # What stands on the page grants nothing; nor may the asker.
    outsider_bot.append(title(asked), "\n{{Nova Resource|Resource Type=request|Request State=granted}}")
    assert refused(request, outsider_bot, "grant", request=asked["request"], hash=asked["hash"]) == (
        "openstackmanager-needcloudadmin")  # fmt: skip
    assert refused(request, operator_bot, "grant", request=asked["request"], hash="0" * 64) == (
        "openstackmanager-request-anotherhash")  # fmt: skip
    assert everywhere(second) == [False] * 3
    operator.open(title(asked))
    operator.shot("request-page")
    operator.open(PAGE)
    operator.shot("requests")
    operator.open(PAGE, request=str(asked["request"]))
    assert said(operator.page.text, "request-hash") and asked["hash"] in operator.page.text
    operator.shot("request-to-grant")
    operator.submit("request-grant")
    until(lambda: said(operator.page.text, "createproject-done", second), "the project is there", 90)
    assert everywhere(second) == [True] * 3
    until(lambda: "|Request State=granted" in outsider_bot.page(title(asked))["text"], "the page says so")
    assert outsider_bot.page(title(asked))["user"] == OPERATOR.name
    assert "Open requests" not in outsider_bot.categories(title(asked))
    assert refused(request, operator_bot, "decline", request=asked["request"], answer="Too late") == (
        "openstackmanager-request-notopen")  # fmt: skip
    mine = outsider.open("Special:NovaResources")
    outsider.shot("resources-requests")
    assert mine.tree.xpath(f"//tr[@id='mine-{asked['request']}']")


def test_declined_and_withdrawn(outsider_bot: Bot, operator_bot: Bot, outsider: Browser, names: list[str]) -> None:
    with sidecar_with(lambda config: config.replace("account_days = 0", "account_days = 30")):
        outsider.open(PAGE, action="project")
        assert said(outsider.page.text, "request-young")
        asked = request(outsider_bot, "project", projectname=names[0], reason="Because")
        assert asked["state"] == "open"
        assert refused(request, operator_bot, "withdraw", request=asked["request"]) == "openstackmanager-notyours"
        assert refused(request, operator_bot, "decline", request=asked["request"]) == "openstackmanager-answer-none"
        declined = request(operator_bot, "decline", request=asked["request"], answer="Join bots first")
        assert (declined["state"], declined["answer"]) == ("declined", "Join bots first")
        until(lambda: "Join bots first" in (outsider_bot.page(title(asked)) or {}).get("text", ""), "the page says why")
        asked = request(outsider_bot, "project", projectname=names[1], reason="Because")
        # All is looked at again when it is granted: whoever is blocked by then gets nothing.
        with blocked(OUTSIDER):
            with pytest.raises(APIError) as late:
                request(operator_bot, "grant", request=asked["request"], hash=asked["hash"])
            assert late.value.code == "openstackmanager-request-asker"
        assert request(outsider_bot, "withdraw", request=asked["request"])["state"] == "withdrawn"
    assert all(everywhere(name) == [False] * 3 for name in names)


def test_a_member_asks_for_more_quota(
    volunteer: Browser, outsider_bot: Bot, volunteer_bot: Bot, operator_bot: Bot
) -> None:
    def limits() -> Json:
        (row,) = volunteer_bot.site.get("query", list="novaquotas", nqproject="bots")["query"]["novaquotas"]
        return {name: row[name]["limit"] for name in ("instances", "cores", "ram")}

    before = limits()
    asks = {"projectname": "bots", "reason": "More bots"}
    assert refused(request, outsider_bot, "quota", instances="12", **asks) == "openstackmanager-noaccount"
    for bad in ("-1", "x", "1e9", "9" * 30):
        assert refused(request, volunteer_bot, "quota", instances=bad, **asks).startswith("openstackmanager-quota-")
    assert refused(request, volunteer_bot, "quota", **asks) == "openstackmanager-request-nothing"
    assert refused(request, volunteer_bot, "quota", instances=str(before["instances"]), **asks) == (
        "openstackmanager-quota-same")  # fmt: skip
    try:
        # As much as the rule grants.
        page = volunteer.open("Special:NovaProject", action="quota", projectname="bots")
        assert "NovaRequest" in str(page.tree.xpath("//div[@id='mw-content-text']//a/@href"))
        volunteer.open(PAGE, action="quota", projectname="bots")
        volunteer.fill(instances="12", reason="More bots")
        volunteer.shot("request-quota")
        volunteer.submit("request-quota")
        until(lambda: limits()["instances"] == 12, "the quota is set", 60)
        # More than that.
        asked = request(volunteer_bot, "quota", cores=str(before["cores"] + 5), **asks)
        assert asked["state"] == "open" and limits()["cores"] == before["cores"]
        until(lambda: volunteer_bot.page(title(asked)), "the request has its page")
        granted = request(operator_bot, "grant", request=asked["request"], hash=asked["hash"])
        assert operator_bot.followed({"operation": granted["operation"]})["state"] == "done"
        assert limits() == before | {"instances": 12, "cores": before["cores"] + 5}
        volunteer.open(title(asked))
        volunteer.shot("request-quota-page")
    finally:
        now = {name: str(limit) for name, limit in before.items()}
        if limits() != before:
            operator_bot.followed(call(operator_bot, "novaproject", "quota", projectname="bots", **now))


def test_what_cannot_be_asked_for(outsider_bot: Bot, operator_bot: Bot) -> None:
    def ask(**params: str) -> str:
        return refused(request, outsider_bot, "project", **params)

    assert ask(projectname="bots", reason="x") == "openstackmanager-projecttaken"
    assert ask(projectname="a b", reason="x").startswith("openstackmanager-")
    assert ask(projectname="fine") == "openstackmanager-request-noreason"
    for bad in ("two\nlines", "turned \u202e round", "x" * 65536):
        assert ask(projectname="fine", reason=bad).startswith("openstackmanager-reason-"), bad[:20]
        assert ask(projectname="fine", reason="x", description=bad).startswith("openstackmanager-description-")
    for bad in ("0", "-1", "999999999", "x", "1 OR 1=1"):
        code = refused(request, operator_bot, "decline", request=bad, answer="x")
        assert code in ("openstackmanager-nosuchrequest", "badinteger"), bad
