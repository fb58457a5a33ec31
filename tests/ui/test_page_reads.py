"""What the pages read of the storage: bounded, and whatever is there instead is shown as such."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta

import pytest

from include.ticklake.feed import loader
from include.ticklake.lake import layout
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.window import parse_instant
from include.ui.data_range import MAX_LENGTH, DataRange, parse_range
from include.ui.newest_records import MAX_BYTES, UnreadableRecordsError, newest_records
from include.ui.quarantine_samples import MAX_SHOWN_CHARACTERS, MAX_TEXT_BYTES, read_samples

KEY = "quarantine/q.jsonl.gz"
NEWEST = parse_instant("2026-11-22T08:00:00Z")
HOUR = timedelta(hours=1)


@pytest.fixture
def storage(tmp_path) -> Storage:
    return Storage.open(f"file://{tmp_path}", {})


def samples(storage: Storage, body: bytes, most: int = 5):
    storage.put(KEY, body)
    return read_samples(KEY, storage=storage, most=most)


def entry(**changes) -> bytes:
    """A line as the converter writes it."""
    base = {"part": "json/a.json.gz", "offset": 7, "reason": "price: no", "record": "{}",
            "record_bytes": 2}  # fmt: skip
    return json.dumps(base | changes).encode() + b"\n"


def test_samples_are_the_first_records_with_their_place_and_reason(storage):
    """As many as were asked for."""
    body = gzip.compress(b"".join(entry(offset=number) for number in range(9)))
    found = samples(storage, body, most=3)
    assert [(s.part, s.offset, s.reason, s.record, s.cut_bytes) for s in found] == [
        ("json/a.json.gz", str(number), "price: no", "{}", 0) for number in range(3)
    ]
    assert read_samples("quarantine/none", storage=storage, most=3) == []


def test_a_long_record_is_cut_and_says_how_much_is_missing(storage):
    """The converter itself keeps 64 KiB at most."""
    [found] = samples(storage, gzip.compress(entry(record="x" * 5_000, record_bytes=90_000)))
    assert found.record == "x" * MAX_SHOWN_CHARACTERS
    assert found.cut_bytes == 90_000 - MAX_SHOWN_CHARACTERS


@pytest.mark.parametrize(
    "line",
    [b"", b"\n\n", b"\xff\xfe\n", b"[1]\n", b"{}\n", b"[" * 100_000, entry(record=None),
     entry(record=["\ud800"], part=1, offset={}, reason=None, record_bytes="many"),
     entry(record_bytes=-5), entry(record_bytes=True), entry(record_bytes=10**400)],
    ids=lambda line: repr(line[:12]),
)  # fmt: skip
@pytest.mark.parametrize("pack", [gzip.compress, bytes], ids=["gzip", "plain"])
def test_nonsense_in_a_quarantine_is_no_error(storage, line, pack):
    """Every text of it can be part of an answer."""
    for sample in samples(storage, pack(line)):
        text = f"{sample.part}{sample.offset}{sample.reason}{sample.record}"
        assert text.encode()
        assert sample.cut_bytes >= 0


def test_a_bomb_is_not_unpacked(storage):
    """A few KiB that are hundreds of MiB: only the limit of it is."""
    body = gzip.compress(entry() + b"0" * (64 * MAX_TEXT_BYTES))
    first, *rest = samples(storage, body)
    assert (first.reason, rest) == ("price: no", [])
    cut_off = gzip.compress(b"".join(entry(offset=n) for n in range(100)))[:-9]
    assert len(samples(storage, cut_off, most=50)) == 50


def latest(storage: Storage, body: bytes, feed: str = "bitstamp_ohlc"):
    """The table of a latest.json."""
    described = loader.load(feed, {})
    slice_ = Slice.of(dict.fromkeys(described.slices, "x"))
    storage.put(layout.latest_key(feed, slice_), body)
    return newest_records(described, slice_, storage=storage)


def test_the_newest_records_are_shown_with_every_digit(storage):
    """The newest first; a column of numbers is one, also where they are written as texts."""
    records = (
        '{"timestamp":"1795334340","open":"1.10","n":0.10000000000000000001,"x":{"y":1.50}},'
        '{"timestamp":"1795334400","open":"2.00","n":12345678901234567890,"x":null}'
    )
    table = latest(storage, f'{{"records":[{records}]}}'.encode())
    assert [(c.name, c.is_number) for c in table.columns] == [
        ("timestamp", True), ("open", True), ("n", True), ("x", False)
    ]  # fmt: skip
    assert table.rows == [
        ["1795334400", "2.00", "12345678901234567890", "null"],
        ["1795334340", "1.10", "0.10000000000000000001", '{"y": 1.50}'],
    ]
    assert table.times == ["2026-11-22 08:00:00", "2026-11-22 07:59:00"]


def test_records_that_are_arrays_have_the_feed_s_names(storage):
    """And what is beyond them its number."""
    table = latest(storage, b'{"records":[[1,2,3,4,5,6,7,8,9,10,11,12,13]]}', "binance_klines")
    names = [column.name for column in table.columns]
    assert names[:2] == ["open_time", "open"]
    assert names[-1] == "[12]"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"records":{}}', b"\xff", b"[" * 100_000,
     b'{"records":[' + b"1," * MAX_BYTES + b"1]}"],
    ids=lambda body: repr(body[:14]),
)  # fmt: skip
def test_what_is_not_a_latest_json_is_reported(storage, body):
    """Not an internal error."""
    with pytest.raises(UnreadableRecordsError):
        latest(storage, body)


@pytest.mark.parametrize(
    "record",
    ["null", "[]", "{}", '"text"', "1e400", "NaN", '{"timestamp":[]}', '{"timestamp":"soon"}',
     '{"\\ud800":"\\udfff"}', '{"a":[[{"b":"\\ud800"}]]}', '{"timestamp":1e99}',
     '{"a":"' + "x" * 10_000 + '"}', "{" + ",".join(f'"k{n}":1' for n in range(500)) + "}"],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_any_record_can_be_shown(storage, record):
    """Each text can be part of an answer, and none is endless."""
    table = latest(storage, f'{{"records":[{record}]}}'.encode())
    texts = [
        *table.times,
        *(c.name for c in table.columns),
        *(t for row in table.rows for t in row),
    ]
    assert all(len(text.encode()) < 1_000 for text in texts)
    assert len(table.columns) <= 40


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("", "", ("2026-11-22T07:00:00Z", "2026-11-22T08:00:00Z")),
        ("2026-11-22T05:00:00Z", "", ("2026-11-22T05:00:00Z", "2026-11-22T08:00:00Z")),
        ("", "2026-11-22T05:00:00Z", ("2026-11-22T04:00:00Z", "2026-11-22T05:00:00Z")),
        ("2026-11-01", "2026-11-02", ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")),
    ],
)
def test_the_range_is_that_of_the_address(start, end, expected):
    """The newest hour by default."""
    shown = parse_range(start, end, newest=NEWEST, default=HOUR)
    assert (shown.query["from"], shown.query["to"], shown.problem) == (*expected, None)


@pytest.mark.parametrize(
    ("start", "end"),
    [("soon", ""), ("", "<b>"), ("2026-11-22", "2026-11-21"), ("2026-11-22", "2026-11-22"),
     ("0001-01-01", "9999-12-31"), ("9999-12-31T23:59:59Z", ""), ("\ud800", "1e99")],
)  # fmt: skip
def test_nonsense_in_the_address_shows_the_newest_and_says_why(start, end):
    """Not an error page."""
    shown = parse_range(start, end, newest=NEWEST, default=HOUR)
    assert (shown.start, shown.end) == (NEWEST - HOUR, NEWEST)
    assert shown.problem


@pytest.mark.parametrize("length", [timedelta(seconds=1), HOUR, MAX_LENGTH])
@pytest.mark.parametrize("year", [1, 1970, 2026, 9998])
def test_every_link_leads_to_a_range(year, length):
    """Also at the edges of the calendar: none is empty, or endless."""
    start = datetime(year, 1, 1, tzinfo=NEWEST.tzinfo)
    end = start + min(length, NEWEST.replace(year=9999) - start)
    for text, to, _ in DataRange(start, end).links():
        query = to.query
        again = parse_range(query["from"], query["to"], newest=NEWEST, default=HOUR)
        is_pressed_to_the_edge = to.length < timedelta(seconds=1)
        assert is_pressed_to_the_edge or (again.start, again.end) == (to.start, to.end), text
