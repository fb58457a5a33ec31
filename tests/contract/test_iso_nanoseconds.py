"""Times in ISO 8601 keep nine digits, in new lakes and in those that had six."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta

import pyarrow as pa
import pytest

from include.ticklake.convert.convert import convert
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import read, schema_history
from include.ticklake.lake.manifest import ParquetSection
from include.ticklake.lake.storage import Storage
from include.ticklake.maintain import compact
from include.ticklake.model.window import Window, split_range
from tests.support import lake_factory
from tests.support.lake_factory import BTC, BUDGET, DAY
from tests.support.staged_factory import feed

MORNING, EVENING = split_range(DAY.start, DAY.end, length=timedelta(hours=12))
HALF_PAST_NS = MORNING.start_ns + 19_800 * 10**9
TIMES = {
    "2026-11-22T05:30:00Z": HALF_PAST_NS,
    "2026-11-22T05:30:00.5+00:00": HALF_PAST_NS + 500_000_000,
    "2026-11-22 05:30:56.334320": HALF_PAST_NS + 56_334_320_000,
    "2026-11-22T05:30:56.3343201Z": HALF_PAST_NS + 56_334_320_100,
    "2026-11-22T05:30:56.334320128Z": HALF_PAST_NS + 56_334_320_128,
    "2026-11-22T06:30:56.334320128+01:00": HALF_PAST_NS + 56_334_320_128,
    "2026-11-22T05:30:56.334320128000Z": HALF_PAST_NS + 56_334_320_128,
}


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def iso_feed(**more: str) -> Feed:
    """A feed of two times in ISO, with two windows a day."""
    field = {"type": "timestamp", "unit": "iso", **more}
    return feed({"at": field | {"event_time": True}, "ends": field}, window="12h")


def ingest(described: Feed, window: Window, times: dict[str, str], storage: Storage) -> None:
    """Convert a record for each of *times*: when it happened, and when it ends."""
    lines = [json.dumps({"at": at, "ends": ends}) for at, ends in times.items()]
    staged = lake_factory.stage(storage, lines, window=window, feed=described)
    convert(staged.key, feed=described, storage=storage, budget=BUDGET)


def stored_ns(described: Feed, storage: Storage, column: str = "at") -> list[int]:
    """A column of the lake, which must be of nanoseconds."""
    stored = read.table(described, storage=storage, columns=[column]).column(column)
    assert stored.type == pa.timestamp("ns", "UTC")
    return stored.cast(pa.int64()).to_pylist()


def test_nanoseconds_are_kept_by_default(storage):
    """Every digit, in each column, also where the texts of a block differ in length."""
    ingest(iso_feed(), MORNING, {text: text for text in TIMES}, storage)
    for column in ("at", "ends"):
        assert stored_ns(iso_feed(), storage, column) == list(TIMES.values())


def test_a_time_beyond_nanoseconds_is_quarantined_with_the_line_to_add(storage):
    """With that line, every record fits."""
    lines = [json.dumps({"at": "2026-11-22T05:30:00Z", "ends": ends})
             for ends in ("2026-11-23", "9999-12-31")]  # fmt: skip
    staged = lake_factory.stage(storage, lines, window=MORNING, feed=iso_feed())

    def converted(described: Feed) -> ParquetSection:
        manifest = convert(staged.key, feed=described, storage=storage, budget=BUDGET).manifest
        assert manifest.parquet is not None
        return manifest.parquet

    fine = converted(iso_feed())
    assert (fine.rows, fine.quarantined_rows) == (1, 1)
    quarantine = gzip.decompress(storage.read(fine.quarantine_key or "") or b"").decode()
    assert "9999-12-31" in quarantine
    assert "set `precision: us` in the field" in quarantine
    coarse = iso_feed(precision="us")
    schema_history.start_over(coarse, storage=storage)
    assert (converted(coarse).rows, converted(coarse).quarantined_rows) == (2, 0)


@pytest.mark.parametrize("is_compacted", [False, True])
def test_files_of_microseconds_and_of_nanoseconds_are_one_table(storage, is_compacted):
    """A feed whose `unit: iso` meant microseconds goes on in its lake."""
    field = {"type": "timestamp", "unit": "iso", "event_time": True}
    old = feed({"at": field | {"precision": "us"}}, window="12h")
    new = feed({"at": field}, window="12h")
    ingest(old, MORNING, {"2026-11-22T05:30:56.334320Z": ""}, storage)
    ingest(new, EVENING, {"2026-11-22T17:30:56.334320128Z": ""}, storage)
    if is_compacted:
        done = compact.compact(new, BTC, DAY, storage=storage, budget=BUDGET)
        assert (done.rows, done.skipped) == (2, None)
    assert stored_ns(new, storage) == [
        HALF_PAST_NS + 56_334_320_000,
        HALF_PAST_NS + 12 * 3600 * 10**9 + 56_334_320_128,
    ]
