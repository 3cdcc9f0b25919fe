"""Who may know whom: the rules of docs/ARCHITECTURE.md, read from `cargo metadata` and the sources."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

from sources import BACKENDS, ROOT, SERVER, dependencies, name, rust, without_tests

# Crates through which something gets out of the process, or something of the world gets in.
OUTSIDE = {
    "tokio", "mio", "socket2", "hyper", "axum", "reqwest", "rustls", "mysql_async", "ldap3", "getrandom", "rand",
    "tracing-subscriber",
}  # fmt: skip
IMPURE = re.compile(
    r"Utc::now|Local::now|SystemTime|Instant::now|new_v4|std::(fs|net::(Tcp|Udp)|env|process|thread|io)\b"
)
WORKSPACE = {"osm-core", "osm-backends", "openstackmanager"}
# Who may call the traits that change the world, below sidecar/server/src.
WRITERS = ("operations/", "documenter/", "log/writer.rs", "app.rs", "app/", "cli/")
WRITE_PORTS = re.compile(r"\b(ComputeWrite|DirectoryWrite|IdentityWrite|WikiWrite)\b")
# What the HTTP layer may use of the server.
HTTP_USES = {"actions", "http", "telemetry"}


def where(path: Path) -> str:
    return str(path.relative_to(SERVER))


class Imports(unittest.TestCase):
    def test_core_reaches_nothing(self) -> None:
        self.assertEqual(dependencies("osm-core", closure=True) & (OUTSIDE - {"getrandom", "rand"}), set())
        self.assertEqual(dependencies("osm-core", closure=False) & (WORKSPACE | OUTSIDE), set())

    def test_core_has_no_clock_and_no_dice(self) -> None:
        for path, text in rust(ROOT / "sidecar/core/src"):
            found = IMPURE.search(without_tests(text))
            self.assertIsNone(found, f"{name(path)}: {found}")

    def test_backends_know_core_only(self) -> None:
        self.assertEqual(dependencies("osm-backends", closure=False) & WORKSPACE, {"osm-core"})
        self.assertNotIn("axum", dependencies("osm-backends", closure=True))

    def test_no_backend_knows_another(self) -> None:
        backends = {each.name for each in BACKENDS.iterdir() if each.is_dir()}
        self.assertGreaterEqual(len(backends), 4)
        for backend in backends:
            for path, text in rust(BACKENDS / backend):
                known = set(re.findall(r"\bcrate::(\w+)", text)) & (backends - {backend})
                self.assertEqual(known, set(), name(path))

    def test_the_app_alone_names_backends(self) -> None:
        for path, text in rust(SERVER):
            named = set(re.findall(r"\bosm_backends::(\{[^}]*\}|\w+)", without_tests(text))) - {"secret"}
            if named:
                self.assertTrue(where(path).startswith(("app.rs", "app/")), f"{name(path)} names {named}")

    def test_http_knows_actions_only(self) -> None:
        for path, text in rust(SERVER / "http", SERVER / "http.rs"):
            used = set(re.findall(r"\bcrate::(\w+)", without_tests(text)))
            self.assertLessEqual(used, HTTP_USES, name(path))

    def test_actions_hold_no_write_port(self) -> None:
        seen = 0
        for path, text in rust(SERVER):
            if WRITE_PORTS.search(without_tests(text)):
                seen += 1
                self.assertTrue(where(path).startswith(WRITERS), f"{name(path)} names a write port")
        self.assertGreater(seen, 0, "the write ports have another name now")
