"""Checks fit for a part's health(): None when all is well, else the reason in a few words."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

from settings import HOST, Lab

# Loopback only: a proxy named in the environment must never be asked.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http(url: str, *, expect: tuple[int, ...] = (200,), timeout: float = 5) -> str | None:
    try:
        with _OPENER.open(url, timeout=timeout) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    except OSError as error:
        return f"{url} does not answer ({getattr(error, 'reason', error)})"
    return None if status in expect else f"{url} answers {status}"


def port(lab: Lab, name: str) -> str | None:
    try:
        with socket.create_connection((HOST, lab.port(name)), timeout=2):
            return None
    except OSError as error:
        return f"port {lab.port(name)} does not answer ({error.strerror or error})"
