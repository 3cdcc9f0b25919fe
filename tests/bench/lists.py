"""The list of many instances: in the sidecar, as a whole special page, and as others show the same."""

from __future__ import annotations

import json
import os
import subprocess
from urllib.parse import urljoin

import cloud as lab_cloud
import compared
import crowd
import horizon
from measure import INSTANCES, ROUNDS, Table, ms, p50, p99, times
from mwclient import Site
from parts import openstack
from support.browser import Page, address
from support.signing import to_sidecar
from support.waiting import until
from support.world import VOLUNTEER, lab, sidecar_with

# Rows of a page of Special:NovaInstance.
PAGE = 100


def bench(person: Site, project_id: str) -> None:
    table = Table("what", "rows", "p50 ms", "max ms")

    def row(what: str, rows: int, call, often: int = ROUNDS) -> None:
        taken = times(call, often)
        table.row(what, f"{rows:,}", ms(p50(taken)), ms(max(taken)))

    one = min(PAGE, INSTANCES)
    sidecar, wiki = Sidecar(person), Wiki(person)
    nova = lab_cloud.Cloud(lab, VOLUNTEER.uid, lab.secret(f"ldap-{VOLUNTEER.uid}"), crowd.PROJECT, "people")
    row("the sidecar, one signed request", one, lambda: sidecar.first(one))
    row("the sidecar, all pages one after the other", INSTANCES, lambda: sidecar.all(INSTANCES), ROUNDS // 4)
    row("Special:BlankPage, MediaWiki's own cost of a page", 0, wiki.blank)
    row("Special:NovaInstance, the whole page as a person gets it", one, lambda: wiki.first(one))
    row("Special:NovaInstance, all pages one after the other", INSTANCES, lambda: wiki.all(INSTANCES), ROUNDS // 4)
    for limit in dict.fromkeys([one, INSTANCES]):
        row(f"Nova's API, `GET /servers/detail?limit={limit}`", limit, lambda: listed(nova, limit), ROUNDS // 4)
    few = max(ROUNDS // 5, 1)
    row("`openstack token issue`: the client's start and a token", 0, lambda: openstack_client("token", "issue"), few)
    row(f"`openstack server list --max-items {one}`", one, lambda: servers(one, "--max-items", str(one)), few)
    row("`openstack server list`, which is all of them", INSTANCES, lambda: servers(INSTANCES), few)
    with horizon.running(project_id) as dashboard:
        for rows in [min(20, INSTANCES), one]:
            row("Horizon, Project → Instances", rows, lambda: dashboard.instances(rows), ROUNDS // 4)
    table.show()


def index(person: Site, instances: int) -> None:
    """What the sidecar alone takes for a page of the list, and whom it asks for it."""
    asking = Sidecar(person)
    rows = min(PAGE, instances)
    at = compared.now()
    with sidecar_with(lambda text: text, RUST_LOG="info,osm_backends=debug"):
        # It compares everything at its start, which is measured elsewhere.
        until(lambda: compared.since(at), "it has compared", 900)
        taken = times(lambda: asking.first(rows), 10 * ROUNDS)
    told = lab.log("sidecar").read_text(errors="replace").splitlines()
    calls = sum(1 for line in told if "called " in line and any(asked in line for asked in asking.asked))
    table = Table("what", "rows", "p50 ms", "p99 ms", "calls to OpenStack or the wiki")
    table.row(f"the sidecar, one signed request for a page of {instances:,}", rows, ms(p50(taken)), ms(p99(taken)), calls)
    table.show()


class Sidecar:
    """Asked as the shim asks."""

    def __init__(self, person: Site) -> None:
        self.asked: list[str] = []
        self._user = person.get("query", meta="userinfo")["query"]["userinfo"]["id"]

    def first(self, rows: int) -> None:
        assert self._rows(self._view()) == rows

    def all(self, rows: int) -> None:
        seen, query = 0, {}
        while query is not None:
            view = self._view(**query)
            seen += self._rows(view)
            pager = next((block for block in view["blocks"] if block["b"] == "pager"), {})
            query = (pager.get("next") or {}).get("query")
        assert seen == rows, seen

    def _view(self, **query: str) -> dict:
        asked = {"project": crowd.PROJECT} | query
        request = to_sidecar("/v1/special/NovaInstance", self._user, VOLUNTEER.name, **asked)
        self.asked.append(request.headers["OSM-Request-Id"])
        answer = request.send()
        assert answer.status_code == 200, answer.text
        return answer.json()

    @staticmethod
    def _rows(view: dict) -> int:
        return sum(len(block["rows"]) for block in view["blocks"] if block["b"] == "table")


class Wiki:
    """A person's browser, as far as HTML goes."""

    def __init__(self, person: Site) -> None:
        self._client = person.connection

    def first(self, rows: int) -> None:
        assert len(self._page(address("Special:NovaInstance", project=crowd.PROJECT)).rows(crowd.PROJECT)) == rows

    def blank(self) -> None:
        self._page(address("Special:BlankPage"))

    def all(self, rows: int) -> None:
        seen, following = 0, address("Special:NovaInstance", project=crowd.PROJECT)
        while following:
            page = self._page(following)
            seen += len(page.rows(crowd.PROJECT))
            links = page.tree.xpath("//*[@class='osm-pager']//a[@rel='next']/@href")
            following = urljoin(following, links[0]) if links else None
        assert seen == rows, seen

    def _page(self, url: str) -> Page:
        answer = self._client.get(url, timeout=60)
        assert answer.status_code == 200, answer.status_code
        return Page(answer.text, url, answer.status_code)


def listed(nova: lab_cloud.Cloud, limit: int) -> None:
    assert len(nova.get("nova", "/servers/detail", limit=str(limit))["servers"]) == limit


def servers(rows: int, *options: str) -> None:
    assert len(json.loads(openstack_client("server", "list", *options, "-f", "json"))) == rows


def openstack_client(*words: str) -> str:
    done = subprocess.run(
        [openstack.program(lab, "openstack"), *words],
        env=lab.environment() | {
            "OS_CLIENT_CONFIG_FILE": str(lab.dir / "clouds.yaml"),
            "OS_CLOUD": "demo-volunteer",
            "OS_PROJECT_NAME": crowd.PROJECT,
        },
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout
