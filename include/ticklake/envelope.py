"""Everything of a page but its records: ijson walks the body around the records.

ijson never sees a record. The walk stops at the bracket that opens the array of
records; what lies up to its closing bracket is cut elsewhere (``records.py``), and the
walk goes on behind it. To ijson the page is a small document with an empty array, so
values before and after the records are read in the same single pass, at any page size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import ijson

from include.ticklake.errors import PageBroken

MAX_DEPTH = 64
"""Nested deeper than this is no market data; ijson's paths grow with the depth."""

_PIECE = re.compile(rb"[^\[{]*[\[{]|[^\[{]+")
_SCALARS = frozenset({"string", "number", "boolean", "null"})


class Envelope:
    """One walk through one page: fed bytes, finds the records, captures their siblings."""

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

    def feed(self, chunk: bytes) -> int | None:
        """Walk *chunk*; the position behind the bracket that opens records, or None.

        Raises ``ijson.JSONError`` for what is not JSON, ``PageBroken`` for deep nesting.
        """
        # A piece ends at an opening bracket: only there can the records begin.
        for piece in _PIECE.finditer(chunk):
            self._walk.send(piece[0])
            if self._take_events():
                return piece.end()
        return None

    def close(self) -> None:
        """The body has ended; raises ``ijson.JSONError`` if the document has not."""
        self._walk.close()
        self._take_events()

    def _take_events(self) -> bool:
        found = False
        for path, event, value in self._events:
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
            raise PageBroken(f"nested deeper than {MAX_DEPTH} levels")
        self.arrays += found
        return found


def _pattern(records: str) -> re.Pattern[str]:
    """The feed's path as a pattern for ijson's: ``$`` is the root, ``*`` any one name."""
    names = [] if records == "$" else records.split(".")
    pattern = r"\.".join(r"[^.]+" if name == "*" else re.escape(name) for name in names)
    return re.compile(pattern)
