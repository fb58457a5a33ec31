"""How deep a record may be nested: a number of ours, the same on every Python.

The interpreters' own limits differ: 1,000 levels of Python calls up to 3.11, thousands of C calls
from 3.12 on.
"""

from __future__ import annotations

import re

MAX_LEVELS = 500
"""Levels of objects and arrays in a record, itself included; a deeper record is refused."""

# A string is one token: brackets inside do not count.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)


def is_too_deep(record: bytes) -> bool:
    """Return whether the JSON text *record* has more than ``MAX_LEVELS`` levels."""
    return may_be_too_deep(record) and _levels(record) > MAX_LEVELS


def may_be_too_deep(text: bytes) -> bool:
    """Return whether *text* has brackets enough to be too deep: fast, and never False if it is."""
    return len(text) > MAX_LEVELS and text.count(b"[") + text.count(b"{") > MAX_LEVELS


def _levels(text: bytes) -> int:
    level = deepest = 0
    for token in _TOKEN.finditer(text):
        character = text[token.start()]
        if character in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif character in b"]}":
            level -= 1
    return deepest
