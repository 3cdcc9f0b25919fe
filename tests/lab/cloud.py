"""A small client of the cloud's REST APIs, for what the lab gets or creates in it."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from settings import Lab, LabError

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Json = dict[str, Any]

# Where each API's resources begin.
ROOTS = {"keystone": "/v3", "nova": "/v2.1", "glance": "/v2", "neutron": "/v2.0", "placement": ""}
HEADERS = {"OpenStack-API-Version": "compute 2.90"}


class Refused(LabError):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Cloud:
    """Calls as one user in one project."""

    def __init__(self, lab: Lab, user: str, password: str, project: str, domain: str = "Default") -> None:
        self._lab = lab
        self._token = ""
        auth = {
            "identity": {
                "methods": ["password"],
                "password": {"user": {"name": user, "domain": {"name": domain}, "password": password}},
            },
            "scope": {"project": {"name": project, "domain": {"name": "Default"}}},
        }
        _, headers = self._send("POST", "keystone", "/auth/tokens", {"auth": auth})
        self._token = headers["X-Subject-Token"]

    def get(self, service: str, path: str, **query: str) -> Json:
        text = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self._send("GET", service, path + text)[0]

    def post(self, service: str, path: str, body: Json) -> Json:
        return self._send("POST", service, path, body)[0]

    def put(self, service: str, path: str, body: Json | None = None) -> Json:
        return self._send("PUT", service, path, body)[0]

    def patch(self, service: str, path: str, body: Json) -> Json:
        return self._send("PATCH", service, path, body)[0]

    def upload(self, path: str, data: bytes) -> None:
        self._send("PUT", "glance", path, data)

    def ensure(self, service: str, path: str, kind: str, body: Json, **query: str) -> Json:
        """The resource of that name, created where it is missing; `query` narrows the search."""
        for found in self.get(service, path, **query)[_plural(kind)]:
            if found["name"] == body["name"]:
                return found
        made = self.post(service, path, body if service == "glance" else {kind: body})
        return made if service == "glance" else made[kind]

    def _send(self, method: str, service: str, path: str, body: Json | bytes | None = None) -> tuple[Json, Any]:
        url = self._lab.url(service, ROOTS[service] + path)
        raw = isinstance(body, bytes)
        request = urllib.request.Request(
            url,
            method=method,
            data=body if raw else None if body is None else json.dumps(body).encode(),
            headers=HEADERS
            | {"Content-Type": "application/octet-stream" if raw else "application/json"}
            | ({"X-Auth-Token": self._token} if self._token else {}),
        )
        try:
            with _OPENER.open(request, timeout=120) as answer:
                text = answer.read()
                return (json.loads(text) if text else {}), answer.headers
        except urllib.error.HTTPError as error:
            reason = error.read().decode(errors="replace")[:500]
            raise Refused(error.code, f"{method} {url}: {error.code} {reason}") from None
        except OSError as error:
            raise Refused(0, f"{method} {url}: {error}") from None


def admin(lab: Lab) -> Cloud:
    return Cloud(lab, "admin", lab.secret("keystone-admin"), "admin")


def _plural(kind: str) -> str:
    return kind + "s"
