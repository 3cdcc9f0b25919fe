"""Who has no shell account gets one on the wiki: an entry in LDAP that is theirs, by a name that they choose."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from mwclient.errors import APIError
from parts import ldap, mariadb
from support.browser import Browser
from support.directory import ldap_modify
from support.waiting import until
from support.wiki import Bot, Json, refused, register
from support.wording import said
from support.world import ACCOUNTS, OUTSIDER, VOLUNTEER, Account, down, lab, operations, wiki_with

PAGE = "Special:NovaLink"
NEWCOMER = ACCOUNTS["Newcomer"]


def call(bot: Bot, name: str, **params: str) -> Json:
    token = bot.site.get_token("csrf")
    return bot.site.post("novaaccount", subaction="create", shellname=name, token=token, **params)["novaaccount"]


def membership(bot: Bot, subaction: str, **params: str) -> None:
    token = bot.site.get_token("csrf")
    begun = bot.site.post("novaproject", subaction=subaction, projectname="bots", token=token, **params)
    (operation,) = begun["novaproject"]["operations"]
    bot.followed({"operation": operation})


def entries(filter: str) -> list[dict[str, list[str]]]:
    """People in LDAP; what is not ASCII stays as LDIF codes it."""
    command = ["ldapsearch", "-x", "-LLL", "-o", "ldif-wrap=no", "-H", ldap.url(lab), "-D", ldap.ADMIN,
               "-y", str(lab.secret_file("ldap-admin")), "-b", f"ou=people,{ldap.BASE}", filter]  # fmt: skip
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    people = []
    for block in found.strip().split("\n\n"):
        person: dict[str, list[str]] = {}
        for line in block.splitlines():
            kind, _, value = line.partition(": ")
            person.setdefault(kind.rstrip(":"), []).append(value)
        people += [person] if person else []
    return people


@pytest.fixture
def name() -> Iterator[str]:
    """A name that nobody has, before and after; the entry of whoever got it goes, and their link."""
    name = f"new-{secrets.token_hex(4)}"
    yield name
    for person in entries(f"(uid={name}*)"):
        dn = person["dn"][0]
        project = f"dn: cn=bots,ou=projects,{ldap.BASE}\nchangetype: modify\ndelete: member\nmember: {dn}\n"
        ldap_modify(f"{project}\ndn: {dn}\nchangetype: delete\n")
    for wiki_user in mariadb.query(lab, "SELECT user_id FROM user WHERE user_name = 'Newcomer'", "wiki"):
        mariadb.query(lab, f"DELETE FROM links WHERE wiki_user_id = {wiki_user[0]}", "openstackmanager")


@pytest.fixture
def newcomer() -> Iterator[Browser]:
    browser = Browser(NEWCOMER)
    yield browser
    browser.close()


def test_a_newcomer_gets_one_and_is_let_in(newcomer: Browser, volunteer_bot: Bot, operator_bot: Bot, name: str) -> None:
    page = newcomer.open("Special:NovaInstance")
    assert said(page.text, "nolink"), page.text
    before = operations()
    for bad, why in [("Not Good", "shellname-bad"), ("root", "shellname-reserved"),
                     (VOLUNTEER.uid, "shellname-taken"), ("project-bots", "shellname-reserved")]:  # fmt: skip
        newcomer.open(PAGE)
        newcomer.fill(shellname=bad)
        page = newcomer.submit("createaccount")
        assert said(page.field_error("shellname"), why), page.text
        assert page.form("createaccount")["shellname"] == [bad], "what was typed is still there"
    newcomer.shot("account-refused")
    newcomer.fill(shellname=name)
    page = newcomer.submit("createaccount", "dryrun")
    assert said(page.text, "will-create-person", name), page.text
    newcomer.shot("account-plan")
    assert operations() == before and not entries(f"(uid={name})")
    newcomer.submit("createaccount")
    until(lambda: said(newcomer.page.text, "createaccount-done", name), "the account is there", 60)
    newcomer.shot("account-made")

    (person,) = entries(f"(uid={name})")
    assert person["cn"] == [NEWCOMER.name] and person["homeDirectory"] == [f"/home/{name}"]
    assert int(person["uidNumber"][0]) >= 20000 and person["gidNumber"] == ["500"]
    assert "userPassword" not in person
    # As any member lets anybody in.
    membership(volunteer_bot, "addmember", member=NEWCOMER.name)
    assert newcomer.open("Special:NovaInstance").projects == ["bots"]
    assert not newcomer.open(PAGE).tree.xpath("//form[@id='createaccount']")
    membership(operator_bot, "deletemember", members=name)


def test_one_name_is_one_person_s(bot: Callable[[Account], Bot], name: str) -> None:
    """Two ask for a name at once: one gets it, and nothing is left of the other's."""
    people = [bot(register(f"E2e newcomer {name} {number}")) for number in range(2)]

    def asked(person: Bot) -> str:
        try:
            return person.followed(call(person, name))["state"]
        except APIError as refusal:
            return refusal.code

    with ThreadPoolExecutor() as pool:
        states = list(pool.map(asked, people))
    (won,) = (number for number, state in enumerate(states) if state == "done")
    assert states[1 - won] in ("failed", "undone", "openstackmanager-shellname-taken"), states
    (person,) = entries(f"(uid={name})")
    winner = people[won]
    assert person["cn"] == [winner.account.name]
    assert refused(call, winner, f"{name}-two") == "openstackmanager-linked"
    # The other one chooses again.
    loser = people[1 - won]
    assert loser.followed(call(loser, f"{name}-two"))["state"] == "done"
    numbers = [each["uidNumber"] for each in entries(f"(uid={name}*)")]
    assert len(numbers) == 2 and numbers[0] != numbers[1]


def test_who_gets_none(bot: Callable[[Account], Bot], newcomer: Browser, name: str) -> None:
    with wiki_with("$wgRevokePermissions['user']['loginviashell'] = true;"):
        page = newcomer.open(PAGE)
        newcomer.shot("account-noshell")
        assert said(page.text, "account-noshell") and not page.tree.xpath("//form[@id='createaccount']")
    assert refused(call, bot(OUTSIDER), name) == "openstackmanager-linked"
    # Somebody else has registered the name of a person in LDAP, in the wiki's spelling.
    ldap_modify(f"dn: uid={name},ou=people,{ldap.BASE}\nchangetype: add\nobjectClass: inetOrgPerson\n"
                f"uid: {name}\ncn: E2e namesake {name}\nsn: {name}\n")  # fmt: skip
    namesake = bot(register(f"E2e namesake {name}"))
    assert refused(call, namesake, f"{name}-x") == "openstackmanager-account-namesake"
    assert not entries(f"(uid={name}-x)")
    before = operations()
    with down("ldap"):
        assert refused(call, bot(NEWCOMER), f"{name}-y") == "openstackmanager-backend-unavailable"
    assert operations() == before
