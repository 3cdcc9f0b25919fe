"""What is done past the wiki is on its pages because the cloud tells of it, not because somebody asks it all the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from parts import keystone, rabbitmq
from support import cloud
from support.waiting import until
from support.wiki import Bot
from support.world import VOLUNTEER, compared_since, down, sidecar_with

UNASKED = "(seen, not done through the wiki)"


@pytest.fixture(scope="module", autouse=True)
def seldom_polled() -> Iterator[None]:
    """The cloud is asked once an hour: what is on a page sooner was told."""
    begun = datetime.now(UTC)
    with sidecar_with(lambda config: f"{config}\n[observe]\npoll_seconds = 3600\ncompare_minutes = 1440\n"):
        until(lambda: compared_since(begun), "what there was before has been looked at")
        yield


def title_of(bot: Bot, name: str) -> str | None:
    """The page to which an instance's name leads."""
    redirect = bot.page(f"Nova Resource:{name}.bots.{keystone.REGION}")
    return redirect["text"].partition("[[")[2].partition("]]")[0] if redirect else None


def facts(bot: Bot, title: str, **wanted: str) -> bool:
    found = bot.facts(title)
    return all(found.get(key.replace("_", " ")) == [value] for key, value in wanted.items())


def started(bot: Bot, name: str) -> tuple[str, str]:
    """A server that the volunteer starts with OpenStack's own API: its id and its page."""
    server = cloud.create(name)
    title = until(lambda: title_of(bot, name), "the name leads to a page")
    until(lambda: facts(bot, title, Instance_State="ACTIVE"), "the page says that it runs")
    return server, title


def test_a_life_past_the_wiki(volunteer_bot: Bot, name: str) -> None:
    server, title = started(volunteer_bot, name)
    found = volunteer_bot.facts(title)
    assert found["Instance Id"] == [server]
    assert found["Instance Type"] == ["m1.tiny"]
    assert found["Security Group"] == ["default"]
    assert len(found["Private IP"]) == 1
    assert found["Instance Host"]

    cloud.member().post("nova", f"/servers/{server}/action", {"os-stop": None})
    until(lambda: facts(volunteer_bot, title, Instance_State="SHUTOFF"), "the page says that it stopped")
    cloud.delete(server)
    until(lambda: facts(volunteer_bot, title, Resource_Type="deleted instance"), "the page says that it is gone")

    changes = volunteer_bot.changes(title)
    assert {change["user"] for change in changes} == {VOLUNTEER.name}
    assert {change["comment"].endswith(UNASKED) for change in changes} == {True}, changes


def test_an_admin_is_nobody_of_the_wiki(volunteer_bot: Bot, name: str) -> None:
    server, title = started(volunteer_bot, name)
    cloud.admin().put("nova", f"/servers/{server}", {"server": {"name": f"{name}-b"}})
    until(lambda: facts(volunteer_bot, title, Instance_Name=f"{name}-b"), "the new name on the page")
    assert volunteer_bot.history(title)[0]["user"] == "OpenStackManager"


def test_it_goes_on_after_rabbitmq_was_away(volunteer_bot: Bot, name: str) -> None:
    """The exchanges, and with them what we had bound, do not outlive the broker."""
    server, title = started(volunteer_bot, name)
    with down(rabbitmq.NAME, "rabbitmq"):
        pass
    back = datetime.now(UTC)
    cloud.member().put("nova", f"/servers/{server}", {"server": {"name": f"{name}-b"}})
    until(lambda: facts(volunteer_bot, title, Instance_Name=f"{name}-b"), "the new name on the page", 120)
    cloud.delete(server)
    until(lambda: facts(volunteer_bot, title, Resource_Type="deleted instance"), "the page says that it is gone", 120)
    # For the tests that come after.
    until(lambda: cloud.services_reported_since(back), "Nova's services have found RabbitMQ again", 180)
