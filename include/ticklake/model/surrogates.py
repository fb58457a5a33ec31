"""JSON text with halves of surrogate pairs in, the same text without them out, and the way back.

``"\\ud83d"`` is JSON, and sources that cut texts write it, but msgspec refuses it. So it
is given a text in which each half is another escape of the same length, which is made
undone in what it cut out. Values come back to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

Restore = Callable[[bytes], bytes]

_PAIR = rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
# Everything up to the next half, or the end, at once: a backslash takes the sign behind it along,
# and a half of a pair the other half.
_NEXT_HALF = re.compile(
    rb"(?:[^\\]++|" + _PAIR + rb"|(?!" + _HALF + rb")\\.)*+(?:(" + _HALF + rb")|\\?\Z)", re.DOTALL
)
_MARKS = (b"ue", b"uE")  # of the private use area, of which each spelling is looked for
_MAX_HALVES = 0x1000


def mask_lone_surrogates(text: bytes) -> tuple[bytes, Restore]:
    """*text* without halves of pairs, and what puts them back into any part of it.

    A text without any is given back itself, as is one that leaves no mark to use, or has
    thousands.
    """
    mark = next((mark for mark in _MARKS if mark not in text), None)
    if mark is None or not _may_have_halves(text):
        return text, bytes
    halves: list[bytes] = []
    clean = bytearray(text)
    for start in islice(_halves(text), _MAX_HALVES + 1):
        half = slice(start, start + len(rb"\ud83d"))
        clean[half] = rb"\%b%03x" % (mark, len(halves) % _MAX_HALVES)
        halves.append(text[half])
    if not halves or len(halves) > _MAX_HALVES:
        return text, bytes
    marks = re.compile(rb"\\%b([0-9a-f]{3})" % mark)
    return bytes(clean), lambda part: marks.sub(lambda match: halves[int(match[1], 16)], part)


def without_halves(text: bytes) -> bytes | bytearray:
    """*text* with another escape, of the same length, for each half of a pair: to validate it."""
    if not _may_have_halves(text):
        return text
    clean = bytearray(text)
    for start in _halves(text):
        clean[start : start + len(rb"\ud83d")] = rb"\u0020"
    return clean


def _halves(text: bytes) -> Iterator[int]:
    """Where each half of a pair is."""
    return (match.start(1) for match in _NEXT_HALF.finditer(text) if match.start(1) >= 0)


def _may_have_halves(text: bytes) -> bool:
    return b"\\ud" in text or b"\\uD" in text
