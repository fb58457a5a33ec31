"""Everything of a page but its records: ijson walks the body around the records.

ijson never sees a record. The walk stops at the bracket that opens the array of
records; what lies up to its closing bracket is cut elsewhere (``records.py``), and the
walk goes on behind it. To ijson the page is a small document with an empty array, so
values before and after the records are read in the same single pass, at any page size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import ijson

from include.ticklake.errors import MalformedPageError

MAX_DEPTH = 64
"""Nested deeper than this is no market data; ijson's paths grow with the depth."""

MAX_DIGITS = 4_000
"""The walk crashes the interpreter at an integer of more than 4,300 digits (ijson 3.6)."""

MAX_VALUE_BYTES = 1024 * 1024
"""The walk holds a value whole, and reads its beginning again with every piece."""

# A piece ends at an opening bracket: only there can the records begin. It is short, so
# that the place of a mistake is known closely.
_PIECE = re.compile(rb"[^\[{]{0,255}[\[{]|[^\[{]{1,256}")
_SCALARS = frozenset({"string", "number", "boolean", "null"})


class Envelope:
    """One walk through one page: fed bytes, finds the records, captures their siblings.

    What is no JSON raises ``MalformedPageError`` with the byte near which it is wrong.
    """

    def __init__(self, *, records: str, capture: Mapping[str, str]) -> None:
        self.captured: dict[str, Any] = {}
        self.arrays = 0
        """How many arrays of records were met; none means that the path is wrong."""
        self.top_names: list[str] = []
        """The body's own top-level names, for the message when the path is wrong."""
        self._records = _pattern(records)
        self._capture = {path: name for name, path in capture.items()}
        self._events: Any = ijson.sendable_list()
        self._walk = ijson.parse_coro(self._events)
        self._depth = 0
        self._digits = 0
        self._silent_bytes = 0

    def feed(self, chunk: bytes, *, at: int) -> int | None:
        """Walk *chunk*, which begins at byte *at* of the body.

        Returns the position behind the bracket that opens records, or None.
        """
        for piece in _PIECE.finditer(chunk):
            where = at + piece.start()
            self._bound(piece[0], at=where)
            _stepping(self._walk.send, piece[0], at=where)
            if self._take_events(at=where):
                return piece.end()
        return None

    def close(self, *, at: int) -> None:
        """The body has ended at byte *at*; so must the document."""
        _stepping(self._walk.close, at=at)
        self._take_events(at=at)

    def _bound(self, piece: bytes, *, at: int) -> None:
        """Refuse a value before it grows in the walk's own memory, out of our sight."""
        self._silent_bytes += len(piece)
        if self._silent_bytes > MAX_VALUE_BYTES:
            raise MalformedPageError(
                f"a value beside the records is longer than {MAX_VALUE_BYTES} bytes, at byte {at}"
            )
        self._digits = self._digits + len(piece) if piece.isdigit() else 0
        if self._digits > MAX_DIGITS:
            raise MalformedPageError(f"a number of more than {MAX_DIGITS} digits near byte {at}")

    def _take_events(self, *, at: int) -> bool:
        found = False
        for path, event, value in self._events:
            self._silent_bytes = 0
            if event in _SCALARS and (name := self._capture.get(path)):
                self.captured[name] = value
            elif event == "map_key" and self._depth == 1 and len(self.top_names) < 20:
                self.top_names.append(str(value)[:40])
            elif event.startswith("start_"):
                self._depth += 1
                found = event == "start_array" and self._records.fullmatch(path) is not None
            elif event.startswith("end_"):
                self._depth -= 1
        self._events.clear()
        if self._depth > MAX_DEPTH:
            raise MalformedPageError(f"nested deeper than {MAX_DEPTH} levels at byte {at}")
        self.arrays += found
        return found


def _stepping(step: Callable[..., object], *piece: bytes, at: int) -> None:
    """Take one step of the walk; what ijson may raise over odd bytes is one thing to us."""
    try:
        step(*piece)
    except ijson.JSONError as wrong:
        raise MalformedPageError(f"not JSON near byte {at}: {_reason(wrong)}") from None
    except UnicodeDecodeError:
        raise MalformedPageError(f"invalid UTF-8 near byte {at}") from None
    except ArithmeticError:
        raise MalformedPageError(f"a number beyond all numbers near byte {at}") from None


def _reason(wrong: Exception) -> str:
    """The first line of ijson's message, which may be bytes; never the text of the body."""
    text = wrong.args[0] if wrong.args else ""
    line = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    return line.partition("\n")[0]


def _pattern(records: str) -> re.Pattern[str]:
    """The feed's path as a pattern for ijson's: ``$`` is the root, ``*`` any one name."""
    names = [] if records == "$" else records.split(".")
    pattern = r"\.".join(r"[^.]+" if name == "*" else re.escape(name) for name in names)
    return re.compile(pattern)
