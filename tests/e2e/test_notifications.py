"""What is done past the wiki is on its pages because the cloud tells of it, not because somebody asks it all the time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from parts import keystone, rabbitmq
from support import broker, cloud
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


def test_a_queue_that_is_lost(volunteer_bot: Bot, name: str) -> None:
    """What happened while there was none is found by comparing, what happens later is told again."""
    server, title = started(volunteer_bot, name)
    broker.lose_queue()
    for new in [f"{name}-b", f"{name}-c"]:
        cloud.rename(server, new)
        until(lambda: facts(volunteer_bot, title, Instance_Name=new), f"{new} on the page")


def test_what_is_told_twice_and_in_the_wrong_order(volunteer_bot: Bot, name: str) -> None:
    broker.keep()
    server, title = started(volunteer_bot, name)
    cloud.rename(server, f"{name}-b")
    cloud.act(server, **{"os-stop": None})
    until(lambda: facts(volunteer_bot, title, Instance_State="SHUTOFF", Instance_Name=f"{name}-b"), "both on the page")
    told = len(volunteer_bot.history(title))
    assert broker.tell_again() >= 4
    # Heard after all of that, since there is one queue.
    cloud.rename(server, f"{name}-c")
    until(lambda: facts(volunteer_bot, title, Instance_Name=f"{name}-c"), "the last name on the page")
    since = volunteer_bot.history(title)[:-told]
    assert [each["comment"] for each in since] == [f"instance {name}-b is now called {name}-c {UNASKED}"]
    assert facts(volunteer_bot, title, Instance_State="SHUTOFF")


def test_it_goes_on_after_rabbitmq_was_away(volunteer_bot: Bot, name: str) -> None:
    """The exchanges, and with them what we had bound, do not outlive the broker."""
    server, title = started(volunteer_bot, name)
    with down(rabbitmq.NAME, "rabbitmq"):
        pass
    back = datetime.now(UTC)
    cloud.member().put("nova", f"/servers/{server}", {"server": {"name": f"{name}-b"}})
    until(lambda: facts(volunteer_bot, title, Instance_Name=f"{name}-b"), "the new name on the page", 120)
    until(lambda: cloud.services_are_back(back), "Nova's services have found RabbitMQ again", 180)
    cloud.delete(server)
    until(lambda: facts(volunteer_bot, title, Resource_Type="deleted instance"), "the page says that it is gone", 120)
