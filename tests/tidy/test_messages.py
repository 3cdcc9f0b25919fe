"""Every message that can be sent is declared, written and explained, and none is left over."""

from __future__ import annotations

import json
import re
import unittest

from sources import ROOT, SERVER, rust, without_tests

PREFIX = "openstackmanager-"
CATALOGUE = SERVER / "actions/catalogue.rs"


def declared() -> set[str]:
    """What the catalogue has: php-shim/contract.json is printed from it, which another check holds."""
    contract = json.loads((ROOT / "php-shim/contract.json").read_text())
    return {key.removeprefix(PREFIX) for key in contract["messages"]}


def texts(language: str) -> dict[str, str]:
    found = json.loads((ROOT / f"php-shim/i18n/{language}.json").read_text())
    return {key: text for key, text in found.items() if not key.startswith("@")}


class Messages(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        sources = [without_tests(text) for path, text in rust(ROOT / "sidecar") if path != CATALOGUE]
        cls.source = "\n".join(sources)
        cls.literal = set(re.findall(r'Msg::new\(\s*"([^"]+)"', cls.source))
        for words in re.findall(r"\[([^\[\]]*)\]\s*\.map\(Msg::new\)", cls.source):
            cls.literal |= set(re.findall(r'"([^"]+)"', words))
        families = set(re.findall(r'Msg::new\(\s*&format!\(\s*"([^"]+)"', cls.source))
        cls.families = {each: re.compile(re.sub(r"\\\{\w*\\\}", r"[\\w-]+", re.escape(each))) for each in families}

    def test_what_the_sources_say_is_declared(self) -> None:
        self.assertGreater(len(self.literal), 20)
        self.assertEqual(self.literal - declared(), set())

    def test_every_family_has_members(self) -> None:
        for family, pattern in self.families.items():
            self.assertTrue(any(map(pattern.fullmatch, declared())), family)

    def test_what_is_declared_is_said_somewhere(self) -> None:
        strings = set(re.findall(r'"([a-z0-9-]+)"', self.source))
        unsaid = {
            key for key in declared() - strings
            if not any(pattern.fullmatch(key) for pattern in self.families.values())
        }  # fmt: skip
        self.assertEqual(unsaid, set())

    def test_what_is_declared_is_written(self) -> None:
        missing = {PREFIX + key for key in declared()} - set(texts("en"))
        self.assertEqual(missing, set())

    def test_what_is_written_is_said_by_somebody(self) -> None:
        shim = "".join(
            path.read_text() for path in [*(ROOT / "php-shim").rglob("*.php"), ROOT / "php-shim/extension.json"]
        )
        # Keys that the shim puts together: the two directions of a pager.
        ends = {f"{PREFIX}pager-prev", f"{PREFIX}pager-next"}
        for key in texts("en"):
            if key.startswith(PREFIX) and key.removeprefix(PREFIX) not in declared() and key not in ends:
                self.assertIn(key, shim, "nobody says this message")

    def test_every_text_is_explained(self) -> None:
        self.assertEqual(set(texts("en")), set(texts("qqq")))
        self.assertEqual([key for key, text in texts("qqq").items() if not text.strip()], [])
