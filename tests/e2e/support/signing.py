"""Signed requests in the profile of docs/ARCHITECTURE.md, written a third time so that no two share a mistake."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode, urlsplit

import requests

from support.world import lab

COMMON = ["@method", "@authority", "@path", "@query", "content-type", "content-digest", "osm-request-id"]
TO_SIDECAR = ("osm-shim", COMMON)
TO_WIKI = ("osm-sidecar", [*COMMON, "osm-user", "osm-parent"])


def key(direction: str) -> tuple[str, bytes]:
    """The key with which the shim ("shim") or the sidecar ("wiki") signs."""
    first = (lab.dir / "secrets" / f"{direction}.keys").read_text().split()[0]
    keyid, _, text = first.partition(":")
    return keyid, bytes.fromhex(text)


@dataclass(frozen=True)
class Signed:
    """A request and what is signed of it; `replace` makes the one that somebody tampered with."""

    url: str
    body: bytes
    content_type: str
    profile: tuple[str, list[str]]
    key: tuple[str, bytes]
    headers: dict[str, str]
    created: int = field(default_factory=lambda: int(time.time()))
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))

    def complete(self) -> dict[str, str]:
        """All headers, with the signature over the request as it is now."""
        parts = urlsplit(self.url)
        digest = base64.b64encode(hashlib.sha256(self.body).digest()).decode()
        headers = {"Content-Type": self.content_type, "Content-Digest": f"sha-256=:{digest}:", **self.headers}
        values = {name.lower(): value for name, value in headers.items()} | {
            "@method": "POST", "@authority": parts.netloc, "@path": parts.path, "@query": f"?{parts.query}",
        }  # fmt: skip
        tag, components = self.profile
        listed = " ".join(f'"{each}"' for each in components)
        params = (f'({listed});created={self.created};nonce="{self.nonce}";keyid="{self.key[0]}"'
                  f';alg="hmac-sha256";tag="{tag}"')  # fmt: skip
        base = "".join(f'"{each}": {values[each]}\n' for each in components) + f'"@signature-params": {params}'
        mac = base64.b64encode(hmac.digest(self.key[1], base.encode(), "sha256")).decode()
        return headers | {"Signature-Input": f"osm={params}", "Signature": f"osm=:{mac}:"}

    def send(self, headers: dict[str, str] | None = None, **other: object) -> requests.Response:
        """Sends it; with headers of another one, or to another address or with another body, where given."""
        sent = replace(self, **other) if other else self
        client = requests.Session()
        client.trust_env = False
        return client.post(sent.url, data=sent.body, headers=headers or self.complete(), timeout=30)


def request_id() -> str:
    return f"e2e-{secrets.token_hex(8)}"


def to_sidecar(path: str, user: int, name: str, **query: str) -> Signed:
    """What the shim sends when a person opens a special page."""
    asked = request_id()
    envelope = {
        "v": 1, "request_id": asked, "lang": "en", "read_only": None, "method": "GET",
        "actor": {"wiki_user_id": user, "name": name, "groups": ["user"], "rights": ["loginviashell"],
                  "block": None, "registered": None, "email_confirmed": False},
        "query": query, "form": {}, "idempotency_key": None,
    }  # fmt: skip
    return Signed(
        lab.url("sidecar", path), json.dumps(envelope).encode(), "application/json", TO_SIDECAR, key("shim"),
        {"OSM-Request-Id": asked},
    )  # fmt: skip


def to_wiki(user: str, parent: str = "-", **form: str) -> Signed:
    """What the sidecar sends to api.php."""
    form = {"format": "json", "formatversion": "2", "errorformat": "plaintext"} | form
    return Signed(
        lab.url("wiki", "/api.php"), urlencode(form).encode(), "application/x-www-form-urlencoded", TO_WIKI,
        key("wiki"), {"OSM-Request-Id": request_id(), "OSM-User": user, "OSM-Parent": parent},
    )  # fmt: skip
