"""What it costs that no operation can be lost: operations a second, the way from the press of the button to
the answer and to Nova, and how long it takes to go on after the process was killed."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from secrets import token_hex

import daemon
from measure import ROUNDS, SECONDS, Table, ms, p50
from mwclient import Site
from parts import mariadb, sidecar
from support import cloud
from support.signing import Signed, to_sidecar
from support.waiting import until
from support.world import OPERATOR, lab, sidecar_with

STORE = "openstackmanager"
WORKERS = [1, 2, 4, 8]
# So many a person may have open; the load stays below it.
OPEN = 30
LEASE = 10


def bench(operator: Site) -> None:
    user = operator.get("query", meta="userinfo")["query"]["userinfo"]["id"]
    _throughput(user)
    _durability(user)
    _recovery(user)


def _call(user: int, module: str, **params: str) -> dict:
    """An API module's answer, asked for as the shim does for the cloud admin."""
    asked = to_sidecar(f"/v1/api/{module}", user, OPERATOR.name)
    envelope = json.loads(asked.body) | {"method": "POST", "query": params}
    envelope["actor"] |= {"rights": ["listall", "manageproject"]}
    signed: Signed = replace(asked, body=json.dumps(envelope).encode())
    return signed.send().json()


def _throughput(user: int) -> None:
    table = Table("workers", "no-op operations/s, recorded, carried out and audited", "beside one worker")
    first = 0.0
    for workers in WORKERS:
        with sidecar_with(lambda text: f"{text}\n[operations]\nworkers = {workers}\n"):
            done = _probes(user)
        first = first or done
        table.row(workers, f"{done:.0f}", f"{done / first:.1f}")
    table.show()


def _probes(user: int) -> float:
    """Probes that were over in each second, while there were always some to do."""
    stop = time.monotonic() + SECONDS

    def push(_: int) -> None:
        while time.monotonic() < stop:
            _call(user, "novaprobe")  # refused where too many are open: that is load enough

    before = _over()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(push, range(4)))
    done = _over() - before
    until(lambda: _count("due_at IS NOT NULL") == 0, "all probes are over")
    return done / SECONDS


def _durability(user: int) -> None:
    admin = cloud.admin()
    flavor = admin.get("nova", "/flavors")["flavors"][0]["id"]
    image = admin.get("glance", "/images", name="debian-12")["images"][0]["id"]
    member = cloud.member()
    made: list[str] = []

    def ours() -> None:
        answer = _call(user, "novainstance", subaction="create", project="bots", imageType="debian-12",
                       instancename=f"bench-{token_hex(4)}", instanceType="m1.tiny", groups="default")  # fmt: skip
        made.append(answer["result"]["operation"])

    rounds = min(ROUNDS, 8)
    nova = []
    for _ in range(rounds):
        begun = time.perf_counter()
        body = {"name": f"bench-{token_hex(4)}", "flavorRef": flavor, "imageRef": image, "networks": "auto"}
        server = member.post("nova", "/servers", {"server": body})["server"]["id"]
        nova.append((time.perf_counter() - begun) * 1000)
        cloud.delete(server)
    answered = []
    for _ in range(rounds):
        begun = time.perf_counter()
        ours()
        answered.append((time.perf_counter() - begun) * 1000)
        until(lambda: _count(f"id = '{made[-1]}' AND due_at IS NULL") == 1, "it is over")
        cloud.delete(_one(f"SELECT instance_id FROM operations WHERE id = '{made[-1]}'"))
    ids = ",".join(f"'{each}'" for each in made)
    reached = _rows(f"""SELECT TIMESTAMPDIFF(MICROSECOND, o.created_at, t.ended_at) / 1e3 FROM operations o
                        JOIN step_times t ON t.operation_id = o.id AND t.position = 0 WHERE o.id IN ({ids})""")
    table = Table("what", "p50 ms", "beside Nova alone")
    alone = p50(nova)
    table.row("Nova alone: `POST /servers` answered", ms(alone), "1")
    table.row("ours: create pressed → answered (7 reads, 1 commit, no call that changes anything)",
              ms(p50(answered)), f"{p50(answered) / alone:.2f}")  # fmt: skip
    to_nova = p50([float(each[0]) for each in reached])
    table.row("ours: recorded → Nova has answered and that is committed", ms(to_nova), f"{to_nova / alone:.2f}")
    table.show()


def _recovery(user: int) -> None:
    """Kills the sidecar with probes under way, and starts it at once."""
    table = Table("after kill -9", "p50 s", "max s")
    ready, over = [], []
    with sidecar_with(lambda text: f"{text}\n[operations]\nlease_seconds = {LEASE}\nworkers = 1\n"):
        for _ in range(3):
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda _: _call(user, "novaprobe"), range(OPEN)))
            pid = json.loads(daemon._path(lab, "sidecar").read_text())["pid"]
            os.kill(pid, signal.SIGKILL)
            begun = time.perf_counter()
            os.waitpid(pid, 0)  # our own child
            _start_again()
            until(lambda: sidecar.health(lab) is None, "it is back")
            ready.append(time.perf_counter() - begun)
            until(lambda: _count("due_at IS NOT NULL") == 0, "all is over")
            over.append(time.perf_counter() - begun)
    table.row("the sidecar is ready again", f"{p50(ready):.1f}", f"{max(ready):.1f}")
    table.row(f"all that was open is over (what was held waits for its lease of {LEASE} s)",
              f"{p50(over):.1f}", f"{max(over):.1f}")  # fmt: skip
    table.show()


def _start_again() -> None:
    config = lab.dir / "sidecar-e2e.toml"
    argv = [str(lab.dir / "sidecar" / "openstackmanager"), "--config", str(config), "serve"]
    daemon.ensure(lab, "sidecar", argv, config=[config], ports=["sidecar"])


def _over() -> int:
    return _count("finished_at IS NOT NULL")


def _count(which: str) -> int:
    return int(_one(f"SELECT COUNT(*) FROM operations WHERE {which}"))


def _one(sql: str) -> str:
    return _rows(sql)[0][0]


def _rows(sql: str) -> list[list[str]]:
    return mariadb.query(lab, sql, STORE)
