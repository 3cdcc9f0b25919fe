"""The Server Admin Log and scripts: they log by a project's token, from any machine, and can nothing else."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from parts import mariadb, sidecar
from support.irc import BOTS, word
from support.waiting import until
from support.wiki import Bot, Json
from support.world import command, down, lab


@pytest.fixture(scope="module")
def token() -> Iterator[str]:
    command("log-token", "revoke", "bots", "backup")
    made = command("log-token", "make", "bots", "backup")
    assert made.returncode == 0 and "not shown again" in made.stderr, made.stderr
    yield made.stdout.strip()
    command("log-token", "revoke", "bots", "backup")


def log(token: str, *words: str) -> subprocess.CompletedProcess[str]:
    """As on another machine: without configuration and secrets."""
    return subprocess.run(
        [str(sidecar._program(lab)), "log", *words], capture_output=True, text=True, timeout=90, cwd="/",
        env={"OSM_LOG_TOKEN": token, "OSM_LOG_URL": lab.url("sidecar", "/"), "OSM_CONFIG": "/nonexistent"},
    )  # fmt: skip


def post(token: str, **sent: str) -> tuple[int, dict]:
    request = urllib.request.Request(
        lab.url("sidecar", "/v1/log"), json.dumps(sent).encode(), {"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def on_page(bot: Bot, said: str) -> str:
    def line() -> str | None:
        page = bot.page(BOTS)
        return next((line for line in page["text"].splitlines() if said in line), None) if page else None

    return until(line, "the entry is on the page", 20)


def test_a_script_logs_under_its_token_s_name(token: str, outsider_bot: Bot) -> None:
    said = word()
    logged = log(token, "bots", f"{said} [[nightly]]", "copy", "done")
    assert logged.returncode == 0 and logged.stdout.startswith("logged as #"), logged
    assert on_page(outsider_bot, said).endswith(f"backup: {said} &#91;&#91;nightly&#93;&#93; copy done")

    def change() -> Json | None:
        return next((each for each in outsider_bot.changes(BOTS)[:5] if said in each["comment"]), None)

    assert until(change, "it is in Recent Changes", 20)["user"] == "OpenStackManager"
    # The same twice is logged once.
    again = word()
    answers = [log(token, "--key", again, "bots", again).stdout for _ in range(2)]
    assert answers[0] == answers[1] and answers[0], answers
    on_page(outsider_bot, again)
    assert outsider_bot.page(BOTS)["text"].count(again) == 1
    # Something else under its key is not taken for it.
    assert "under this key" in log(token, "--key", again, "bots", word()).stderr
    assert "\tbackup\t" in command("log-token", "list", "bots").stdout


def test_what_a_token_may_not(token: str) -> None:
    for sent, project, status, code in [
        (token, "tools", 403, "otherproject"),
        (token, "bots.a/b", 404, "noproject"),
        (f"{token}0", "bots", 401, "notoken"),
        ("", "bots", 401, "notoken"),
    ]:
        answer = post(sent, project=project, message="x")
        assert (answer[0], answer[1]["error"]["code"]) == (status, code), answer
    refused = log(token, "tools", "x")
    assert refused.returncode == 1 and "for bots and its tools only" in refused.stderr, refused
    # It opens no other door.
    for path in ["/v1/special/NovaLog", "/v1/api/novalog"]:
        request = urllib.request.Request(lab.url("sidecar", path), b"{}", {"Authorization": f"Bearer {token}"})
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=20)
        assert refusal.value.code == 401


def test_a_token_has_a_pace_and_is_written_nowhere(token: str) -> None:
    statuses = [post(token, project="bots", message=" ")[0] for _ in range(70)]
    assert set(statuses) == {400}, "what is refused does not count"
    with down("mediawiki"):
        got = [post(token, project="bots", message=f"{n}")[0] for n in range(90)]
    assert set(got) == {200, 429} and got.count(200) >= 50, got
    logs = lab.log("sidecar").read_text(errors="replace") + lab.log("sidecar-commands").read_text(errors="replace")
    dump = mariadb.query(lab, "SELECT * FROM log_tokens", sidecar.ACCOUNT)
    secret = token.removeprefix("osmlog_")
    assert secret not in logs and secret not in str(dump) and secret[:32] not in logs


def test_a_revoked_token_is_good_for_nothing(token: str) -> None:
    assert command("log-token", "make", "bots", "backup").returncode == 1
    assert command("log-token", "make", "nosuch", "backup").returncode == 1
    assert command("log-token", "make", "bots", "[[x]]").returncode == 1
    assert command("log-token", "revoke", "bots", "backup").returncode == 0
    refused = log(token, "bots", "x")
    assert refused.returncode == 1 and "no such token" in refused.stderr, refused
    assert command("log-token", "revoke", "bots", "backup").returncode == 1
