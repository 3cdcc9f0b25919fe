"""The wiki as its bots see it: mwclient, which knows nothing of us."""

from __future__ import annotations

import html
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import mwclient
from mwclient.errors import APIError

from support.waiting import until
from support.world import SYSOP, Account, lab, maintenance, suspended

Json = dict[str, Any]

# What a person ticks on Special:BotPasswords for a bot that manages instances and edits pages.
GRANTS = "basic,editpage,createeditmovepage,openstackmanager"
OVER = {"done", "failed", "undone", "parked"}


def site() -> mwclient.Site:
    return mwclient.Site(f"127.0.0.1:{lab.port('wiki')}", scheme="http", path="/", max_retries=3)


@cache
def semantic() -> bool:
    """Whether Semantic MediaWiki is installed."""
    general = site().get("query", meta="siteinfo", siprop="extensions")["query"]["extensions"]
    return any(each["name"] == "SemanticMediaWiki" for each in general)


class Bot:
    """A client logged in as an account, by a bot password that is made for it."""

    def __init__(self, account: Account, grants: str = GRANTS) -> None:
        self.account = account
        self.site = site()
        app, password = f"e2e{secrets.token_hex(4)}", secrets.token_hex(16)
        maintenance("createBotPassword", "--appid", app, "--grants", grants, account.name, password)
        self.site.login(f"{account.name}@{app}", password)

    def call(self, subaction: str, **params: Any) -> Json:
        token = self.site.get_token("csrf")
        return self.site.post("novainstance", subaction=subaction, token=token, **params)["novainstance"]

    def create(self, name: str, **params: Any) -> Json:
        wanted = {"project": "bots", "instanceType": "m1.tiny", "imageType": "debian-12"} | params
        return self.call("create", instancename=name, **wanted)

    def operation(self, operation: str) -> Json:
        return self.site.get("novaoperation", operation=operation)["novaoperation"]["operation"]

    def followed(self, begun: Json, seconds: float = 90) -> Json:
        """The operation that a call has begun, at its end."""

        def over() -> Json | None:
            now = self.operation(begun["operation"])
            return now if now["state"] in OVER else None

        return until(over, f"operation {begun['operation']} is over", seconds)

    def started(self, name: str, **params: Any) -> Json:
        """Creates an instance and waits until it runs and has its page: the operation at its end."""
        done = self.followed(self.create(name, **params))
        assert done["state"] == "done", done
        until(lambda: self.page(done["page"]), f"the page of {name}")
        return done

    def page(self, title: str) -> Json | None:
        """The latest revision of a page, with its text."""
        query = {"titles": title, "rvprop": "ids|user|comment|tags|content", "rvslots": "main"}
        found = self.site.get("query", prop="revisions", **query)["query"]["pages"]
        (page,) = found.values() if isinstance(found, dict) else found
        if "revisions" not in page:
            return None
        (revision,) = page["revisions"]
        slot = revision["slots"]["main"]
        return revision | {"text": slot.get("content", slot.get("*")), "title": page["title"]}

    def history(self, title: str) -> list[Json]:
        """Its revisions, newest first."""
        query = {"titles": title, "rvprop": "ids|user|comment|tags", "rvlimit": 500}
        (page,) = self.site.get("query", prop="revisions", **query)["query"]["pages"].values()
        return page.get("revisions", [])

    def changes(self, title: str) -> list[Json]:
        """What Recent Changes has of a page, newest first."""
        query = {"rctitle": title, "rcprop": "user|comment|tags|ids|flags", "rclimit": 100}
        return self.site.get("query", list="recentchanges", **query)["query"]["recentchanges"]

    def categories(self, title: str) -> set[str]:
        found = self.site.get("parse", page=title, prop="categories")["parse"]["categories"]
        return {each["*"].replace("_", " ") for each in found}

    def facts(self, title: str) -> dict[str, list[str]]:
        """What the page gives to #set, as Semantic MediaWiki has it, or else the recorder that stands in for it."""
        if semantic():
            pairs = self._browsed(title)
        else:
            (page,) = self.site.get("query", prop="setrecorder", titles=title)["query"]["pages"].values()
            pairs = [(each["property"], html.unescape(each["value"])) for each in page.get("setrecorder", [])]
        facts: dict[str, list[str]] = {}
        for prop, value in pairs:
            facts.setdefault(prop, []).append(value)
        return facts

    def _browsed(self, title: str) -> list[tuple[str, str]]:
        subject = {"subject": title.partition(":")[2].replace(" ", "_"), "ns": 498, "iw": "", "subobject": ""}
        data = self.site.get("smwbrowse", browse="subject", params=json.dumps(subject))["query"]["data"]
        return [
            (each["property"].replace("_", " "), str(item["item"])) for each in data for item in each["dataitem"]
        ]

    def asked(self, query: str) -> set[str]:
        """The pages that a query of Semantic MediaWiki finds."""
        found = self.site.get("ask", query=f"{query}|limit=500")["query"]["results"]
        return set(found)

    def append(self, title: str, text: str) -> None:
        """Adds to a page as a person does."""
        token = self.site.get_token("csrf")
        saved = self.site.post("edit", title=title, appendtext=text, token=token)
        assert saved["edit"]["result"] == "Success", saved


def refused(call: Any, *args: Any, **params: Any) -> str:
    """The error code of a call that must not succeed."""
    try:
        answer = call(*args, **params)
    except APIError as error:
        return error.code
    raise AssertionError(f"was not refused: {answer}")


def sysop() -> mwclient.Site:
    client = site()
    client.login(SYSOP.name, SYSOP.password)
    return client


def register(name: str) -> Account:
    """A new wiki account that nobody linked to anything; MediaWiki decides how the name is written."""
    password = secrets.token_hex(12)
    maintenance("createAndPromote", "--force", name, password)
    return Account(name[:1].upper() + name[1:].replace("_", " "), password)


@contextmanager
def blocked(account: Account, reason: str) -> Iterator[None]:
    by = sysop()
    by.post("block", user=account.name, reason=reason, expiry="1 hour", token=by.get_token("csrf"))
    try:
        until(lambda: suspended(account), f"{account.name} is suspended", 10)
        yield
    finally:
        by.post("unblock", user=account.name, token=by.get_token("csrf"))
        until(lambda: not suspended(account), f"{account.name} has everything back")


@contextmanager
def protected(title: str, **more: str) -> Iterator[None]:
    by = sysop()
    by.post("protect", title=title, protections="edit=sysop", expiry="1 hour", token=by.get_token("csrf"), **more)
    try:
        yield
    finally:
        by.post("protect", title=title, protections="edit=all", token=by.get_token("csrf"))
