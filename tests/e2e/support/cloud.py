"""The cloud behind our back: what Nova really has, and changes that nobody asked us for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from support import broker
from support.world import VOLUNTEER, lab
from support.waiting import until

# tests/lab has a module of this name as well: it is the one meant here.
import cloud as lab_cloud

Json = dict[str, Any]
Refused = lab_cloud.Refused


@cache
def admin() -> lab_cloud.Cloud:
    return lab_cloud.admin(lab)


@cache
def member() -> lab_cloud.Cloud:
    """As the volunteer in project bots, past the wiki."""
    return lab_cloud.Cloud(lab, VOLUNTEER.uid, lab.secret(f"ldap-{VOLUNTEER.uid}"), "bots", "people")


@cache
def service() -> lab_cloud.Cloud:
    """As the sidecar itself, where it makes servers for others."""
    return lab_cloud.Cloud(lab, "openstackmanager", lab.secret("keystone-openstackmanager"), "bots")


@cache
def project_id(name: str) -> str:
    found = admin().get("keystone", "/projects", name=name)["projects"]
    return found[0]["id"]


def servers(name: str) -> list[Json]:
    """The living servers of exactly this name, whatever their project."""
    found = admin().get("nova", "/servers/detail", all_tenants="1")["servers"]
    return [server for server in found if server["name"] == name]


def server(server_id: str) -> Json | None:
    try:
        return admin().get("nova", f"/servers/{server_id}")["server"]
    except Refused as refusal:
        if refusal.status == 404:
            return None
        raise


def create(name: str, description: str | None = None, by: lab_cloud.Cloud | None = None) -> str:
    """Starts a server past the wiki, as the volunteer unless told otherwise, and returns its id."""
    body = {
        "name": name,
        "flavorRef": _id("nova", "/flavors", "m1.tiny"),
        "imageRef": _id("glance", "/images", "debian-12"),
        "networks": "auto",
    }
    if description is not None:
        body["description"] = description
    return (by or member()).post("nova", "/servers", {"server": body})["server"]["id"]


def mark(server_id: str, operation: str) -> None:
    """What any member can write: the operation whose server it is said to be."""
    member().post("nova", f"/servers/{server_id}/metadata", {"metadata": {"openstackmanager_operation": operation}})
    member().put("nova", f"/servers/{server_id}/tags/osm-operation-{operation}")


def delete(server_id: str) -> None:
    try:
        member()._send("DELETE", "nova", f"/servers/{server_id}")
    except Refused as refusal:
        if refusal.status != 404:
            raise


def services_are_back(since: datetime) -> bool:
    """Nova's services have said since then that they are there, without which no host is found for a server; and
    each hears what it is told, without which that is lost and the server stays as it is for good."""
    services = admin().get("nova", "/os-services")["services"]
    seen = [datetime.fromisoformat(each["updated_at"] or "1970-01-01").replace(tzinfo=UTC) for each in services]
    queues = [f"{each['binary'].removeprefix('nova-')}.{each['host']}" for each in services]
    return bool(seen) and min(seen) > since and broker.all_heard(queues)


def delete_all(prefix: str) -> None:
    """Tidies up after the tests, so that the next ones find room in the quota."""
    found = admin().get("nova", "/servers/detail", all_tenants="1")["servers"]
    for each in found:
        if each["name"].startswith(prefix):
            admin()._send("DELETE", "nova", f"/servers/{each['id']}")
    until(lambda: not any(servers_starting(prefix)), f"no server {prefix}*")


def servers_starting(prefix: str) -> Iterator[Json]:
    found = admin().get("nova", "/servers/detail", all_tenants="1")["servers"]
    return (each for each in found if each["name"].startswith(prefix))


@contextmanager
def quota(project: str, **limits: int) -> Iterator[None]:
    """Other limits for a while."""
    path = f"/os-quota-sets/{project_id(project)}"
    before = admin().get("nova", path)["quota_set"]
    admin().put("nova", path, {"quota_set": limits})
    try:
        yield
    finally:
        admin().put("nova", path, {"quota_set": {name: before[name] for name in limits}})


def _id(service: str, path: str, name: str) -> str:
    kind = path.strip("/")
    return next(each["id"] for each in member().get(service, path)[kind] if each["name"] == name)


def act(server_id: str, **action: object) -> None:
    """A server action, behind the sidecar's back."""
    admin().post("nova", f"/servers/{server_id}/action", dict(action))


def rename(server_id: str, name: str) -> None:
    """Gives a server another name, behind the sidecar's back."""
    admin().put("nova", f"/servers/{server_id}", {"server": {"name": name}})


def _user_id(uid: str) -> str:
    (domain,) = admin().get("keystone", "/domains", name="people")["domains"]
    (user,) = admin().get("keystone", "/users", name=uid, domain_id=domain["id"])["users"]
    return user["id"]


def keypairs(uid: str) -> dict[str, str]:
    """A person's keypairs by name, each with its public key."""
    found = admin().get("nova", "/os-keypairs", user_id=_user_id(uid))["keypairs"]
    return {each["keypair"]["name"]: each["keypair"]["public_key"].strip() for each in found}


def make_keypair(name: str, public_key: str) -> None:
    """As the volunteer, past the wiki."""
    member().post("nova", "/os-keypairs", {"keypair": {"name": name, "public_key": public_key, "type": "ssh"}})


def delete_keypairs(uid: str) -> None:
    for name in keypairs(uid):
        admin()._send("DELETE", "nova", f"/os-keypairs/{name}?user_id={_user_id(uid)}")
