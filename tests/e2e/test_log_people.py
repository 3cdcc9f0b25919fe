"""The Server Admin Log and people: whose edit it is, taking back, and Special:NovaLog."""

from __future__ import annotations

import re

import pytest
from parts import ldap
from support import irc
from support.browser import Browser
from support.directory import ldap_modify
from support.irc import BOTS, word
from support.waiting import until
from support.wiki import Bot, refused
from support.world import WIKI, sidecar_with

PAGE = "Special:NovaLog"
pytestmark = pytest.mark.usefixtures("the_bot_listens")


def code(volunteer: Browser) -> str:
    volunteer.open(PAGE)
    page = volunteer.submit("log-code")
    volunteer.shot("log-code")
    found = re.search(r"link [0-9A-Z]{12}", page.text)
    assert found, page.text
    return found[0]


def tells(person: irc.Person, line: str, answer: str) -> None:
    """Says something to the bot alone."""
    since = len(person.lines)
    person.raw(f"PRIVMSG cloudlog :{line}")
    person.heard(rf":cloudlog!\S+ PRIVMSG \S+ :.*{answer}", since)


def test_who_proves_an_account_logs_in_their_own_name(volunteer: Browser, outsider_bot: Bot) -> None:
    known, stranger = irc.Person(account="Volunteer"), irc.Person("Volunteer")
    line = code(volunteer)
    # Said where all see it, it is worthless to who says it next.
    assert "good no more" in known.ask(line)
    tells(stranger, line, "nothing was linked")
    tells(known, line, "nothing was linked")
    line = code(volunteer)
    # A nick is nobody's word; the account is.
    tells(stranger, line, "nothing was linked")
    tells(known, line, "an edit of the wiki user Volunteer")
    tells(known, line, "nothing was linked")

    mine, theirs = word(), word()
    assert "Special:Diff" in known.ask(f"!log bots {mine}")
    assert "Special:Diff" in stranger.ask(f"!log bots {theirs}")
    second, first = outsider_bot.changes(BOTS)[:2]
    assert (first["user"], second["user"]) == ("Volunteer", "OpenStackManager")
    lines = outsider_bot.page(BOTS)["text"].splitlines()
    assert re.fullmatch(rf"\* \d\d:\d\d \[\[User:Volunteer\|{known.nick}\]\]: {mine}", lines[2])
    assert re.fullmatch(rf"\* \d\d:\d\d Volunteer: {theirs}", lines[1])

    page = volunteer.open(PAGE)
    volunteer.shot("log")
    assert "volunteer logs on lab" in page.text.lower()
    volunteer.submit("log-forget")
    again = word()
    assert "Special:Diff" in known.ask(f"!log bots {again}")
    assert outsider_bot.changes(BOTS)[0]["user"] == "OpenStackManager"
    known.close()
    stranger.close()


def barred(person: irc.Person, line: str, why: str, channel: str = irc.MEMBERS) -> None:
    since = len(person.lines)
    person.say(line, channel)
    person.heard(rf"PRIVMSG {irc.MEMBERS} :{person.nick}: Nothing logged: .*{why}$", since)


def test_a_channel_s_policy(volunteer: Browser, outsider_bot: Bot) -> None:
    known, stranger = irc.Person(account="Volunteer", channel=irc.MEMBERS), irc.Person(channel=irc.MEMBERS)
    said = word()
    barred(known, f"!log bots {said}", f"link yours: {WIKI}/wiki/{PAGE}")
    tells(known, code(volunteer), "an edit of the wiki user Volunteer")
    assert "Special:Diff" in known.ask(f"!log bots {said}")
    barred(known, f"!log tools.wikibugs {said}", f"Volunteer is none of tools. .*: {WIKI}/wiki/Nova_Resource:Tools")
    barred(stranger, f"!log bots {said}", PAGE)
    # The case of a channel's letters does not count, and its policy cannot be gone round by it.
    barred(stranger, f"!log bots {said}", PAGE, irc.MEMBERS.upper())
    assert outsider_bot.page(BOTS)["text"].count(said) == 1
    volunteer.open(PAGE)
    volunteer.submit("log-forget")
    known.close()
    stranger.close()


def test_an_account_that_ldap_names_is_that_person(outsider_bot: Bot) -> None:
    """In an attribute that operators alone write; where two people have it, it is nobody's."""

    def says(person: irc.Person, user: str) -> None:
        said = word()
        assert "Special:Diff" in person.ask(f"!log bots {said}")
        assert outsider_bot.changes(BOTS)[0]["user"] == user

    def accounts(**of: str) -> None:
        for uid in ["volunteer", "outsider"]:
            change = f"replace: employeeType\nemployeeType: {of[uid]}\n" if uid in of else "replace: employeeType\n"
            ldap_modify(f"dn: uid={uid},ou=people,{ldap.BASE}\nchangetype: modify\n{change}\n")

    with sidecar_with(lambda text: text.replace("[[log.links]]", '[log]\naccount_attribute = "employeeType"\n\n[[log.links]]', 1)):
        until(irc.listening, "the bot is back", 40)
        known, stranger = irc.Person(account="Volunteer"), irc.Person()
        try:
            accounts()
            says(known, "OpenStackManager")
            # Services do not tell capitals apart.
            accounts(volunteer="VOLUNTEER")
            says(known, "Volunteer")
            says(stranger, "OpenStackManager")
            accounts(volunteer="Volunteer", outsider="Volunteer")
            says(known, "OpenStackManager")
            accounts(outsider="Volunteer")
            says(known, "Outsider")
        finally:
            accounts()
    until(irc.listening, "the bot is back", 40)
    known.close()
    stranger.close()


def test_the_last_entry_is_taken_back(person: irc.Person, outsider_bot: Bot) -> None:
    assert "could be taken back" in person.ask("!log undo")
    said = word()
    person.ask(f"!log bots {said} {{{{typo}}}}")
    assert re.search(r"#\d+ of bots is taken back", person.ask("!log undo"))
    lines = outsider_bot.page(BOTS)["text"].splitlines()
    assert re.fullmatch(rf"\* \d\d:\d\d {person.nick}: took back &#35;\d+&#58; {said} .*", lines[1]), lines[1]
    assert re.fullmatch(rf"\* \d\d:\d\d <del>{person.nick}: {said} .*</del>", lines[2]), lines[2]
    assert "could be taken back" in person.ask("!log undo")


def test_the_combined_page_has_the_last_first(person: irc.Person, outsider_bot: Bot) -> None:
    for log in ["tools", "bots"]:
        said = word()
        person.ask(f"!log {log} {said}")

        def first() -> bool:
            if not outsider_bot.page("Server Admin Log"):
                return False
            shown = outsider_bot.site.get("parse", page="Server Admin Log", prop="sections|text")["parse"]
            latest = next(each["line"] for each in shown["sections"] if each["level"] == "2")
            return said in shown["text"]["*"] and latest == log

        until(first, f"{log} is first, with what was said", 60)
    text = outsider_bot.page("Server Admin Log")["text"]
    assert text.find("Bots/SAL") < text.find("Tools/SAL")


def test_special_novalog(volunteer: Browser, outsider_bot: Bot, person: irc.Person) -> None:
    said, other = word(), word()
    volunteer.open(PAGE)
    volunteer.fill(project="bots", message=f"{said} by '''hand'''")
    page = volunteer.submit("log-log")
    assert said in page.text
    line = until(lambda: [e for e in outsider_bot.page(BOTS)["text"].splitlines() if said in e], "the entry", 20)[0]
    assert "[[User:Volunteer|Volunteer]]" in line and "'''" not in line
    assert outsider_bot.changes(BOTS)[0]["user"] == "Volunteer"
    volunteer.open(PAGE)
    volunteer.fill(project="bost", message="x")
    assert "Did you mean bots?" in volunteer.submit("log-log").text
    # Search.
    person.ask(f"!log bots {other}")
    page = volunteer.open(PAGE, project="bots", text=other.upper())
    rows = page.tree.xpath("//table[@id='log']/tbody/tr")
    assert len(rows) == 1 and person.nick in rows[0].text_content()
    listed = outsider_bot.site.get("query", list="novalogs", nlproject="bots", nllimit=1)
    assert listed["query"]["novalogs"][0]["message"] == other and "continue" in listed
    none = outsider_bot.site.get("query", list="novalogs", nltext=other, nluntil="2020-01-01")["query"]["novalogs"]
    assert none == []


def test_bots_log_through_the_api(volunteer_bot: Bot) -> None:
    said, token = word(), volunteer_bot.site.get_token("csrf")
    answers = [
        volunteer_bot.site.post("novalog", project="bots", message=said, idempotencykey=said, token=token)["novalog"]
        for _ in range(2)
    ]
    assert answers[0]["entry"] == answers[1]["entry"] and answers[0]["revision"], answers
    assert volunteer_bot.page(BOTS)["text"].count(said) == 1
    for params, code in [({"project": "nosuch", "message": "x"}, "nonexistentproject"), ({"project": "bots", "message": " "}, "log-empty")]:
        assert refused(volunteer_bot.site.post, "novalog", token=token, **params) == f"openstackmanager-{code}"
