"""A file's record becomes what the table's feed reads, with every digit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import TimeUnitError
from include.ticklake.extract.target_records import TargetRecords
from include.ticklake.feed.feed import Feed
from include.ticklake.model.record import Record
from include.ticklake.model.times import UNIT_NS
from include.ticklake.sources.event_time import event_ns_of
from tests.support.joined_feeds import FILES, TARGET, feeds


def rewritten(files: Feed, text: str) -> str:
    [record] = TargetRecords(files).rewrite([Record(text.encode())])
    return bytes(record).decode()


def with_times(folder: Any, own: dict[str, Any], column: dict[str, Any]) -> Feed:
    """The feed of files whose times are as in *own*, for a column as in *column*."""
    of_time = {"type": "timestamp", "event_time": True}
    return feeds(
        folder,
        trades={"fields": TARGET["fields"] | {"trade_time": {"from": "T", **of_time, **column}}},
        old_trades={"fields": FILES["fields"] | {"trade_time": {"from": "time", **own}}},
    )[1]


def test_values_get_the_names_of_the_table_and_stay_what_they_are(tmp_path):
    """Digit by digit; what no column reads keeps its name, and null stays null."""
    files = feeds(tmp_path)[1]
    text = '{"a":"007","p":null,"time":"1735689600000","is_sell":"True","x":[1]}'
    assert rewritten(files, text) == '{"a":"007","p":null,"T":1735689600000,"m":"True","x":[1]}'
    assert rewritten(files, '{"x":1}') == '{"x":1}'
    assert rewritten(files, '["a","b"]') == '["a","b"]'  # a row that does not fit
    half = '{"a":1,"p":"\\ud800","time":1735689600000,"is_sell":true,"x":"\\ud800"}'
    assert rewritten(files, half) == '{"a":1,"p":"\\ud800","T":1735689600000,"m":true}'


def test_the_same_names_and_units_are_the_same_bytes(tmp_path):
    """Nothing is decoded."""
    source = FILES["source"] | {"columns": ["a", "p", "T", "m"]}
    files = feeds(tmp_path, old_trades={"source": source, "fields": {}})[1]
    records = [Record(b"{ }")]
    assert [bytes(record) for record in TargetRecords(files).rewrite(records)] == [b"{ }"]


@pytest.mark.parametrize(
    ("own", "column", "value", "written"),
    [
        ({"unit": "ms"}, {"unit": "us"}, '"1735689600001"', "1735689600001000"),
        ({"unit": "us"}, {"unit": "ms"}, '"1735689600001000"', "1735689600001"),
        ({"unit": "us"}, {"unit": "ms", "precision": "us"}, "1735689600001002",
         "1735689600001.002"),
        ({"unit": "us"}, {"unit": ["ms", "us"]}, '"1735689600001002"', '"1735689600001002"'),
        ({"unit": "float_s"}, {"unit": "ms"}, '"1735689600.25"', "1735689600250"),
        ({"unit": "iso"}, {"unit": "us"}, '"2025-01-01T00:00:00.5Z"', "1735689600500000"),
        ({"unit": "ms"}, {"unit": "iso"}, "1735689600500", '"2025-01-01T00:00:00.5Z"'),
        ({"unit": "s"}, {"unit": "iso"}, "1735689600", '"2025-01-01T00:00:00Z"'),
        ({"format": "%Y-%m-%d %H:%M"}, {"unit": "s"}, '"2025-01-01 00:01"', "1735689660"),
        ({"unit": "us"}, {"unit": "ms"}, '"soon"', '"soon"'),
        ({"unit": "us"}, {"unit": "ms"}, "null", "null"),
    ],
)  # fmt: skip
def test_times_are_written_in_the_unit_of_the_table(tmp_path, own, column, value, written):
    """Exactly; what is no time is left for the conversion to say."""
    files = with_times(tmp_path, own, column)
    assert json.loads(rewritten(files, f'{{"time":{value}}}')) == json.loads(f'{{"T":{written}}}')


@pytest.mark.parametrize("own", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("column", ["s", "ms", "us", "ns", "float_s", "iso"])
def test_an_instant_is_the_same_before_and_after(tmp_path, own, column):
    """Whatever the two units are."""
    files = with_times(tmp_path, {"unit": own}, {"unit": column, "precision": "ns"})
    event_ns, unit_ns = event_ns_of(files.target), UNIT_NS[own]

    @given(at=st.integers(1_262_304_000 * 10**9 // unit_ns, 4_102_444_799 * 10**9 // unit_ns))
    def check(at: int) -> None:
        text = rewritten(files, f'{{"time":{at}}}')
        assert event_ns(Record(text.encode())) == at * unit_ns

    check()


@pytest.mark.parametrize(
    ("own", "column", "value", "problem"),
    [
        ({"unit": "us"}, {"unit": "ms"}, "1735689600001002",
         "1735689600001002 is finer than a millisecond, the precision of its column in trades; "
         "write `precision: us` in that field of trades"),
        ({"unit": "ns"}, {"unit": "us"}, "1735689600000000001", "write `precision: ns`"),
        ({"unit": "iso"}, {"unit": "ms"}, '"2025-01-01T00:00:00.0000000001Z"',
         "is finer than a nanosecond"),
        ({"unit": "ms"}, {"unit": "us"}, "1735689600001002", "set unit: us, or unit: [ms, us]"),
    ],
)  # fmt: skip
def test_a_time_that_the_column_cannot_hold_is_an_error(tmp_path, own, column, value, problem):
    """It says what to write, and where."""
    with pytest.raises(TimeUnitError) as refused:
        rewritten(with_times(tmp_path, own, column), f'{{"time":{value}}}')
    assert problem in str(refused.value)


def test_values_inside_of_objects_move_as_well(tmp_path):
    """Of JSON lines, and for an API that nests."""
    api_fields = TARGET["fields"] | {"price": {"from": "data.p", "type": "decimal(18,8)"}}
    source = {"kind": "files", "address": "https://data.example.com/{symbol}/{date}.jsonl"}
    own = FILES["fields"] | {"price": {"from": "q.price"}, "trade_id": {"from": "data.id"}}
    files = feeds(
        tmp_path, trades={"fields": api_fields}, old_trades={"source": source, "fields": own}
    )[1]
    text = '{"q":{"price":"1.50"},"data":{"id":7},"time":1735689600000,"z":1}'
    assert json.loads(rewritten(files, text)) == {
        "a": 7, "data": {"p": "1.50"}, "T": 1735689600000, "z": 1,
    }  # fmt: skip


def test_what_means_no_value_in_the_files_is_null(tmp_path):
    """The table's feed does not know their words."""
    files = feeds(tmp_path, old_trades={"null_values": ["N/A", -1]})[1]
    text = '{"a":"1","p":"N/A","time":"1735689600000","is_sell":"-1"}'
    assert json.loads(rewritten(files, text)) == {
        "a": "1",
        "p": None,
        "T": 1735689600000,
        "m": None,
    }
