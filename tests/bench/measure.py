"""What all benches share: how long, how often, and the Markdown that comes of it."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

INSTANCES = int(os.environ.get("BENCH_INSTANCES") or 1000)
# Where it matters that they are many.
MANY = int(os.environ.get("BENCH_MANY") or 10_000)
SECONDS = int(os.environ.get("BENCH_SECONDS") or 10)
# How often what takes long is done.
ROUNDS = int(os.environ.get("BENCH_ROUNDS") or 20)


def times(call: Callable[[], Any], often: int) -> list[float]:
    """Milliseconds of each call, after one that does not count."""
    call()
    return [timed(call) for _ in range(often)]


def timed(call: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def p50(values: list[float]) -> float:
    return statistics.median(values)


def p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


def ms(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"


class Table:
    """A Markdown table, printed when it is whole."""

    def __init__(self, *columns: str) -> None:
        self._rows: list[tuple[Any, ...]] = [columns, tuple("---" for _ in columns)]

    def row(self, *cells: Any) -> None:
        self._rows.append(cells)

    def show(self) -> None:
        print("\n".join(f"| {' | '.join(map(str, row))} |" for row in self._rows) + "\n", flush=True)
