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
