"""IRC by a bare socket, which knows nothing of the bot."""

from __future__ import annotations

import base64
import re
import secrets
import socket
import threading
import time

from parts import irc

from support.waiting import until
from support.world import lab

CHANNEL, MEMBERS = irc.CHANNEL, irc.MEMBERS
# Where the project's log stands.
BOTS = "Nova Resource:Bots/SAL"


class Person:
    """Somebody in a channel; logged in with the services where an account is named."""

    def __init__(self, nick: str | None = None, account: str | None = None, channel: str = CHANNEL) -> None:
        self.channel = channel
        self.nick = nick or f"p{secrets.token_hex(4)}"
        self.lines: list[str] = []
        self._socket = socket.create_connection(("127.0.0.1", lab.port("irc")), timeout=10)
        threading.Thread(target=self._listen, daemon=True).start()
        if account:
            self.raw("CAP REQ :sasl")
        self.raw(f"NICK {self.nick}")
        self.raw("USER person 0 * :A person")
        if account:
            self.heard(r"^\S+ CAP \S+ ACK")
            self.raw("AUTHENTICATE PLAIN")
            self.heard(r"^(\S+ )?AUTHENTICATE :?\+")
            secret = f"\0{account}\0{lab.secret(f'irc-{account}')}".encode()
            self.raw(f"AUTHENTICATE {base64.b64encode(secret).decode()}")
            self.heard(r"^\S+ 903 ")
            self.raw("CAP END")
        self.heard(r"^\S+ 001 ")
        self.raw(f"JOIN {channel}")
        self.heard(rf"^\S+ 366 \S+ {channel} ")

    def _listen(self) -> None:
        self._socket.settimeout(None)
        try:
            for line in self._socket.makefile("rb"):
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                assert len(line) <= 512 or text.startswith("@"), line
                if text.startswith("PING"):
                    self.raw(text.replace("PING", "PONG", 1))
                self.lines.append(text)
        except OSError:
            pass

    def raw(self, line: str | bytes) -> None:
        self._socket.sendall((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def say(self, text: str | bytes, to: str | None = None) -> None:
        self.raw(f"PRIVMSG {to or self.channel} :".encode() + (text.encode() if isinstance(text, str) else text))

    def heard(self, pattern: str, since: int = 0, seconds: float = 20) -> str:
        def found() -> str | None:
            return next((line for line in self.lines[since:] if re.search(pattern, line)), None)

        return until(found, f"on IRC: {pattern}", seconds)

    def answers(self, since: int = 0) -> list[str]:
        """What the bot said in the channel."""
        found = (re.match(rf":cloudlog_*!\S+ PRIVMSG {self.channel} :(.*)", line) for line in self.lines[since:])
        return [each[1] for each in found if each]

    def ask(self, text: str | bytes, seconds: float = 20, to: str | None = None) -> str:
        """Says something and gives back the bot's next answer."""
        since = len(self.lines)
        self.say(text, to)
        return until(lambda: self.answers(since), f"an answer to {text!r}", seconds)[0]

    def quiet(self, seconds: float = 1.5) -> list[str]:
        """What the bot says within a while, where nothing is expected: there is no condition to wait for."""
        since = len(self.lines)
        time.sleep(seconds)
        return self.answers(since)

    def close(self) -> None:
        self._socket.close()


def listening() -> bool:
    """The bot is in the channel."""
    person = Person()
    try:
        return any(" 353 " in line and re.search(r"[ :@]cloudlog( |$)", line) for line in person.lines)
    finally:
        person.close()


def word() -> str:
    """One that nobody has said before."""
    return f"w{secrets.token_hex(5)}"
