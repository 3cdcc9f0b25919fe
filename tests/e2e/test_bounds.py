"""What somebody with an ordinary wiki account, or against one, can do to the cloud and to its documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests
from conftest import fresh_name
from parts import mariadb
from support.signing import to_sidecar, to_wiki
from support.waiting import until
from support.wiki import Bot, Json, refused, register, sysop
from support.world import VOLUNTEER, lab, maintenance, sidecar_with, wiki_read_only


def as_sidecar(user: str, **form: str) -> Json:
    answer: requests.Response = to_wiki(user, "0" if form["action"] == "edit" else "-", **form).send()
    return answer.json()


def saved(user: str) -> Json:
    """What comes of a new page that the sidecar makes as a user."""
    token = as_sidecar(user, action="query", meta="tokens")["query"]["tokens"]["csrftoken"]
    return as_sidecar(user, action="edit", title=f"Nova Resource talk:{fresh_name()}", text="x", token=token)


def test_a_bot_password_acts_on_the_cloud_by_its_grant_only() -> None:
    bot = Bot(VOLUNTEER, grants="basic,editpage,createeditmovepage")
    assert refused(bot.create, fresh_name(), dryrun=True) == "permissiondenied"
    for word in ["reboot", "delete", "consoleoutput"]:
        assert refused(bot.call, word, instanceid="00000000-0000-0000-0000-000000000000") == "permissiondenied"


def test_who_sends_too_much_is_told_so(volunteer_bot: Bot) -> None:
    # "The service does not answer" would have them send it again and again.
    assert refused(volunteer_bot.create, "x" * 1_500_000, dryrun=True) == "openstackmanager-toolarge"


@pytest.fixture
def somebody_autoblocked() -> Iterator[str]:
    """A user whose last edit the sidecar made, blocked as Special:Block does it: with the last address."""
    account = register(f"E2e blocked {fresh_name()}")
    by = sysop()
    (user,) = by.get("query", list="users", ususers=account.name)["query"]["users"]
    assert saved(f"id:{user['userid']}")["edit"]["result"] == "Success"
    by.post("block", user=account.name, autoblock=1, expiry="1 hour", token=by.get_token("csrf"))
    try:
        yield f"id:{user['userid']}"
    finally:
        by.post("unblock", user=account.name, token=by.get_token("csrf"))


def test_a_block_of_one_stops_nobody_else(volunteer_bot: Bot, somebody_autoblocked: str) -> None:
    me = volunteer_bot.site.get("query", meta="userinfo")["query"]["userinfo"]["id"]
    for user in ["system", f"id:{me}"]:
        assert saved(user).get("edit", {}).get("result") == "Success", user
    assert saved(somebody_autoblocked)["errors"][0]["code"] == "blocked"
    # Nor is the address, which is the demo's browsers' as well, blocked for them.
    assert refused(volunteer_bot.create, "No Good", dryrun=True) == "openstackmanager-badinstancename"


def test_an_ended_session_hangs_no_wiki_that_is_read_only() -> None:
    """MediaWiki does not take the session from before, and while it is read-only cannot take it away."""
    account = register(f"E2e ended {fresh_name()}")
    (user,) = sysop().get("query", list="users", ususers=account.name)["query"]["users"]
    who = f"id:{user['userid']}"
    assert saved(who)["edit"]["result"] == "Success"
    maintenance("invalidateUserSessions", "--user", account.name)
    with wiki_read_only("e2e: backup"):
        assert as_sidecar(who, action="query", meta="userinfo")["query"]["userinfo"]["name"] == account.name
    assert saved(who)["edit"]["result"] == "Success"


def test_a_resource_s_page_stays_wikitext(outsider_bot: Bot) -> None:
    title = f"Nova Resource:{fresh_name()}"
    outsider_bot.append(title, "{}")
    by = sysop()
    change = {"title": title, "model": "json", "summary": "e2e", "token": by.get_token("csrf")}
    assert refused(by.post, "changecontentmodel", **change)
    (page,) = outsider_bot.site.get("query", titles=title, prop="info")["query"]["pages"].values()
    assert page["contentmodel"] == "wikitext"


@pytest.fixture
def another_tools() -> Iterator[None]:
    """LDAP's project `tools` is no longer the one whose instances the index has."""
    held = "FROM pins WHERE name = 'tools'"
    ((entry,),) = mariadb.query(lab, f"SELECT entry_uuid {held}", "openstackmanager")
    change = "UPDATE pins SET entry_uuid = '{}' WHERE name = 'tools'"
    mariadb.query(lab, change.format("another"), "openstackmanager")
    try:
        yield
    finally:
        mariadb.query(lab, change.format(entry), "openstackmanager")


def test_members_of_a_new_project_have_no_part_in_the_old_one_of_its_name(
    operator_bot: Bot, name: str, request: pytest.FixtureRequest
) -> None:
    instance = operator_bot.started(name, project="tools")["instanceid"]
    request.getfixturevalue("another_tools")
    for word in ["reboot", "delete", "consoleoutput"]:
        assert refused(operator_bot.call, word, instanceid=instance) == "openstackmanager-projectmismatch", word


def test_a_page_that_somebody_moved_out_of_the_namespace(volunteer_bot: Bot, name: str) -> None:
    done = volunteer_bot.started(name)
    by = sysop()
    by.post("move", **{"from": done["page"], "to": f"Moved away {name}"}, token=by.get_token("csrf"))
    volunteer_bot.followed(volunteer_bot.call("delete", instanceid=done["instanceid"]))
    until(lambda: "deleted instance" in volunteer_bot.page(done["page"])["text"], "the deletion is told")


def test_who_may_not_do_it_may_not_take_it_back(operator_bot: Bot, volunteer_bot: Bot, name: str) -> None:
    """Volunteer is a member of bots, Operator holds projectadmin there."""
    operation = operator_bot.started(name)["id"]
    me = volunteer_bot.site.get("query", meta="userinfo")["query"]["userinfo"]["id"]

    def notices() -> list[str]:
        wish = to_sidecar("/v1/special/NovaOperations", me, VOLUNTEER.name, action="cancel", operation=operation)
        posted = json.loads(wish.body) | {"method": "POST"}
        view = replace(wish, body=json.dumps(posted).encode()).send().json()
        return [notice["text"]["key"].removeprefix("openstackmanager-") for notice in view["notices"]]

    assert notices() == ["wish-toolate"]
    with sidecar_with(lambda config: f'{config}\n[policy]\ncreate = "projectadmin"\n'):
        assert notices() == ["needrole"]
