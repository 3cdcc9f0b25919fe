"""What it costs to keep ten thousand instances documented: comparing when nothing has changed, when a little has, and
writing when everything has, beside the best that other clients get from the same wiki."""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import compared
import copies
import crowd
import daemon
import edits
import lists
import pywiki
import requests
from measure import MANY, ROUNDS, Table, ms, p50, timed
from mwclient import Site
from parts import mariadb
from support.browser import address
from support.waiting import until
from support.world import OPERATOR, command, lab, sidecar_with

STORE = "openstackmanager"
# So many change all at once.
ALL = min(1000, MANY)
# Every call to a neighbour is a line in the log.
TOLD = "info,osm_backends=debug"
CALLS = {"Nova": ("called OpenStack", "nova"), "MediaWiki": ("called the wiki", "")}


def bench(person: Site, operator: Site, instance: str) -> None:
    _prepare(instance)
    lists.index(person, MANY)
    _compared()
    _all_changed(instance)
    # Last: where that takes longer than a page waits there may be nothing to show yet.
    _drift_page(operator)


def _prepare(instance: str) -> None:
    """The instances beyond those that the sidecar has documented itself are copies in all three places."""
    daemon.stop(lab, "sidecar")
    crowd.copies(instance, MANY, first=crowd.known() + 1)
    copies.documented(MANY)
    up = time.monotonic()
    at = compared.now()
    with sidecar_with(lambda text: text):
        until(lambda: compared.since(at) and _quiet(), "all that is due is written", 3600)
    # Nova may need longer for so many than is waited for, while it still looks at them for the first time.
    until(lambda: command("drift").returncode == 0, "nothing differs", 900)
    print(f"{MANY:,} instances: rows copied in the databases of Nova, MediaWiki and the sidecar; "
          f"at rest {time.monotonic() - up:.0f} s after the start, and nothing differs.\n")  # fmt: skip


def _compared() -> None:
    table = Table("what", "to Nova", "to MediaWiki", "edits", "seconds", "peak memory, MiB")
    table.row("full comparison at the start, nothing changed", *_full(0))
    table.row("`openstackmanager drift`: the same, and every page as it stands", *_drift())
    changed = max(1, MANY // 100)
    _change(changed)
    table.row(f"full comparison at the start, {changed:,} instances changed (1 %), until their pages are written",
              *_full(changed))  # fmt: skip
    table.show()


def _full(changed: int) -> tuple[object, ...]:
    """Starts the sidecar and waits until it has compared everything and written what is due."""
    log = lab.log("sidecar")
    begins = log.stat().st_size
    daemon.stop(lab, "sidecar")
    at = compared.now()
    begun = time.monotonic()
    with sidecar_with(lambda text: f"{text}\n[observe]\npoll_seconds = 600\n", RUST_LOG=TOLD):
        until(lambda: compared.since(at), "it has compared", 900)
        until(_quiet, "all that is due is written", 3600)
        seconds = time.monotonic() - begun
        memory = _peak(daemon.pid(lab, "sidecar"))
        edits_made = _metric('openstackmanager_pages_done_total{outcome="edited"}')
    told = log.read_bytes()[begins:].decode(errors="replace")
    assert edits_made >= changed, (edits_made, changed)
    return *_calls(told), edits_made, f"{seconds:.0f}", memory


def _drift() -> tuple[object, ...]:
    argv = [str(lab.dir / "sidecar" / "openstackmanager"), "--config", str(lab.dir / "sidecar.toml"), "drift"]
    begun = time.monotonic()
    process = subprocess.Popen(argv, env=lab.environment() | {"RUST_LOG": TOLD}, user=lab.uid, group=lab.gid,
                               extra_groups=[], cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)  # fmt: skip
    told = process.stdout.read()
    _, _, usage = os.wait4(process.pid, 0)
    return *_calls(told), 0, f"{time.monotonic() - begun:.0f}", usage.ru_maxrss // 1024


def _calls(told: str) -> list[int]:
    lines = told.splitlines()
    return [sum(1 for line in lines if what in line and whom in line) for what, whom in CALLS.values()]


def _drift_page(operator: Site) -> None:
    table = Table("what", "p50 s", "max s")
    page = address("Special:NovaDrift")

    def look() -> None:
        answer = operator.connection.get(page, timeout=300)
        assert answer.status_code == 200, answer.status_code

    # The first answers are that it is not known yet.
    until(lambda: operator.connection.get(page, timeout=300).status_code == 200, "the differences are known", 900)
    taken = [timed(look) / 1000 for _ in range(3)]
    table.row(f"Special:NovaDrift with {MANY:,} instances, as a cloud admin gets it", f"{p50(taken):.1f}",
              f"{max(taken):.1f}")  # fmt: skip
    table.show()


def _all_changed(instance: str) -> None:
    titles = copies.titles(ALL)
    text = copies.text(titles[0])
    pages = titles_of_raw(text)
    raw = {writers: _raw(pages, text, writers) for writers in (1, 2, 4, 8)}
    best = max(raw, key=raw.get)
    mine = pywiki.edits_a_second(pages, text)
    daemon.stop(lab, "sidecar")
    _change(ALL)
    at = compared.now()
    with sidecar_with(lambda text: text):
        until(lambda: _written_since(at) >= ALL and _quiet(), "all are written", 3600)
    pages, seconds = _rows(
        f"""SELECT COUNT(*), TIMESTAMPDIFF(MICROSECOND, MIN(stood), MAX(stood)) / 1e6 FROM bench_pages
            WHERE page_key LIKE 'instance/%' AND stood > '{at}'"""
    )[0]
    ours = (int(pages) - 1) / float(seconds)
    table = Table("what", "writers", "edits/s", "beside the best raw client")
    for writers, rate in raw.items():
        table.row(f"raw edits of {len(text.encode())} bytes, mwclient in threads", writers, f"{rate:.1f}",
                  f"{rate / raw[best]:.2f}")  # fmt: skip
    table.row("pywikibot, `put_throttle = 0`", 1, f"{mine:.1f}", f"{mine / raw[best]:.2f}")
    table.row(f"documented: {int(pages):,} instances that have all changed", 4, f"{ours:.1f}",
              f"{ours / raw[best]:.2f}")  # fmt: skip
    table.show()


def titles_of_raw(text: str) -> list[str]:
    """Pages like those of instances, for the other clients to change. Each changes each of them once: MediaWiki puts
    the jobs of a page that is saved again and again together."""
    titles = [f"Nova Resource:Bots edits {number}" for number in range(max(ROUNDS, 4) * 8)]
    writer = edits.editing(text)
    for title in titles:
        writer.save(title, text)
    return titles


def _raw(titles: list[str], text: str, writers: int) -> float:
    """Edits a second of so many clients at once, all logged in and with their tokens."""
    clients = [edits.editing(text) for _ in range(writers)]
    for client in clients:
        client()
    changed = f"{text}\n{time.time_ns()}"
    begun = time.perf_counter()
    with ThreadPoolExecutor(writers) as pool:
        shares = [titles[number::writers] for number in range(writers)]
        list(pool.map(lambda client, share: [client.save(title, changed) for title in share], clients, shares))
    return len(titles) / (time.perf_counter() - begun)


def _change(instances: int) -> None:
    """So many have moved to another host, as after a migration."""
    host = f"host-{time.time_ns()}"
    mariadb.query(
        lab, f"UPDATE instances SET host = '{host}', node = '{host}', updated_at = UTC_TIMESTAMP()"
        f" WHERE deleted = 0 AND display_name BETWEEN '{crowd.name(2)}' AND '{crowd.name(1 + instances)}'", crowd.CELL,
    )  # fmt: skip


def _written_since(at: str) -> int:
    return int(_one(f"SELECT COUNT(*) FROM bench_pages WHERE page_key LIKE 'instance/%' AND stood > '{at}'"))


def _quiet() -> bool:
    time.sleep(1)  # looking often would be measured with the rest
    return _one("SELECT COUNT(*) FROM page_queue") == "0"


def _metric(name: str) -> int:
    text = requests.get(lab.url("sidecar", "/metrics"), timeout=30).text
    return sum(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith(name))


def _peak(pid: int) -> int:
    """MiB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def _one(sql: str) -> str:
    return _rows(sql)[0][0]


def _rows(sql: str) -> list[list[str]]:
    return mariadb.query(lab, f"SET time_zone = '+00:00'; {sql}", STORE)
