"""The wiki's pages belong to people: nothing they write is lost, and no fact goes undocumented."""

from __future__ import annotations

import os
import secrets
import threading
from datetime import datetime

import pytest
from conftest import fresh_name
from mwclient.errors import APIError
from parts import mariadb
from support import cloud
from support.between import between
from support.waiting import until
from support.wiki import Bot, protected
from support.world import VOLUNTEER, WIKI, lab, sidecar_with, wiki_read_only, wiki_with

SYSTEM = "OpenStackManager"
TAG = "openstackmanager"
EDITS = int(os.environ.get("CONFLICTS", "20"))
# After five the next try is a minute away.
TRIES = int(os.environ.get("TRIES", "2"))


@pytest.fixture(scope="module")
def instance(volunteer_bot: Bot) -> dict:
    return volunteer_bot.started(fresh_name())


def reboot(bot: Bot, instance: dict) -> None:
    done = bot.followed(bot.call("reboot", instanceid=instance["instanceid"]))
    assert done["state"] == "done", done


def test_no_word_is_lost(volunteer_bot: Bot, instance: dict) -> None:
    """The same person edits the page while the sidecar writes to it in that person's name."""
    title, editor = instance["page"], Bot(VOLUNTEER)
    words: list[str] = []
    failed: list[BaseException] = []
    # However fast one of the two is, the other comes in between.
    often = threading.Event()

    def write() -> None:
        try:
            while len(words) < EDITS or not often.is_set():
                word = secrets.token_hex(8)
                while not (append(word) if len(words) % 2 else save_whole(word)):
                    pass
                words.append(word)
        except BaseException as error:
            failed.append(error)

    def append(word: str) -> bool:
        try:
            editor.append(title, f"\n\n{word}")
            return True
        except APIError as error:
            # Somebody saved in the same instant: a person is told, and saves again.
            if error.code != "editconflict":
                raise
            return False

    def save_whole(word: str) -> bool:
        """As the edit form does: all of the text, with the revision that was read."""
        read = editor.page(title)
        token = editor.site.get_token("csrf")
        text = f"{read['text']}\n\n{word}"
        try:
            editor.site.post("edit", title=title, text=text, baserevid=read["revid"], token=token)
            return True
        except APIError as error:
            if error.code != "editconflict":
                raise
            return False

    ours_before = ours(volunteer_bot, title)
    writer = threading.Thread(target=write)
    writer.start()
    reboots = 0
    while writer.is_alive():
        reboot(volunteer_bot, instance)
        reboots += 1
        if ours(volunteer_bot, title) >= ours_before + 3 or reboots == 30:
            often.set()
    writer.join()
    assert not failed, failed
    assert ours(volunteer_bot, title) >= ours_before + 3, "our own edits came in between"
    text = volunteer_bot.page(title)["text"]
    assert [word for word in words if word not in text] == []
    assert text.count(words[0]) == 1


def test_no_word_is_lost_between_read_and_write(volunteer_bot: Bot, instance: dict) -> None:
    """Each time that the sidecar is about to save the page, that very person saves it first, eight of nine times."""
    title, editor, words, saves = instance["page"], Bot(VOLUNTEER), [], []

    def person_is_quicker(about_to_save: str) -> None:
        if about_to_save == title:
            saves.append(title)
            if len(saves) % 9:
                words.append(secrets.token_hex(8))
                editor.append(title, f"\n\n{words[-1]}")

    with between(person_is_quicker) as address:
        with sidecar_with(lambda config: config.replace(f"{WIKI}/api.php", f"{address}/api.php")):
            while len(words) < EDITS:
                rebooted = volunteer_bot.facts(title).get("Last Reboot")
                reboot(volunteer_bot, instance)
                until(lambda: volunteer_bot.facts(title).get("Last Reboot") != rebooted, "the reboot on the page")
    text = volunteer_bot.page(title)["text"]
    assert [word for word in words if text.count(word) != 1] == []


def ours(bot: Bot, title: str) -> int:
    return len([each for each in bot.history(title) if TAG in each["tags"]])


def test_a_protected_page_is_written_by_the_system_user(volunteer_bot: Bot, instance: dict) -> None:
    title = instance["page"]
    with protected(title):
        reboot(volunteer_bot, instance)
        latest = until(lambda: written_by_system(volunteer_bot, title), "the system user's edit")
    assert VOLUNTEER.name in latest["comment"] and "rebooted" in latest["comment"]


def test_so_is_one_that_a_protected_page_shows(volunteer_bot: Bot, operator_bot: Bot, instance: dict) -> None:
    shows = operator_bot.site.pages[f"Project:{fresh_name()}"]
    shows.edit(f"{{{{:{instance['page']}}}}}", "e2e")
    title = instance["page"]
    before = volunteer_bot.history(title)[0]
    with protected(shows.name, cascade="1"):
        reboot(volunteer_bot, instance)
        until(lambda: written_by_system(volunteer_bot, title) not in [None, before], "the system user's edit")


def written_by_system(bot: Bot, title: str) -> dict | None:
    latest = bot.history(title)[0]
    return latest if latest["user"] == SYSTEM and TAG in latest["tags"] else None


def test_a_wiki_that_is_read_only_for_a_while(volunteer_bot: Bot, instance: dict) -> None:
    """However long it was, and however late the next try would be by then: when it is over the pages follow at once."""
    title, name = instance["page"], fresh_name()
    with wiki_read_only("e2e: copying the database"):
        cloud.admin().put("nova", f"/servers/{instance['instanceid']}", {"server": {"name": name}})
        until(lambda: listed(volunteer_bot, name), "the new name on the list")
        until(lambda: tries(instance["instanceid"]) >= TRIES, f"{TRIES} tries", 180)
        assert volunteer_bot.facts(title).get("Instance Name") != [name]
    until(lambda: volunteer_bot.facts(title).get("Instance Name") == [name], "the new name on the page", 30)


def test_a_wiki_whose_replicas_lag(volunteer_bot: Bot, instance: dict) -> None:
    """It asks its bots to wait, and we are one of them; people go on."""
    title, name = instance["page"], fresh_name()
    lag = "$wgHooks['ApiMaxLagInfo'][] = static function ( &$lag ) { $lag['lag'] = 60; };"
    with wiki_with(lag):
        until(lambda: asked_to_wait(volunteer_bot), "the wiki asks bots to wait", 20)
        cloud.rename(instance["instanceid"], name)
        until(lambda: listed(volunteer_bot, name), "the new name on the list")
        until(lambda: "maxlag" in put_off(instance["instanceid"]), "the page is put off")
    until(lambda: volunteer_bot.facts(title).get("Instance Name") == [name], "the new name on the page", 120)


def asked_to_wait(bot: Bot) -> bool:
    asked = {"action": "query", "format": "json", "maxlag": 5}
    return bot.site.connection.get(f"{WIKI}/api.php", params=asked, timeout=30).json().get("error", {}).get("code") == "maxlag"


def put_off(instance: str) -> str:
    """Why an instance's page was not written yet."""
    return str(waiting("error", instance))


def tries(instance: str) -> int:
    return max((int(attempts) for (attempts,) in waiting("attempts", instance)), default=0)


def waiting(column: str, instance: str) -> list[list[str]]:
    rows = f"SELECT {column} FROM page_queue WHERE page_key LIKE 'instance/%/{instance}'"
    return mariadb.query(lab, rows, "openstackmanager")


def test_who_may_not_edit_so_often(volunteer_bot: Bot, instance: dict) -> None:
    """Each change comes onto the page all the same, in the name of who made it, no sooner than the wiki lets them."""
    title = instance["page"]
    with wiki_with("$wgRateLimits = [ 'edit' => [ 'user' => [ 1, 8 ] ] ];"):
        before = len(volunteer_bot.history(title))
        for number in range(3):
            cloud.member().put("nova", f"/servers/{instance['instanceid']}", {"server": {"name": fresh_name()}})
            until(lambda: len(volunteer_bot.history(title)) > before + number, "the next name on the page", 120)
    since = volunteer_bot.history(title)[:-before]
    assert {each["user"] for each in since} == {VOLUNTEER.name}


def listed(bot: Bot, name: str) -> bool:
    rows = bot.site.get("query", list="novainstances", niproject="bots", nilimit="max")["query"]["novainstances"]
    return name in [row["name"] for row in rows]


def test_a_new_name_moves_the_redirect_and_not_the_page(volunteer_bot: Bot) -> None:
    old, new = fresh_name(), fresh_name()
    made = volunteer_bot.started(old)
    title = made["page"]
    redirect = "Nova Resource:{}.bots.RegionOne"
    until(lambda: volunteer_bot.page(redirect.format(old)), "the redirect of the name")
    cloud.admin().put("nova", f"/servers/{made['instanceid']}", {"server": {"name": new}})
    arrived = until(lambda: volunteer_bot.page(redirect.format(new)), "the redirect of the new name")
    assert arrived["text"].startswith(f"#REDIRECT [[{title}]]")
    until(lambda: volunteer_bot.facts(title).get("Instance Name") == [new], "the new name on the page")

    again = volunteer_bot.started(old)
    assert again["page"] != title

    def follows() -> bool:
        return volunteer_bot.page(redirect.format(old))["text"].startswith(f"#REDIRECT [[{again['page']}]]")

    until(follows, "the name that is used again leads to its new owner")


def test_what_the_person_did_is_theirs_alone(volunteer_bot: Bot) -> None:
    """The observer, who sees the same server later and with other rights, has nothing to add to its page."""
    made = volunteer_bot.started(fresh_name())

    def looked_at_since() -> bool:
        rows = volunteer_bot.site.get("query", list="novainstances", niproject="bots", nilimit=500)
        (row,) = [r for r in rows["query"]["novainstances"] if r["instanceid"] == made["instanceid"]]
        return datetime.fromisoformat(row["asof"]) > datetime.fromisoformat(made["finished"])

    until(looked_at_since, "the observer has seen it")
    until(lambda: volunteer_bot.facts(made["page"]).get("Instance State") == ["ACTIVE"], "the page says so")
    assert {each["user"] for each in volunteer_bot.history(made["page"])} == {VOLUNTEER.name}


def test_a_server_deleted_behind_our_back(volunteer_bot: Bot) -> None:
    made = volunteer_bot.started(fresh_name())
    cloud.delete(made["instanceid"])

    def gone() -> bool:
        return volunteer_bot.facts(made["page"]).get("Resource Type") == ["deleted instance"]

    until(gone, "the page says that it is gone")
    assert volunteer_bot.facts(made["page"])["Instance Id"] == [made["instanceid"]]


def test_what_a_person_breaks_in_our_part_is_mended(volunteer_bot: Bot, outsider_bot: Bot) -> None:
    """By the next full comparison, though nothing has changed in the cloud; what they write beside it stays."""
    name = fresh_name()
    made = volunteer_bot.started(name)
    title, redirect = made["page"], f"Nova Resource:{name}.bots.RegionOne"
    until(lambda: volunteer_bot.page(redirect), "the redirect of the name")
    before = {each: volunteer_bot.page(each)["text"] for each in (title, redirect)}
    mine = f"A paragraph {secrets.token_hex(4)}."
    broken = {
        # Another state, and another project where only the time stands.
        title: before[title].replace("State=ACTIVE", "State=SHUTOFF").replace("\n|As Of=", "\n|As Of=|Project=tools|X="),
        redirect: "#REDIRECT [[Main Page]]\n",
    }
    for each, text in broken.items():
        assert text != before[each]
        token = outsider_bot.site.get_token("csrf")
        saved = outsider_bot.site.post("edit", title=each, text=f"{text}\n{mine}", token=token)
        assert saved["edit"]["result"] == "Success"

    def mended() -> bool:
        page, leads = (volunteer_bot.page(each)["text"] for each in (title, redirect))
        right = "State=ACTIVE" in page and "tools" not in page and leads.startswith(f"#REDIRECT [[{title}]]")
        return right and mine in page and mine in leads

    with sidecar_with(lambda text: text):
        until(mended, "the pages say what the cloud says", 60)
