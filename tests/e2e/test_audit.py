"""The audit on the command line: whole, and what it tells; and a row that somebody changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from conftest import fresh_name
from parts import mariadb
from support.waiting import until
from support.wiki import Bot
from support.world import VOLUNTEER, command, lab


def rows(sql: str) -> list[list[str]]:
    return mariadb.query(lab, sql, "openstackmanager")


def test_what_was_done_is_told_and_cannot_be_changed_unseen(volunteer_bot: Bot) -> None:
    made = volunteer_bot.started(fresh_name())
    until(lambda: not rows("SELECT 1 FROM audit_unsealed"), "every row is sealed")
    whole = command("audit", "verify")
    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert "nothing is wrong" in whole.stdout

    soon = datetime.now(UTC) + timedelta(minutes=1)
    replayed = command("audit", "replay", "--json", "--at", soon.strftime("%Y-%m-%dT%H:%M:%SZ"))
    told = [thing for thing in json.loads(replayed.stdout) if thing["resource"].endswith(made["instanceid"])]
    assert [(thing["operation"], thing["person"]) for thing in told] == [(made["id"], VOLUNTEER.name)], told

    # A row of it is laid at somebody else's door.
    [[row]] = rows(f"SELECT id FROM audit WHERE operation_id = '{made['id']}' AND event = 'submitted'")
    rows(f"UPDATE audit SET wiki_user_name = 'Outsider' WHERE id = {row}")
    try:
        changed = command("audit", "verify")
        assert changed.returncode == 1, changed.stdout
        assert f"row {row} " in changed.stdout
    finally:
        rows(f"UPDATE audit SET wiki_user_name = '{VOLUNTEER.name}' WHERE id = {row}")
    assert command("audit", "verify").returncode == 0
