"""Units of a feed, fetched side by side: they wait for the source and for the storage.

Each holds one block. What they share is in ``batch.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from include.ticklake.extract import into
from include.ticklake.extract.batch import ExtractBatch
from include.ticklake.extract.extract import ExtractResult, extract_unit
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.own_limit import find_limit
from include.ticklake.model.failed_units import ends_batch
from include.ticklake.model.side_by_side import SideBySide
from include.ticklake.model.sizes import MIB
from include.ticklake.model.unit import Unit
from include.ticklake.sources.auth import GetCredentials
from include.ticklake.sources.source import Connect

Results = list[ExtractResult]
"""Of one unit: one, unless its files go into the windows of another feed."""

_LIBRARY_BYTES = 48 * MIB
_SMALL_UNIT_BYTES = 2 * MIB
"""Of a unit that received little (``sources/body_room.py``), with the stack of its thread."""
_LARGE_UNIT_BYTES = 8 * MIB
"""The buffers of an upload, mostly."""
_HELD_TIMES = 7
"""How often the largest record is held, measured: as it is received, cut, written and packed."""


@contextmanager
def extracted(
    feed: Feed,
    units: Iterable[Unit],
    *,
    storage: Storage,
    units_at_once: int,
    base_url: str | None = None,
    lookup: GetCredentials | None = None,
    connect: Connect | None = None,
    is_replacing: bool = False,
) -> Iterator[SideBySide[Unit, Results]]:
    """The tasks that extract each of *units*; those that still run end with the block."""
    threads, places = at_once(feed, units_at_once, limit_bytes=find_limit())
    with ExtractBatch(feed, storage=storage, base_url=base_url, places=places) as batch:

        def extract(unit: Unit) -> Results:
            if feed.into is None:
                return [
                    extract_unit(
                        feed, unit, batch=batch, storage=storage, lookup=lookup, connect=connect,
                        is_replacing=is_replacing,
                    )
                ]  # fmt: skip
            return into.extract_unit(
                feed, unit, storage=storage, base_url=base_url, patience=batch.patience,
                lookup=lookup, connect=connect, is_replacing=is_replacing,
            )  # fmt: skip

        with SideBySide(
            extract,
            units,
            threads=threads,
            stop=batch.stop,
            is_fatal=ends_batch,
        ) as tasks:
            yield tasks


def at_once(feed: Feed, wanted: int, *, limit_bytes: int | None) -> tuple[int, int | None]:
    """How many units are fetched at once, of those *wanted*, and how many of these receive much.

    *limit_bytes* is that of their memory, None for none; then any of them may. One for a query:
    each is a session and a cursor that a database keeps open. One for files that are written into
    the windows of another feed: several of them may be of one window.
    """
    if feed.source.kind == "sql" or feed.into is not None:
        return 1, None
    if limit_bytes is None:
        return wanted, None
    large_bytes = _LARGE_UNIT_BYTES + _HELD_TIMES * feed.limits.max_record_bytes
    free_bytes = limit_bytes - _LIBRARY_BYTES
    threads = max(1, min(wanted, (free_bytes - large_bytes) // _SMALL_UNIT_BYTES))
    return threads, max(1, (free_bytes - threads * _SMALL_UNIT_BYTES) // large_bytes)
