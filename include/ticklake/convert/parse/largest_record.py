"""The sizes of records in, the largest so far told out.

Where memory runs out, the kernel ends the process before it can say anything. So it
is said before: whenever a record is a quarter larger than any before it.
"""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[dict[str, int | str]], None]


class LargestRecordReporter:
    """The largest record of a command; *tell* gets its size in bytes and where it is."""

    def __init__(self, tell: Report | None = None) -> None:
        self._tell = tell
        self._told_bytes = 0

    def is_news(self, size_bytes: int) -> bool:
        """Whether a record of this size would be told."""
        return self._tell is not None and size_bytes * 4 > self._told_bytes * 5

    def see(self, size_bytes: int, *, part: str, offset: int) -> None:
        """A record of *size_bytes*, or the beginning of one, at *offset* of the part's text."""
        if self._tell is not None and self.is_news(size_bytes):
            self._told_bytes = size_bytes
            where = f"byte {offset} of {part}"
            self._tell({"largest_record_bytes": size_bytes, "largest_record_at": where})
