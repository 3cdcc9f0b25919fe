"""A part that is away is named on every special page, with since when and what it means; then all is made up for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import requests
from parts import keystone, rabbitmq
from support import cloud, drift
from support.browser import Browser, Page
from support.waiting import until
from support.wiki import Bot
from support.wording import said
from support.world import down, lab, wiki_read_only

PAGES = ["Special:NovaInstance", "Special:NovaProject", "Special:NovaOperations", "Special:NovaDrift"]


@pytest.fixture(scope="module", autouse=True)
def nova_is_well_again() -> Iterator[None]:
    """For the tests that come after: Nova takes no host whose service it has not heard of for a while."""
    yield
    back = datetime.now(UTC)
    until(lambda: cloud.services_are_back(back), "Nova's services have found RabbitMQ again", 180)


def notices(page: Page) -> str:
    return " ".join(page.tree.xpath("string(//*[@id='osm-view'])").split()) or page.text


@pytest.mark.parametrize(
    ("part", "only", "key", "pages"),
    [("nova", [], "nova", PAGES), (rabbitmq.NAME, ["rabbitmq"], "rabbitmq", PAGES),
     (keystone.NAME, [], "keystone", PAGES[:3]), ("ldap", [], "ldap", PAGES)],
)  # fmt: skip
def test_who_is_away_is_named(operator: Browser, part: str, only: list[str], key: str, pages: list[str]) -> None:
    banner = f"banner-away-{key}"
    assert not said(notices(operator.open(PAGES[0])), banner)
    with down(part, *only):
        until(lambda: said(notices(operator.open(PAGES[0])), banner), f"the banner of {part}", 30)
        for page in pages:
            assert said(notices(operator.open(page)), banner), page
        operator.open(PAGES[0])
        operator.shot(f"away-{key}")
    until(lambda: not said(notices(operator.open(PAGES[0])), banner), f"{part} is back", 60)


def metric(name: str) -> float:
    text = requests.get(lab.url("sidecar", "/metrics"), timeout=10).text
    lines = [line for line in text.splitlines() if line.startswith(name)]
    assert lines, f"{name} is not among the metrics"
    return sum(float(line.split()[-1]) for line in lines)


def test_pages_that_wait_are_told(operator: Browser) -> None:
    """A page that the wiki has not taken for two minutes."""
    page = '{"v":1,"data":{"page":"project","project":"bots"}}'
    drift.sql(
        "INSERT INTO page_queue (page_key, page, seen_only, since, due_at) VALUES"
        f" ('project/bots', '{page}', 1, NOW(6) - INTERVAL 2 MINUTE, NOW(6) + INTERVAL 1 HOUR)"
    )
    try:
        until(lambda: said(notices(operator.open(PAGES[0])), "banner-late-pages"), "the banner of late pages", 30)
        operator.shot("late-pages")
        assert metric("openstackmanager_pages_waiting") >= 1
        assert metric("openstackmanager_pages_oldest_seconds") >= 120
    finally:
        drift.sql("DELETE FROM page_queue WHERE page_key = 'project/bots'")
    until(lambda: not said(notices(operator.open(PAGES[0])), "banner-late-pages"), "nothing is late any more", 30)


def test_pages_follow_when_the_wiki_can_be_written_again(volunteer_bot: Bot, name: str) -> None:
    saved = metric("openstackmanager_pages_lag_seconds_count")
    with wiki_read_only("e2e: backup"):
        server = cloud.create(name)
        until(lambda: metric("openstackmanager_pages_waiting") > 0, "a page waits", 60)
    until(lambda: volunteer_bot.page(f"Nova Resource:{name}.bots.{keystone.REGION}"), "the pages follow", 120)
    until(lambda: metric("openstackmanager_pages_waiting") == 0, "no page waits", 120)
    assert metric("openstackmanager_pages_lag_seconds_count") > saved
    assert metric("openstackmanager_cloud_age_seconds") < 120
    cloud.delete(server)


def test_every_list_says_as_of_when(operator: Browser) -> None:
    for page in PAGES:
        assert said(operator.open(page).text, "asof"), page
