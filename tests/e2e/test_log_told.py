"""What the system itself logs, and whom it tells of the log."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_hex

import pytest
from parts import mariadb
from support.irc import BOTS, word
from support.waiting import until
from support.wiki import Bot, Json
from support.world import OUTSIDER, WIKI, lab, sidecar_with


@pytest.fixture
def operations_are_logged() -> Iterator[None]:
    with sidecar_with(lambda text: text.replace("[[log.links]]", '[log]\noperations = ["bots"]\n\n[[log.links]]', 1)):
        yield


def entries(bot: Bot, words: str) -> list[Json]:
    listed = bot.site.get("query", list="novalogs", nlproject="bots", nltext=words, nllimit=50)["query"]["novalogs"]
    return [each for each in listed if each["message"] == words]


def logged(bot: Bot, words: str, user: str, deed: Callable[[], Json]) -> None:
    """The deed is in the log once, as its doer's edit, when it is over."""
    before = len(entries(bot, words))
    assert bot.followed(deed())["state"] == "done"
    there = entries(bot, words)
    assert len(there) == before + 1 and there[0]["user"] == user, there

    def change() -> Json | None:
        return next((each for each in bot.changes(BOTS)[:10] if each["comment"].endswith(f"{user}: {words}")), None)

    assert until(change, f"{words} in Recent Changes", 20)["user"] == user


@pytest.mark.usefixtures("operations_are_logged")
def test_operations_log_themselves(volunteer_bot: Bot, operator_bot: Bot, name: str) -> None:
    ids: list[str] = []

    def create() -> Json:
        begun = volunteer_bot.create(name)
        ids.append(volunteer_bot.followed(begun)["instanceid"])
        return begun

    logged(volunteer_bot, f"created instance {name} in RegionOne", "Volunteer", create)
    volunteer_bot.followed(volunteer_bot.call("reboot", instanceid=ids[0]))
    logged(volunteer_bot, f"deleted instance {name} in RegionOne", "Volunteer", lambda: volunteer_bot.call("delete", instanceid=ids[0]))

    def member(subaction: str) -> Callable[[], Json]:
        def call() -> Json:
            token = operator_bot.site.get_token("csrf")
            whom = "member" if subaction == "addmember" else "members"
            sent = {"projectname": "bots", "subaction": subaction, whom: OUTSIDER.uid, "token": token}
            return {"operation": operator_bot.site.post("novaproject", **sent)["novaproject"]["operations"][0]}

        return call

    logged(operator_bot, f"added {OUTSIDER.name} to the project", "Operator", member("addmember"))
    logged(operator_bot, f"removed {OUTSIDER.name} from the project", "Operator", member("deletemember"))


class Receiver(ThreadingHTTPServer):
    """Somebody who is told of the log; answers each request with the next of `answers`, then with 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver.Handler)
        self.answers: list[int] = []
        self.heard: list[tuple[int, str, bytes, str]] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server = self.server
            assert isinstance(server, Receiver)
            status = server.answers.pop(0) if server.answers else 204
            body = self.rfile.read(int(self.headers["content-length"]))
            server.heard.append((status, self.headers["osm-delivery"], body, self.headers["osm-signature-256"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    def taken(self, mark: str) -> list[int]:
        """The numbers of the messages of a mark that were taken, in the order of their coming."""
        bodies = [json.loads(body)["message"] for status, _, body, _ in self.heard if status == 204]
        return [int(body.removeprefix(f"{mark} ")) for body in bodies if body.startswith(f"{mark} ")]


class Social(ThreadingHTTPServer):
    """What Mastodon's API documents of `POST /api/v1/statuses`: a real server, of this test's own, since none can be
    installed here. The same idempotency key makes one status."""

    def __init__(self, token: str) -> None:
        super().__init__(("127.0.0.1", 0), Social.Handler)
        self.token = token
        # A status, and then the answer to it is lost; a status too many; a server that is away.
        self.troubles: list[str] = []
        self.statuses: dict[str, Json] = {}
        self.paused: list[float] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            server = self.server
            assert isinstance(server, Social)
            sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
            if self.path != "/api/v1/statuses":
                return self._answer(404)
            if self.headers["authorization"] != f"Bearer {server.token}":
                return self._answer(401)
            if len(sent["status"]) > 500 and "http" not in sent["status"]:
                return self._answer(422)
            trouble = server.troubles.pop(0) if server.troubles else ""
            server.paused.append(time.monotonic())
            if trouble == "too many":
                return self._answer(429, {"Retry-After": "3"})
            if trouble == "away":
                return self._answer(503)
            if trouble == "refused":
                return self._answer(422)
            server.statuses.setdefault(self.headers["idempotency-key"], sent)
            if trouble == "lost":
                return self.close_connection_at_once()
            return self._answer(200)

        def close_connection_at_once(self) -> None:
            self.connection.shutdown(socket.SHUT_RDWR)

        def _answer(self, status: int, headers: dict[str, str] = {}) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass


def test_mastodon_is_told_in_order_and_once(operator_bot: Bot) -> None:
    mark, secret = word(), token_hex(16)
    social = Social(secret)
    section = f'[[log.mastodon]]\nname = "e2e-{mark}"\nurl = "http://127.0.0.1:{social.server_port}/"\n\n'
    variable = f"OSM_LOG_MASTODON_E2E_{mark}_TOKEN".upper()
    edit = operator_bot.site.get_token("csrf")

    def log(message: str) -> None:
        operator_bot.site.post("novalog", project="bots", message=f"{mark} {message}", token=edit)

    def told() -> list[str]:
        return [each["status"] for each in social.statuses.values() if mark in each["status"]]

    with sidecar_with(lambda text: text.replace("[[irc]]", f"{section}[[irc]]", 1), **{variable: secret}):
        until(lambda: mariadb.query(lab, f"SELECT 1 FROM log_posts WHERE hook = 'e2e-{mark}'", "openstackmanager"), "it has begun")
        social.troubles = ["lost", "", "too many"]
        log("0 for @ada@social.example")
        log("1 " + "x" * 900)
        log("2")
        until(lambda: len(told()) == 3, "all is posted", 60)
        first, long, last = told()
        link = f"{WIKI}/wiki/Nova_Resource:Bots/SAL"
        assert first == f"bots: Operator: {mark} 0 for @\u200bada@\u200bsocial.example {link}"
        assert len(long.removesuffix(link)) == 477 and long.endswith(f"x… {link}")
        assert last == f"bots: Operator: {mark} 2 {link}"
        assert {each["visibility"] for each in social.statuses.values()} == {"unlisted"}
        # The first came twice and was told once; after 429 it waited as long as it was told.
        assert len(social.paused) == 5 and social.paused[3] - social.paused[2] >= 3
        social.troubles = ["refused"]
        log("3")
        log("4")
        until(lambda: len(told()) == 4, "what is refused is passed over", 30)
        assert f"{mark} 4" in told()[-1]
    social.shutdown()
    social.server_close()
    assert secret not in lab.log("sidecar").read_text(errors="replace")


def test_a_webhook_is_told_in_order(operator_bot: Bot) -> None:
    receiver, secret, mark = Receiver(), token_hex(16), word()
    hook = f'[[log.webhooks]]\nname = "e2e-{mark}"\nurl = "http://127.0.0.1:{receiver.server_port}/x"\n\n'
    variable = f"OSM_LOG_WEBHOOKS_E2E_{mark}_SECRET".upper()
    token = operator_bot.site.get_token("csrf")

    def log(n: int, project: str = "bots") -> None:
        operator_bot.site.post("novalog", project=project, message=f"{mark} {n}", token=token)

    with sidecar_with(lambda text: text.replace("[[irc]]", f"{hook}[[irc]]", 1), **{variable: secret}):
        until(lambda: mariadb.query(lab, f"SELECT 1 FROM log_posts WHERE hook = 'e2e-{mark}'", "openstackmanager"), "the hook has begun")
        receiver.answers = [500, 503, 302]
        for n in range(3):
            log(n)
        log(100, "tools")
        until(lambda: len(receiver.taken(mark)) == 4, "all is posted", 60)
        assert [n for n in receiver.taken(mark) if n < 100] == [0, 1, 2]
        assert [status for status, *_ in receiver.heard] == [500, 503, 302, 204, 204, 204, 204]
        assert len({delivery for status, delivery, *_ in receiver.heard if status != 204}) == 1
        for _, delivery, body, signature in receiver.heard:
            wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            assert signature == f"sha256={wanted}"
            told = json.loads(body)
            assert delivery == f"{told['log']}/{told['entry']}" and told["user"] == "Operator"
        # What the receiver will never take is passed over.
        receiver.answers = [400]
        log(3)
        log(4)
        until(lambda: receiver.taken(mark)[-1] == 4, "the next is posted", 20)
        assert 3 not in receiver.taken(mark)
        receiver.shutdown()
        receiver.server_close()
    assert secret not in lab.log("sidecar").read_text(errors="replace")
