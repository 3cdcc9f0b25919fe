"""What it costs to document a change, beside an edit of the same text that only MediaWiki takes part in."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import crowd
import mwclient
from measure import INSTANCES, ROUNDS, Table, ms, p50, p99, times
from parts import mariadb
from support import cloud
from support.waiting import until
from support.wiki import Bot, sysop
from support.world import lab

STORE = "openstackmanager"
# As many as the documenter writes at once.
WRITERS = 4


def bench(bot: Bot, instance: str, found: tuple[int, float]) -> None:
    """`found` is what documented() said of all instances of the project."""
    first = bot.followed(bot.call("reboot", instanceid=instance))
    text = bot.page(first["page"])["text"]
    raw = times(editing(text), 5 * ROUNDS)
    alone = p50(raw)
    together = _together(text)
    changes = [_change(bot, instance) for _ in range(ROUNDS)]
    waited, whole = p50([each[0] for each in changes]), p50([each[1] for each in changes])
    pages, seconds = found
    told, asked = _told(instance)
    table = Table("what", "writers", "p50 ms", "p99 ms", "edits/s", "beside the raw edit")
    table.row(f"raw edit: `action=edit`, {len(text.encode())} bytes", 1, ms(alone), ms(p99(raw)), f"{1000 / alone:.1f}",
              "1")  # fmt: skip
    table.row("one change documented: page due → page saved and noted", 1, ms(waited), "", f"{1000 / waited:.1f}",
              f"{waited / alone:.1f}")  # fmt: skip
    table.row("the same from the press of the button, Nova's reboot included", 1, ms(whole), "", "", "")
    for what, taken in [("its notification → page saved and noted", told),
                        ("the same, where Nova has to be asked more (ERROR)", asked)]:  # fmt: skip
        table.row(f"a change that Nova tells of: {what}", 1, ms(p50(taken)), ms(p99(taken)), "",
                  f"{p50(taken) / alone:.1f}; p99 {p99(taken) / p99(raw):.1f}")  # fmt: skip
    table.row("raw edits", WRITERS, "", "", f"{together:.1f}", "1")
    table.row(f"{INSTANCES:,} instances seen for the first time: {pages:,} pages in {seconds:,.0f} s", WRITERS, "", "",
              f"{pages / seconds:.1f}", f"{together / (pages / seconds):.1f}")  # fmt: skip
    table.show()


def watch_the_queue() -> None:
    """From now on the sidecar's database notes when each page was due and when it stood on the wiki."""
    _query(
        """CREATE TABLE IF NOT EXISTS bench_pages (page_key VARBINARY(1600), due DATETIME(6), stood DATETIME(6));
           CREATE TRIGGER IF NOT EXISTS bench_page_done AFTER DELETE ON page_queue
             FOR EACH ROW INSERT INTO bench_pages VALUES (OLD.page_key, OLD.since, NOW(6));"""
    )


def documented(instances: int) -> tuple[int, float]:
    """Waits until so many instances have their pages; returns how many pages that was in how many seconds."""
    known = f"SELECT (SELECT COUNT(*) FROM instances WHERE project = '{crowd.PROJECT}'), COUNT(*) FROM page_queue"

    def over() -> bool:
        time.sleep(1)  # looking often would be measured with the rest
        ((seen, waiting),) = _query(known)
        return int(seen) >= instances and waiting == "0"

    until(over, "all pages are written", 3600)
    ((pages, seconds),) = _query(
        f"""SELECT COUNT(*), TIMESTAMPDIFF(MICROSECOND, MIN(due), MAX(stood)) / 1e6 FROM bench_pages
            WHERE page_key = 'project/{crowd.PROJECT}' OR page_key LIKE 'redirect/%/{crowd.PROJECT}/%'
            OR page_key LIKE 'instance/%'"""
    )
    return int(pages), float(seconds)


class editing:
    """Saves a page of its own again and again, by an account that is logged in and has its token."""

    _pages = count(1)

    def __init__(self, text: str) -> None:
        self._site: mwclient.Site = sysop()
        self._token = self._site.get_token("csrf")
        self._title = f"Nova Resource:Raw edits {next(self._pages)}"
        self._text = text
        self._times = count(1)

    def __call__(self) -> None:
        self.save(self._title, f"{self._text}\n{next(self._times)}")

    def save(self, title: str, text: str) -> None:
        saved = self._site.post("edit", title=title, text=text, summary="raw edit", token=self._token)
        assert saved["edit"]["result"] == "Success" and "nochange" not in saved["edit"], saved


def _together(text: str) -> float:
    """Edits a second of several at once."""
    writers = [editing(text) for _ in range(WRITERS)]
    for writer in writers:
        writer()
    begun = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda writer: [writer() for _ in range(ROUNDS)], writers))
    return WRITERS * ROUNDS / (time.perf_counter() - begun)


def _change(bot: Bot, instance: str) -> tuple[float, float]:
    """Reboots it; milliseconds from its page being due, and from the call, to the page being saved."""
    begun = time.time()
    bot.followed(bot.call("reboot", instanceid=instance))
    written = (
        f"SELECT TIMESTAMPDIFF(MICROSECOND, due, stood) / 1e3, UNIX_TIMESTAMP(stood) FROM bench_pages"
        f" WHERE page_key LIKE 'instance/%/{instance}' AND due > FROM_UNIXTIME({begun})"
    )
    waited, stood = until(lambda: _query(written), "its page is written")[0]
    return float(waited), (float(stood) - begun) * 1000


def _told(instance: str) -> tuple[list[float], list[float]]:
    """Milliseconds from Nova having changed a server's state for an admin to the page being saved; Nova tells of it
    before it answers. To ACTIVE, of which its notification says all, and to ERROR, whose reason has to be asked for."""
    taken: dict[str, list[float]] = {"error": [], "active": []}
    for state in ["error", "active"] * (5 * ROUNDS):
        # A server is looked at no sooner than a second after the last look at it, which is not what is measured.
        time.sleep(1.1)
        cloud.act(instance, **{"os-resetState": {"state": state}})
        begun = time.time()
        written = (
            f"SELECT UNIX_TIMESTAMP(stood) FROM bench_pages WHERE page_key LIKE 'instance/%/{instance}'"
            f" AND stood > FROM_UNIXTIME({begun})"
        )
        ((stood,),) = until(lambda: _query(written)[:1], "its page is written")
        taken[state].append((float(stood) - begun) * 1000)
        # What comes after: another notification, or the look of the poll.
        until(lambda: _query("SELECT COUNT(*) FROM page_queue") == [["0"]], "nothing is due")
    return taken["active"], taken["error"]


def _query(sql: str) -> list[list[str]]:
    return mariadb.query(lab, f"SET time_zone = '+00:00'; {sql}", STORE)
