"""What a Parquet file says of itself, where the manifest that described it is damaged."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet as pq

from include.ticklake.convert.parquet_writer import is_sorted
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import schema_history
from include.ticklake.lake.corrupt_parquet import reading_parquet
from include.ticklake.lake.hashing import sha256_of_object
from include.ticklake.lake.storage import Storage
from include.ticklake.lake.table_schema import LakeSchema

_BATCH_ROWS = 8_192

_Span = tuple[pa.Scalar, pa.Scalar]
"""The least and the greatest value."""

NsRange = tuple[int, int]
"""First and last event time, nanoseconds since 1970, both inclusive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One Parquet file, all of whose rows were read."""

    rows: int
    parquet_bytes: int
    sha256: str
    row_groups: int
    first_event_ns: int | None
    last_event_ns: int | None
    sorted: bool
    key_range: dict[str, tuple[str, str]]
    """Least and greatest value of each key column, as text."""
    rows_within: tuple[int, ...]
    """Of the ranges that were asked for."""


def read_facts(
    feed: Feed, key: str, *, storage: Storage, within: tuple[NsRange, ...] = ()
) -> FileFacts:
    """Read all of the file at *key*; how many of its rows are *within* each of some ranges.

    ``CorruptParquetError`` where that is not possible, ``FileNotFoundError`` where there is none.
    """
    schema = LakeSchema.of(feed)
    units = [(first // schema.ns_per_unit, last // schema.ns_per_unit) for first, last in within]
    counts = [0] * len(units)
    spans: dict[str, _Span] = {}
    rows, last_at, in_order = 0, None, True
    with (
        reading_parquet(key, storage=storage),
        storage.open_file(key) as opened,
        pq.ParquetFile(opened, pre_buffer=False) as file,
    ):
        for stored in file.iter_batches(_BATCH_ROWS, use_threads=False):
            batch = schema_history.to_current_schema(stored, feed)
            rows += batch.num_rows
            at = batch.column(schema.event_time.name).cast(pa.int64())
            in_order = in_order and is_sorted(at) and (last_at is None or last_at <= at[0].as_py())
            last_at = at[-1].as_py()
            for number, (first, last) in enumerate(units):
                inside = pc.and_(pc.greater_equal(at, first), pc.less_equal(at, last))
                counts[number] += pc.sum(inside).as_py() or 0
            for name in (schema.event_time.name, *feed.key):
                values = at if name == schema.event_time.name else batch.column(name)
                spans[name] = _wider(spans.get(name), values)
        row_groups = file.num_row_groups
    first_at, latest_at = spans.get(schema.event_time.name, (pa.scalar(None), pa.scalar(None)))
    return FileFacts(
        rows=rows,
        parquet_bytes=storage.infos(key.rpartition("/")[0])[key].bytes,
        sha256=sha256_of_object(key, storage),
        row_groups=row_groups,
        first_event_ns=_ns(first_at, schema),
        last_event_ns=_ns(latest_at, schema),
        sorted=in_order,
        key_range={
            name: (str(least.as_py()), str(greatest.as_py()))
            for name, (least, greatest) in spans.items()
            if name in feed.key and least.as_py() is not None
        },
        rows_within=tuple(counts),
    )


def _wider(span: _Span | None, values: pa.Array) -> _Span:
    """*span* and what *values* have of lesser and greater ones."""
    ends = pc.min_max(values)
    if span is not None and span[0].is_valid:
        known = [end.as_py() for end in (*span, ends["min"], ends["max"])]
        ends = pc.min_max(pa.array(known, values.type))
    return ends["min"], ends["max"]


def _ns(at: pa.Scalar, schema: LakeSchema) -> int | None:
    value = at.as_py()
    return None if value is None else value * schema.ns_per_unit
