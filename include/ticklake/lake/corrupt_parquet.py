"""A Parquet file that cannot be read is an error of its unit.

Whatever pyarrow says of a damaged file, and that is many things, becomes one error that names
the feed, the window and what to do. A storage that does not answer stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from include.ticklake.errors import CorruptParquetError, TicklakeError, UsageError
from include.ticklake.lake import layout
from include.ticklake.lake.hashing import sha256_of_object
from include.ticklake.lake.storage import Storage
from include.ticklake.model.unit import Unit

_UNREADABLE = (
    pa.ArrowException, OSError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
)  # fmt: skip
_LONGEST_REASON = 200


@contextmanager
def reading_parquet(key: str, *, storage: Storage) -> Iterator[None]:
    """``CorruptParquetError`` where what is inside cannot read the file at *key*.

    ``FileNotFoundError`` where there is none.
    """
    try:
        yield
    except (TicklakeError, FileNotFoundError, MemoryError):
        raise
    except _UNREADABLE as error:
        # Where its bytes cannot be read either, it is the storage that failed.
        sha256_of_object(key, storage)
        raise corrupt(key, storage=storage, reason=str(error)) from None


def corrupt(key: str, *, storage: Storage, reason: str) -> CorruptParquetError:
    """The error for the file at *key*, which names its unit and what to do."""
    reason = " ".join(reason.split())[:_LONGEST_REASON]
    return CorruptParquetError(
        f"{_describe(key, storage)} cannot be read: {reason}; {_advice(key)}"
    )


def _describe(key: str, storage: Storage) -> str:
    """The file at *key* and its unit, in words."""
    try:
        at = layout.parse(key)
    except UsageError:
        return storage.uri(key)
    return f"{storage.uri(key)}: the Parquet of feed {at.feed}, window {Unit(at.slice, at.window)},"


def _advice(key: str) -> str:
    try:
        at = layout.parse(key)
    except UsageError:
        return "restore it from a backup"
    return f"run `audit {at.feed} {Unit(at.slice, at.window).arguments} --repair`"
