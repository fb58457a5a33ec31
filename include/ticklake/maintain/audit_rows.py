"""Checking the order and the keys of rows, window by window, one batch in memory.

Windows come in the order of time, so the first id of a window follows from the window before
it, unless that one is missing.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from include.ticklake.convert import parts
from include.ticklake.convert.budget import Budget
from include.ticklake.convert.parity import ParityCheck
from include.ticklake.convert.parquet_writer import is_sorted
from include.ticklake.convert.parse.block_parser import BlockParser, ParsedBatch
from include.ticklake.feed.feed import Feed
from include.ticklake.lake.manifest import Manifest, ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.table_schema import LakeSchema
from include.ticklake.maintain.expected_candles import ExpectedCandles
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window

_KEYS_HELD = 500_000


class RowChecks:
    """Checks the windows of a feed's slices, one after the other."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._unit: Unit | None = None
        self._last_id: int | None = None
        self._ids = next((n for n, field in feed.fields.items() if field.contiguous), None)

    def begin(self, unit: Unit) -> None:
        """Start checking *unit*; ids are consecutive within a slice only."""
        if self._unit is None or self._unit.slice != unit.slice:
            self._last_id = None
        self._unit = unit

    def break_off(self) -> None:
        """Forget the last id: this window's rows are unknown, the next may start anywhere."""
        self._last_id = None

    def check(
        self,
        batches: Iterable[pa.RecordBatch],
        parquet: ParquetSection,
        *,
        again: Callable[[], Iterable[pa.RecordBatch]],
        is_whole: bool = True,
    ) -> Iterator[tuple[str, str]]:
        """Yield kind and details of all that is wrong with the rows of the current window.

        *again* reads the rows once more, for each further half million keys. A window that is
        not whole lacks records at its end.
        """
        assert self._unit is not None  # noqa: S101 - begin() comes first
        event_time = self._feed.event_time[0]
        keys = _Keys(self._feed, rows=parquet.rows)
        candles = ExpectedCandles(self._feed, self._unit)
        last_at: int | None = None
        unsorted = False
        rows = 0
        for batch in batches:
            rows += batch.num_rows
            at = batch.column(event_time).cast(pa.int64())
            unsorted = unsorted or not is_sorted(at) or (last_at or at[0].as_py()) > at[0].as_py()
            last_at = at[-1].as_py()
            keys.add(batch)
            candles.add(at)
            if self._ids:
                yield from self._gaps(batch.column(self._ids))
        if unsorted and parquet.sorted:
            yield "out_of_order", "the file is declared sorted by time, and its rows are not"
        while rows == parquet.rows and keys.next_share():
            for batch in again():
                keys.add(batch)
        if keys.duplicates:
            yield "duplicate", f"{keys.duplicates} rows have the key of another row"
        if not is_whole:
            self.break_off()
        elif missing := candles.missing():
            yield "hole", missing

    def _gaps(self, ids: pa.Array) -> Iterator[tuple[str, str]]:
        """Yield where an id does not follow the one before it."""
        ids = ids.drop_null()
        ordered = pc.sort_indices(ids)  # rows of one instant may be in any order
        run = ids.take(ordered)
        if self._last_id is not None:
            run = pa.concat_arrays([pa.array([self._last_id], run.type), run])
        steps = pc.subtract(run.slice(1), run.slice(0, len(run) - 1))
        gaps = pc.indices_nonzero(pc.greater(steps, 1))
        for index in gaps.to_pylist():
            first, after = run[index].as_py() + 1, run[index + 1].as_py()
            yield "gap", f"{self._ids} {first} to {after - 1} are missing"
        if len(run):
            self._last_id = run[-1].as_py()


class _Keys:
    """Counts rows whose key occurred before, with a bounded share of the keys in memory."""

    def __init__(self, feed: Feed, *, rows: int) -> None:
        # Each moment of a snapshot has every key.
        self._names = (*feed.key, feed.event_time[0]) if feed.key and feed.snapshot else feed.key
        self._shares = -(-max(rows, 1) // _KEYS_HELD) if feed.key else 1
        self._share = 0
        self._hashes = array("q")
        self.duplicates = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Count the keys of *batch* that belong to the current share."""
        if not self._names:
            return
        columns = [batch.column(name).to_pylist() for name in self._names]
        for key in zip(*columns, strict=True):
            if None in key:  # which is not a key
                continue
            # Its text: -1 and -2 have one hash. A set of half a million keys takes 60 MB.
            hashed = hash(repr(key))
            if self._shares == 1 or hashed % self._shares == self._share:
                self._hashes.append(hashed)

    def next_share(self) -> bool:
        """Start the next share; False where there is none."""
        self._share += 1
        self._count()
        return self._share < self._shares

    def _count(self) -> None:
        hashes = pa.Array.from_buffers(
            pa.int64(), len(self._hashes), [None, pa.py_buffer(self._hashes)]
        )
        ordered = hashes.take(pc.array_sort_indices(hashes))
        same = pc.equal(ordered.slice(1), ordered.slice(0, max(len(ordered) - 1, 0)))
        self.duplicates += pc.sum(same).as_py() or 0
        del hashes
        self._hashes = array("q")


def json_facts(
    feed: Feed, manifest: Manifest, *, storage: Storage, budget: Budget
) -> tuple[ParityCheck, int]:
    """The facts of what the parts parse to, and how many records do not."""
    schema = LakeSchema.of(feed, window=Window.parse(manifest.window))
    parser = BlockParser(schema, fetched_at_ms=manifest.json.fetched_at_ms)
    facts = ParityCheck(schema.arrow)
    refused = 0

    def good(runs: Iterable[ParsedBatch]) -> Iterator[pa.RecordBatch]:
        nonlocal refused
        for run in runs:
            refused += len(run.refused)
            if run.rows.num_rows:
                yield run.rows

    runs = parts.parse_parts(manifest.json.parts, parser, feed=feed, storage=storage, budget=budget)
    for _ in facts.tap_batches(good(runs)):
        pass
    return facts, refused
