"""Projects as a whole, and the roles in them: made, described and deleted by the wiki, in Keystone and LDAP at once."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator

import pytest
from mwclient.errors import APIError
from parts import ldap
from support import cloud
from support.browser import Browser
from support.waiting import until
from support.wiki import Bot, Json, refused
from support.wording import said
from support.world import OPERATOR, OUTSIDER, VOLUNTEER, lab

PAGE = "Special:NovaProject"
# What nobody can have meant as one line of text.
HOSTILE = ["two\nlines", "turned \u202e round", "x" * 65536]
# What is text, and is to show as such.
ODD = "*()\\+\"<>;#= [[x]]{{Delete}} <script>alert(1)</script> ä"


def call(bot: Bot, module: str, subaction: str, **params: str) -> Json:
    sent = {"subaction": subaction, "token": bot.site.get_token("csrf")} | params
    return bot.site.post(module, **sent)[module]


def made(bot: Bot, name: str, **params: str) -> None:
    bot.followed(call(bot, "novaproject", "create", projectname=name, member=VOLUNTEER.uid, **params))


def in_ldap(base: str, *attributes: str) -> list[str]:
    """The lines of what stands there and below; none where there is nothing."""
    command = ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", ldap.url(lab), "-D", ldap.ADMIN, "-y",
               str(lab.secret_file("ldap-admin")), "-b", f"{base},{ldap.BASE}", *attributes]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()


def in_keystone(name: str) -> list[Json]:
    return cloud.admin().get("keystone", "/projects", name=name)["projects"]


def everywhere(name: str) -> list[bool]:
    entries = in_ldap(f"cn={name},ou=projects"), in_ldap(f"cn=project-{name},ou=groups")
    return [bool(each) for each in (*entries, in_keystone(name))]


@pytest.fixture
def name(operator_bot: Bot) -> Iterator[str]:
    name = f"made-{secrets.token_hex(4)}"
    yield name
    if in_ldap(f"cn={name},ou=projects"):
        operator_bot.followed(call(operator_bot, "novaproject", "delete", projectname=name))
    assert everywhere(name) == [False] * 3


def test_a_project_from_its_beginning_to_its_end(
    operator: Browser, volunteer: Browser, operator_bot: Bot, volunteer_bot: Bot, name: str
) -> None:
    assert "action=create" not in str(volunteer.open(PAGE).tree.xpath("//a/@href"))
    assert said(volunteer.open(PAGE, action="create").text, "needcloudadmin")

    operator.open(PAGE)
    operator.shot("project-list")
    operator.open(PAGE, action="create")
    operator.fill(projectname=name, description=ODD, member=VOLUNTEER.name)
    operator.shot("project-create")
    operator.submit("create")
    until(lambda: said(operator.page.text, "createproject-done", name), "the project is there", 90)
    operator.shot("project-created")
    assert everywhere(name) == [True] * 3
    entry = in_ldap(f"cn={name},ou=projects")
    assert f"sudoUser: %project-{name}" in entry
    assert f"roleOccupant: uid={VOLUNTEER.uid},ou=people,{ldap.BASE}" in entry
    (gid,) = (line for line in in_ldap(f"cn=project-{name},ou=groups", "gidNumber") if line.startswith("gidNumber"))
    assert int(gid.removeprefix("gidNumber: ")) >= 50000

    title = f"Nova Resource:{name.capitalize()}"
    page = until(lambda: volunteer_bot.page(title), "its page")
    assert f"User:{VOLUNTEER.name}" in page["text"]
    shown = operator.open(title)
    operator.shot("project-page")
    assert ODD in shown.text and "alert(1)" not in " ".join(shown.tree.xpath("//script/text()"))
    assert any(each["user"] == OPERATOR.name and name in each["comment"] for each in volunteer_bot.history(title))
    # Who is in it works in it at once.
    assert name in volunteer.open("Special:NovaInstance").projects

    # A member says what it is for; two who do so from the same sight of it do not lose each other's word.
    shown = call(volunteer_bot, "novaproject", "configure", projectname=name, description="Mine", dryrun="1")["plan"]
    volunteer.open(PAGE, action="configureproject", projectname=name)
    volunteer.fill(description="For the bots")
    volunteer.shot("project-configure")
    volunteer.submit("configureproject")
    until(lambda: said(volunteer.page.text, "configureproject-done", name), "it is described", 60)
    until(lambda: "For the bots" in volunteer_bot.page(title)["text"], "the page says so")
    with pytest.raises(APIError) as late:
        call(volunteer_bot, "novaproject", "configure", projectname=name, description="Mine",
             facts=__import__("json").dumps(shown["facts"]))  # fmt: skip
    assert late.value.code == "openstackmanager-planchanged"

    mine = volunteer.open("Special:NovaResources")
    volunteer.shot("resources")
    assert mine.tree.xpath(f"//tr[@id='project-{name}']")
    # Not while somebody's instance is in it.
    began = volunteer_bot.call("create", instancename="inhabitant", project=name, instanceType="m1.tiny",
                               imageType="debian-12")  # fmt: skip
    instance = volunteer_bot.followed(began)["instanceid"]
    page = operator.open(PAGE, action="delete", projectname=name)
    assert said(page.text, "projectnotempty", name, "inhabitant")
    operator.shot("project-not-empty")
    volunteer_bot.followed(volunteer_bot.call("delete", instanceid=instance))
    operator.open(PAGE, action="delete", projectname=name)
    operator.shot("project-delete")
    operator.submit("delete")
    until(lambda: said(operator.page.text, "deleteproject-done", name), "the project is gone", 90)
    assert everywhere(name) == [False] * 3
    until(lambda: "deleted project" in volunteer_bot.page(title)["text"], "its page says so")
    operator.open(title)
    operator.shot("project-deleted")

    # The same name again is another project.
    made(operator_bot, name)
    until(lambda: "|Resource Type=project" in volunteer_bot.page(title)["text"], "it has a page again")


def test_what_is_no_project(operator_bot: Bot, volunteer_bot: Bot) -> None:
    def create(bot: Bot, **params: str) -> str:
        return refused(call, bot, "novaproject", "create", **params)

    for taken in ("bots", "Bots", "openstackmanager"):
        assert create(operator_bot, projectname=taken) == "openstackmanager-projecttaken"
    # Keystone's own: it is found when it is to be made, and all is as before.
    begun = call(operator_bot, "novaproject", "create", projectname="service", member=VOLUNTEER.uid)
    over = operator_bot.followed(begun)
    assert over["state"] in ("failed", "undone"), over
    assert in_ldap("cn=service,ou=projects") == [] and len(in_keystone("service")) == 1
    for bad in ("-x", "a b", "a.b", "a/b", "x" * 51, "i-0000000a", *HOSTILE):
        assert create(operator_bot, projectname=bad, member=VOLUNTEER.uid).startswith("openstackmanager-"), bad
    for bad in HOSTILE:
        code = create(operator_bot, projectname="fine", member=VOLUNTEER.uid, description=bad)
        assert code.startswith("openstackmanager-description"), (bad[:20], code)
    assert create(operator_bot, projectname="fine", member="nobody-at-all") == "openstackmanager-nosuchperson"
    assert create(volunteer_bot, projectname="fine") == "openstackmanager-needcloudadmin"
    for subaction in ("delete", "configure"):
        assert refused(call, operator_bot, "novaproject", subaction, projectname="fine", description="x") == (
            "openstackmanager-nonexistentproject")  # fmt: skip
    assert refused(call, volunteer_bot, "novaproject", "delete", projectname="bots") == "openstackmanager-needcloudadmin"
    assert everywhere("fine") == [False] * 3


def test_who_holds_a_role_gives_it_and_the_last_one_stays(
    volunteer: Browser, operator: Browser, operator_bot: Bot, volunteer_bot: Bot, outsider_bot: Bot, name: str
) -> None:
    made(operator_bot, name)
    role = {"projectname": name, "rolename": "projectadmin"}

    def holders() -> list[str]:
        lines = in_ldap(f"cn=projectadmin,cn={name},ou=projects", "roleOccupant")
        return sorted(line.split("uid=")[1].split(",")[0] for line in lines if line.startswith("roleOccupant"))

    assert refused(call, volunteer_bot, "novarole", "addmember", members=OUTSIDER.uid, **role) == (
        "openstackmanager-notamember")  # fmt: skip
    begun = call(volunteer_bot, "novaproject", "addmember", projectname=name, member=OUTSIDER.uid)
    volunteer_bot.followed({"operation": begun["operations"][0]})
    assert refused(call, outsider_bot, "novarole", "addmember", members=OUTSIDER.uid, **role) == (
        "openstackmanager-needrole")  # fmt: skip

    volunteer.open("Special:NovaRole", projectname=name)
    volunteer.shot("roles")
    volunteer.open("Special:NovaRole", action="addmember", **role)
    volunteer.tick("members", OUTSIDER.uid)
    volunteer.shot("role-add")
    volunteer.submit("addmember")
    until(lambda: said(volunteer.page.text, "addrole-done", OUTSIDER.uid), "the outsider has the role", 60)
    volunteer.shot("role-added")
    assert holders() == [OUTSIDER.uid, VOLUNTEER.uid]
    title = f"Nova Resource:{name.capitalize()}"
    until(lambda: any("projectadmin" in each["comment"] and each["user"] == VOLUNTEER.name
                      for each in volunteer_bot.history(title)), "the page tells of it")  # fmt: skip

    # The one who was given it takes it from who gave it, and cannot lay it down as the last.
    begun = call(outsider_bot, "novarole", "deletemember", members=VOLUNTEER.uid, **role)
    outsider_bot.followed({"operation": begun["operations"][0]})
    assert holders() == [OUTSIDER.uid]
    assert refused(call, outsider_bot, "novarole", "deletemember", members=OUTSIDER.uid, **role) == (
        "openstackmanager-lastprojectadmin")  # fmt: skip
    for bad in ("", "netadmin", "*", "x" * 65536):
        code = refused(call, operator_bot, "novarole", "addmember", projectname=name, rolename=bad, members=OUTSIDER.uid)
        assert code in ("openstackmanager-badrole", "missingparam"), (bad[:10], code)
