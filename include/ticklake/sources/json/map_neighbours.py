"""The members of a map that are not records: what stands beside them, and what is captured.

They go to the envelope, as if nothing else were in the map.
"""

from __future__ import annotations

from collections.abc import Sequence

from include.ticklake.model.record import Record
from include.ticklake.sources.json.envelope import Envelope
from include.ticklake.sources.json.member_splitter import Members, encode_text


class MapNeighbours:
    """The neighbours of the records in one map."""

    def __init__(self, envelope: Envelope, *, takes_plain: bool) -> None:
        self._envelope = envelope
        self._takes_plain = takes_plain
        """Whether arrays and plain values are records too: the feed has names for them."""
        self._captured, self._captured_plain = envelope.captured_names()
        self._separator = b""

    def without(self, names: Sequence[str], values: Sequence[Record], *, at: int) -> Members:
        """The members that are records; the envelope is given the others."""
        captured = self._captured
        is_record = [
            name not in captured and (memoryview(value)[0] == _BRACE or self._is_plain_record(name))
            for name, value in zip(names, values, strict=True)
        ]
        if all(is_record):
            return names, values
        for name, value, is_kept in zip(names, values, is_record, strict=True):
            if not is_kept:
                member = self._separator + encode_text(name) + b":" + bytes(value)
                self._envelope.feed_whole(member, at=at)
                self._separator = b","
        kept = [n for n, is_kept in enumerate(is_record) if is_kept]
        return [names[n] for n in kept], [values[n] for n in kept]

    def _is_plain_record(self, name: str) -> bool:
        return self._takes_plain and name not in self._captured_plain


_BRACE = ord("{")
