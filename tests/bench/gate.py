"""What a request of the shim costs in the sidecar before any cloud is asked, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from secrets import token_hex
from time import time
from uuid import uuid4

from load import Load, load, raw
from measure import SECONDS, Table, ms
from mwclient import Site
from support.signing import Signed, to_sidecar
from support.world import VOLUNTEER, lab

CONNECTIONS = [1, 16]
# For a first second, which shows how many the next ones take.
FIRST = 20_000


@dataclass(frozen=True)
class Layer:
    what: str
    request: Signed | None
    status: int
    # What comes as far as the nonce is heard only once.
    once: bool = True

    def loaded(self, connections: int) -> Load:
        found = load(lab.url("sidecar"), self._requests(FIRST), connections, 1)
        while True:
            enough = int(1.5 * found.per_second * SECONDS) + 1000
            found = load(lab.url("sidecar"), self._requests(enough), connections, SECONDS)
            if found.requests <= enough or not self.once:
                return found

    def _requests(self, count: int) -> Iterator[bytes]:
        each = self.request
        if each is None:
            return repeat(raw("GET", lab.url("sidecar", "/healthz"), {}), 1)
        return (raw("POST", each.url, fresh(each).complete(), each.body) for _ in range(count if self.once else 1))


def fresh(request: Signed) -> Signed:
    """The same, as another request of this second."""
    return replace(request, nonce=token_hex(16), created=int(time()))


def layers(user: int) -> list[Layer]:
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
    for layer in layers(user):
        for connections in CONNECTIONS:
            if layer.request is not None:
                assert fresh(layer.request).send().status_code == layer.status, layer.what
            found = layer.loaded(connections)
            assert found.broken == 0, found
            assert found.refused == (found.requests if layer.status >= 400 else 0), found
            table.row(layer.what, connections, ms(found.p50), ms(found.p99), f"{found.per_second:.0f}",
                      f"{found.generator:.0%}")  # fmt: skip
    table.show()
