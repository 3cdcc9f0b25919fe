"""Files of one idea: none is long."""

from __future__ import annotations

import unittest

from sources import files, name

LONGEST = 400
CODE = {".rs", ".py", ".php", ".js", ".css", ".sql", ".sh"}
# Longer, and to be split or not to grow.
EXCEPTIONS = {
    "sidecar/backends/src/mysql/operations.rs",
    "sidecar/backends/tests/openstack/trouble.rs",
    "sidecar/backends/tests/wiki.rs",
    "sidecar/core/src/instance.rs",
    "sidecar/core/src/ports/store.rs",
    "sidecar/server/src/http/tests.rs",
}


class Files(unittest.TestCase):
    def test_none_is_long(self) -> None:
        lengths = {name(path): len(path.read_text().splitlines()) for path in files() if path.suffix in CODE}
        long = {path: lines for path, lines in lengths.items() if lines > LONGEST}
        self.assertEqual(set(long) - EXCEPTIONS, set(), long)

    def test_nothing_of_this_machine_is_in_the_repository(self) -> None:
        for path in files():
            text = path.read_bytes()
            for word in [b"/work" + b"/main", b"/tmp" + b"/team", b"/work" + b"/shared"]:
                self.assertNotIn(word, text, name(path))
