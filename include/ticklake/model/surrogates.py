"""JSON text with halves of surrogate pairs in, the same text without them out, and the way back.

``"\\ud83d"`` is JSON, and sources that cut texts write it, but msgspec refuses it. So it
is given a text in which each half is another escape of the same length, which is made
undone in what it cut out. Values come back to the byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Restore = Callable[[bytes], bytes]

# A backslash takes the sign behind it along, and a half of a pair the other half.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_MARKS = (b"ue", b"uE")  # of the private use area, of which each spelling is looked for
_MAX_HALVES = 0x1000


def mask_lone_surrogates(text: bytes) -> tuple[bytes, Restore]:
    """*text* without halves of pairs, and what puts them back into any part of it.

    A text without any is given back itself, as is one that leaves no mark to use.
    """
    mark = next((mark for mark in _MARKS if mark not in text), None)
    if mark is None or (b"\\ud" not in text and b"\\uD" not in text):
        return text, bytes
    halves: list[bytes] = []

    def mark_half(match: re.Match[bytes]) -> bytes:
        if not match[1]:
            return match[0]
        halves.append(match[0])
        return b"\\%b%03x" % (mark, len(halves) - 1)

    clean = _ESCAPE.sub(mark_half, text)
    if not halves or len(halves) > _MAX_HALVES:
        return text, bytes
    marks = re.compile(rb"\\%b([0-9a-f]{3})" % mark)
    return clean, lambda part: marks.sub(lambda match: halves[int(match[1], 16)], part)
