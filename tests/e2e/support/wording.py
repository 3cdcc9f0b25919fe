"""The messages of the shim, as patterns: tests name a message by its key, never by its words."""

from __future__ import annotations

import json
import re

from settings import ROOT

_TEXTS: dict[str, str] = json.loads((ROOT / "php-shim/i18n/en.json").read_text())
_HOLE = r"[\s\S]*?"


def pattern(name: str, *params: str) -> re.Pattern[str]:
    """What the message looks like as text on a page; parameters that are not given may be anything."""
    text = _TEXTS[f"openstackmanager-{name}"]
    text = re.sub(r"</?\w+[^>]*>|'{2,}", "", text)
    text = re.sub(r"\[\[(?:[^|\]]*\|)?([^\]]*)\]\]", r"\1", text)
    text = re.sub(r"\[(?:https?:)?//\S+ ([^\]]*)\]", r"\1", text)
    pieces = []
    for piece in re.split(r"(\{\{.*?\}\}|\$\d)", text):
        number = int(piece[1:]) if re.fullmatch(r"\$\d", piece) else 0
        if 0 < number <= len(params):
            pieces.append(re.escape(params[number - 1]))
        elif number or piece.startswith("{{"):
            pieces.append(_HOLE)
        else:
            pieces.append(r"\s+".join(map(re.escape, re.split(r"\s+", piece))))
    return re.compile("".join(pieces))


def said(text: str, name: str, *params: str) -> bool:
    """Whether a text holds the message."""
    return pattern(name, *params).search(text) is not None
