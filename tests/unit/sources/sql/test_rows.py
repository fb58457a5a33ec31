"""A row becomes a record that loses nothing, or says which column cannot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import ip_address
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ticklake.errors import FeedFileError
from include.ticklake.sources.sql import rows
from include.ticklake.sources.sql.rows import RowEncoder, SqlColumn
from tests.support.sql_feeds import feed

INDIA = timezone(timedelta(hours=5, minutes=30))
BERLIN = ZoneInfo("Europe/Berlin")

naive = datetime.fromisoformat


def written(*values: object, **column: object) -> list[str]:
    """The JSON text of each value of a column ``v``."""
    encoder = RowEncoder(feed(), [SqlColumn(name="v", **column)])
    texts = [bytes(record).decode() for record in encoder.encode([(value,) for value in values])]
    assert all(text.startswith('{"v":') and text.endswith("}") for text in texts)
    return [text[5:-1] for text in texts]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "null", id="NULL"),
        pytest.param(True, "true", id="bool"),
        pytest.param(2**63 - 1, "9223372036854775807", id="bigint"),
        pytest.param(2**200, str(2**200), id="any size"),
        pytest.param(Decimal("1.10"), "1.10", id="trailing zero"),
        pytest.param(Decimal("1e-30"), "1E-30", id="exponent"),
        pytest.param(Decimal("9" * 60 + "." + "9" * 30), "9" * 60 + "." + "9" * 30, id="long"),
        pytest.param(Decimal("NaN"), '"NaN"', id="NUMERIC NaN"),
        pytest.param(Decimal("-Infinity"), '"-Infinity"', id="NUMERIC -Infinity"),
        pytest.param(0.1, "0.1", id="float"),
        pytest.param(float("nan"), '"NaN"', id="float NaN"),
        pytest.param(float("inf"), '"Infinity"', id="float Infinity"),
        pytest.param("1.5", '"1.5"', id="text"),
        pytest.param('a"b\\c\n\r\u2028d\x00', '"a\\"b\\\\c\\n\\r\u2028d\\u0000"', id="any text"),
        pytest.param(datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00Z"', id="UTC"),
        pytest.param(
            datetime(2026, 1, 2, 5, 30, 0, 7, tzinfo=INDIA),
            '"2026-01-02T00:00:00.000007Z"',
            id="another zone",
        ),
        pytest.param(date(2026, 1, 2), '"2026-01-02"', id="date"),
        pytest.param(time(1, 2, 3), '"01:02:03"', id="time"),
        pytest.param(UUID(int=7), f'"{UUID(int=7)}"', id="uuid"),
        pytest.param(ip_address("10.0.0.1"), '"10.0.0.1"', id="inet"),
        pytest.param(msgspec.Raw(b'{"a": 1.10}'), '{"a": 1.10}', id="json"),
        pytest.param(
            msgspec.Raw(b'{"a":\n 1.10,\r\n"b": "\\n"}'), '{"a":1.10,"b":"\\n"}', id="json of lines"
        ),
    ],
)
def test_a_value_is_written_as_it_is(value, text):
    """Every digit stands in the record, and no value is taken for another."""
    assert written(value) == [text]
    assert written(value, None, value) == [text, "null", text]


@given(
    st.lists(st.one_of(st.floats(), st.decimals(), st.integers(), st.none(), st.text()), min_size=1)
)
def test_any_mixture_of_values_comes_back_exactly(values):
    """Columns of SQLite hold anything: each value is written by its own kind."""
    for value, text in zip(values, written(*values), strict=True):
        if isinstance(value, float | Decimal) and not Decimal(value).is_finite():
            assert json.loads(text) == str(Decimal(value))
        elif isinstance(value, float):
            assert float(json.loads(text)) == value
        else:
            assert json.loads(text, parse_float=Decimal) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(naive("2026-07-01T12:00"), '"2026-07-01T10:00:00Z"', id="summer"),
        pytest.param(naive("2026-01-01T12:00"), '"2026-01-01T11:00:00Z"', id="winter"),
        pytest.param(naive("2026-10-25T02:30"), '"2026-10-25T02:30:00 Europe/Berlin"', id="twice"),
        pytest.param(naive("2026-03-29T02:30"), '"2026-03-29T02:30:00 Europe/Berlin"', id="never"),
        pytest.param(date(2026, 1, 2), '"2026-01-01T23:00:00Z"', id="a day begins at midnight"),
        pytest.param("2026-07-01 12:00:00", '"2026-07-01T10:00:00Z"', id="text"),
        pytest.param(
            "2026-07-01 12:00:00.123456789", '"2026-07-01T10:00:00.123456789Z"', id="text, ns"
        ),
        pytest.param("2026-07-01T12:00:00Z", '"2026-07-01T12:00:00Z"', id="text with its zone"),
        pytest.param(
            "2026-10-25 02:30:00", '"2026-10-25T02:30:00 Europe/Berlin"', id="text, twice"
        ),
        pytest.param("2026-07-01T12", '"2026-07-01T10:00:00Z"', id="text, to the hour"),
        pytest.param("20260701T1200", '"2026-07-01T10:00:00Z"', id="text, basic form"),
        pytest.param("2026-07-01 12:00+02", '"2026-07-01 12:00+02"', id="text with an offset"),
        pytest.param("2026-02-30 00:00:00", '"2026-02-30 00:00:00"', id="no such day"),
        pytest.param("", '""', id="empty text"),
    ],
)
def test_a_time_without_a_zone_is_of_the_declared_one(value, text):
    """What the clock shows once becomes an instant; what it shows twice or never stays no time."""
    assert written(value, zone=BERLIN, time_unit="iso") == [text]


@pytest.mark.parametrize(
    ("value", "column", "said"),
    [
        pytest.param([1, 2], {}, "holds list: a column cannot hold arrays", id="array"),
        pytest.param((1, 2), {}, "holds tuple: a column cannot hold rows", id="row"),
        pytest.param({"a": 1}, {}, "holds dict: select it as text", id="parsed json"),
        pytest.param(timedelta(1), {}, "holds timedelta: select a number", id="interval"),
        pytest.param(b"ab", {}, "holds bytes: add it to source.base64_columns", id="bytes"),
        pytest.param(
            memoryview(b"ab"), {}, "holds bytes: add it to source.base64_columns", id="memoryview"
        ),
        pytest.param(object(), {}, "holds object: select it as text", id="anything else"),
        pytest.param(naive("2026-01-01"), {}, "timestamps without a zone", id="no zone"),
        pytest.param(
            "2026-01-01", {"time_unit": "iso"}, "timestamps without a zone", id="text, no zone"
        ),
        pytest.param(
            datetime(2026, 1, 1, tzinfo=UTC), {"time_unit": "ms"}, "need `unit: iso`", id="unit"
        ),
        pytest.param("{bad", {"is_json": True}, "text that is not JSON", id="no JSON"),
    ],
)
def test_what_has_no_exact_text_is_refused(value, column, said):
    """The message names the column and what the query could give instead."""
    with pytest.raises(
        FeedFileError, match=f"shop_events: column 'v' {said}|shop_events.*'v'.*{said}"
    ):
        written(None, value, **column)


@pytest.mark.parametrize(
    ("value", "column", "text"),
    [
        pytest.param('{"a": 1.10}', {"is_json": True}, '{"a": 1.10}', id="text of JSON"),
        pytest.param('{"a":\n1.10}', {"is_json": True}, '{"a":1.10}', id="lines of JSON"),
        pytest.param(1, {"is_bool": True}, "true", id="1 is true"),
        pytest.param(0, {"is_bool": True}, "false", id="0 is false"),
        pytest.param(2, {"is_bool": True}, "2", id="2 is neither"),
        pytest.param(b"\x00\xff", {"is_base64": True}, '"AP8="', id="bytes"),
        pytest.param(memoryview(b"\x00\xff"), {"is_base64": True}, '"AP8="', id="memoryview"),
    ],
)
def test_a_field_says_what_a_value_means(value, column, text):
    """JSON, booleans and bytes that a database has no type for are what the feed declares."""
    assert written(value, **column) == [text]


def columns(names: Sequence[str], **changes) -> list[SqlColumn]:
    return rows.columns(feed(**changes), names)


def test_columns_know_what_the_feed_reads_of_them():
    """A column is JSON for a json field, and for a field that looks inside of it."""
    fields = {
        "payload": {"type": "json"},
        "price": {"from": "quote.usd.price", "type": "decimal(18,8)"},
        "paid": {"type": "bool"},
    }
    found = columns(["id", "at", "payload", "quote", "paid"], fields=fields)
    assert [column.is_json for column in found] == [False, False, True, True, False]
    assert [column.is_bool for column in found] == [False, False, False, False, True]
    assert [column.time_unit for column in found] == [None, "iso", None, None, None]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        pytest.param(
            ["id"],
            "fields.at reads 'at', which is not a column of the query; its columns: id",
            id="missing",
        ),
        pytest.param(["id", "at", "id"], "two columns 'id' and 'id'", id="twice"),
        pytest.param(["id", "at", "ID"], "two columns 'id' and 'ID'", id="by case"),
        pytest.param(["id", "at", 'a"b'], "name it with AS", id="quote"),
        pytest.param(["id", "at", ""], "name it with AS", id="no name"),
    ],
)
def test_a_query_gives_what_the_fields_read(names, said):
    """A typo is an error before the first row, not a column of nulls."""
    with pytest.raises(FeedFileError, match=said):
        columns(names)


def test_base64_names_columns_that_are_there():
    """A wrong name would leave the bytes refused for no visible reason."""
    with pytest.raises(FeedFileError, match=r"source\.base64_columns names 'seal'"):
        rows.columns(feed(), ["id", "at"], base64=["seal"])


@pytest.mark.parametrize("text", ["0000-00-00", "0000-00-00 00:00:00"])
def test_a_zero_date_of_mysql_stays_the_text_that_it_is(text):
    """The driver gives it as text, as it is not a date; ``null_values`` may list it."""
    assert written(text, time_unit="iso", zone=BERLIN) == [f'"{text}"']


def test_times_in_a_format_are_text_or_numbers_and_no_timestamps_of_the_database():
    """They would be written in ISO 8601, which is another format."""
    assert written("22.11.2026", 20261122, has_format=True) == ['"22.11.2026"', "20261122"]
    with pytest.raises(FeedFileError, match="timestamps of the database need `unit: iso`"):
        written(datetime(2026, 1, 2, tzinfo=UTC), has_format=True)
