"""Two replicas behind the proxy of docs/INSTALL.md: either may die."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import daemon
import probe
import pytest
import settings
from support import cloud, irc
from support.irc import BOTS, word
from support.waiting import until
from support.wiki import Bot
from support.world import down, lab, wiki_with

INSTALL = Path(__file__).parents[2] / "docs/INSTALL.md"
REPLICAS = ["replica1", "replica2"]


class Replicas:
    def __init__(self, authority: str, ports: dict[str, int]) -> None:
        self.authority, self.ports = authority, ports

    def start(self, name: str) -> None:
        own = f'"127.0.0.1:{lab.port("sidecar")}"'
        text = (lab.dir / "sidecar.toml").read_text()
        for key, value in {"listen": f"127.0.0.1:{self.ports[name]}", "public_authority": self.authority}.items():
            assert f"{key} = {own}" in text
            text = text.replace(f"{key} = {own}", f'{key} = "{value}"')
        config = lab.dir / f"{name}.toml"
        lab.write(config, text)
        daemon.ensure(lab, name, [str(lab.dir / "sidecar" / "openstackmanager"), "--config", str(config), "serve"])

    def all_ready(self) -> None:
        for name, port in self.ports.items():
            url = f"http://127.0.0.1:{port}/readyz"
            until(lambda: probe.http(url, timeout=10) is None, f"{name} is ready", 40)


def proxy(authority: str, ports: dict[str, int]) -> None:
    """nginx as INSTALL.md has it, with other addresses."""
    (example,) = re.findall(r"```nginx\n(.*?)```", INSTALL.read_text(), re.S)
    addresses = [f"127.0.0.1:{port}" for port in ports.values()] + [authority]
    for shown, real in zip(["192.0.2.11:8780", "192.0.2.12:8780", "192.0.2.10:8780"], addresses, strict=True):
        assert shown in example
        example = example.replace(shown, real)
    home = lab.folder("proxy")
    kept = "".join(f"{kind}_temp_path {home}/{kind};\n" for kind in ["client_body", "proxy", "fastcgi", "scgi", "uwsgi"])
    conf = home / "nginx.conf"
    lab.write(conf, f"pid {home}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{kept}{example}}}\n")
    daemon.ensure(lab, "proxy", ["/usr/sbin/nginx", "-c", str(conf), "-p", f"{home}/", "-g", "daemon off;"])


@pytest.fixture(scope="module")
def replicas() -> Iterator[Replicas]:
    ports = settings._free_ports(["proxy", *REPLICAS])
    authority = f"127.0.0.1:{ports.pop('proxy')}"
    both = Replicas(authority, ports)
    url = f'$wgOpenStackManagerSidecarUrl = "http://{authority}";'
    with down("sidecar"), wiki_with(url):
        try:
            proxy(authority, ports)
            for name in REPLICAS:
                both.start(name)
            yield both
        finally:
            for name in [*REPLICAS, "proxy"]:
                daemon.stop(lab, name)


@pytest.mark.parametrize("dies", REPLICAS)
def test_either_may_die(replicas: Replicas, dies: str, volunteer_bot: Bot, name: str) -> None:
    replicas.all_ready()
    begun = volunteer_bot.create(name)
    os.kill(daemon.pid(lab, dies), signal.SIGKILL)
    done = volunteer_bot.followed(begun)
    assert done["state"] == "done" and len(cloud.servers(name)) == 1, done
    until(lambda: volunteer_bot.page(done["page"]), "its page is written")
    # One of them listened on IRC, whichever it was.
    until(irc.listening, "the bot is in the channel", 40)
    person, said = irc.Person(), word()
    try:
        assert "Special:Diff" in person.ask(f"!log bots {said}")
    finally:
        person.close()
    page = volunteer_bot.page(BOTS)
    assert page and page["text"].count(said) == 1
    replicas.start(dies)


@pytest.mark.parametrize("dies", REPLICAS)
def test_the_listener_dies_while_people_log(replicas: Replicas, dies: str, outsider_bot: Bot) -> None:
    """Whichever of them it was: what was answered is on the page once, and nobody is answered twice."""
    replicas.all_ready()
    until(irc.listening, "the bot is in the channel", 40)
    person, mark, many = irc.Person(), word(), 60
    try:
        for n in range(many):
            person.say(f"!log bots {mark} {n}")
        until(lambda: len(person.answers()) >= 3, "the first answers", 30)
        os.kill(daemon.pid(lab, dies), signal.SIGKILL)
        answered = len(person.answers())
        until(irc.listening, "the bot is in the channel", 40)
        after = word()
        person.say(f"!log bots {after}")

        def text() -> str:
            page = outsider_bot.page(BOTS)
            return page["text"] if page else ""

        until(lambda: after in text(), "what was said afterwards is on the page", 60)
        there = [int(n) for n in re.findall(rf"{mark} (\d+)\b", text())][::-1]
        assert there == list(range(len(there))) and len(there) >= answered, (there, answered)
        person.ask("!log help")
        assert len(person.answers()) <= len(there) + 2, person.answers()
    finally:
        person.close()
    replicas.start(dies)
