"""Runs against the lab that LAB_DIR names (the demo's by default), as root: parts of it are stopped and started."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "lab")]

from support import cloud, irc  # noqa: E402
from support.browser import Browser  # noqa: E402
from support.waiting import until  # noqa: E402
from support.wiki import Bot  # noqa: E402
from support.world import OPERATOR, OUTSIDER, VOLUNTEER, Account, ready  # noqa: E402

PREFIX = "e2e-"


@pytest.fixture(scope="session", autouse=True)
def healthy() -> Iterator[None]:
    ready()
    cloud.delete_all(PREFIX)
    yield
    cloud.delete_all(PREFIX)


@pytest.fixture(scope="module", autouse=True)
def room_in_the_quota() -> Iterator[None]:
    yield
    cloud.delete_all(PREFIX)


@pytest.fixture(scope="module")
def the_bot_listens() -> None:
    until(irc.listening, "the bot is in the channel", 40)


@pytest.fixture
def person() -> Iterator[irc.Person]:
    someone = irc.Person()
    yield someone
    someone.close()


@pytest.fixture
def name() -> str:
    """A name that no instance had before."""
    return fresh_name()


def fresh_name() -> str:
    return f"{PREFIX}{secrets.token_hex(4)}"


@pytest.fixture(scope="session")
def bot() -> Callable[[Account], Bot]:
    """The client of an account, logged in once."""
    bots: dict[str, Bot] = {}

    def of(account: Account) -> Bot:
        if account.name not in bots:
            bots[account.name] = Bot(account)
        return bots[account.name]

    return of


@pytest.fixture(scope="session")
def volunteer_bot(bot: Callable[[Account], Bot]) -> Bot:
    return bot(VOLUNTEER)


@pytest.fixture(scope="session")
def operator_bot(bot: Callable[[Account], Bot]) -> Bot:
    return bot(OPERATOR)


@pytest.fixture(scope="session")
def outsider_bot(bot: Callable[[Account], Bot]) -> Bot:
    return bot(OUTSIDER)


def _browser(account: Account, javascript: bool = True) -> Iterator[Browser]:
    browser = Browser(account, javascript=javascript)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def volunteer() -> Iterator[Browser]:
    yield from _browser(VOLUNTEER)


@pytest.fixture(scope="session")
def volunteer_without_scripts() -> Iterator[Browser]:
    yield from _browser(VOLUNTEER, javascript=False)


@pytest.fixture(scope="session")
def operator() -> Iterator[Browser]:
    yield from _browser(OPERATOR)


@pytest.fixture(scope="session")
def outsider() -> Iterator[Browser]:
    yield from _browser(OUTSIDER)
