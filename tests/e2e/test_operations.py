"""Special:NovaOperations: what is being done is seen by those it concerns, and can be taken back."""

from __future__ import annotations

from conftest import fresh_name
from support import cloud
from support.browser import Browser, address, fetched
from support.waiting import until
from support.wiki import Bot, refused
from support.wording import said
from support.world import VOLUNTEER, down

PAGE = "Special:NovaOperations"


def test_a_create_under_way_is_taken_back(
    volunteer: Browser, outsider: Browser, volunteer_bot: Bot, name: str
) -> None:
    another = volunteer_bot.started(fresh_name())["instanceid"]
    # Without its hypervisor the server stays in BUILD.
    with down("compute"):
        begun = volunteer_bot.create(name)
        operation = begun["operation"]
        # Somebody says that another's server is this operation's, to have it go with it.
        cloud.mark(another, operation)
        assert name in volunteer.open(PAGE).text
        page = volunteer.open(PAGE, operation=operation)
        assert name in page.text and page.form("canceloperation")
        volunteer.shot("operation-under-way")

        page = fetched(outsider.http(), address(PAGE, operation=operation))
        assert page.status == 403 and name not in page.text
        assert name not in outsider.open(PAGE).text

        until(lambda: cloud.servers(name), "Nova has begun")
        volunteer.open(PAGE, operation=operation)
        volunteer.submit("canceloperation")
    ended = volunteer_bot.followed(begun, 120)
    assert ended["state"] == "undone", ended
    assert not cloud.servers(name) and cloud.server(another)
    page = volunteer.open(PAGE, operation=operation)
    volunteer.shot("operation-taken-back")
    assert said(page.text, "cancelled", VOLUNTEER.name) and said(page.text, "state-undone")
    # What was seen of the server is told: its page is that of a deleted instance.
    until(lambda: "Deleted instances" in volunteer_bot.categories(ended["page"]), "the page says so")


def test_what_has_no_undo_is_not_taken_back(volunteer_bot: Bot, name: str) -> None:
    made = volunteer_bot.started(name)
    wish = {"wish": "cancel", "token": volunteer_bot.site.get_token("csrf")}
    with down("compute"):
        begun = volunteer_bot.call("reboot", instanceid=made["instanceid"])
        wish["operation"] = begun["operation"]
        assert refused(volunteer_bot.site.post, "novaoperationwish", **wish) == "openstackmanager-wish-noway"
    assert volunteer_bot.followed(begun, 120)["state"] == "done"


def test_what_is_over_cannot_be_taken_back(volunteer: Browser, volunteer_bot: Bot, name: str) -> None:
    done = volunteer_bot.started(name)
    page = volunteer.open(PAGE, operation=done["id"])
    assert "canceloperation" not in volunteer.driver.page_source and said(page.text, "state-done")
    page = volunteer.open(PAGE, operation="01JNOSUCHOPERATION")
    assert said(page.text, "nonexistentoperation")
