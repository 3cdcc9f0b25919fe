"""The whole road in a browser: list, create, page, recent changes, reboot, console, delete. In this order."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
import requests
from conftest import fresh_name
from selenium.webdriver.common.by import By
from support import cloud
from support.browser import Browser, Page, Row
from support.waiting import until
from support.wiki import Bot
from support.wording import said
from support.world import VOLUNTEER, WIKI

LIST = "Special:NovaInstance"
SYSTEM = "OpenStackManager"
PARAGRAPH = "Written by hand: this one must never be lost."
TAG = "openstackmanager"


@dataclass
class Made:
    """The instance that these tests lead along the road."""

    name: str
    row: Row
    states: list[str]

    @property
    def id(self) -> str:
        return self.row.id.removeprefix("i-")

    @property
    def title(self) -> str:
        return f"Nova Resource:I-{self.id[:8]}"


def ask_for(browser: Browser, name: str) -> Page:
    """Fills the form as a person does who begins at the list."""
    page = browser.open(LIST, project="bots")
    (href,) = page.tree.xpath("//h2[@id='bots']//a[contains(@href, 'action=create')]/@href")
    browser.go(WIKI + href)
    browser.fill(instancename=name, instanceType="m1.tiny", imageType="debian-12")
    browser.tick("groups", "web")
    if browser.javascript:
        browser.shot("create-form")
    return browser.submit("createinstance")


def running(browser: Browser, name: str) -> Row | None:
    row = browser.page.rows("bots").get(name)
    return row if row and row.cells["state"] == "ACTIVE" else None


def test_the_list_is_usable_at_once(volunteer: Browser) -> None:
    page = volunteer.open(LIST)
    assert page.projects == ["bots"]
    assert page.tree.xpath("//h2[@id='bots']//a[contains(@href, 'action=create')]")
    assert said(page.text, "asof")
    volunteer.shot("list-empty")


@pytest.fixture(scope="module")
def made(volunteer: Browser) -> Made:
    name = fresh_name()
    page = ask_for(volunteer, name)
    states = []
    assert "operation=" in page.url, "the page comes back at once and knows what it waits for"
    assert name in page.rows("bots"), page.text
    states.append(page.rows("bots")[name].cells["state"])
    volunteer.shot("list-building")
    volunteer.driver.execute_script("window.neverReloaded = true")

    def look() -> Row | None:
        row = volunteer.page.rows("bots").get(name)
        if row and row.cells["state"] != states[-1]:
            states.append(row.cells["state"])
        return running(volunteer, name)

    row = until(look, f"{name} is ACTIVE on the list, without a reload", 90)
    assert volunteer.driver.execute_script("return window.neverReloaded") is True
    return Made(name, row, states)


def test_create(made: Made, volunteer: Browser) -> None:
    (server,) = cloud.servers(made.name)
    assert server["id"] == made.id
    assert server["tenant_id"] == cloud.project_id("bots")
    assert {group["name"] for group in server["security_groups"]} == {"default", "web"}
    cells = made.row.cells
    assert cells["flavor"] == "m1.tiny" and cells["image"] == "debian-12" and cells["launched"]
    assert cells["addresses"] == server["addresses"]["lan"][0]["addr"]
    until(lambda: volunteer.page.tree.xpath("string(//*[@id='osm-view']/@data-live)") == "0", "the page rests")
    assert said(volunteer.page.text, "createinstance-done", made.name)
    volunteer.shot("list-active")


def test_the_person_stands_in_the_server_s_metadata(made: Made) -> None:
    metadata = cloud.server(made.id)["metadata"]
    assert metadata["openstackmanager_user"] == VOLUNTEER.name


def test_create_without_scripts(volunteer_without_scripts: Browser) -> None:
    browser, name = volunteer_without_scripts, fresh_name()
    page = ask_for(browser, name)
    assert name in page.rows("bots"), page.text

    def reloaded() -> Row | None:
        browser.driver.refresh()
        return running(browser, name)

    row = until(reloaded, f"{name} is ACTIVE after a reload", 90)
    browser.go(row.action("delete"))
    browser.submit("deleteinstance")

    def gone() -> bool:
        browser.driver.refresh()
        return name not in browser.page.rows("bots")

    until(gone, f"{name} is off the list", 90)


def test_the_instance_s_page(made: Made, volunteer: Browser, volunteer_bot: Bot) -> None:
    until(lambda: volunteer_bot.page(made.title), "its page")
    volunteer.open(LIST)
    until(lambda: made.id[:8] in volunteer.page.rows("bots")[made.name].links, "the link to it", 30)
    page = volunteer.go(volunteer.page.rows("bots")[made.name].links[made.id[:8]])
    assert page.title == made.title
    server = cloud.server(made.id)
    for fact in [made.name, made.id, "m1.tiny", "debian-12", "RegionOne", server["addresses"]["lan"][0]["addr"]]:
        assert fact in page.text, fact
    links = page.tree.xpath("//*[@id='mw-content-text']//a/@href")
    assert any(href.endswith("/wiki/Nova_Resource:Bots") for href in links), links
    assert any("Special:NovaInstance" in href for href in links), links
    assert "Instances" in volunteer_bot.categories(made.title)
    volunteer.shot("instance-page")


def test_the_semantic_properties(made: Made, volunteer_bot: Bot) -> None:
    facts = until(lambda: volunteer_bot.facts(made.title), "the facts of its page")
    assert facts["Resource Type"] == ["instance"]
    assert facts["Instance Name"] == [made.name]
    assert facts["Instance Id"] == [made.id]
    assert facts["Project"] == ["bots"]
    assert facts["Instance Type"] == ["m1.tiny"]
    assert sorted(facts["Security Group"]) == ["default", "web"]
    assert facts["Private IP"] == [cloud.server(made.id)["addresses"]["lan"][0]["addr"]]


def test_recent_changes_under_my_own_name(made: Made, volunteer: Browser, volunteer_bot: Bot) -> None:
    change = volunteer_bot.changes(made.title)[-1]
    assert change["type"] == "new" and change["user"] == VOLUNTEER.name
    assert TAG in change["tags"] and "bot" not in change
    assert f"created instance {made.name} in project bots" in change["comment"]
    assert re.search(r"\(operation 01[0-9A-Z]{24}\)", change["comment"]), change["comment"]

    query = {"namespace": "498", "tagfilter": TAG, "days": "1", "limit": "50"}
    page = volunteer.open("Special:RecentChanges", hidebots="1", **query)
    until(lambda: made.title in volunteer.page.text, "the page on Special:RecentChanges", 20)
    page = volunteer.page
    assert f"created instance {made.name} in project bots" in page.text
    volunteer.shot("recent-changes")


def test_the_atom_feed(made: Made) -> None:
    query = {"action": "feedrecentchanges", "feedformat": "atom", "namespace": "498", "tagfilter": TAG,
             "days": "1", "limit": "50"}  # fmt: skip
    feed = requests.get(f"{WIKI}/api.php?{urlencode(query)}", timeout=60)
    atom = "{http://www.w3.org/2005/Atom}"
    entries = {each.findtext(f"{atom}title"): each for each in ET.fromstring(feed.text).iter(f"{atom}entry")}
    assert made.title in entries, list(entries)
    assert entries[made.title].findtext(f"{atom}author/{atom}name") == VOLUNTEER.name


def test_the_name_is_a_redirect(made: Made, volunteer_bot: Bot) -> None:
    name = f"Nova Resource:{made.name}.bots.RegionOne"
    redirect = until(lambda: volunteer_bot.page(name), "the redirect")
    assert redirect["text"].startswith(f"#REDIRECT [[{made.title}]]")
    (change,) = volunteer_bot.changes(redirect["title"])
    assert change["user"] == SYSTEM and "bot" in change


def test_reboot(made: Made, volunteer: Browser, volunteer_bot: Bot) -> None:
    volunteer.write_paragraph(made.title, PARAGRAPH)
    before = len(volunteer_bot.history(made.title))
    volunteer.open(LIST)
    page = volunteer.go(volunteer.page.rows("bots")[made.name].action("reboot"))
    assert said(page.text, "rebootinstance-confirm", made.name)
    volunteer.shot("reboot-confirm")
    volunteer.submit("rebootinstance")
    until(lambda: said(volunteer.page.text, "rebootinstance-done", made.name), "the reboot is done", 90)
    until(lambda: len(volunteer_bot.history(made.title)) > before, "the reboot on its page")
    revision = volunteer_bot.page(made.title)
    assert revision["user"] == VOLUNTEER.name and made.name in revision["comment"]
    assert PARAGRAPH in revision["text"]
    until(lambda: "Last Reboot" in volunteer_bot.facts(made.title), "the time of the reboot")


def test_the_diff_is_readable(made: Made, volunteer: Browser, volunteer_bot: Bot) -> None:
    revision = volunteer_bot.history(made.title)[0]
    volunteer.go(f"{WIKI}/index.php?{urlencode({'diff': revision['revid'], 'oldid': revision['parentid']})}")
    added = volunteer.page.tree.xpath("//td[contains(@class, 'diff-addedline')]")
    assert 0 < len(added) <= 3, "one fact changed: a line or two"
    assert any("Last Reboot" in td.text_content() for td in added)
    volunteer.shot("diff")


def test_console_output(made: Made, volunteer: Browser) -> None:
    volunteer.open(LIST)
    page = volunteer.go(volunteer.page.rows("bots")[made.name].action("consoleoutput"))
    expected = cloud.admin().post("nova", f"/servers/{made.id}/action", {"os-getConsoleOutput": {}})["output"]
    first_line = expected.splitlines()[0]
    assert first_line in page.tree.xpath("string(//pre[contains(@class, 'osm-pre')])")
    assert not re.search(r"\d{4}-\d\d-\d\dT", page.text), "times are the reader's"
    volunteer.shot("console")


def test_delete(made: Made, volunteer: Browser, volunteer_bot: Bot) -> None:
    volunteer.open(LIST)
    page = volunteer.go(volunteer.page.rows("bots")[made.name].action("delete"))
    assert said(page.text, "deleteinstance-confirm", made.name)
    assert cloud.server(made.id), "nothing is deleted by looking"
    volunteer.shot("delete-confirm")
    volunteer.submit("deleteinstance")
    until(lambda: said(volunteer.page.text, "deleteinstance-done", made.name), "the delete is done", 90)
    assert cloud.server(made.id) is None
    assert made.name not in volunteer.page.rows("bots")


def test_the_page_after_the_delete(made: Made, volunteer: Browser, volunteer_bot: Bot) -> None:
    def told() -> bool:
        return volunteer_bot.facts(made.title).get("Resource Type") == ["deleted instance"]

    until(told, "the page says so")
    assert "Deletion Time" in volunteer_bot.facts(made.title)
    categories = volunteer_bot.categories(made.title)
    assert "Deleted instances" in categories and "Instances" not in categories
    revision = volunteer_bot.page(made.title)
    assert PARAGRAPH in revision["text"]
    assert revision["user"] == VOLUNTEER.name
    assert f"deleted instance {made.name} in project bots" in revision["comment"]
    page = volunteer.open(made.title)
    assert PARAGRAPH in page.text and "deleted" in page.text.lower()
    volunteer.shot("deleted-page")


def test_nothing_of_the_console_or_the_people_is_on_the_pages(made: Made, volunteer_bot: Bot) -> None:
    for revision in volunteer_bot.history(made.title):
        assert "@" not in revision["comment"]
    text = volunteer_bot.page(made.title)["text"]
    assert "FAKE CONSOLE OUTPUT" not in text and "@" not in text


def test_every_wiki_edit_of_the_road_was_tagged(made: Made, volunteer_bot: Bot) -> None:
    ours = [each for each in volunteer_bot.history(made.title) if TAG in each["tags"]]
    by_hand = [each for each in volunteer_bot.history(made.title) if TAG not in each["tags"]]
    assert len(ours) >= 3 and len(by_hand) == 1
