"""Records without a key that come twice because a page starts as the one before ended.

A list shifts while it is read, or the source hides records that it counts. Where the records
have no order by time, or one is late, only their place tells such a repeat from a second record
that looks the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from include.ticklake.errors import MalformedPageError

REMEMBERED_ROWS = 5_000
"""Of the end of a page; no list shifts by more between two requests."""


class PageOverlap:
    """Recognises the end of the last page at the start of the next one."""

    def __init__(self, rows: Iterable[str] = ()) -> None:
        self._previous = tuple(rows)
        self._start_page()

    def _start_page(self) -> None:
        self._rows: deque[str] = deque(maxlen=REMEMBERED_ROWS)
        self._positions: list[int] = []
        """Where in the last page its repeat may go on; none where there is none, or no more."""
        self._read_rows = self._repeated_rows = self._dropped_rows = 0

    def seen_before(self, digest: str, *, is_known: bool) -> bool:
        """Return whether *digest* continues a repeat, which ends with the last page's last record.

        *is_known* says that it is known to be a duplicate, or outside, without that.
        """
        self._rows.append(digest)
        previous = self._previous
        candidates: Iterable[int] = self._positions
        if not self._read_rows and digest in previous:
            candidates = range(len(previous))
        self._read_rows += 1
        if candidates:  # for most records none
            self._positions = [
                at + 1 for at in candidates if at < len(previous) and previous[at] == digest
            ]
            if len(previous) in self._positions:
                self._repeated_rows = self._read_rows
            if self._positions and not is_known:
                self._dropped_rows = self._read_rows
        return bool(self._positions)

    def end_page(self, where: str) -> None:
        """Remember the page of *where*; ``MalformedPageError`` if a record was dropped wrongly."""
        if self._dropped_rows > self._repeated_rows:
            raise MalformedPageError(
                f"{where}: it starts with records of the page before, and goes on otherwise, so "
                "that nobody can tell which are new; mark the key in fields"
            )
        if self._read_rows:
            self._previous = tuple(self._rows)
        self._start_page()

    @property
    def rows(self) -> tuple[str, ...]:
        """What another process resumes with after the last page that was read to its end."""
        return self._previous
