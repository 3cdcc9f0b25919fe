"""What a project uses and may use: seen by its members, set by cloud admins, in Nova and on the project's page."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest
from conftest import fresh_name
from support import cloud
from support.browser import Browser
from support.waiting import until
from support.wiki import Bot, Json, refused
from support.wording import said
from support.world import OPERATOR, VOLUNTEER, operations

PAGE = "Special:NovaProject"


def call(bot: Bot, subaction: str, **params: str) -> Json:
    sent = {"subaction": subaction, "token": bot.site.get_token("csrf")} | params
    return bot.site.post("novaproject", **sent)["novaproject"]


def listed(bot: Bot, project: str) -> Json:
    (row,) = bot.site.get("query", list="novaquotas", nqproject=project)["query"]["novaquotas"]
    return row


def in_nova(project: str) -> tuple[int, int, int]:
    limits = cloud.admin().get("nova", f"/os-quota-sets/{cloud.project_id(project)}")["quota_set"]
    return limits["instances"], limits["cores"], limits["ram"]


@pytest.fixture
def project(operator_bot: Bot) -> Iterator[str]:
    name = f"quota-{secrets.token_hex(4)}"
    operator_bot.followed(call(operator_bot, "create", projectname=name, member=VOLUNTEER.uid))
    yield name
    cloud.project_id.cache_clear()
    operator_bot.followed(call(operator_bot, "delete", projectname=name))


def test_a_quota_is_seen_set_and_told(
    operator: Browser, volunteer: Browser, operator_bot: Bot, volunteer_bot: Bot, outsider_bot: Bot, project: str
) -> None:
    instances, cores, ram = in_nova(project)
    listing = volunteer.open(PAGE)
    (link,) = (a for a in listing.tree.xpath("//a/@href") if "action=quota" in a and f"projectname={project}" in a)
    page = volunteer.open(PAGE, action="quota", projectname=project)
    cells = [[td.text_content() for td in tr.findall("td")] for tr in page.tree.xpath("//table[starts-with(@id,'quota-')]/tbody/tr")]
    assert [row[1:] for row in cells] == [["0", str(instances)], ["0", str(cores)], ["0", str(ram)]]
    # Seen, not set.
    assert not page.tree.xpath("//form[starts-with(@id,'setquota')]")
    volunteer.shot("quota-member")
    assert refused(call, volunteer_bot, "quota", projectname=project, instances="99") == "openstackmanager-needcloudadmin"
    assert refused(listed, outsider_bot, project) == "openstackmanager-noaccount"
    assert listed(volunteer_bot, project)["instances"] == {"limit": instances, "used": 0}
    form = volunteer.open("Special:NovaInstance", action="create", project=project)
    assert said(form.text, "quota-left", str(instances), str(cores), str(ram)), form.text

    page = operator.open(PAGE, action="quota", projectname=project)
    (form_id,) = page.tree.xpath("//form[starts-with(@id,'setquota')]/@id")
    operator.fill(instances="some", cores=str(cores + 4))
    page = operator.submit(form_id)
    assert page.field_error("instances") and said(page.field_error("instances"), "quota-notanumber", "some")
    operator.shot("quota-refused")
    assert in_nova(project) == (instances, cores, ram)
    operator.fill(instances=str(instances + 2), ram="")
    page = operator.submit(form_id, "dryrun")
    assert said(page.text, "undo-do"), page.text
    operator.shot("quota-plan")
    operator.submit(form_id)
    until(lambda: said(operator.page.text, "setquota-done", project), "the quota is set", 60)
    operator.shot("quota-set")
    assert in_nova(project) == (instances + 2, cores + 4, ram)
    assert listed(volunteer_bot, project)["cores"] == {"limit": cores + 4, "used": 0}

    title = f"Nova Resource:{project.capitalize()}"
    told = f"{instances + 2} instances, {cores + 4} cores, {ram} MiB of RAM"
    until(lambda: told in volunteer_bot.page(title)["text"], "its page says so")
    (change,) = (each for each in volunteer_bot.changes(title) if "set the quota" in each["comment"])
    assert change["user"] == OPERATOR.name and told in change["comment"]
    volunteer.open(title)
    volunteer.shot("quota-page")


def test_what_is_in_use_and_what_others_set_stays(operator_bot: Bot, volunteer_bot: Bot, project: str) -> None:
    def wrong(**params: str) -> str:
        return refused(call, operator_bot, "quota", projectname=project, **params).removeprefix("openstackmanager-quota-")

    instances, cores, ram = in_nova(project)
    before = operations()
    for name in ("instances", "cores", "ram"):
        for typed, code in [("-1", "negative"), ("1.5", "notanumber"), ("x" * 65536, "notanumber"), ("9" * 400, "toomuch")]:
            assert wrong(**{name: typed}) == code, (name, typed[:20])
    assert wrong() == "same" and wrong(instances=str(instances)) == "same"
    assert refused(call, operator_bot, "quota", projectname="no-such", instances="5") == "openstackmanager-nonexistentproject"
    assert operations() == before

    began = volunteer_bot.call("create", instancename="user", project=project, instanceType="m1.tiny", imageType="debian-12")
    instance = volunteer_bot.followed(began)["instanceid"]
    assert wrong(instances="0") == "inuse" and wrong(ram="511") == "inuse"
    begun = call(operator_bot, "quota", projectname=project, instances="1", idempotencykey=(key := fresh_name()))
    assert operator_bot.followed(begun)["state"] == "done"
    again = call(operator_bot, "quota", projectname=project, instances="1", idempotencykey=key)
    assert again["operation"] == begun["operation"]
    assert in_nova(project) == (1, cores, ram)
    # What is left is said where no more can be had.
    code = refused(volunteer_bot.call, "create", instancename="more", project=project, instanceType="m1.tiny",
                   imageType="debian-12")  # fmt: skip
    assert code == "openstackmanager-noquota-instances"

    # Two who set it from the same sight of it: the second is told what the first has set.
    shown = call(operator_bot, "quota", projectname=project, cores=str(cores + 1), dryrun="1")
    (change,) = shown["changes"]
    assert (change["before"]["cores"], change["after"]["cores"]) == (cores, cores + 1)
    with cloud.quota(project, cores=cores + 7):
        code = refused(call, operator_bot, "quota", projectname=project, cores=str(cores + 1),
                       facts=json.dumps(shown["plan"]["facts"]))  # fmt: skip
        assert code == "openstackmanager-planchanged"
        assert in_nova(project) == (1, cores + 7, ram)
    volunteer_bot.followed(volunteer_bot.call("delete", instanceid=instance))
