"""Many servers come, change and go past the wiki while the parts between are killed: when it is quiet, every page
says what the cloud says, what people wrote stands on it, and no edit was made for nothing.

CHURN=500 has it go on for longer; SEED=n repeats a run.
"""

from __future__ import annotations

import os
import random
import re
from contextlib import suppress
from datetime import UTC, datetime

import cloud as lab_cloud
import daemon
from conftest import fresh_name
from mwclient.errors import APIError
from parts import mariadb
from support import cloud
from support.waiting import until
from support.wiki import Bot
from support.world import OPERATOR, VOLUNTEER, command, lab, up

SERVERS = int(os.environ.get("CHURN", "4"))
SEED = os.environ.get("SEED") or str(random.randrange(1 << 32))
# Of one project at once; its quota is ten.
STANDING = 6
# What is killed, one after the other, and which part brings it back.
KILLED = [("sidecar", "sidecar"), ("php-fpm", "mediawiki"), ("rabbitmq", "rabbitmq"), ("sidecar", "sidecar")]
QUIET = 300
TAG = "openstackmanager"


class Churn:
    """Servers of two projects, made and changed by their members with OpenStack's own API."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.random = random.Random(SEED)
        self.clients = {
            project: lab_cloud.Cloud(lab, person.uid, lab.secret(f"ldap-{person.uid}"), project, "people")
            for project, person in [("bots", VOLUNTEER), ("tools", OPERATOR)]
        }
        self.standing: dict[str, list[str]] = {project: [] for project in self.clients}
        self.made: list[str] = []
        self.words: dict[str, str] = {}

    def make(self) -> None:
        project = self.random.choice(list(self.clients))
        if len(self.standing[project]) >= STANDING:
            self.change(project, self.delete)
        server = cloud.create(fresh_name(), by=self.clients[project])
        self.standing[project].append(server)
        self.made.append(server)

    def change_some(self) -> None:
        for project in self.clients:
            self.change(project, self.random.choice([self.rename, self.stop, self.start, self.regroup, self.delete]))

    def change(self, project: str, deed) -> None:
        if self.standing[project]:
            # Nova refuses what does not fit the server's state: then nothing has happened.
            with suppress(cloud.Refused):
                deed(project, self.random.choice(self.standing[project]))

    def rename(self, project: str, server: str) -> None:
        self.clients[project].put("nova", f"/servers/{server}", {"server": {"name": fresh_name()}})

    def stop(self, project: str, server: str) -> None:
        self._act(project, server, {"os-stop": None})

    def start(self, project: str, server: str) -> None:
        self._act(project, server, {"os-start": None})

    def regroup(self, project: str, server: str) -> None:
        self._act(project, server, {"addSecurityGroup": {"name": "web"}})

    def delete(self, project: str, server: str) -> None:
        self.clients[project]._send("DELETE", "nova", f"/servers/{server}")
        self.standing[project].remove(server)

    def _act(self, project: str, server: str, what: dict) -> None:
        self.clients[project].post("nova", f"/servers/{server}/action", what)

    def kill(self, name: str, part: str) -> None:
        """Without a word of warning. What happens meanwhile is not told to who is not there."""
        daemon.stop(lab, name, patience=0)
        if name != "rabbitmq":
            self.make()
            self.change_some()
        up(part)
        if name == "rabbitmq":
            back = datetime.now(UTC)
            until(lambda: cloud.services_are_back(back), "Nova's services have found RabbitMQ again", 180)

    def pages(self) -> dict[str, str]:
        """Servers of ours that have a page, and its title."""
        rows = mariadb.query(lab, "SELECT page_key, title FROM pages WHERE page_id > 0", "openstackmanager")
        titles = {key.rpartition("/")[2]: title for key, title in rows if key.startswith("instance/")}
        return {server: titles[server] for server in self.made if server in titles}

    def write(self) -> None:
        """A person writes a paragraph on each page that has none yet."""
        for server, title in self.pages().items():
            if server not in self.words:
                word = f"Words of a person about {server}."
                # Somebody saved in the same instant: a person is told, and comes again.
                with suppress(APIError):
                    self.bot.append(title, f"\n\n{word}\n")
                    self.words[server] = word

    def wrong(self) -> list[str]:
        """What the wiki does not say as the cloud says it."""
        pages = self.pages()
        texts = self.texts(list(pages.values()))
        standing = {each["id"]: each for each in listed()}
        # What was deleted before Nova had put it anywhere: Nova tells of it to its own admin at the most, and not
        # among what has changed.
        host = "OS-EXT-SRV-ATTR:host"
        seen = standing.keys() | {each["id"] for each in listed(deleted="true") if each[host]}
        wrong = [f"{server} has no page" for server in self.made if server in seen and server not in pages]
        for server, title in pages.items():
            text = texts[title]
            real = standing.get(server)
            if real is None:
                wanted = ["|Resource Type=deleted instance\n"]
            else:
                groups = sorted({group["name"] for group in real.get("security_groups", [])})
                wanted = [f"|Instance Name={real['name']}\n", f"|Instance State={real['status']}\n",
                          f"|Security Group={'&#44; '.join(groups)}\n" if groups else ""]  # fmt: skip
            wrong += [f"{title}: no {line!r}" for line in wanted if line not in text]
            if server in self.words and text.count(self.words[server]) != 1:
                wrong.append(f"{title}: what a person wrote stands there {text.count(self.words[server])} times")
        return wrong

    def texts(self, titles: list[str]) -> dict[str, str]:
        texts = {}
        for first in range(0, len(titles), 50):
            query = {"titles": "|".join(titles[first : first + 50]), "rvprop": "content", "rvslots": "main"}
            found = self.bot.site.get("query", prop="revisions", **query)["query"]["pages"].values()
            texts |= {page["title"]: page["revisions"][0]["slots"]["main"]["*"] for page in found}
        return texts

    def for_nothing(self) -> list[str]:
        """Edits of ours that changed no fact."""
        found = []
        for title in self.pages().values():
            query = {"titles": title, "rvprop": "ids|tags|content|comment", "rvslots": "main", "rvlimit": 50}
            (page,) = self.bot.site.get("query", prop="revisions", **query)["query"]["pages"].values()
            told = [(each, without_time(each["slots"]["main"]["*"])) for each in page["revisions"]]
            for (revision, text), (_, before) in zip(told, told[1:], strict=False):
                if text == before and TAG in revision["tags"]:
                    found.append(f"{title}: {revision['revid']}, {revision['comment']}")
        return found


def listed(**which: str) -> list[dict]:
    return cloud.admin().get("nova", "/servers/detail", all_tenants="1", **which)["servers"]


def without_time(text: str) -> str:
    return re.sub(r"\n\|As Of=.*", "", text)


def test_when_it_is_quiet_every_page_says_what_the_cloud_says(operator_bot: Bot) -> None:
    print(f"SEED={SEED}")
    churn = Churn(operator_bot)
    # Each is killed once at least, however few servers there are.
    every = max(1, min(SERVERS // len(KILLED), 10))
    for number in range(1, SERVERS + 1):
        churn.make()
        churn.change_some()
        if number % every == 0:
            churn.kill(*KILLED[(number // every - 1) % len(KILLED)])
        if number % 4 == 0:
            churn.write()
    wrong: list[str] = ["not looked yet"]

    def quiet() -> bool:
        churn.write()
        wrong[:] = churn.wrong()
        return not wrong

    try:
        until(quiet, "the wiki says what the cloud says", QUIET)
    except AssertionError:
        raise AssertionError(wrong) from None
    assert len(churn.words) == len(churn.pages())
    # The sidecar's own word: all pages stand as composed, and our copy is Nova's.
    until(lambda: command("drift").returncode == 0, "nothing differs", QUIET)
    assert churn.wrong() == []
    assert churn.for_nothing() == []
