"""A feed's fields become the lake's columns, nullable where a value may be missing."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ticklake.errors import FeedFileError
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import table_schema
from include.ticklake.model.window import Window

AT = {"type": "timestamp", "unit": "ms", "event_time": True}


def feed(fields: dict[str, dict[str, object]]) -> Feed:
    """A feed with *fields*."""
    source = {"kind": "http", "base_url": "https://api.example.com", "path": "/"}
    return Feed.model_validate({"name": "made_up", "source": source, "fields": fields})


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ({"type": "int64"}, pa.int64()),
        ({"type": "string"}, pa.string()),
        ({"type": "bool"}, pa.bool_()),
        ({"type": "json"}, pa.string()),
        ({"type": "decimal(18,8)"}, pa.decimal128(18, 8)),
        ({"type": "decimal(38,0)"}, pa.decimal128(38, 0)),
        ({"type": "decimal(39,18)"}, pa.decimal256(39, 18)),
        ({"type": "timestamp", "unit": "s"}, pa.timestamp("ms", "UTC")),
        ({"type": "timestamp", "unit": "ms"}, pa.timestamp("ms", "UTC")),
        ({"type": "timestamp", "unit": "us"}, pa.timestamp("us", "UTC")),
        ({"type": "timestamp", "unit": "iso"}, pa.timestamp("ns", "UTC")),
        ({"type": "timestamp", "unit": "iso", "precision": "us"}, pa.timestamp("us", "UTC")),
        ({"type": "timestamp", "unit": "ns"}, pa.timestamp("ns", "UTC")),
        ({"type": "timestamp", "unit": "float_s"}, pa.timestamp("ns", "UTC")),
        ({"type": "timestamp", "unit": ["us", "ms"]}, pa.timestamp("us", "UTC")),
        ({"type": "timestamp", "unit": ["s", "ms"]}, pa.timestamp("ms", "UTC")),
    ],
)
def test_a_field_has_a_type_in_the_lake(field, kind):
    """Nothing loses a digit: the unit of a time is the source's, or finer."""
    described = feed({"value": field, "at": AT})
    assert table_schema.arrow_schema(described).field("value").type == kind


def test_only_what_must_be_there_is_not_nullable():
    """Keys, event times and required fields are; all others may be null."""
    described = feed(
        {
            "number": {"type": "int64", "key": True},
            "price": {"type": "decimal(18,8)", "required": True},
            "note": {"type": "string"},
            "at": AT,
        }
    )
    nullable = {field.name: field.nullable for field in table_schema.arrow_schema(described)}
    assert nullable == {"number": False, "price": False, "note": True, "at": False}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"a": {"from": "x", "type": "int64"}, "b": {"from": "x", "type": "string"}},
            "both read the same value 'x'",
        ),
        (
            {"a": {"from": "x", "type": "int64"}, "b": {"from": "x.y", "type": "int64"}},
            "field 'a' reads 'x' as a value, field 'b' reads inside it",
        ),
    ],
)
def test_a_value_is_read_once(fields, said):
    """Two columns of one value, or of a value and something inside it, are refused."""
    with pytest.raises(FeedFileError, match=said):
        table_schema.columns(feed({**fields, "at": AT}))


def test_a_json_column_may_hold_what_others_read_inside():
    """An object can be kept whole and one of its values be a column too."""
    fields = {"a": {"from": "x", "type": "json"}, "b": {"from": "x.y", "type": "int64"}, "at": AT}
    assert [column.path for column in table_schema.columns(feed(fields))] == [
        ("x",),
        ("x", "y"),
        ("at",),
    ]


def test_an_event_lies_in_the_window_and_other_times_anywhere():
    """Only an event is bound to its window."""
    window = Window.parse("20261122T050000Z-20261122T060000Z")
    fields = {"at": AT, "listed": {"type": "timestamp", "unit": "s"}}
    at, listed = table_schema.columns(feed(fields), window=window)
    assert (at.limits.first_s, at.limits.end_s) == (
        window.start_ms // 1000,
        window.end_ms // 1000,
    )
    assert listed.limits.first_s < -62_000_000_000
    assert listed.limits.end_s > 253_000_000_000
