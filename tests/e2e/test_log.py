"""The Server Admin Log: said on IRC, it stands on the project's page, in order and once, whatever is away."""

from __future__ import annotations

import os
import re
import signal
from html.parser import HTMLParser

import daemon
import pytest
from parts import sidecar
from support import irc
from support.irc import BOTS, word
from support.waiting import until
from support.wiki import Bot
from support.world import WIKI, down, lab, up

pytestmark = pytest.mark.usefixtures("the_bot_listens")


def text(bot: Bot, title: str = BOTS) -> str:
    page = bot.page(title)
    return page["text"] if page else ""


def test_a_message_is_on_the_page_and_in_recent_changes(person: irc.Person, outsider_bot: Bot) -> None:
    said = word()
    answer = person.ask(f"!log bots Added cluebot to bots1, {said}")
    revision = re.fullmatch(rf"Logged the message at {WIKI}/wiki/Special:Diff/(\d+)", answer)
    assert revision, answer
    page = outsider_bot.page(BOTS)
    assert page["revid"] == int(revision[1])
    day, entry, *_ = page["text"].splitlines()
    assert re.fullmatch(r"=== \d{4}-\d\d-\d\d ===", day), day
    assert re.fullmatch(rf"\* \d\d:\d\d {person.nick}: Added cluebot to bots1, {said}", entry), entry
    change = outsider_bot.changes(BOTS)[0]
    assert change["user"] == "OpenStackManager" and "bot" not in change
    assert re.fullmatch(rf"\(log bots \d+\) {person.nick}: Added cluebot to bots1, {said}", change["comment"])
    assert "openstackmanager" in change["tags"]
    assert outsider_bot.categories(BOTS) == {"Server admin logs"}
    # The category is not that of pages that show the log.
    shown = outsider_bot.site.get("parse", text="{{Nova Resource:Bots/SAL}}", prop="categories|text", contentmodel="wikitext")
    assert shown["parse"]["categories"] == [] and said in shown["parse"]["text"]["*"]


def test_a_tool_has_a_log_of_its_own(person: irc.Person, outsider_bot: Bot) -> None:
    said = word()
    assert "Special:Diff" in person.ask(f"!LOG Tools.Wikibugs {said}")
    assert said in text(outsider_bot, "Nova Resource:Tools.wikibugs/SAL")


def test_what_cannot_be_logged_is_answered(person: irc.Person) -> None:
    for line, wanted in [
        ("!log", "Message missing. Nothing logged"),
        ("!log bots", "Message missing. Nothing logged"),
        ("!log bost it restarted", "Did you mean bots?"),
        ("!log nosuchthing it restarted", "There is no project nosuchthing"),
        ("!log help", "!log <project> <message>"),
        ("cloudlog: help", "!log <project> <message>"),
        ("\x02!log\x02 \x0304bots\x03 \x0f", "Message missing"),
        ("!log " + "x" * 300 + " y", "There is no project xxx"),
    ]:
        answer = person.ask(line)
        assert wanted in answer, (line, answer)
    for line in ["I said !log bots x", "\x01ACTION !log bots x\x01", "!logs bots x"]:
        person.say(line)
    assert person.quiet() == []


def test_bytes_of_all_kinds(person: irc.Person, outsider_bot: Bot) -> None:
    said = word()
    # Cut by the server in the middle of a character.
    assert "Special:Diff" in person.ask(f"!log bots {said} " + "🐢" * 120)
    # Colours, controls, another encoding.
    assert "Special:Diff" in person.ask(f"!log bots \x02bold\x02 \x034,5red\x03 {said} gr".encode() + b"\xfcn\x07 end")
    lines = [line for line in text(outsider_bot).splitlines() if said in line]
    assert re.search(rf": bold red {said} gr\ufffdn end$", lines[0]), lines[0]
    assert re.search(rf": {said} 🐢+$", lines[1]), lines[1]


class Shown(HTMLParser):
    """The text of what is shown, and whether it holds anything but a list and its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", set()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


HOSTILE = [
    "{{Delete}} {{subst:!}} {{{1|x}}}", "[[Category:Evil]] [[File:X.png]]", "~~~~ ~~~", "<nowiki>x", "</nowiki> <!-- x", "--> y",
    "<includeonly>x</includeonly><noinclude>y", "<onlyinclude>z</onlyinclude>", "<script>alert(1)</script>", "__NOINDEX__ __NOTOC__",
    "-{H|zh:x}-", "''' bold '' it", "https://spam.example/ mailto:x@y.example", "ISBN 1234567890 RFC 1", "&lt;b&gt; &#60;", "}} | ]] |}",
    "== H == === 2026-01-01 ===", "* # : ; ----", "#REDIRECT [[Main Page]]", "<ref>x</ref> <gallery>", "{{#if:1|2}} {{CURRENTUSER}}",
]  # fmt: skip


def test_everything_typed_shows_as_text(person: irc.Person, outsider_bot: Bot) -> None:
    mark = word()
    for line in HOSTILE:
        assert "Special:Diff" in person.ask(f"!log bots {mark} {line}"), line
    for how in [{"page": BOTS}, {"text": "{{Nova Resource:Bots/SAL}}", "contentmodel": "wikitext"},
                {"text": "{{1x|{{Nova Resource:Bots/SAL}}}}", "contentmodel": "wikitext"}]:  # fmt: skip
        if "1x" in how.get("text", ""):
            outsider_bot.site.post("edit", title="Template:1x", text="{{{1}}}", token=outsider_bot.site.get_token("csrf"))
        parsed = outsider_bot.site.get("parse", prop="text|categories|templates|externallinks", **how)["parse"]
        entries = [each for each in re.findall(r"<li>(.*?)</li>", parsed["text"]["*"], re.S) if mark in each]
        shown = [Shown(entry) for entry in entries]
        assert [each.text.partition(f"{mark} ")[2] for each in reversed(shown)] == HOSTILE, how
        assert set().union(*(each.tags for each in shown)) == set(), how
        assert not any("Evil" in each["*"] for each in parsed["categories"])
        assert not [each for each in parsed["templates"] if "Delete" in each["*"]]
        assert not [each for each in parsed["externallinks"] if "spam" in each]
    # In summaries, as Recent Changes shows them.
    changes = outsider_bot.site.get("query", list="recentchanges", rctitle=BOTS, rcprop="parsedcomment", rclimit=len(HOSTILE))
    for change in changes["query"]["recentchanges"]:
        assert Shown(change["parsedcomment"]).tags <= set(), change


def test_ids_are_links_where_the_configuration_says_so(person: irc.Person, outsider_bot: Bot) -> None:
    said = word()
    person.ask(f"!log bots {said} T123 is done")
    assert f"{said} [https://phabricator.example/T123 T123] is done" in text(outsider_bot)


def test_people_s_corrections_stay(person: irc.Person, outsider_bot: Bot) -> None:
    first, second = word(), word()
    person.ask(f"!log bots {first}")
    page = outsider_bot.page(BOTS)
    corrected = "About the bots.\n\n" + page["text"].replace(first, f"{first} (corrected)") + "\nThe end"
    token = outsider_bot.site.get_token("csrf")
    outsider_bot.site.post("edit", title=BOTS, text=corrected, token=token)
    person.ask(f"!log bots {second}")
    now = text(outsider_bot)
    mine = next(line for line in now.splitlines() if second in line)
    assert now.replace(mine + "\n", "", 1) == corrected
    outsider_bot.site.post("edit", title=BOTS, text=page["text"], token=outsider_bot.site.get_token("csrf"))


def in_order(bot: Bot, mark: str) -> list[int]:
    """The numbers of the messages of a mark on the page, oldest first."""
    return [int(n) for n in re.findall(rf"{mark} (\d+)\b", text(bot))][::-1]


def test_the_wiki_away_while_many_messages_come(person: irc.Person, outsider_bot: Bot) -> None:
    """All there afterwards, in order, each once; the sidecar killed in between."""
    mark, many = word(), int(os.environ.get("LOG_MESSAGES", "1000"))
    with down("mediawiki"):
        since = len(person.lines)
        for n in range(many // 2):
            person.say(f"!log bots {mark} {n}")
        waiting = until(lambda: person.answers(since), "an answer while the wiki is away", 30)[0]
        assert re.fullmatch(r"logged as #\d+ of bots, the wiki is away, will follow", waiting), waiting
        until(lambda: len(person.answers(since)) == many // 2, "each message has its answer", 60)
        kill_sidecar()
        sidecar.serve(lab)
        until(irc.listening, "the bot is back", 40)
        since = len(person.lines)
        for n in range(many // 2, many):
            person.say(f"!log bots {mark} {n}")
        until(lambda: len(person.answers(since)) == many - many // 2, "each message has its answer", 60)
    before = len(outsider_bot.history(BOTS))
    until(lambda: len(in_order(outsider_bot, mark)) >= many, "all messages are on the page", 90)
    assert in_order(outsider_bot, mark) == list(range(many))
    assert len(outsider_bot.history(BOTS)) - before < 20


def test_killed_while_it_writes(person: irc.Person, outsider_bot: Bot) -> None:
    """What was answered is there, and nothing twice."""
    mark, many = word(), 60
    since = len(person.lines)
    for n in range(many):
        person.say(f"!log bots {mark} {n}")
    until(lambda: len(person.answers(since)) >= 3, "the first answers", 30)
    kill_sidecar()
    answered = len(person.answers(since))
    sidecar.serve(lab)
    until(irc.listening, "the bot is back", 40)
    after = word()
    person.ask(f"!log bots {after}")
    until(lambda: after in text(outsider_bot), "what was said afterwards is on the page", 60)
    there = in_order(outsider_bot, mark)
    assert there == list(range(len(there))) and len(there) >= answered, (there, answered)


def test_logs_whose_page_is_one(person: irc.Person, outsider_bot: Bot) -> None:
    """A redirect makes it so; their numbers are alike, and their edits get in each other's way."""
    mark = word()
    one, other = (f"tools.{name}{mark}" for name in "ab")
    pages = [f"Nova Resource:{log[0].upper()}{log[1:]}/SAL" for log in (one, other)]
    outsider_bot.site.post("edit", title=pages[1], text=f"#REDIRECT [[{pages[0]}]]", token=outsider_bot.site.get_token("csrf"))
    said = [f"{log} {mark} {log} {n}" for n in range(30) for log in (one, other)]
    since = len(person.lines)
    for line in said:
        person.say(f"!log {line}")
    until(lambda: len(person.answers(since)) == len(said), "each message has its answer", 60)
    # Whatever waits comes before this.
    for log in (one, other):
        person.ask(f"!log {log} {mark} {log} end")
        until(lambda log=log: f"{mark} {log} end" in text(outsider_bot, pages[0]), "what waited is on the page", 60)
    there = [line.split(": ", 1)[1] for line in text(outsider_bot, pages[0]).splitlines() if mark in line]
    assert sorted(there) == sorted([line.split(" ", 1)[1] for line in said] + [f"{mark} {log} end" for log in (one, other)])


def kill_sidecar() -> None:
    pid = daemon._read(lab, "sidecar")["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not daemon.running(lab, "sidecar"), "the sidecar is dead", 10)


def test_a_taken_nick_is_taken_back(outsider_bot: Bot) -> None:
    """Somebody takes the bot's nick while the server is started anew; it logs all the same, and gets it back."""
    daemon.stop(lab, "sidecar")
    thief = irc.Person("cloudlog")
    up("sidecar")
    said = word()
    thief.heard(r"cloudlog_\S* JOIN|^:cloudlog_!\S+ JOIN", 0, 40)
    person = irc.Person()
    person.ask(f"!log bots {said}")
    until(irc.listening, "the bot has its nick again", 60)
    until(lambda: said in text(outsider_bot), "it is on the page", 20)
    person.close()
    thief.close()


def test_the_irc_server_goes_and_comes_back(outsider_bot: Bot) -> None:
    with down("irc"):
        pass
    until(irc.listening, "the bot is back", 60)
    person, said = irc.Person(), word()
    person.ask(f"!log bots {said}")
    until(lambda: said in text(outsider_bot), "it is on the page", 20)
    person.close()
