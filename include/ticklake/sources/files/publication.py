"""When a source publishes a unit's files, and what it means that one of them is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import overload

from include.ticklake.errors import NotThereYetError, SourceRefusedError
from include.ticklake.feed.files_source import FilesSource
from include.ticklake.model.durations import format_duration
from include.ticklake.model.unit import Unit

_NOT_THERE = (404, 410)
_LEAST_WAIT_S = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePublication:
    """What is known of the files of one unit at one time."""

    source: FilesSource
    unit: Unit
    now_s: float

    @overload
    def read(
        self, chunks: Iterator[bytes], *, where: str, missing: None = None
    ) -> Iterator[bytes]: ...
    @overload
    def read(
        self, chunks: Iterator[bytes], *, where: str, missing: str
    ) -> Iterator[bytes] | None: ...
    def read(
        self, chunks: Iterator[bytes], *, where: str, missing: str | None = None
    ) -> Iterator[bytes] | None:
        """*chunks*, the first of which is there; None for a file whose *missing* means no records.

        Without *missing* it is the checksum of a file that is there.
        ``NotThereYetError`` where it may still be published.
        """
        try:
            first = next(chunks, b"")
        except SourceRefusedError as error:
            if error.status not in _NOT_THERE:
                raise
            if (left_s := self._left_s) > 0:
                wait_s = max(left_s / 2, _LEAST_WAIT_S)
                raise NotThereYetError(where, retry_after_s=wait_s) from None
            if missing == "empty":
                return None
            raise self._too_late(error, is_checksum=missing is None) from None
        return chain((first,) if first else (), chunks)

    @property
    def _left_s(self) -> float:
        """How long a file may still take to appear."""
        due = self.unit.window.end + self.source.published_within
        return due.timestamp() - self.now_s

    def _too_late(self, error: SourceRefusedError, *, is_checksum: bool) -> SourceRefusedError:
        late = format_duration(self.source.published_within)
        advice = (
            "if files have none beside them, correct or remove source.checksum"
            if is_checksum
            else "if that means that there are no records, set `missing: empty` in source"
        )
        refused = SourceRefusedError(
            f"{error}; it is missing {late} after its window (source.published_within): {advice}"
        )
        refused.status = error.status
        return refused
