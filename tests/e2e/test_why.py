"""Special:NovaWhy: what is explained is what is enforced, tried through the wiki's API for each kind of person."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from mwclient.errors import APIError
from support.browser import Browser
from support.waiting import until
from support.wiki import Bot, Json
from support.wording import said
from support.world import ACCOUNTS, OPERATOR, OUTSIDER, VOLUNTEER, Account

NEWCOMER = ACCOUNTS["Newcomer"]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRk why"
# Each action as a call that changes nothing; {instance} is one of bots.
CALLS: dict[str, tuple[str, Json]] = {
    "instance-create": ("novainstance", {"subaction": "create", "instancename": "e2e-why", "project": "bots",
                                         "instanceType": "m1.tiny", "imageType": "debian-12"}),
    "instance-reboot": ("novainstance", {"subaction": "reboot", "instanceid": "{instance}"}),
    "instance-delete": ("novainstance", {"subaction": "delete", "instanceid": "{instance}"}),
    "instance-configure": ("novainstance", {"subaction": "configure", "instanceid": "{instance}", "groups": "default"}),
    "instance-console": ("novainstance", {"subaction": "consoleoutput", "instanceid": "{instance}"}),
    "project-create": ("novaproject", {"subaction": "create", "projectname": "why-not", "member": "volunteer"}),
    "project-configure": ("novaproject", {"subaction": "configure", "projectname": "bots", "description": "why"}),
    "project-delete": ("novaproject", {"subaction": "delete", "projectname": "bots"}),
    "member-add": ("novaproject", {"subaction": "addmember", "projectname": "bots", "member": "outsider"}),
    "member-remove": ("novaproject", {"subaction": "deletemember", "projectname": "bots", "members": "operator"}),
    "role-add": ("novarole", {"subaction": "addmember", "projectname": "bots", "rolename": "projectadmin",
                              "members": "volunteer"}),
    "role-remove": ("novarole", {"subaction": "deletemember", "projectname": "bots", "rolename": "projectadmin",
                                 "members": "operator"}),
    "sudo-create": ("novasudoer", {"subaction": "create", "projectname": "bots", "sudoername": "why", "commands": "ALL"}),
    "sudo-modify": ("novasudoer", {"subaction": "modify", "projectname": "bots", "sudoername": "default",
                                   "commands": "ALL"}),
    "sudo-delete": ("novasudoer", {"subaction": "delete", "projectname": "bots", "sudoername": "default"}),
    "key-add": ("novakey", {"subaction": "add", "key": KEY}),
    "account-create": ("novaaccount", {"subaction": "create", "shellname": "why-not"}),
    "drift-repair": ("novadrift", {"difference": "none"}),
    "operation-probe": ("novaprobe", {}),
}  # fmt: skip
# Refusals of the rules, by which the one who asks may not; all others say what is wrong with what they ask.
FORBIDDEN = {"needcloudadmin", "needrole", "needanyrole", "noaccount", "nolink", "notyours", "account-noshell",
             "accounts-closed", "blocked", "maintenance"}  # fmt: skip


def enforced(bot: Bot, action: str, instance: str) -> bool:
    module, sent = CALLS[action]
    sent = {name: value.format(instance=instance) for name, value in sent.items()}
    try:
        bot.site.post(module, token=bot.site.get_token("csrf"), dryrun="1", **sent)
    except APIError as error:
        return error.code.removeprefix("openstackmanager-") not in FORBIDDEN
    return True


def explained(browser: Browser, about: Account) -> dict[str, bool]:
    answers = {}
    for target in ({}, {"target": "bots"}):
        page = browser.open("Special:NovaWhy", user=about.name, **target)
        for tr in page.tree.xpath("//table[@id='whys']/tbody/tr"):
            _, may, why = (" ".join(td.text_content().split()) for td in tr.findall("td"))
            assert why
            answers[tr.get("id").removeprefix("why-")] = said(may, "why-yes")
    return answers


@pytest.fixture(scope="module")
def instance(operator_bot: Bot) -> str:
    return operator_bot.started(f"e2e-{secrets.token_hex(4)}")["instanceid"]


@pytest.mark.parametrize("account", [OPERATOR, VOLUNTEER, OUTSIDER, NEWCOMER], ids=lambda account: account.name)
def test_what_is_explained_is_enforced(
    operator: Browser, bot: Callable[[Account], Bot], account: Account, instance: str
) -> None:
    answers = explained(operator, account)
    # Who has a shell account is told of no other one.
    listed = CALLS.keys() - (set() if account is NEWCOMER else {"account-create"})
    assert listed <= answers.keys()
    tried = {action: enforced(bot(account), action, instance) for action in listed}
    assert tried == {action: answers[action] for action in listed}


def test_who_gave_it(volunteer: Browser, operator_bot: Bot) -> None:
    page = volunteer.open("Special:NovaWhy", target="bots")
    volunteer.shot("why")
    assert said(page.text, "why-member", "bots")
    assert said(page.text, "why-ask", OPERATOR.name)
    token = operator_bot.site.get_token("csrf")
    for subaction, field in (("addmember", "member"), ("deletemember", "members")):
        people = {"projectname": "bots", field: OUTSIDER.uid}
        begun = operator_bot.site.post("novaproject", subaction=subaction, token=token, **people)["novaproject"]
        assert operator_bot.followed({"operation": begun["operations"][0]})["state"] == "done"
        page = volunteer.open("Special:NovaWhy", user=OUTSIDER.name, action="project-configure", target="bots")
        (row,) = page.tree.xpath("//table[@id='whys']/tbody/tr")
        if subaction == "addmember":
            volunteer.shot("why-given")
            assert said(row.text_content(), "why-given", OPERATOR.name), row.text_content()
        else:
            assert said(row.text_content(), "noaccount", "bots"), row.text_content()


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"user": "No such person"}, "why-nouser"),
        ({"user": "*()\\<script>"}, "why-nouser"),
        ({"target": "no-such-project"}, "nonexistentproject"),
        ({"target": "bots/no-such-role"}, "badrole"),
        ({"target": "00000000-0000-4000-8000-000000000000"}, "nonexistenthost"),
        ({"action": "no-such-action"}, "badaction"),
        ({"action": "member-add"}, "why-needsproject"),
        ({"action": "key-add", "target": "bots"}, "why-noproject"),
    ],
)
def test_what_cannot_be_answered(volunteer: Browser, query: dict[str, str], name: str) -> None:
    page = volunteer.open("Special:NovaWhy", **query)
    assert said(page.text, name)
    assert until(lambda: page.tree.xpath("//form[@id='why']"), "the form is there to ask again")
