"""extension.json is as MediaWiki wants it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import jsonschema
import mediawiki_extras
from settings import ROOT
from support.world import lab

NAME = "extension.schema.v2.json"
PLACES = [
    mediawiki_extras.tree(lab) / "docs" / NAME,
    Path("/usr/share/doc/mediawiki/docs") / f"{NAME}.gz",
]


def test_extension_json_follows_mediawiki_s_schema() -> None:
    found = next(path for path in PLACES if path.exists())
    text = gzip.decompress(found.read_bytes()) if found.suffix == ".gz" else found.read_bytes()
    # The schema names a dialect that only its authors' tools know; it is draft 4 in all that it uses.
    validator = jsonschema.Draft4Validator(json.loads(text))
    validator.validate(json.loads((ROOT / "php-shim/extension.json").read_text()))
