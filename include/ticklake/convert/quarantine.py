"""Keeps refused records: one gzipped JSON line for each.

A line holds part, offset, reason and the record's own text. A text over 64 KiB is truncated,
and ``record_bytes`` is its full length: the part has all of it, at the offset.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator

import pyarrow as pa

from include.ticklake.convert.parse.block_parser import ParsedBatch, RefusedRecord
from include.ticklake.errors import TooManyBadRecordsError
from include.ticklake.lake.staged_object import StagedObject
from include.ticklake.lake.storage import Storage
from include.ticklake.model.shares import allowed_part, format_share, share_that_allows
from include.ticklake.model.unit import Unit

METADATA = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}

_MAX_REASONS = 3


class Quarantine:
    """The refused records of one conversion; the object is created with the first one."""

    staged: StagedObject | None
    """Where the records are; None where none was refused."""

    def __init__(
        self,
        key: str,
        *,
        storage: Storage,
        staged_rows: int,
        max_share: float,
        feed_name: str,
        unit: Unit,
    ) -> None:
        self._key = key
        self._storage = storage
        self._staged_rows = staged_rows
        self._max_share = max_share
        self._max_rows = allowed_part(staged_rows, max_share)
        self._feed_name, self._unit = feed_name, unit.arguments
        self._gzip = zlib.compressobj(wbits=31)  # a header without time: same lines, same bytes
        self.staged = None
        self._reasons: list[str] = []
        self.rows = 0

    def divert(self, batches: Iterable[ParsedBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the good rows of *batches* and keep the refused records.

        ``TooManyBadRecordsError`` if there are more of those than the feed allows: at the end,
        so that the error says how many there are.
        """
        for batch in batches:
            if batch.refused:
                self._add(batch.refused)
            if batch.rows.num_rows and not self._is_exceeded:
                yield batch.rows
        if self._is_exceeded:
            raise self._too_many()

    @property
    def _is_exceeded(self) -> bool:
        return self.rows > self._max_rows

    def close(self) -> None:
        """Finish the object, if there is one."""
        if self.staged is not None and not self.staged.closed:
            self.staged.write(self._gzip.flush())
            self.staged.close()

    def _add(self, refused: Iterable[RefusedRecord]) -> None:
        if self.staged is None:
            self.staged = StagedObject(self._key, storage=self._storage, metadata=METADATA)
        for record in refused:
            self.rows += 1
            if len(self._reasons) < _MAX_REASONS:
                self._reasons.append(f"{record.part} at byte {record.offset}: {record.reason}")
            if not self._is_exceeded:  # else nothing will be committed
                self.staged.write(self._gzip.compress(line(record)))

    def _too_many(self) -> TooManyBadRecordsError:
        needed = share_that_allows(self.rows, self._staged_rows)
        allowed = format_share(self._max_share)
        return TooManyBadRecordsError(
            f"{self.rows} of {self._staged_rows} records do not fit the feed's fields, and it "
            f"allows {allowed} (limits.max_bad_share); nothing was committed. "
            f"First: {'; '.join(self._reasons)}. Correct `fields` in the feed's file, or allow "
            f"more there (`limits: {{max_bad_share: {needed}}}`), and run "
            f"`rebuild {self._feed_name} {self._unit}`; once the source is corrected, run "
            f"`extract {self._feed_name} {self._unit}` before"
        )


def line(refused: RefusedRecord) -> bytes:
    """One line of a quarantine object."""
    text = refused.record.decode(errors="backslashreplace")
    entry = {
        "part": refused.part,
        "offset": refused.offset,
        "reason": refused.reason,
        "record": text,
        "record_bytes": refused.record_bytes,
    }
    return json.dumps(entry, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"
