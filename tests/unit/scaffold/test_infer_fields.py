"""Types, times and keys are inferred from a page of records."""

from __future__ import annotations

from typing import Any

import pytest

from include.ticklake.scaffold.infer_fields import InferredField, infer_fields, infer_order
from tests.support.drafts import draft_feed


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        pytest.param([1, 2], "int64", id="whole"),
        pytest.param(["1", "", "2"], "int64", id="whole, as text"),
        pytest.param([2**63], "decimal(28,0)", id="wider than 64 bits"),
        pytest.param(["67123.45000000"], "decimal(28,10)", id="price"),
        pytest.param([1, 0.5], "decimal(18,3)", id="whole and broken"),
        pytest.param(["1e-12"], "decimal(28,14)", id="exponent"),
        pytest.param(["007"], "string", id="leading zeros"),
        pytest.param(["a", "1"], "string", id="text"),
        pytest.param([True, None], "bool", id="flags"),
        pytest.param([None, None], "string", id="nothing"),
        pytest.param([{}, None], "json", id="empty object"),
        pytest.param([[1], [2]], "json", id="arrays"),
        pytest.param([1, "a"], "json", id="mixture"),
        pytest.param(["1" * 80], "string", id="too long for a decimal"),
    ],
)
def test_a_type_has_room_for_what_was_not_seen(values, kind):
    """Two more places and six more digits than the page showed."""
    assert draft_feed([{"id": "x", "v": value} for value in values]).fields["v"].type == kind


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [
        pytest.param("when", [1_795_323_600_000], "ms", id="ms"),
        pytest.param("when", ["1795323600000"], "ms", id="ms as text"),
        pytest.param("when", [1_795_323_600_000_000], "us", id="us"),
        pytest.param("when", [1_795_323_600_000_000_000], "ns", id="ns"),
        pytest.param("time", [1_795_323_600], "s", id="s"),
        pytest.param("volume", [1_795_323_600], None, id="a number like seconds"),
        pytest.param("time", [1_795_323_600.25], "float_s", id="float_s"),
        pytest.param("at", ["2026-11-22T05:00:00Z", "2026-11-22T05:00:00.123Z"], "iso", id="iso"),
    ],
)
def test_a_unit_is_inferred_from_plausible_years(name, values, unit):
    """Seconds need a matching name, too: volumes are of that size."""
    field = draft_feed([{"x": "a", name: value} for value in values]).fields[name]
    assert (field.type, field.unit) == (("timestamp", unit) if unit else ("int64", None))


@pytest.mark.parametrize(
    ("name", "value", "unit", "precision"),
    [
        ("at", "2026-11-22T05:30:56.334320128Z", "iso", None),
        ("at", "2026-11-22T05:30:56.334320Z", "iso", "us"),
        ("at", "2026-11-22T05:30:56Z", "iso", "us"),
        ("at", "9999-12-31", "iso", "us"),
        ("create_time_ms", "1795323600050.3572", "ms", "ns"),
        ("time_ms", 1_795_323_600_050.25, "ms", "us"),
        ("time", 1_795_323_600.25, "float_s", None),
    ],
)
def test_a_column_is_as_fine_as_its_sample(name, value, unit, precision):
    """Where that is not the unit's default, the precision is inferred, too."""
    field = draft_feed([{"x": "a", name: value}]).fields[name]
    assert (field.unit, field.precision) == (unit, precision)


@pytest.mark.parametrize(
    ("rows", "event_time"),
    [
        pytest.param([{"T": 1_795_323_600_000}, {"T": 1_795_323_600_000}], "t", id="in order"),
        pytest.param([{"time": 1_795_323_600_001}, {"time": 1_795_323_600_000}], "time", id="down"),
        pytest.param(
            [{"ath_date": f"2026-01-0{day}T00:00:00Z"} for day in (1, 3, 2)],
            "fetched_at",
            id="in no order, and not called so",
        ),
        pytest.param(
            [{"close_time": 1_795_323_600_001, "open_time": 1_795_323_600_000}],
            "open_time",
            id="not the closing one",
        ),
        pytest.param([{"last_updated": "2026-01-01T00:00:00Z"}], "fetched_at", id="a state"),
        pytest.param([{"ts": 1_795_323_600_000}, {"ts": None}], "fetched_at", id="not in each"),
    ],
)
def test_the_event_time_is_inferred_or_the_feed_is_a_snapshot(rows, event_time):
    """Without a time of its own a record is of the moment of fetching."""
    feed = draft_feed([{"id": f"a{number}"} | row for number, row in enumerate(rows)])
    assert feed.event_time[0] == event_time
    assert feed.snapshot == (event_time == "fetched_at")


def test_names_are_distinct_and_paths_are_kept():
    """Letters of two cases are two columns; objects inside are columns of their own."""
    row = {"m": 1, "M": 2, "24hVolume": 3, "quotes": {"USD": {"price": 1.5}}, "a.b": 1, "date": 4}
    fields = draft_feed([row]).fields
    assert {name: field.source for name, field in fields.items()} == {
        "m": "m",
        "m_2": "M",
        "value_24h_volume": "24hVolume",
        "quotes_usd_price": "quotes.USD.price",
        "date_2": "date",
        "fetched_at": "$fetched_at",
    }


def inferred(rows: list[dict[str, Any]], **options: Any) -> dict[str, InferredField]:
    return {field.name: field for field in infer_fields(rows, **options)}


@pytest.mark.parametrize(
    ("rows", "key"),
    [
        pytest.param([{"n": 1, "trade_id": 5}, {"n": 2, "trade_id": 6}], "trade_id", id="an id"),
        pytest.param([{"n": 1, "s": "a"}, {"n": 2, "s": "b"}], "n", id="integers before text"),
        pytest.param([{"s": "a", "p": 1.5}, {"s": "b", "p": 2.5}], "s", id="text, not prices"),
        pytest.param([{"n": 1}, {"n": 1}], None, id="not unique"),
        pytest.param([{"n": 1}, {"n": None}], None, id="not in every record"),
    ],
)
def test_the_key_is_a_unique_column(rows, key):
    """One called an id, or else the first of the likeliest type."""
    assert [name for name, field in inferred(rows).items() if field.key] == ([key] if key else [])


@pytest.mark.parametrize(
    ("times", "order"),
    [
        pytest.param([1, 2, 2], "ascending", id="up"),
        pytest.param([2, 1, 1], "descending", id="down"),
        pytest.param([2, 1, 3], "none", id="neither"),
    ],
)
def test_the_order_is_that_of_the_times(times, order):
    """Times that are equal do not matter."""
    field = InferredField(name="t", source="t", type="timestamp", unit="s", values=tuple(times))
    assert infer_order(field) == order


def test_a_name_that_is_taken_is_not_used():
    """The names of slices are columns, too."""
    assert list(inferred([{"symbol": "A"}], taken=["symbol"])) == ["symbol_2"]


def test_a_name_with_a_dot_is_left_out():
    """No path reaches it."""
    assert inferred([{"a.b": 1, "$x": 2}]) == {}
