"""All benches, one after the other; started by `run`. Tells of its progress on stderr, of figures on stdout.

With words only those named: `gate`, `operations`, `logs`, `lists`, `pages`, `many`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.dont_write_bytecode = True
sys.path += [str(TESTS / "e2e"), str(TESTS / "lab")]

import crowd  # noqa: E402
import durable  # noqa: E402
import edits  # noqa: E402
import gate  # noqa: E402
import lists  # noqa: E402
import logs  # noqa: E402
import many  # noqa: E402
import mediawiki_extras as extras  # noqa: E402
from measure import INSTANCES, MANY  # noqa: E402
from support.wiki import Bot, site  # noqa: E402
from support.world import OPERATOR, VOLUNTEER, lab, ready  # noqa: E402


def begin(title: str) -> None:
    one, five, _ = os.getloadavg()
    print(f"### {title}\n\nLoad before: {one:.1f} (1 min), {five:.1f} (5 min).\n", flush=True)


def commit() -> str:
    """What is measured; "and changes" where the checkout is not as committed."""
    words = ["git", "-c", f"safe.directory={lab.root}", "-C", str(lab.root)]
    named = subprocess.run([*words, "rev-parse", "--short=10", "HEAD"], capture_output=True, text=True).stdout.strip()
    changed = subprocess.run([*words, "status", "--porcelain", "--", "sidecar", "php-shim"], capture_output=True)
    return (named or "unknown") + (" and changes" if changed.stdout else "")


def main() -> None:
    ready()
    semantic = "with" if (lab.folder("mediawiki", "extensions") / "SemanticMediaWiki").exists() else "without"
    print(f"{time.strftime('%F %H:%M', time.gmtime())} UTC, {os.cpu_count()} cores; "
          f"MediaWiki {extras.version(lab)} {semantic} Semantic MediaWiki; "
          f"commit {commit()}, {os.environ.get('LAB_SIDECAR_PROFILE') or 'release'} build\n")  # fmt: skip
    named = set(sys.argv[1:]) or {"gate", "operations", "logs", "lists", "pages", "many"}
    person = site()
    person.login(VOLUNTEER.name, VOLUNTEER.password)
    operator = site()
    operator.login(OPERATOR.name, OPERATOR.password)
    if "gate" in named:
        begin("A request through the sidecar")
        gate.bench(person)
    if "operations" in named:
        begin("An operation")
        durable.bench(operator)
    if "logs" in named:
        begin("A message on IRC")
        logs.bench(Bot(VOLUNTEER))
    if not named & {"lists", "pages", "many"}:
        return

    project_id = crowd.project(person)
    edits.watch_the_queue()
    instance = crowd.real()
    crowd.copies(instance, INSTANCES, first=crowd.known() + 1)
    found = edits.documented(INSTANCES)
    begin(f"A list of {INSTANCES:,} instances")
    lists.index(person, INSTANCES)
    if "lists" in named:
        lists.bench(person, project_id)
    if "pages" in named:
        begin("An edit")
        edits.bench(Bot(VOLUNTEER), instance, found)
    if "many" in named:
        begin(f"{MANY:,} instances")
        many.bench(person, operator, instance)


if __name__ == "__main__":
    main()
