"""What will happen is shown before it happens, and nothing else happens."""

from __future__ import annotations

import json
from typing import Any

from support import cloud
from support.browser import Browser, address, fetched
from support.waiting import until
from support.wiki import Bot, blocked, refused
from support.wording import said
from support.world import VOLUNTEER, command, lab, operations

Json = dict[str, Any]


def groups(server: str) -> set[str]:
    return {each["name"] for each in (cloud.server(server) or {}).get("security_groups", [])}


def test_a_create_is_shown_then_done(volunteer: Browser, volunteer_bot: Bot, name: str) -> None:
    before = operations()
    volunteer.open("Special:NovaInstance", action="create", project="bots")
    volunteer.fill(instancename=name, instanceType="m1.tiny", imageType="debian-12")
    page = volunteer.submit("createinstance", "dryrun")
    volunteer.shot("create-plan")
    assert said(page.text, "will-create-server", name, "m1.tiny", "debian-12", "default") and said(page.text, "undo-delete-server")
    assert operations() == before and not cloud.servers(name)
    # What was typed stands in the form; the same button as ever does it.
    volunteer.submit("createinstance")
    until(lambda: cloud.servers(name), "the server is made")
    assert operations() == before + 1


def test_security_groups_are_chosen(volunteer: Browser, volunteer_bot: Bot, name: str) -> None:
    made = volunteer_bot.started(name)
    server = made["instanceid"]
    volunteer.open("Special:NovaInstance", action="configure", instanceid=server)
    volunteer.tick("groups", "web")
    page = volunteer.submit("configureinstance", "dryrun")
    volunteer.shot("configure-plan")
    assert said(page.text, "will-add-security-group", name, "web") and groups(server) == {"default"}
    volunteer.submit("configureinstance")
    until(lambda: groups(server) == {"default", "web"}, "the server is in the group")
    volunteer_bot.followed({"operation": volunteer.page.url.rpartition("operation=")[2]})
    until(lambda: set(volunteer_bot.facts(made["page"])["Security Group"]) == {"default", "web"}, "its page says so")
    last = volunteer_bot.history(made["page"])[0]
    assert last["user"] == "Volunteer" and "security group web" in last["comment"]

    again = refused(volunteer_bot.call, "configure", instanceid=server, groups="default|web")
    assert again == "openstackmanager-nothingtochange"
    unknown = refused(volunteer_bot.call, "configure", instanceid=server, groups="default|x]]{{db}}")
    assert unknown == "openstackmanager-badsecuritygroup"


def test_what_changed_since_is_named(volunteer: Browser, volunteer_bot: Bot, name: str) -> None:
    made = volunteer_bot.started(name)
    server = made["instanceid"]
    shown = volunteer_bot.call("reboot", instanceid=server, dryrun=True)
    facts = json.dumps(shown["plan"]["facts"])
    page = volunteer.open("Special:NovaInstance", action="reboot", instanceid=server)
    assert said(page.text, "will-reboot-server", name) and said(page.text, "undo-none-reboot-server")

    cloud.act(server, **{"os-stop": None})
    until(lambda: cloud.server(server)["status"] == "SHUTOFF", "it is stopped behind our back")
    before = operations()
    page = volunteer.submit("rebootinstance")
    volunteer.shot("plan-changed")
    assert page.status in (None, 409) and "SHUTOFF" in page.text
    assert refused(volunteer_bot.call, "reboot", instanceid=server, facts=facts) == "openstackmanager-notrebootable"

    # A plan that can still be made is refused by the name of what is otherwise.
    facts = json.dumps(volunteer_bot.call("delete", instanceid=server, dryrun=True)["plan"]["facts"])
    cloud.rename(server, f"{name}-x")
    code = refused(volunteer_bot.call, "delete", instanceid=server, facts=facts)
    assert code == "openstackmanager-planchanged" and operations() == before
    assert refused(volunteer_bot.call, "delete", instanceid=server, facts="{") == "openstackmanager-badfacts"
    assert cloud.server(server)


def test_the_command_line_does_the_same(volunteer_bot: Bot, name: str) -> None:
    before = operations()
    words = ["subaction=create", "project=bots", f"instancename={name}", "instanceType=m1.tiny", "imageType=debian-12"]
    shown = command("act", "--for", "Volunteer", "novainstance", *words, "dryrun=1")
    assert shown.returncode == 0 and json.loads(shown.stdout)["result"]["plan"]["steps"], shown
    assert operations() == before
    no = command("act", "--for", "Outsider", "novainstance", *words)
    assert no.returncode == 1 and "openstackmanager-noaccount" in no.stdout
    assert command("act", "--for", "Nobody at all", "novainstance", *words).returncode == 1
    with blocked(VOLUNTEER, "for the test"):
        no = command("act", "--for", "Volunteer", "novainstance", *words)
        assert no.returncode == 1 and "openstackmanager-blocked" in no.stdout

    begun = json.loads(command("act", "--for", "Volunteer", "novainstance", *words).stdout)["result"]
    assert volunteer_bot.followed(begun)["state"] == "done"
    listed = command("operations", "list", "--all").stdout
    assert begun["operation"] in listed and name in listed
    late = command("operations", "cancel", begun["operation"], "--for", "Volunteer")
    assert late.returncode == 1 and "wish-toolate" in late.stdout
    probe = json.loads(command("act", "--for", "Operator", "novaprobe").stdout)["result"]
    until(lambda: "done" in command("operations", "show", probe["operation"]).stdout, "the probe is done")


def test_a_wish_sent_twice_is_one(volunteer_bot: Bot, operator_bot: Bot) -> None:
    site = operator_bot.site

    def wish(bot: Bot, **params: str) -> Json:
        return bot.site.post("novaoperationwish", token=bot.site.get_token("csrf"), **params)

    probe = site.post("novaprobe", token=site.get_token("csrf"))["novaprobe"]["operation"]
    until(lambda: operator_bot.operation(probe)["state"] == "done", "the probe is done")
    assert refused(wish, operator_bot, operation=probe, wish="retry") == "openstackmanager-wish-toolate"
    assert refused(wish, volunteer_bot, operation=probe, wish="retry") in {
        "openstackmanager-noaccount", "openstackmanager-nonexistentoperation",
    }  # fmt: skip


def test_a_double_click_is_one_operation(volunteer: Browser, volunteer_bot: Bot, name: str) -> None:
    """The same rendered form, posted twice at once."""
    page = volunteer.open("Special:NovaInstance", action="create", project="bots")
    sent = page.form("createinstance") | {"instancename": [name]}
    sent["instanceType"], sent["imageType"] = sent["instanceType"][:1], sent["imageType"][:1]
    before, client = operations(), volunteer.http()
    url = address("Special:NovaInstance", action="create", project="bots")
    answers = [fetched(client, url, data=sent) for _ in range(2)]
    assert [each.status for each in answers] == [303, 303] and answers[0].url == answers[1].url
    assert operations() == before + 1


def test_the_list_shows_whose_one_wants(volunteer: Browser, volunteer_bot: Bot, operator_bot: Bot, name: str) -> None:
    made = volunteer_bot.started(name)
    for show in ["all", "mine", "projects"]:
        page = volunteer.open("Special:NovaOperations", show=show)
        assert name in page.text, show
    assert name not in volunteer.open("Special:NovaOperations", show="parked").text
    page = volunteer.open("Special:NovaOperations", operation=made["id"])
    volunteer.shot("operation-done")
    assert page.text.count("Volunteer") >= 1 and said(page.text, "state-done")
