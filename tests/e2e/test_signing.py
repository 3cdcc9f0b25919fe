"""Nobody but the shim is heard by the sidecar, and nobody but the sidecar acts as a person on the wiki."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest
import requests
from conftest import fresh_name
from support.signing import TO_SIDECAR, TO_WIKI, Signed, key, to_sidecar, to_wiki
from support.wiki import Bot, refused
from support.world import OUTSIDER, VOLUNTEER, WIKI, operations

PAGE = "/v1/special/NovaInstance"
FORGED = ("demo", b"\0" * 32)


@pytest.fixture(scope="module")
def volunteer_id(volunteer_bot: Bot) -> int:
    return volunteer_bot.site.get("query", meta="userinfo")["query"]["userinfo"]["id"]


def to_page(volunteer_id: int) -> Signed:
    return to_sidecar(PAGE, volunteer_id, VOLUNTEER.name)


def test_the_shim_is_heard(volunteer_id: int) -> None:
    answer = to_page(volunteer_id).send()
    assert answer.status_code == 200, answer.text
    assert answer.json()["title"]["key"] == "openstackmanager-novainstance"


def unsigned(request: Signed) -> requests.Response:
    headers = {name: value for name, value in request.complete().items() if not name.startswith("Signature")}
    return request.send(headers)


def replayed(request: Signed) -> requests.Response:
    headers = request.complete()
    request.send(headers)
    return request.send(headers)


def body_swapped(request: Signed) -> requests.Response:
    return request.send(request.complete(), body=request.body.replace(b"Volunteer", b"Operator"))


def digest_too(request: Signed) -> requests.Response:
    swapped = replace(request, body=request.body.replace(b"Volunteer", b"Operator"))
    headers = request.complete() | {"Content-Digest": swapped.complete()["Content-Digest"]}
    return swapped.send(headers)


def doubled(request: Signed) -> requests.Response:
    """The same header twice, the second of them unsigned."""
    import http.client

    host = request.url.split("/")[2]
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.putrequest("POST", request.url.split(host)[1], skip_host=False)
    for name, value in [*request.complete().items(), ("OSM-Request-Id", "another-one")]:
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(request.body)))
    connection.endheaders(request.body)
    answer = requests.Response()
    answer.status_code = connection.getresponse().status
    return answer


TAMPERED: dict[str, Callable[[Signed], requests.Response]] = {
    "unsigned": unsigned,
    "forged": lambda request: replace(request, key=FORGED).send(),
    "unknown key": lambda request: replace(request, key=("nobody", request.key[1])).send(),
    "the other direction's key": lambda request: replace(request, key=key("wiki")).send(),
    "the other direction's tag": lambda request: replace(request, profile=("osm-sidecar", TO_SIDECAR[1])).send(),
    "a component left out": lambda request: replace(request, profile=("osm-shim", TO_SIDECAR[1][:-1])).send(),
    "replayed": replayed,
    "expired": lambda request: replace(request, created=int(time.time()) - 60).send(),
    "from the future": lambda request: replace(request, created=int(time.time()) + 60).send(),
    "body swapped": body_swapped,
    "body and digest swapped": digest_too,
    "another path": lambda request: request.send(
        request.complete(), url=request.url.replace("Instance", "Project")
    ),
    "a query added": lambda request: request.send(request.complete(), url=f"{request.url}?x=1"),
    "doubled header": doubled,
}


@pytest.mark.parametrize("how", TAMPERED)
def test_who_is_not_the_shim_is_not_heard(volunteer_id: int, how: str) -> None:
    before = operations()
    assert TAMPERED[how](to_page(volunteer_id)).status_code == 401
    assert operations() == before


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"v":2}', b"\xff", b"[" * 100_000])
def test_signed_nonsense(volunteer_id: int, body: bytes) -> None:
    answer = replace(to_page(volunteer_id), body=body).send()
    assert answer.status_code == 400 and answer.json()["error"]["code"]


def test_signed_for_no_page(volunteer_id: int) -> None:
    assert to_sidecar("/v1/special/NovaNothing", volunteer_id, VOLUNTEER.name).send().status_code == 404


def user(volunteer_id: int, name: str) -> str:
    return f"id:{volunteer_id}" if name == "person" else name


def code(answer: requests.Response) -> str:
    body = answer.json()
    return body["errors"][0]["code"] if "errors" in body else ""


def who(answer: requests.Response) -> str:
    return answer.json()["query"]["userinfo"]["name"]


def whoami(user: str) -> Signed:
    return to_wiki(user, action="query", meta="userinfo", uiprop="rights")


def test_the_sidecar_is_the_person(volunteer_id: int) -> None:
    answer = whoami(f"id:{volunteer_id}").send()
    assert who(answer) == VOLUNTEER.name and "Set-Cookie" not in answer.headers
    rights = set(answer.json()["query"]["userinfo"]["rights"])
    assert rights <= {"read", "edit", "createpage", "createtalk", "writeapi", "ipblock-exempt"}


@pytest.mark.parametrize(
    "how",
    [each for each in TAMPERED if each not in {"another path", "body swapped", "body and digest swapped",
     "the other direction's key", "the other direction's tag", "a component left out", "doubled header"}],
)  # fmt: skip
def test_who_is_not_the_sidecar_is_nobody(volunteer_id: int, volunteer_bot: Bot, how: str) -> None:
    assert code(TAMPERED[how](whoami(f"id:{volunteer_id}"))) == "osm-badsignature"


def test_reflected_to_the_wiki(volunteer_id: int) -> None:
    request = replace(whoami(f"id:{volunteer_id}"), key=key("shim"), profile=("osm-shim", TO_WIKI[1]))
    assert code(request.send()) == "osm-badsignature"


def test_a_swapped_user_or_parent(volunteer_id: int) -> None:
    request = whoami(f"id:{volunteer_id}")
    for header, value in [("OSM-User", "system"), ("OSM-Parent", "1"), ("OSM-User", "id:1")]:
        assert code(request.send(request.complete() | {header: value})) == "osm-badsignature"


def test_a_cookie_does_not_help_a_bad_signature(volunteer_bot: Bot, volunteer_id: int) -> None:
    request = whoami("system")
    headers = request.complete() | {"Signature": "osm=:AAAA:"}
    answer = volunteer_bot.site.connection.post(request.url, data=request.body, headers=headers, timeout=30)
    # MediaWiki itself refuses two kinds of session in one request: 1.39 by 400, 1.43 by an exception.
    assert answer.status_code in (400, 500) and "userinfo" not in answer.text


def edit(user: str, title: str, parent: str = "0") -> Signed:
    token = to_wiki(user, action="query", meta="tokens").send().json()["query"]["tokens"]["csrftoken"]
    return to_wiki(user, parent, action="edit", title=title, text=fresh_name(), summary="e2e", token=token)


@pytest.mark.parametrize("person", [True, False])
def test_what_the_sidecar_s_session_may_not(volunteer_id: int, person: bool) -> None:
    user = f"id:{volunteer_id}" if person else "system"
    assert code(edit(user, f"E2e {fresh_name()}").send()) == "osm-namespace"
    assert code(edit(user, "MediaWiki:Common.js").send()) in {"osm-namespace", "sitejsprotected", "protectednamespace-interface"}
    for module in [{"action": "delete"}, {"action": "block"}, {"action": "userrights"}, {"action": "logout"}]:
        assert code(to_wiki(user, **module).send()) in {"osm-module", "badtoken", "missingparam"}
    moved = to_wiki(user, action="move", **{"from": "Main Page", "to": "Elsewhere", "token": "+\\"}).send()
    assert code(moved) in {"osm-module", "badtoken"}


def test_the_parent_is_checked_inside_the_save(volunteer_id: int) -> None:
    person, title = f"id:{volunteer_id}", f"Nova Resource:{fresh_name()}"
    made = edit(person, title, "0").send().json()["edit"]
    assert made["result"] == "Success"
    assert code(edit(person, title, "0").send()) in {"editconflict", "edit-conflict"}
    assert code(edit(person, title, str(made["newrevid"] - 1)).send()) in {"editconflict", "edit-conflict"}
    assert edit(person, title, str(made["newrevid"])).send().json()["edit"]["result"] == "Success"


def test_the_tag_cannot_be_faked(volunteer_bot: Bot) -> None:
    token = volunteer_bot.site.get_token("csrf")
    faked = {"title": f"Nova Resource:{fresh_name()}", "text": "x", "tags": "openstackmanager", "token": token}
    assert refused(volunteer_bot.site.post, "edit", **faked) in {"badtags", "tags-apply-not-allowed-one", "permissiondenied"}


def test_only_registered_people_are_named() -> None:
    for named in ["id:0", "id:999999", "id:1 ", "Volunteer", "id:-1", OUTSIDER.name]:
        assert code(whoami(named).send()) in {"osm-nouser", "osm-badsignature"}
    assert WIKI
