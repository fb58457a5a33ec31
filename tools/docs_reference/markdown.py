"""Text of the code as Markdown that shows it as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`[^`]*`)")
_SPECIAL = re.compile(r"([\\*_<>\[\]#])")


def escape(text: str) -> str:
    """*text* in a table's cell; what is in backticks stays code."""
    text = " ".join(text.replace("``", "`").split())
    if text.count("`") % 2:
        text = text.replace("`", "'")
    parts = _CODE.split(text)
    shown = (part if part.startswith("`") else _SPECIAL.sub(r"\\\1", part) for part in parts)
    return "".join(shown).replace("|", "\\|")


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """The lines of a table; the cells are Markdown already."""
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
