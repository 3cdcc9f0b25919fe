"""One vocabulary: what the sidecar writes, what the template takes and sets, what the schema declares."""

from __future__ import annotations

import json
import re
import unittest

from sources import ROOT, name, rust, without_tests

TEMPLATES = ROOT / "wiki-templates"
SCHEMA = ROOT / "smw-schema"
# Taken from pages that the MediaWiki extension of the same name wrote, never written by us.
OLD = {"Members", "Admins", "Reservation Id"}
# Shown, and no property: lists, counts, and where a name led last.
SHOWN = {
    "Instance List", "Anchor List", "Last Instance", "Project List", "Summary List", "List Bound", "Instance Summary",
    "State Counts", "Type Counts", "Latest Instances", "Long Logs",
}  # fmt: skip


class Vocabulary(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        template = (TEMPLATES / "Template/Nova_Resource.wikitext").read_text()
        cls.taken = set(re.findall(r"\{\{\{([A-Z][^|{}]*)", template))
        cls.set: set[tuple[str, str]] = set()
        for call in re.findall(r"\{\{#set:\n(.*?)\n\}\}", template, re.S):
            cls.set |= set(re.findall(r"^ \|([^=\n]+)=\{\{\{([^|{}]+)\|\}\}\}", call, re.M))
        pages = "\n".join(without_tests(text) for _, text in rust(ROOT / "sidecar/core/src/pages"))
        cls.written = set(re.findall(r'\bcall\.\w+\(\s*"([^"]+)"', pages))
        cls.written |= set(re.findall(r'LINE: &str = "\\n\|([^=]+)="', pages))
        vocabulary = json.loads((SCHEMA / "vocabulary.json").read_text())
        cls.declared = {each["name"] for each in vocabulary["properties"]}

    def test_the_template_takes_what_is_written(self) -> None:
        self.assertGreater(len(self.written), 20)
        self.assertEqual(self.written - self.taken, set())
        self.assertEqual(self.taken - self.written - OLD - {"Resource Type"}, set())

    def test_a_parameter_has_its_property_s_name(self) -> None:
        others = {(prop, parameter) for prop, parameter in self.set if prop != parameter}
        self.assertEqual(others, {("Admin", "Admins"), ("Member", "Members")})

    def test_what_is_set_is_declared_and_the_other_way_round(self) -> None:
        self.assertEqual({prop for prop, _ in self.set} | {"Resource Type"}, self.declared)
        self.assertEqual(self.taken - self.declared - OLD, SHOWN)

    def test_the_manifests_name_every_file(self) -> None:
        named = json.loads((TEMPLATES / "manifest.json").read_text())["pages"]
        self.assertEqual({each["file"] for each in named}, files(TEMPLATES))
        named = json.loads((SCHEMA / "vocabulary.json").read_text())["schemas"]
        self.assertEqual({each["file"] for each in named}, files(SCHEMA))


def files(folder) -> set[str]:
    """The pages below a folder: everything but its manifest."""
    prefix = name(folder) + "/"
    found = {name(path).removeprefix(prefix) for path in folder.rglob("*") if path.is_file()}
    return {path for path in found if "/" in path and not path.endswith(".md")}
