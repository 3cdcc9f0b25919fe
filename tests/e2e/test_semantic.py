"""With Semantic MediaWiki: the queries that people wrote for Labs list what lives."""

from __future__ import annotations

import json

import pytest
from conftest import fresh_name
from settings import ROOT
from support.waiting import until
from support.wiki import Bot, semantic

pytestmark = pytest.mark.skipif(
    not semantic(), reason="Semantic MediaWiki is not in this wiki: name its folder by SMW_DIR"
)
LIVING = "[[Resource Type::instance]][[Project::bots]]|?Instance Name|?Amount of Storage"


def test_queries_list_only_what_lives(volunteer_bot: Bot) -> None:
    made = volunteer_bot.started(fresh_name())
    until(lambda: made["page"] in volunteer_bot.asked(LIVING), "the instance among those that live")
    volunteer_bot.followed(volunteer_bot.call("delete", instanceid=made["instanceid"]))
    until(lambda: made["page"] not in volunteer_bot.asked(LIVING), "the instance is not among them any more")
    assert made["page"] in volunteer_bot.asked("[[Resource Type::deleted instance]][[Deletion Time::+]]")


def test_the_schema_is_there(volunteer_bot: Bot) -> None:
    declared = json.loads((ROOT / "smw-schema/vocabulary.json").read_text())["properties"]
    for prop in declared:
        page = volunteer_bot.page(f"Property:{prop['name']}")
        assert page and f"[[Has type::{prop['type']}]]" in page["text"], prop["name"]
