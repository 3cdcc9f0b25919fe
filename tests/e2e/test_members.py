"""People come into a project and go out of it: by its members, in LDAP and Keystone at once, told on its page."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import fresh_name
from mwclient.errors import APIError
from parts import ldap, mariadb
from support import cloud
from support.browser import Browser, address, fetched
from support.directory import ldap_modify
from support.waiting import until
from support.wiki import Bot, Json, refused
from support.wording import said
from support.world import OPERATOR, OUTSIDER, VOLUNTEER, lab, operations, sidecar_with

PAGE = "Special:NovaProject"
PROJECT = "Nova Resource:Bots"
HOSTILE = [
    "*", "outsider)(uid=*", "*()\\+\"<>;#=", "[[x]]{{Delete}}", "<script>alert(1)</script>", "out\nsider",
    "outsider\x1fvolunteer", "x" * 65536,
]  # fmt: skip


def call(bot: Bot, subaction: str, **params: str) -> Json:
    token = bot.site.get_token("csrf")
    sent = {"projectname": "bots", "subaction": subaction, "token": token} | params
    return bot.site.post("novaproject", **sent)["novaproject"]


def followed(bot: Bot, begun: Json) -> list[Json]:
    return [bot.followed({"operation": each}) for each in begun["operations"]]


@pytest.fixture(autouse=True)
def outside(operator_bot: Bot) -> Iterator[None]:
    """The outsider is a member of nothing, whatever a test did or an earlier run left behind."""

    def out() -> None:
        if in_ldap("ou=projects", "cn=bots"):
            followed(operator_bot, call(operator_bot, "deletemember", members=OUTSIDER.uid))

    out()
    yield
    out()


def in_ldap(ou: str, name: str, uid: str = OUTSIDER.uid) -> bool:
    command = ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", ldap.url(lab), "-D", ldap.ADMIN,
               "-y", str(lab.secret_file("ldap-admin")), "-b", f"{name},{ou},{ldap.BASE}", "member"]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return f"member: uid={uid},ou=people,{ldap.BASE}" in found.splitlines()


def in_keystone(uid: str = OUTSIDER.uid) -> bool:
    asked = {"scope.project.id": cloud.project_id("bots"), "include_names": "1"}
    rows = cloud.admin().get("keystone", "/role_assignments", **asked)["role_assignments"]
    return any(row["user"]["name"] == uid and row["role"]["name"] == "member" for row in rows if "user" in row)


def everywhere() -> set[bool]:
    return {in_ldap("ou=projects", "cn=bots"), in_ldap("ou=groups", "cn=project-bots"), in_keystone()}


def out_of_the_group(uid: str) -> None:
    """Past us, by who administers LDAP."""
    change = f"dn: cn=project-bots,ou=groups,{ldap.BASE}\nchangetype: modify\n" \
             f"delete: member\nmember: uid={uid},ou=people,{ldap.BASE}\n"  # fmt: skip
    ldap_modify(change)


def told(bot: Bot, what: str) -> Json:
    """The change of the project's page whose summary says so."""

    def look() -> Json | None:
        return next((each for each in bot.changes(PROJECT)[:5] if what in each["comment"]), None)

    return until(look, f"{what} in Recent Changes")


def test_a_member_adds_somebody_and_an_admin_removes_them(
    volunteer: Browser, outsider: Browser, operator: Browser, volunteer_bot: Bot
) -> None:
    instance = fresh_name()
    volunteer_bot.started(instance)
    assert outsider.open("Special:NovaInstance").projects == []

    page = volunteer.open(PAGE)
    (link,) = [a.get("href") for a in page.tree.xpath("//tr[@id='project-bots']//a") if "addmember" in a.get("href", "")]
    volunteer.open(PAGE, **{"action": "addmember", "projectname": "bots"})
    assert "action=addmember" in link and "projectname=bots" in link
    volunteer.fill(member=OUTSIDER.uid)
    volunteer.shot("member-add")
    volunteer.submit("addmember")
    until(lambda: said(volunteer.page.text, "addmember-done", OUTSIDER.uid), "the outsider is a member", 60)
    volunteer.shot("member-added")
    assert everywhere() == {True}
    change = told(volunteer_bot, f"added {OUTSIDER.name} to project bots")
    assert change["user"] == VOLUNTEER.name
    text = volunteer_bot.page(PROJECT)["text"]
    assert f"User:{OUTSIDER.name}" in text

    page = outsider.open("Special:NovaInstance")
    assert page.projects == ["bots"] and instance in page.rows("bots")
    # A member takes nobody out but themselves.
    page = volunteer.open(PAGE, action="deletemember", projectname="bots")
    assert page.tree.xpath("//input[@name='members[]']/@value") == [VOLUNTEER.uid]
    assert refused(call, volunteer_bot, "deletemember", members=OUTSIDER.uid) == "openstackmanager-needrole"

    operator.open(PAGE, action="deletemember", projectname="bots")
    operator.tick("members", OUTSIDER.uid)
    operator.shot("member-remove")
    operator.submit("deletemember")
    until(lambda: said(operator.page.text, "deletemember-done", OUTSIDER.uid), "the outsider is out", 60)
    assert everywhere() == {False}
    change = told(volunteer_bot, f"removed {OUTSIDER.name} from project bots")
    assert change["user"] == OPERATOR.name
    until(lambda: f"User:{OUTSIDER.name}" not in volunteer_bot.page(PROJECT)["text"], "the page without the outsider")
    assert outsider.open("Special:NovaInstance").projects == []
    # The others are as they were.
    for uid in (VOLUNTEER.uid, OPERATOR.uid):
        assert in_ldap("ou=projects", "cn=bots", uid) and in_ldap("ou=groups", "cn=project-bots", uid)
        assert in_keystone(uid)


def test_what_can_be_seen_already_waits_for_the_word_of_who_does_it(
    volunteer_bot: Bot, operator_bot: Bot, name: str
) -> None:
    followed(volunteer_bot, call(volunteer_bot, "addmember", member=OUTSIDER.uid))
    held = lab.dir / "sidecar" / fresh_name()
    go = held.with_name(f"{held.name}.go")
    hold = {"OSM_HOLD_AT": "member-remove/0-withdraw-project.sent", "OSM_HOLD_FILE": str(held)}
    with sidecar_with(lambda config: config, **hold):
        begun = call(operator_bot, "deletemember", members=OUTSIDER.uid)
        until(held.exists, "LDAP has it, and nothing tells of it yet")
        assert not in_ldap("ou=projects", "cn=bots")
        # Something else makes the project's page due.
        cloud.create(name)
        until(lambda: page_put_off("project/bots"), "the project's page waits")
        lab.write(go, "", 0o644)
        followed(operator_bot, begun)
    assert told(volunteer_bot, f"removed {OUTSIDER.name} from project bots")["user"] == OPERATOR.name


def page_put_off(key: str) -> bool:
    look = f"SELECT COUNT(*) FROM page_queue WHERE page_key = '{key}' AND due_at > since AND owner IS NULL"
    return mariadb.query(lab, look, "openstackmanager") == [["1"]]


def test_what_is_shown_is_what_is_agreed_to(volunteer_bot: Bot, operator: Browser) -> None:
    followed(volunteer_bot, call(volunteer_bot, "addmember", member=OUTSIDER.uid))
    operator.open(PAGE, action="deletemember", projectname="bots")
    operator.tick("members", OUTSIDER.uid)
    operator.submit("deletemember", "dryrun")
    assert operator.page.tree.xpath("//*[@id='plan']"), operator.page.text
    out_of_the_group(OUTSIDER.uid)
    before = operations()
    operator.submit("deletemember")
    assert said(operator.page.text, "planchanged"), operator.page.text
    assert operations() == before
    # Now it is shown as it is.
    operator.submit("deletemember", "dryrun")
    operator.submit("deletemember")
    until(lambda: said(operator.page.text, "deletemember-done", OUTSIDER.uid), "the outsider is out", 60)


def test_by_wiki_name_and_leaving(volunteer_bot: Bot, outsider: Browser, outsider_bot: Bot) -> None:
    # Marks of direction, which come along when a name is copied from a page, are no part of it for MediaWiki.
    (done,) = followed(volunteer_bot, call(volunteer_bot, "addmember", member=f"\u200e{OUTSIDER.name}"))
    assert done["state"] == "done" and done["name"] == OUTSIDER.uid
    assert [step["name"] for step in done["steps"]] == ["grant-group", "grant-cloud", "grant-project"]
    outsider.open(PAGE, action="deletemember", projectname="bots")
    outsider.tick("members", OUTSIDER.uid)
    outsider.submit("deletemember")
    until(lambda: said(outsider.page.text, "deletemember-done", OUTSIDER.uid), "the outsider has left", 60)
    assert everywhere() == {False}
    assert told(volunteer_bot, f"removed {OUTSIDER.name} from project bots")["user"] == OUTSIDER.name
    assert refused(call, outsider_bot, "deletemember", members=OUTSIDER.uid) == "openstackmanager-noaccount"


def test_what_is_asked_twice_is_done_once(volunteer_bot: Bot) -> None:
    before = operations()
    shown = call(volunteer_bot, "addmember", member=OUTSIDER.uid, dryrun="1")
    (plan,) = shown["plans"]
    assert [each["step"]["step"] for each in plan["steps"]] == ["grant"] * 3
    assert plan["facts"][f"{OUTSIDER.uid} in project"] == "no"
    assert operations() == before and everywhere() == {False}

    key = fresh_name()
    first = call(volunteer_bot, "addmember", member=OUTSIDER.uid, idempotencykey=key)
    followed(volunteer_bot, first)
    again = call(volunteer_bot, "addmember", member=OUTSIDER.uid, idempotencykey=key)
    assert again["operations"] == first["operations"] and operations() == before + 1
    code = refused(call, volunteer_bot, "addmember", member=OUTSIDER.uid)
    assert code == "openstackmanager-alreadymember"


def test_nobody_is_left_half_a_member(operator_bot: Bot) -> None:
    """Added again and again while they are being removed: what was looked at before the removal ended is not done."""
    adders = [Bot(VOLUNTEER) for _ in range(3)]

    def added(bot: Bot) -> Json | None:
        try:
            return call(bot, "addmember", member=OUTSIDER.uid)
        except APIError:
            return None

    with ThreadPoolExecutor(len(adders)) as at_once:
        for _ in range(4):
            begun = added(adders[0])
            if begun:
                followed(adders[0], begun)
            removal = call(operator_bot, "deletemember", members=OUTSIDER.uid)["operations"][0]
            over = False
            while not over:
                over = operator_bot.operation(removal)["state"] == "done"
                for each in filter(None, at_once.map(added, adders)):
                    followed(operator_bot, each)
            assert len(everywhere()) == 1


def test_who_was_recorded_before_a_refusal_is_told(operator: Browser, operator_bot: Bot) -> None:
    held = lab.dir / "sidecar" / fresh_name()
    hold = {"OSM_HOLD_AT": "member-add/0-grant-group.begin", "OSM_HOLD_FILE": str(held)}
    with sidecar_with(lambda config: config, **hold):
        begun = call(operator_bot, "addmember", projectname="tools", member=VOLUNTEER.uid)
        until(held.exists, "somebody is at work on the volunteer's place")
        operator.open(PAGE, action="addmember", projectname="tools")
        operator.fill(member=f"{OUTSIDER.uid}, {VOLUNTEER.uid}")
        operator.submit("addmember")
        assert said(operator.page.text, "members-begun", OUTSIDER.uid), operator.page.text
        operator.shot("members-begun")
        lab.write(held.with_name(f"{held.name}.go"), "", 0o644)
        followed(operator_bot, begun)
        until(lambda: in_ldap("ou=projects", "cn=tools"), "the outsider is in all the same", 60)
        # The form, sent again, takes the one as done; the other is in by now.
        operator.submit("addmember")
        assert said(operator.page.text, "alreadymember", VOLUNTEER.uid, "tools"), operator.page.text
    both = f"{OUTSIDER.uid}|{VOLUNTEER.uid}"
    followed(operator_bot, call(operator_bot, "deletemember", projectname="tools", members=both))


def test_refusals_are_at_the_field_and_begin_nothing(
    volunteer: Browser, volunteer_bot: Bot, outsider: Browser, outsider_bot: Bot
) -> None:
    before = operations()
    for names, key, who in [
        ("nobody-at-all", "nosuchperson", "nobody-at-all"),
        (f"{OUTSIDER.uid}, nobody-at-all", "nosuchperson", "nobody-at-all"),
        (OPERATOR.name, "alreadymember", OPERATOR.uid),
        ("OUTSIDER", "nosuchperson", "OUTSIDER"),
    ]:
        volunteer.open(PAGE, action="addmember", projectname="bots")
        volunteer.fill(member=names)
        page = volunteer.submit("addmember")
        assert said(page.field_error("member"), key, who, "bots"), (names, page.text)
    for word in ("addmember", "deletemember"):
        page = fetched(outsider.http(), address(PAGE, action=word, projectname="bots"))
        assert page.status == 403 and said(page.text, "noaccount", "bots"), page.text
    assert refused(call, outsider_bot, "addmember", member=OUTSIDER.uid) == "openstackmanager-noaccount"
    code = refused(call, volunteer_bot, "deletemember", members="nobody-at-all")
    assert code in ("openstackmanager-needrole", "openstackmanager-nosuchperson")
    assert operations() == before and everywhere() == {False}


def test_hostile_names_are_nobody(volunteer: Browser, operator_bot: Bot) -> None:
    before = operations()
    form = volunteer.open(PAGE, action="addmember", projectname="bots")
    for name in HOSTILE:
        sent = form.form("addmember") | {"member": [name]}
        page = fetched(volunteer.http(), form.form_address("addmember"), data=sent)
        assert page.status == 404 and said(page.field_error("member"), "nosuchperson"), (name[:40], page.text[:500])
        assert not page.tree.xpath("//*[@id='mw-content-text']//script[contains(., 'alert(1)')]")
        for way in ({"subaction": "addmember", "member": name}, {"subaction": "deletemember", "members": "\x1f" + name}):
            code = refused(call, operator_bot, **way)
            assert code in ("openstackmanager-nosuchperson", "openstackmanager-notamember"), (name[:40], code)
    assert operations() == before and everywhere() == {False}
