"""Where the wiki's code comes from: which MediaWiki, and Semantic MediaWiki where it can be had."""

from __future__ import annotations

import re
from pathlib import Path

from settings import Lab


def tree(lab: Lab) -> Path:
    return Path("/usr/share/mediawiki")


def version(lab: Lab) -> str:
    found = re.search(r"'MW_VERSION', '([^']+)'", (tree(lab) / "includes" / "Defines.php").read_text())
    return found[1] if found else "unknown"


def semantic_mediawiki(lab: Lab) -> Path | None:
    return None


def semantic_mediawiki_extensions(lab: Lab) -> dict[str, Path]:
    return {}


def autoload(semantic: Path | None) -> str | None:
    return None
