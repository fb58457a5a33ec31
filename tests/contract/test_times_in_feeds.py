"""Times in a feed: what is extracted, converted, left out and published agrees on them."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import ConvertResult, convert
from include.ticklake.errors import FeedFileError
from include.ticklake.extract.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import read
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, parse_instant
from include.ticklake.publish import latest
from tests.support.servers.http import HttpServer

HOUR = Window.parse("20261122T050000Z-20261122T060000Z")
DAY = Window.parse("20261122T000000Z-20261123T000000Z")
HALF_PAST_NS = HOUR.start_ns + 1_800 * 10**9


def described(fields: dict[str, dict[str, object]], **more: Any) -> Feed:
    source = {"kind": "http", "base_url": "https://api.example.com", "path": "/rows"}
    return Feed.model_validate({"name": "timed", "source": source, "fields": fields} | more)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}/lake", {})


def run(
    feed: Feed,
    records: list[dict[str, object]],
    *,
    server: HttpServer,
    storage: Storage,
    window: Window = HOUR,
    now: str = "2026-11-25T00:00Z",
) -> Manifest:
    """Extract *records* from a server, as they are."""
    server.answer("/rows", json.dumps(records).encode())
    return extract(
        feed, Unit(Slice(), window), storage=storage, base_url=server.url,
        clock=lambda: parse_instant(now).timestamp(),
    ).manifest  # fmt: skip


def convert_all(feed: Feed, manifest: Manifest, *, storage: Storage) -> ConvertResult:
    budget = budget_for(128 * MIB)
    return convert(manifest.key, feed=feed, storage=storage, budget=budget)


@pytest.mark.parametrize("ending", ["", "Z", "+00", ":00Z"])
def test_records_outside_the_window_are_left_out(http_server, storage, ending):
    """Also where times are written to the minute: what is staged belongs to the window."""
    times = [
        f"2026-11-22T{hour:02}:{minute}{ending}" for hour in (3, 4, 5, 6) for minute in ("00", "30")
    ]
    feed = described({"at": {"type": "timestamp", "unit": "iso", "event_time": True}})
    manifest = run(feed, [{"at": text} for text in times], server=http_server, storage=storage)
    assert (manifest.json.rows, manifest.json.out_of_window_rows) == (2, 6)
    converted_manifest = convert_all(feed, manifest, storage=storage).manifest
    assert converted_manifest.parquet is not None
    assert (converted_manifest.parquet.rows, converted_manifest.parquet.quarantined_rows) == (2, 0)
    assert latest.publish(feed, [Slice()], storage=storage, max_rows=5) == 1
    body = json.loads(storage.read("latest/timed/latest.json") or b"")
    assert [record["at"] for record in body["records"]] == times[4:6]


def test_an_unfinished_daily_candle_is_left_out(http_server, storage):
    """A candle that is named by its date is over when its day is."""
    feed = described(
        {"day": {"type": "timestamp", "unit": "iso", "event_time": True}}, window="1d", candle="1d"
    )
    manifest = run(
        feed, [{"day": "2026-11-21"}, {"day": "2026-11-22"}],
        server=http_server, storage=storage, window=DAY, now="2026-11-22T12:00Z",
    )  # fmt: skip
    assert (manifest.json.rows, manifest.json.out_of_window_rows) == (0, 2)
    manifest = run(
        feed, [{"day": "2026-11-21"}, {"day": "2026-11-22"}],
        server=http_server, storage=storage, window=DAY,
    )  # fmt: skip
    assert (manifest.json.rows, manifest.json.out_of_window_rows) == (1, 1)


FINE = [
    ("iso", "us", "2026-11-22T05:30:56.334320128Z", HALF_PAST_NS + 56_334_320_128),
    ("iso", "us", "2026-11-22T05:30:56.3343201Z", HALF_PAST_NS + 56_334_320_100),
    ("ms", None, "1795325400050.3572", HALF_PAST_NS + 50_357_200),
    ("us", None, 1795325400123456.5, HALF_PAST_NS + 123_456_500),
]


@pytest.mark.parametrize(
    ("unit", "precision", "value", "ns"), FINE, ids=[str(value) for *_, value, _ in FINE]
)
def test_nanoseconds_are_kept_or_the_feed_says_what_to_add(
    http_server, storage, unit, precision, value, ns
):
    """A record is never refused, and never cut, for being finer than its column."""
    records = [{"at": value, "other": value}] * 40
    field = {"type": "timestamp", "unit": unit, "precision": precision}
    coarse = described({"at": field | {"event_time": True}, "other": field})
    manifest = run(coarse, records, server=http_server, storage=storage)
    with pytest.raises(
        FeedFileError, match=r"fields\.at: .* is finer than .*; add `precision: ns`"
    ):
        convert_all(coarse, manifest, storage=storage)
    fine = described({name: spec.model_dump(by_alias=True, exclude_unset=True) | {"precision": "ns"}
                      for name, spec in coarse.fields.items()})  # fmt: skip
    assert convert_all(fine, manifest, storage=storage).manifest.parquet.quarantined_rows == 0
    stored = read.table(fine, storage=storage)
    assert stored.schema.field("at").type == pa.timestamp("ns", "UTC")
    for name in ("at", "other"):
        assert set(stored.column(name).cast(pa.int64()).to_pylist()) == {ns}
