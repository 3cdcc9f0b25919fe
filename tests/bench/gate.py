"""What a request of the shim costs in the sidecar before any cloud is asked, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from secrets import token_hex
from uuid import uuid4

from load import Load, load, raw
from measure import SECONDS, Table, ms
from mwclient import Site
from support.signing import Signed, to_sidecar
from support.world import VOLUNTEER, lab

CONNECTIONS = [1, 16]
# For a first second, which shows how many more it takes.
FIRST = 20_000


@dataclass(frozen=True)
class Layer:
    what: str
    request: Signed | None
    status: int
    # What comes as far as the nonce is answered only once.
    once: bool = True

    def loaded(self, connections: int) -> Load:
        first = load(lab.url("sidecar"), self._requests(FIRST), connections, 1)
        enough = int(1.5 * first.per_second * SECONDS) + 1000
        found = load(lab.url("sidecar"), self._requests(enough), connections, SECONDS)
        assert found.requests <= enough or not self.once, found
        return found

    def _requests(self, count: int) -> Iterator[bytes]:
        each = self.request
        if each is None:
            return repeat(raw("GET", lab.url("sidecar", "/healthz"), {}), 1)
        if not self.once:
            count = 1
        signed = (replace(each, nonce=token_hex(16)) for _ in range(count))
        return (raw("POST", each.url, request.complete(), each.body) for request in signed)


def layers(user: int) -> list[Layer]:
    """Made anew for each run: a signature is good for 30 seconds."""
    nothing = to_sidecar("/v1/special/NovaNothing", user, VOLUNTEER.name)
    unknown = to_sidecar("/v1/special/NovaInstance", user, VOLUNTEER.name, action="reboot", instanceid=str(uuid4()))
    return [
        Layer("`/healthz`: HTTP and nothing else", None, 200, once=False),
        Layer("a wrong signature: + digest, signature, a line in the log",
              replace(nothing, key=(nothing.key[0], bytes(32))), 401, once=False),
        Layer("a page that does not exist: + nonce (MySQL)", nothing, 404),
        Layer("no-op action, a reboot of no instance: + link (MySQL), person and projects (LDAP), instance (MySQL)",
              unknown, 200),
    ]  # fmt: skip


def bench(person: Site) -> None:
    user = person.get("query", meta="userinfo")["query"]["userinfo"]["id"]
    table = Table("request", "connections", "p50 ms", "p99 ms", "requests/s", "wrk's share of a core")
    for number in range(len(layers(user))):
        for connections in CONNECTIONS:
            layer = layers(user)[number]
            if layer.request is not None:
                assert layer.request.send().status_code == layer.status, layer.what
            found = layer.loaded(connections)
            assert found.broken == 0, found
            assert found.refused == (found.requests if layer.status >= 400 else 0), found
            table.row(layer.what, connections, ms(found.p50), ms(found.p99), f"{found.per_second:.0f}",
                      f"{found.generator:.0%}")  # fmt: skip
    table.show()
