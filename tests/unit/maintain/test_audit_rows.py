"""The order, the keys and the ids of rows, window by window."""

from __future__ import annotations

from types import SimpleNamespace

import pyarrow as pa
import pytest

from include.ticklake.feed.feed import Feed
from include.ticklake.lake import table_schema
from include.ticklake.maintain import audit_rows
from include.ticklake.maintain.audit_rows import RowChecks
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.support import lake_factory

BTC, ETH = (Slice.of({"symbol": symbol}) for symbol in ("BTCUSDT", "ETHUSDT"))
FEED = Feed.model_validate(
    {
        "name": "numbered",
        "source": {"kind": "http", "base_url": "https://api.example.com", "path": "/t/{symbol}"},
        "slices": {"symbol": ["BTCUSDT", "ETHUSDT"]},
        "fields": {
            "id": {"type": "int64", "key": True, "contiguous": True},
            "at": {"type": "timestamp", "unit": "ms", "event_time": True},
        },
    }
)


def batches(*ids: list[int], step_ms: int = 1) -> list[pa.RecordBatch]:
    """One batch for each of *ids*; times follow each other."""
    schema = table_schema.arrow_schema(FEED)
    start_ms, made = lake_factory.hour(5).start_ms, []
    for numbers in ids:
        times = [start_ms + step_ms * (row + 10 * len(made)) for row in range(len(numbers))]
        columns = [pa.array(numbers, pa.int64()), pa.array(times, pa.int64()).cast(schema[1].type)]
        made.append(pa.RecordBatch.from_arrays(columns, schema=schema))
    return made


def check(checks: RowChecks, rows: list[pa.RecordBatch], *, declared_sorted: bool = True):
    """What is wrong with *rows*."""
    parquet = SimpleNamespace(rows=sum(batch.num_rows for batch in rows), sorted=declared_sorted)
    return list(checks.check(rows, parquet, again=lambda: rows))


def begun(slice_: Slice = BTC, window: Window | None = None) -> RowChecks:
    checks = RowChecks(FEED)
    checks.begin(Unit(slice_, window or lake_factory.hour(5)))
    return checks


def test_rows_that_follow_each_other_are_sound():
    """Also from batch to batch, and from window to window."""
    checks = begun()
    assert check(checks, batches([1, 2, 3], [4, 5])) == []
    checks.begin(Unit(BTC, lake_factory.hour(6)))
    assert check(checks, batches([6, 7])) == []


@pytest.mark.parametrize(
    ("ids", "gap"),
    [
        pytest.param(([1, 2, 4],), "id 3 to 3 are missing", id="in a batch"),
        pytest.param(([1, 2], [5, 6]), "id 3 to 4 are missing", id="between batches"),
    ],
)
def test_a_gap_in_ids_is_found(ids, gap):
    """With the first and the last id that is missing."""
    assert check(begun(), batches(*ids)) == [("gap", gap)]


def test_a_gap_between_windows_is_found_unless_one_is_unknown():
    """After a window that could not be read the next may start anywhere."""
    checks = begun()
    assert check(checks, batches([1, 2])) == []
    checks.begin(Unit(BTC, lake_factory.hour(6)))
    assert check(checks, batches([9])) == [("gap", "id 3 to 8 are missing")]
    checks.begin(Unit(BTC, lake_factory.hour(7)))
    checks.break_off()
    assert check(checks, batches([90])) == []


def test_ids_are_consecutive_within_a_slice_only():
    """Another slice has ids of its own."""
    checks = begun()
    assert check(checks, batches([1, 2])) == []
    checks.begin(Unit(ETH, lake_factory.hour(5)))
    assert check(checks, batches([700, 701])) == []


@pytest.mark.parametrize("held", [500_000, 2])
def test_a_key_that_occurs_again_is_found(monkeypatch, held):
    """Also where not all keys fit into memory at once."""
    monkeypatch.setattr(audit_rows, "_KEYS_HELD", held)
    rows = batches([1, 2, 3, 3], [4, 4, 5])
    assert check(begun(), rows) == [("duplicate", "2 rows have the key of another row")]


def test_rows_out_of_order_are_found_where_the_file_is_declared_sorted():
    """A file that does not say so may have any order."""
    rows = batches([1, 2, 3], step_ms=-1)
    [(kind, _)] = check(begun(), rows)
    assert kind == "out_of_order"
    assert check(begun(), rows, declared_sorted=False) == []


def test_a_key_that_is_null_is_not_the_key_of_another_row():
    """Two rows without a key are two rows."""
    rows = batches([1, None, None, 2], [None, 2])
    assert check(begun(), rows) == [("duplicate", "1 rows have the key of another row")]


def test_an_id_that_is_null_does_not_hide_a_gap():
    """The ids around it follow each other, or do not."""
    rows = batches([1, None, 2], [None], [4])
    assert check(begun(), rows) == [("gap", "id 3 to 3 are missing")]
