"""Why the records of a quarantine were refused, as counts that many windows can share."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from itertools import islice

from include.ticklake.lake.storage import Storage

MAX_RECORDS = 1_000
"""How many records of a window are looked at; the others are of `OTHER`."""
MAX_REASONS = 10
MAX_CHARACTERS = 120
OTHER = "other"

_VALUE = r'(?:.{40}\.\.\.|"(?:[^"\\]|\\.)*"|an object|an array|(?!there )[^\s":]+)'
"""As ``types.values.describe`` writes a value."""
_OF_COLUMN = re.compile(rf"(\w+): {_VALUE} ((?:is|has) .*)", re.DOTALL)
_POSITION = re.compile(r" at (?:character|byte) \d+.*", re.DOTALL)
_QUOTED = re.compile(r"'[^']*'")

_NO_QUARANTINE = (
    FileNotFoundError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, KeyError, TypeError,
)  # fmt: skip


def count_reasons(key: str, *, rows: int, storage: Storage) -> dict[str, int]:
    """How many of the *rows* records at *key* were refused for what: one request.

    All of them are of ``OTHER`` where the object is gone, or is not a quarantine.
    """
    counts: Counter[str] = Counter()
    try:
        with storage.open_input(key) as stream, gzip.GzipFile(fileobj=stream) as lines:
            for line in islice(lines, min(rows, MAX_RECORDS)):
                counts[general_reason(str(json.loads(line)["reason"]))] += 1
    except _NO_QUARANTINE:
        counts.clear()
    named = dict(counts.most_common(MAX_REASONS))
    if rest := rows - sum(named.values()):
        named[OTHER] = named.get(OTHER, 0) + rest
    return named


def general_reason(reason: str) -> str:
    """*reason* without the value and the place that it names: ``price: is not a number``."""
    if of_column := _OF_COLUMN.fullmatch(reason):
        reason = f"{of_column[1]}: {of_column[2]}"
    else:
        reason = _POSITION.sub("", _QUOTED.sub("...", reason))
    return reason[:MAX_CHARACTERS]
