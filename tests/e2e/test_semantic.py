"""With Semantic MediaWiki: what the bots of old asked for is answered with what the cloud says, and nothing of it is
about what was deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conftest import fresh_name
from parts import ldap
from settings import ROOT
from support import cloud
from support.directory import ldap_modify
from support.waiting import until
from support.wiki import Bot, semantic
from support.world import VOLUNTEER, maintenance

pytestmark = pytest.mark.skipif(
    not semantic(), reason="Semantic MediaWiki is not in this wiki: name its folder by SMW_DIR"
)
Json = dict[str, Any]
# As wm-bot asked on Labs, to the letter.
INSTANCES = "[[Resource Type::instance]]|" + "|".join(
    f"?{name}"
    for name in [
        "Instance Name", "Instance Type", "Project", "Image Id", "FQDN", "Launch Time", "Puppet Class",
        "Modification date", "Instance Host", "Number of CPUs", "RAM Size", "Amount of Storage",
    ]
)  # fmt: skip
PROJECTS = "[[Resource Type::project]]|?Member|?Description"
SUMMED = "[[Resource Type::instance]][[Project::bots]]|?Amount of Storage|?RAM Size|?Number of CPUs"


def answers(bot: Bot, query: str) -> dict[str, Json]:
    """By page: what is printed of each that a query finds."""
    results = bot.site.get("ask", query=f"{query}|limit=500")["query"]["results"]
    return {title: each["printouts"] for title, each in (results or {}).items()}


@pytest.fixture(scope="module")
def made(volunteer_bot: Bot) -> Json:
    return volunteer_bot.started(fresh_name())


def test_the_bots_query_for_instances(volunteer_bot: Bot, made: Json) -> None:
    def found_with_host() -> Json | None:
        """Where it runs is seen by the observer, a moment later."""
        found = answers(volunteer_bot, INSTANCES).get(made["page"])
        return found if found and found["Instance Host"] else None

    found = until(found_with_host, "the instance among those that live, with its host")
    server = cloud.server(made["instanceid"])
    assert found["Instance Name"] == [server["name"]]
    assert found["Project"] == ["bots"]
    assert found["Image Id"] == ["debian-12"]
    assert found["FQDN"] == [f"{server['name']}.bots.regionone.example"]
    assert found["Instance Host"] == [server["OS-EXT-SRV-ATTR:host"]]
    assert found["Instance Type"] == ["m1.tiny"]
    flavor = server["flavor"]
    assert found["Number of CPUs"] == [flavor["vcpus"]]
    assert found["RAM Size"] == [flavor["ram"]]
    assert found["Amount of Storage"] == [flavor["disk"] + flavor["ephemeral"]]
    assert found["Puppet Class"] == []
    (launched,) = found["Launch Time"]
    assert launched["raw"].startswith("1/")
    began = server["OS-SRV-USG:launched_at"][:19].replace("T", "/")
    assert [int(part) for part in launched["raw"].removeprefix("1/").split("/")[:3]] == [
        int(part) for part in began.split("/")[0].split("-")
    ]
    (changed,) = found["Modification date"]
    assert int(changed["timestamp"]) >= int(launched["timestamp"])


def test_the_bots_query_for_projects(volunteer_bot: Bot) -> None:
    found = answers(volunteer_bot, PROJECTS)
    bots = found["Nova Resource:Bots"]
    assert sorted(each["fulltext"] for each in bots["Member"]) == ["User:Operator", f"User:{VOLUNTEER.name}"]
    assert bots["Description"] == ["Bots that look after articles"]
    assert "Nova Resource:Tools" in found
    # The overviews and summaries are neither.
    assert all("All " not in title and "/" not in title for title in found), list(found)


def test_what_puppet_does_is_ldaps_word(volunteer_bot: Bot, made: Json) -> None:
    """An instance's entry is somebody else's; it comes, changes and loses what it said while we look on."""
    title, dn = made["page"], f"dc={made['instanceid']}.regionone.example,ou=hosts,{ldap.BASE}"

    def says(prop: str, *values: str) -> None:
        def found() -> list[str]:
            return sorted(answers(volunteer_bot, f"[[Instance Id::{made['instanceid']}]]|?{prop}")[title][prop])

        until(lambda: found() == sorted(values), f"{prop} {values}")

    ldap_modify(f"dn: {dn}\nchangetype: add\nobjectClass: dNSDomain\nobjectClass: puppetClient\n"
                "puppetClass: role::web\npuppetVar: storage_server=true\n"
                "puppetVar: instancecreator_email=volunteer@example.org\n")  # fmt: skip
    says("Puppet Class", "role::web")
    says("Puppet Var", "storage_server=true")
    assert title in volunteer_bot.asked("[[Resource Type::instance]][[Project::bots]][[Puppet Var::storage_server=true]]")
    ldap_modify(f"dn: {dn}\nchangetype: modify\nadd: puppetClass\npuppetClass: base\n-\n"
                "delete: puppetVar\npuppetVar: storage_server=true\n")  # fmt: skip
    says("Puppet Class", "base", "role::web")
    says("Puppet Var")
    # Without the last of all entries nobody says anything of it any more: what was said last stands.
    ldap_modify(f"dn: {dn}\nchangetype: delete\n")


def test_sums_are_those_of_the_cloud(volunteer_bot: Bot, made: Json) -> None:
    """GB of storage of a project, and the like; however the query says which instances are meant."""
    gone = volunteer_bot.started(fresh_name(), instanceType="m1.small")
    volunteer_bot.followed(volunteer_bot.call("delete", instanceid=gone["instanceid"]))
    until(lambda: "deleted instance" in volunteer_bot.page(gone["page"])["text"], "the page of what was deleted")
    servers = cloud.admin().get("nova", "/servers/detail", all_tenants="1")["servers"]
    ours = [each["flavor"] for each in servers if each["tenant_id"] == cloud.project_id("bots")]
    wanted = {
        "Amount of Storage": sum(each["disk"] + each["ephemeral"] for each in ours),
        "RAM Size": sum(each["ram"] for each in ours),
        "Number of CPUs": sum(each["vcpus"] for each in ours),
    }

    def sums(query: str) -> dict[str, int]:
        found = answers(volunteer_bot, query).values()
        return {prop: sum(value for each in found for value in each[prop]) for prop in wanted}

    until(lambda: sums(SUMMED) == wanted, f"the sums {wanted}", 20)
    assert sums(SUMMED.removeprefix("[[Resource Type::instance]]")) == wanted


def test_what_is_deleted_is_in_no_query(volunteer_bot: Bot) -> None:
    done = volunteer_bot.started(fresh_name())
    name, title = cloud.server(done["instanceid"])["name"], done["page"]
    queries = [INSTANCES, SUMMED, f"[[Instance Name::{name}]]", "[[Project::bots]]", "[[Amount of Storage::>0]]",
               "[[Instance Type::m1.tiny]]", f"[[Created By::User:{VOLUNTEER.name}]]"]  # fmt: skip
    for query in queries:
        until(lambda: title in volunteer_bot.asked(query), f"the instance in {query}")
    volunteer_bot.followed(volunteer_bot.call("delete", instanceid=done["instanceid"]))
    for query in queries:
        until(lambda: title not in volunteer_bot.asked(query), f"the instance not in {query} any more")
    gone = "[[Resource Type::deleted instance]][[Deletion Time::+]]"
    until(lambda: title in volunteer_bot.asked(gone), "it is among those deleted")
    assert title in volunteer_bot.asked(f"[[Instance Id::{done['instanceid']}]]")


def test_the_schema_is_there(volunteer_bot: Bot) -> None:
    vocabulary = json.loads((ROOT / "smw-schema/vocabulary.json").read_text())
    for prop in vocabulary["properties"]:
        page = volunteer_bot.page(f"Property:{prop['name']}")
        assert page and f"[[Has type::{prop['type']}]]" in page["text"], prop["name"]
    for schema in vocabulary["schemas"]:
        page = volunteer_bot.page(schema["page"])
        assert json.loads(page["text"]) == json.loads((ROOT / "smw-schema" / schema["file"]).read_text())


def offending(bot: Bot) -> set[str]:
    """The pages on which Semantic MediaWiki has noted something: it does so in a part of the page's own."""
    return {each.partition("#")[0] for each in bot.asked("[[Has processing error text::+]]")}


def test_a_second_value_is_no_fact(volunteer_bot: Bot, made: Json) -> None:
    """A word of somebody's on the page cannot pose as a fact of the cloud beside the true one."""
    title = made["page"]
    claim = "\n\nIts name is [[Instance Name::pretender]]."
    volunteer_bot.append(title, claim)
    until(lambda: title in offending(volunteer_bot), "what was noted of the second value")
    assert title not in volunteer_bot.asked("[[Instance Name::pretender]]")
    assert title in volunteer_bot.asked("[[Resource Type::instance]][[Instance Name::~e2e-*]]")
    page = volunteer_bot.site.pages[title]
    page.save(page.text().replace(claim, ""), summary="e2e")
    until(lambda: title not in offending(volunteer_bot), "nothing noted any more")


def test_no_page_of_ours_offends_the_schema(volunteer_bot: Bot, made: Json) -> None:
    """Semantic MediaWiki notes on a page what a constraint or a type did not let through."""
    maintenance("runJobs")
    assert offending(volunteer_bot) == set()
