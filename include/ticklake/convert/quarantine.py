"""Keeps refused records: one gzipped JSON line for each.

A line holds part, offset, reason and the record's own text. A text over 64 KiB is truncated,
and ``record_bytes`` is its full length: the part has all of it, at the offset.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from include.ticklake.convert.parse.block_parser import ParsedBatch, RefusedRecord
from include.ticklake.errors import TooManyBadRecordsError
from include.ticklake.lake.storage import Storage

METADATA = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}

_MAX_TEXT_BYTES = 64 * 1024
_MAX_REASONS = 3


class Quarantine:
    """The refused records of one conversion; the object is created with the first one."""

    def __init__(
        self, partial_key: str, *, storage: Storage, staged_rows: int, max_share: float
    ) -> None:
        self._partial_key = partial_key
        self._storage = storage
        self._staged_rows = staged_rows
        self._max_share = max_share
        self._gzip = zlib.compressobj(wbits=31)  # a header without time: same lines, same bytes
        self._stream: Any = None
        self._reasons: list[str] = []
        self.rows = 0

    def divert(self, batches: Iterable[ParsedBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the good rows of *batches* and keep the refused records.

        ``TooManyBadRecordsError`` once there are more of those than the feed allows.
        """
        for batch in batches:
            if batch.refused:
                self._add(batch.refused)
            if batch.rows.num_rows:
                yield batch.rows

    def close(self) -> None:
        """Finish the object, if there is one."""
        if self._stream is not None:
            with self._stream:
                self._stream.write(self._gzip.flush())

    def _add(self, refused: Iterable[RefusedRecord]) -> None:
        if self._stream is None:
            self._stream = self._storage.open_output(self._partial_key, metadata=METADATA)
        for record in refused:
            self._stream.write(self._gzip.compress(line(record)))
            self.rows += 1
            if len(self._reasons) < _MAX_REASONS:
                self._reasons.append(f"{record.part} at byte {record.offset}: {record.reason}")
        if self.rows > self._max_share * self._staged_rows:
            reasons = "; ".join(self._reasons)
            raise TooManyBadRecordsError(
                f"{self.rows} of {self._staged_rows} records do not fit the feed's fields, and it "
                f"allows {self._max_share:.2%} (limits.max_bad_share); nothing was committed. "
                f"First: {reasons}. Correct `fields` in the feed's file and `convert` the window "
                "again; or, once the source is corrected, `extract` and `convert` it again; or "
                "allow more, such as limits.max_bad_share: 2%"
            )


def line(refused: RefusedRecord) -> bytes:
    """One line of a quarantine object."""
    text = refused.record[:_MAX_TEXT_BYTES].decode(errors="backslashreplace")
    entry = {
        "part": refused.part,
        "offset": refused.offset,
        "reason": refused.reason,
        "record": text,
        "record_bytes": len(refused.record),
    }
    return json.dumps(entry, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"
