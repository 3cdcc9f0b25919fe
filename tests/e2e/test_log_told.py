"""What the system itself logs, and whom it tells of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.irc import BOTS
from support.waiting import until
from support.wiki import Bot, Json
from support.world import OUTSIDER, sidecar_with


@pytest.fixture(scope="module", autouse=True)
def operations_are_logged() -> Iterator[None]:
    with sidecar_with(lambda text: text.replace("[[log.links]]", '[log]\noperations = ["bots"]\n\n[[log.links]]', 1)):
        yield


def entries(bot: Bot, words: str) -> list[Json]:
    listed = bot.site.get("query", list="novalogs", nlproject="bots", nltext=words, nllimit=50)["query"]["novalogs"]
    return [each for each in listed if each["message"] == words]


def logged(bot: Bot, words: str, user: str, deed: Callable[[], Json]) -> None:
    """The deed is in the log once, as its doer's edit, when it is over."""
    before = len(entries(bot, words))
    assert bot.followed(deed())["state"] == "done"
    there = entries(bot, words)
    assert len(there) == before + 1 and there[0]["user"] == user, there

    def change() -> Json | None:
        return next((each for each in bot.changes(BOTS)[:10] if each["comment"].endswith(f"{user}: {words}")), None)

    assert until(change, f"{words} in Recent Changes", 20)["user"] == user


def test_operations_log_themselves(volunteer_bot: Bot, operator_bot: Bot, name: str) -> None:
    ids: list[str] = []

    def create() -> Json:
        begun = volunteer_bot.create(name)
        ids.append(volunteer_bot.followed(begun)["instanceid"])
        return begun

    logged(volunteer_bot, f"created instance {name} in RegionOne", "Volunteer", create)
    volunteer_bot.followed(volunteer_bot.call("reboot", instanceid=ids[0]))
    logged(volunteer_bot, f"deleted instance {name} in RegionOne", "Volunteer", lambda: volunteer_bot.call("delete", instanceid=ids[0]))

    def member(subaction: str) -> Callable[[], Json]:
        def call() -> Json:
            token = operator_bot.site.get_token("csrf")
            whom = "member" if subaction == "addmember" else "members"
            sent = {"projectname": "bots", "subaction": subaction, whom: OUTSIDER.uid, "token": token}
            return {"operation": operator_bot.site.post("novaproject", **sent)["novaproject"]["operations"][0]}

        return call

    logged(operator_bot, f"added {OUTSIDER.name} to the project", "Operator", member("addmember"))
    logged(operator_bot, f"removed {OUTSIDER.name} from the project", "Operator", member("deletemember"))
