"""A time is read in one way, wherever it is read: extraction, conversion, SQL, the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import ConvertResult, convert
from include.ticklake.convert.parse import record_parser
from include.ticklake.errors import FeedFileError, UsageError
from include.ticklake.extract.extract import extract
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import read, table_schema
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.record import Record
from include.ticklake.model.sizes import MIB
from include.ticklake.model.slice import Slice
from include.ticklake.model.times import epoch_ns
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, parse_instant, split_range
from include.ticklake.publish import latest
from include.ticklake.scaffold.infer_fields import infer_fields
from include.ticklake.sources.event_time import event_ns_of
from include.ticklake.sources.sql.rows import RowEncoder, SqlColumn
from include.ticklake.types.values import InvalidValueError
from tests.support.servers.http import HttpServer

HOUR = Window.parse("20261122T050000Z-20261122T060000Z")
DAY = Window.parse("20261122T000000Z-20261123T000000Z")
S = 10**9
FIVE_NS = HOUR.start_ns
HALF_PAST_NS = FIVE_NS + 1_800 * S

TEXTS: dict[str, int | None] = {
    "2026-11-22": DAY.start_ns,
    "2026-11-22T05": FIVE_NS,
    "2026-11-22T05Z": FIVE_NS,
    "2026-11-22 05+00": FIVE_NS,
    "2026-11-22T05:30": HALF_PAST_NS,
    "2026-11-22T05:30Z": HALF_PAST_NS,
    "2026-11-22 05:30": HALF_PAST_NS,
    "2026-11-22T05:30+00": HALF_PAST_NS,
    "2026-11-22T05:30+0000": HALF_PAST_NS,
    "2026-11-22T05:30+00:00": HALF_PAST_NS,
    "2026-11-22T05:30:00": HALF_PAST_NS,
    "2026-11-22T05:30:00Z": HALF_PAST_NS,
    "2026-11-22T05:30:00+00": HALF_PAST_NS,
    "2026-11-22 07:00:00+01:30": HALF_PAST_NS,
    "2026-11-21T23:30:00-06": HALF_PAST_NS,
    "2026-11-22t05:30:00z": HALF_PAST_NS,
    "20261122T053000Z": HALF_PAST_NS,
    "20261122T0530": HALF_PAST_NS,
    "2026-W47-7T05:30:00Z": HALF_PAST_NS,
    "2026-11-22T05:30:00.5Z": HALF_PAST_NS + 500_000_000,
    "2026-11-22T05:30:00,5Z": HALF_PAST_NS + 500_000_000,
    "2026-11-22T05:30:56.334Z": HALF_PAST_NS + 56_334_000_000,
    "2026-11-22T05:30:56.334320Z": HALF_PAST_NS + 56_334_320_000,
    "2026-11-22T05:30:56.3343201Z": HALF_PAST_NS + 56_334_320_100,
    "2026-11-22T05:30:56.334320128Z": HALF_PAST_NS + 56_334_320_128,
    "2026-11-22 05:30:56.334320128+00:00": HALF_PAST_NS + 56_334_320_128,
    "2026-11-22T05:30:56.334320128000Z": HALF_PAST_NS + 56_334_320_128,
    "2026-13-22T05:30:00Z": None,
    "2026-02-30": None,
    "2026-11-22T24:00:00Z": None,
    "2026-11-22T05:30:60Z": None,
    "2026-11-22T05:3000Z": None,
    "2026-11-22T05:30+24:00": None,
    "2026-11": None,
    "22.11.2026 05:30": None,
    "now": None,
}

NUMBERS: list[tuple[str, str, int | None]] = [
    ("s", "1795325400", HALF_PAST_NS),
    ("s", "1795325400.5", HALF_PAST_NS + 500_000_000),
    ("s", "1.7953254e9", HALF_PAST_NS),
    ("ms", "1795325400123", HALF_PAST_NS + 123_000_000),
    ("ms", "1619093562050.3572", 1_619_093_562_050_357_200),
    ("ms", "1.795325400123E+12", HALF_PAST_NS + 123_000_000),
    ("us", "1795325400123456.789", HALF_PAST_NS + 123_456_789),
    ("ns", "1795325400123456789", HALF_PAST_NS + 123_456_789),
    ("ns", "1795325400123456789.000", HALF_PAST_NS + 123_456_789),
    ("float_s", "1795325400.123456789", HALF_PAST_NS + 123_456_789),
    ("ms", "1e999999999", None),
    ("ms", "0x1f", None),
]


def timed(unit: str, **more: object) -> Feed:
    """A feed with one column, the event time, as fine as any."""
    field = {"type": "timestamp", "unit": unit, "precision": "ns", "event_time": True} | more
    return described({"at": field})


def described(fields: dict[str, dict[str, object]], **more: Any) -> Feed:
    source = {"kind": "http", "base_url": "https://api.example.com", "path": "/rows"}
    return Feed.model_validate({"name": "timed", "source": source, "fields": fields} | more)


def extracted(value: str, unit: str) -> int | None:
    """As extraction reads it, to find its window."""
    return event_ns_of(timed(unit))(Record(f'{{"at":{value}}}'.encode()))


def converted(value: str, unit: str) -> int | None:
    """As conversion reads it, for its column."""
    columns = table_schema.columns(timed(unit))
    try:
        row = record_parser.row(f'{{"at":{value}}}'.encode(), columns, raw={}, fetched_at_ms=None)
    except InvalidValueError:
        return None
    assert isinstance(row[0], int)
    return row[0]


def selected(text: str) -> int | None:
    """As a query's text becomes a record, and that is extracted."""
    encoder = RowEncoder(
        timed("iso"), [SqlColumn(name="at", time_unit="iso", zone=ZoneInfo("UTC"))]
    )
    (record,) = encoder.encode([(text,)])
    return event_ns_of(timed("iso"))(record)


def commanded(text: str) -> int | None:
    """As ``--start`` is read, which ends at the microsecond."""
    try:
        return epoch_ns(parse_instant(text))
    except UsageError:
        return None


def probed(text: str) -> str | None:
    """As ``probe`` guesses the field's type."""
    (field,) = infer_fields([{"at": text}])
    return field.unit


@pytest.mark.parametrize(("text", "ns"), TEXTS.items(), ids=list(TEXTS))
def test_a_text_is_the_same_time_everywhere(text, ns):
    """One grammar: whoever reads the text reads the same nanosecond, or no time."""
    written = json.dumps(text)
    assert extracted(written, "iso") == ns
    assert converted(written, "iso") == ns
    assert selected(text) == ns
    assert commanded(text) == (None if ns is None else ns // 1_000 * 1_000)
    assert probed(text) == (None if ns is None else "iso")


@pytest.mark.parametrize(("unit", "text", "ns"), NUMBERS, ids=[text for _, text, _ in NUMBERS])
def test_a_number_is_the_same_time_everywhere(unit, text, ns):
    """As a JSON number or as text, with a fraction or an exponent: exactly."""
    written = [json.dumps(text), *([] if text.startswith("0x") else [text])]
    assert {extracted(value, unit) for value in written} == {ns}
    assert {converted(value, unit) for value in written} == {ns}


@pytest.mark.parametrize(
    ("unit", "value"),
    [("iso", '"2026-11-22T05:30:56.3343201281Z"'), ("ms", "1795325400123.1234567")],
)
def test_what_is_finer_than_a_nanosecond_is_quarantined(unit, value):
    """No column holds it, and nothing is cut: its window is known, its record is refused."""
    assert extracted(value, unit) is not None
    with pytest.raises(InvalidValueError, match="is finer than a nanosecond"):
        record_parser.row(
            f'{{"at":{value}}}'.encode(), table_schema.columns(timed(unit)), raw={},
            fetched_at_ms=None,
        )  # fmt: skip


@pytest.mark.parametrize("digits", ["0000001", "000000001", "0000000001"])
def test_a_range_that_ends_just_after_a_second_includes_the_next(digits):
    """A datetime ends at the microsecond, but no window is lost to that."""
    end = parse_instant(f"2026-11-22T06:00:00.{digits}Z")
    windows = list(split_range(HOUR.start, end, length=timedelta(hours=1)))
    assert [window.name for window in windows] == [HOUR.name, "20261122T060000Z-20261122T070000Z"]
    start = parse_instant(f"2026-11-22T05:59:59.9{digits}Z")
    assert next(split_range(start, end, length=timedelta(hours=1))) == HOUR


# ---- in a feed


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
