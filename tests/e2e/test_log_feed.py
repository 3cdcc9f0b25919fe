"""The Server Admin Log as Atom feeds: for whoever may read the wiki, and everything typed is text."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

import pytest
import requests
from lxml import etree
from support import irc
from support.browser import Browser
from support.irc import word
from support.world import WIKI

pytestmark = pytest.mark.usefixtures("the_bot_listens")
ATOM = "{http://www.w3.org/2005/Atom}"
# Of each element, how often RFC 4287 wants it.
OF_FEED = {"id": 1, "title": 1, "updated": 1, "generator": 1, "link": 2}
OF_ENTRY = {"id": 1, "title": 1, "updated": 1, "author": 1, "category": 1, "link": 1, "content": 1}
HOSTILE = [
    "<script>alert(1)</script>", "]]> <![CDATA[x]]>", "&lt;b&gt; &amp; &#60; &nosuch;", "</content></entry></feed>",
    "\"double\" 'single'", "<?xml version='1.0'?> <!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]> &e;",
    "{{Delete}} [[Category:Evil]] ~~~~", "\ufffe\uffff\u200b \u202e🐢", "x" * 300,
]  # fmt: skip


def get(headers: dict[str, str] | None = None, **asked: str) -> requests.Response:
    return requests.get(f"{WIKI}/wiki/Special:NovaLog", {"feed": "atom"} | asked, headers=headers, timeout=30)


def parsed(answer: requests.Response) -> etree._Element:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    feed = etree.fromstring(answer.content, etree.XMLParser(recover=False, resolve_entities=False))
    assert feed.tag == f"{ATOM}feed"
    entries = feed.findall(f"{ATOM}entry")
    for element, wanted in [(feed, OF_FEED), *((entry, OF_ENTRY) for entry in entries)]:
        tags = [child.tag.removeprefix(ATOM) for child in element if child.tag != f"{ATOM}entry"]
        assert {tag: tags.count(tag) for tag in tags} == wanted, tags
        datetime.fromisoformat(value(element, "updated"))
        for link in element.findall(f"{ATOM}link"):
            assert urlsplit(link.get("href")).netloc == urlsplit(WIKI).netloc
        # Text is text where no other type is said.
        assert all(child.get("type") is None for child in element)
    ids = [value(entry, "id") for entry in entries]
    assert len(set(ids)) == len(ids) <= 50
    return feed


def value(element: etree._Element, name: str) -> str:
    return element.findtext(f"{ATOM}{name}")


def test_what_is_logged_is_in_the_feeds(person: irc.Person) -> None:
    mark = word()
    for line in HOSTILE:
        assert "Special:Diff" in person.ask(f"!log bots {mark} {line}"), line
    other = word()
    person.ask(f"!log tools.wikibugs {other}")
    feed = parsed(get(project="bots"))
    entries = [entry for entry in feed.findall(f"{ATOM}entry") if mark in value(entry, "content")]
    # As it was said, but for what is nowhere allowed in XML, and the mark that would turn the text round.
    said = [line.translate(dict.fromkeys([0xFFFE, 0xFFFF, 0x202E])) for line in HOSTILE]
    assert [value(entry, "content").removeprefix(f"{mark} ") for entry in reversed(entries)] == said
    assert {entry.find(f"{ATOM}author").findtext(f"{ATOM}name") for entry in entries} == {person.nick}
    revision = requests.get(entries[0].find(f"{ATOM}link").get("href"), timeout=30)
    assert revision.status_code == 200 and "x" * 300 in revision.text
    assert value(feed, "title") == "Server Admin Log of bots"
    assert not any(other in value(entry, "content") for entry in feed.findall(f"{ATOM}entry"))

    combined = parsed(get())
    first = combined.find(f"{ATOM}entry")
    assert value(first, "title") == f"tools.wikibugs: {other}" and value(combined, "title") == "Server Admin Log"
    found = parsed(get(text=other.upper(), project="tools.wikibugs")).findall(f"{ATOM}entry")
    assert [value(entry, "content") for entry in found] == [other]


def test_a_reader_asks_again() -> None:
    answer = get()
    again = get({"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and not again.content
    for asked in [{"project": "[[x]]"}, {"from": "nonsense"}]:
        refused = get(**asked)
        assert refused.status_code == 400 and refused.headers["content-type"].startswith("text/plain")
    assert not parsed(get(project="nosuchthing")).findall(f"{ATOM}entry")


def test_the_page_names_its_feed(volunteer: Browser) -> None:
    page = volunteer.open("Special:NovaLog", project="bots")
    links = page.tree.xpath("//link[@rel='alternate'][@type='application/atom+xml']/@href")
    assert any("feed=atom" in link and "project=bots" in link for link in links), links
