"""What we build on: from crates.io, under licences that deny.toml allows. `cargo deny` checks the same and more
where it is installed; this check needs nothing."""

from __future__ import annotations

import re
import tomllib
import unittest

from sources import ROOT, metadata

CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index"


def allowed(expression: str, licences: set[str]) -> bool:
    """Whether an SPDX expression can be met; `/` is the old way to write OR."""
    words = re.findall(r"[()]|[^\s()]+(?:\s+WITH\s+[^\s()]+)?", expression.replace("/", " OR "))

    def either() -> bool:
        met = both()
        while words and words[0] == "OR":
            words.pop(0)
            met = both() or met
        return met

    def both() -> bool:
        met = one()
        while words and words[0] == "AND":
            words.pop(0)
            met = one() and met
        return met

    def one() -> bool:
        word = words.pop(0)
        if word != "(":
            return " ".join(word.split()) in licences
        met = either()
        words.pop(0)
        return met

    return either()


class Licences(unittest.TestCase):
    def test_expressions(self) -> None:
        licences = {"MIT", "ISC", "Apache-2.0 WITH LLVM-exception"}
        for good in ["MIT", "X OR MIT", "X/MIT", "(X OR MIT) AND ISC", "Apache-2.0 WITH LLVM-exception OR X"]:
            self.assertTrue(allowed(good, licences), good)
        for bad in ["X", "MIT AND X", "X OR (MIT AND X)", "Apache-2.0", "(X OR Y) AND MIT"]:
            self.assertFalse(allowed(bad, licences), bad)

    def test_every_crate_may_be_used(self) -> None:
        deny = tomllib.loads((ROOT / "deny.toml").read_text())
        licences = set(deny["licenses"]["allow"])
        for crate in metadata()["packages"]:
            named = f"{crate['name']} {crate['version']}"
            with self.subTest(named):
                self.assertTrue(allowed(crate["license"] or "none", licences), crate["license"])
                self.assertIn(crate["source"], {None, CRATES_IO})
