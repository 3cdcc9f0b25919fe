"""Pages that tell of many things: the overviews, the log on a project's page, and the one page of a noisy project."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from conftest import fresh_name
from support import cloud
from support.browser import Browser, Page
from support.waiting import until
from support.wiki import Bot, sysop
from support.world import down, sidecar_with

SYSTEM = "OpenStackManager"
PROJECTS = "Nova Resource:All projects"
INSTANCES = "Nova Resource:All instances"
PROJECT = "Nova Resource:Bots"
LOG = "Nova Resource:Bots/SAL"
SUMMARY = "Nova Resource:Bots/Instances"


def text(bot: Bot, title: str) -> str:
    page = bot.page(title)
    return page["text"] if page else ""


def test_all_projects(volunteer: Browser, volunteer_bot: Bot) -> None:
    until(lambda: "|bots]]" in text(volunteer_bot, PROJECTS), "the page of all projects", 30)
    page = volunteer.open(PROJECTS)
    rows = [[cell.text_content() for cell in row] for row in page.tree.xpath("//table[contains(@class, 'sortable')]//tr")]
    assert ["tools", "1", "Tools for everybody"] in rows, rows
    volunteer.shot("all-projects")


def test_all_instances_as_they_come_and_go(volunteer: Browser, volunteer_bot: Bot) -> None:
    made = volunteer_bot.started(fresh_name())
    row = f'<tr class="nova-row"><td>[[{made["page"]}|'
    until(lambda: row in text(volunteer_bot, INSTANCES), "the instance on the page of all", 40)
    address = cloud.server(made["instanceid"])["addresses"]["lan"][0]["addr"]
    until(lambda: f"{address}</td></tr>" in text(volunteer_bot, INSTANCES), "its address there", 40)
    words = secrets.token_hex(8)
    volunteer_bot.append(INSTANCES, f"\n\nAsk us before you delete one. {words}")
    volunteer.open(INSTANCES)
    volunteer.shot("all-instances")

    # Past the wiki, and while nobody looks.
    with down("sidecar"):
        cloud.delete(made["instanceid"])
        until(lambda: cloud.server(made["instanceid"]) is None, "Nova has deleted it")
    until(lambda: row not in text(volunteer_bot, INSTANCES), "it is not on the page any more", 60)
    assert words in text(volunteer_bot, INSTANCES)
    (change, *_) = volunteer_bot.changes(INSTANCES)
    assert change["user"] == SYSTEM and "bot" in change


def test_what_has_not_changed_is_not_saved(volunteer_bot: Bot) -> None:
    pages = [PROJECTS, INSTANCES, PROJECT]
    before = [volunteer_bot.history(title) for title in pages]
    made = fresh_name()
    with down("sidecar"):
        pass
    # What comes after all that was looked at when the sidecar started.
    server = cloud.create(made)
    for title in (INSTANCES, PROJECT):
        until(lambda: f"|{made}]]" in text(volunteer_bot, title), f"an instance that was made since, on {title}", 60)
    after = [volunteer_bot.history(title) for title in pages]
    assert after[0] == before[0]
    grown = len(after[1]) - len(before[1]), len(after[2]) - len(before[2])
    # It came; then it had an address, unless both were seen together.
    assert grown in [(1, 1), (2, 1)], grown
    cloud.delete(server)


@pytest.fixture
def no_log() -> Iterator[None]:
    def delete() -> None:
        by = sysop()
        if by.pages[LOG].exists:
            by.pages[LOG].delete("e2e")

    delete()
    yield
    delete()


def test_the_log_on_a_project_s_page(volunteer: Browser, volunteer_bot: Bot, no_log: None) -> None:
    links = "//*[@id='mw-content-text']//a[contains(@href, 'SAL')]"

    def shown(right: Callable[[Page], bool]) -> Page | None:
        """MediaWiki's own jobs would see to a fresh page, but not so soon after the deletion by an earlier run; and
        what began to be rendered before an edit may be put down after a purge."""
        volunteer_bot.site.post("purge", titles=PROJECT)
        page = volunteer.open(PROJECT)
        return page if right(page) else None

    bare = until(lambda: shown(lambda page: "log" not in page.text.lower()), "a project without a log shows none")
    assert not bare.tree.xpath(links)
    word = secrets.token_hex(4)
    entries = "=== 2026-11-27 ===\n* 09:12 Volunteer: restarted {}\n* 08:00 Operator: made room\n<noinclude>[[Category:SAL]]</noinclude>"
    token = volunteer_bot.site.get_token("csrf")
    volunteer_bot.site.post("edit", title=LOG, text=entries.format(word), token=token)
    page = until(lambda: shown(lambda page: word in page.text), "the project's page has the newest of its log")
    assert page.tree.xpath("//*[@id='mw-content-text']//a[contains(@href, 'Nova_Resource:Bots/SAL')]")
    assert "SAL" not in volunteer_bot.categories(PROJECT)
    volunteer.shot("project-log")


def test_a_noisy_project_has_one_page(volunteer: Browser, volunteer_bot: Bot) -> None:
    first, second = cloud.create(fresh_name()), fresh_name()
    before = f"Nova Resource:I-{first[:8]}"
    until(lambda: "|Instance State=ACTIVE" in text(volunteer_bot, before), "an instance from before, with a page", 60)
    noisy = "[pages]\nnoisy_projects = [\"bots\"]\n"
    with sidecar_with(lambda config: config.replace("[pages]\n", noisy) if "[pages]" in config else f"{config}\n{noisy}"):
        until(lambda: "|Instance Summary=" in text(volunteer_bot, PROJECT), "the project's page leads to the summary", 60)
        server = cloud.create(second)
        title = f"Nova Resource:I-{server[:8]}"
        until(lambda: f"|Latest Instances={second} (ACTIVE," in text(volunteer_bot, SUMMARY), "it is summed up", 90)
        assert volunteer_bot.page(title) is None
        assert "|Instance List" not in text(volunteer_bot, PROJECT)
        until(lambda: "|bots]]</td></tr>" in text(volunteer_bot, INSTANCES), "all instances lead there", 40)
        assert second not in text(volunteer_bot, INSTANCES)
        for change in volunteer_bot.changes(SUMMARY):
            assert change["user"] == SYSTEM and "bot" in change
        volunteer.open(SUMMARY)
        volunteer.shot("summary")
        volunteer.open(PROJECT)
        volunteer.shot("noisy-project")
        volunteer.open(INSTANCES)
        volunteer.shot("all-instances-noisy")
        # A page from before is still true.
        cloud.delete(first)
        until(lambda: "deleted instance" in text(volunteer_bot, before), "its page says that it is gone", 60)
        assert volunteer_bot.page(before)["text"]
    # Noisy no more: what lives gets its page.
    until(lambda: volunteer_bot.page(title), "a page of its own", 60)
    until(lambda: f"|{second}]]" in text(volunteer_bot, PROJECT), "it is on the project's page", 60)
    until(lambda: "Number of" not in text(volunteer_bot, SUMMARY), "the summary says that it is none any more", 60)
    cloud.delete(server)
