"""From a message on IRC to the project's page, beside an edit of that page that only MediaWiki takes part in; and how
many edits a burst of messages becomes."""

from __future__ import annotations

import re
import time

from edits import STORE, editing
from measure import ROUNDS, Table, ms, p50, p99, times
from parts import mariadb
from support import irc
from support.waiting import until
from support.wiki import Bot
from support.world import lab

BURST = 1000


def bench(bot: Bot) -> None:
    watch_the_entries()
    until(irc.listening, "the bot is in the channel", 60)
    person = irc.Person()
    person.ask(f"!log bots {irc.word()}")
    text = bot.page(irc.BOTS)["text"]
    raw = times(editing(text), 5 * ROUNDS)
    said = times_of(person, 5 * ROUNDS)
    edits, seconds, accepted = burst(person)
    person.close()
    table = Table("what", "p50 ms", "p99 ms", "beside the raw edit")
    table.row(f"raw edit: `action=edit`, {len(text.encode())} bytes", ms(p50(raw)), ms(p99(raw)), "1")
    table.row("`!log` said → saved on the project's page and noted", ms(p50(said)), ms(p99(said)),
              f"{p50(said) / p50(raw):.1f}; p99 {p99(said) / p99(raw):.1f}")  # fmt: skip
    table.show()
    table = Table("messages said at once", "all accepted after s", "all on the page after s", "edits", "entries an edit")
    table.row(f"{BURST:,}", f"{accepted:.1f}", f"{seconds:.1f}", edits, f"{BURST / edits:.0f}")
    table.show()


def watch_the_entries() -> None:
    """From now on the sidecar's database notes when each entry stood on the wiki."""
    _query(
        """CREATE TABLE IF NOT EXISTS bench_entries (id BIGINT UNSIGNED, revision BIGINT UNSIGNED, stood DATETIME(6));
           CREATE TRIGGER IF NOT EXISTS bench_entry_stands AFTER UPDATE ON log_entries
             FOR EACH ROW INSERT INTO bench_entries VALUES (NEW.id, NEW.revision, NOW(6));"""
    )


def times_of(person: irc.Person, often: int) -> list[float]:
    """Milliseconds of each message, one after the other."""
    taken = []
    for _ in range(often):
        mark, begun = irc.word(), time.time()
        person.say(f"!log bots {mark}")
        ((stood,),) = until(lambda: standing(mark), "it stands on the page")
        taken.append((float(stood) - begun) * 1000)
    return taken


def burst(person: irc.Person) -> tuple[int, float, float]:
    """In how many edits, and after how many seconds, all stand; and when all were accepted."""
    mark, begun = irc.word(), time.time()
    for n in range(BURST):
        person.say(f"!log bots {mark} {n}")
    counted = f"SELECT COUNT(*) FROM log_entries WHERE message LIKE '{mark} %'"
    until(lambda: _query(counted) == [[str(BURST)]], "all are accepted", 300)
    accepted = time.time() - begun
    until(lambda: len(standing(f"{mark} %")) == BURST, "all stand on the page", 300)
    ((edits, last),) = _query(
        f"""SELECT COUNT(DISTINCT b.revision), MAX(UNIX_TIMESTAMP(b.stood)) FROM bench_entries b JOIN log_entries e USING (id)
            WHERE e.message LIKE '{mark} %'"""
    )
    in_order = f"SELECT message FROM log_entries WHERE message LIKE '{mark} %' ORDER BY id"
    assert [int(re.sub(r".* ", "", line)) for (line,) in _query(in_order)] == list(range(BURST))
    return int(edits), float(last) - begun, accepted


def standing(message: str) -> list[list[str]]:
    return _query(
        f"""SELECT UNIX_TIMESTAMP(b.stood) FROM bench_entries b JOIN log_entries e USING (id)
            WHERE e.message LIKE '{message}'"""
    )


def _query(sql: str) -> list[list[str]]:
    return mariadb.query(lab, f"SET time_zone = '+00:00'; {sql}", STORE)
