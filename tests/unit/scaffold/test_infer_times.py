"""A column is a time only where its name and its values say so: ids and volumes are no times."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.ticklake.scaffold.infer_times import (
    are_exact,
    are_iso,
    has_zone,
    is_monotonic,
    name_says_time,
    number_units,
    plausible_unit,
)
from tests.support.drafts import draft_feed

MS, S = 1_795_323_600_000, 1_795_323_600


def units(**columns: list[object]) -> dict[str, str]:
    return number_units({name: [Decimal(v) for v in values] for name, values in columns.items()})


@pytest.mark.parametrize(
    "name",
    ["time", "timestamp", "timestampms", "created_at", "createdAt", "T", "t", "ts", "E", "date",
     "updateTs", "openTime", "time_ms", "funding.time", "when", "expiry", "event_time_utc"],
)  # fmt: skip
def test_names_of_times(name):
    """By their words, their ends, or the one letter that APIs use."""
    assert name_says_time(name) is True


@pytest.mark.parametrize(
    "name",
    ["id", "trade_id", "orderId", "time_id", "volume", "quoteVolume", "price", "count",
     "market_cap", "open_interest", "lastUpdateId", "total_supply", "block"],
)  # fmt: skip
def test_names_of_other_things(name):
    """Whatever their values look like."""
    assert name_says_time(name) is False


@pytest.mark.parametrize("name", ["a", "x", "value_1", "ref"])
def test_names_that_say_nothing(name):
    """There the values decide."""
    assert name_says_time(name) is None


@pytest.mark.parametrize(
    ("name", "values", "unit"),
    [
        pytest.param("when", [MS], "ms", id="ms"),
        pytest.param("when", [MS * 1_000], "us", id="us"),
        pytest.param("when", [MS * 10**6], "ns", id="ns"),
        pytest.param("time", [S], "s", id="s"),
        pytest.param("time", ["1795323600.25"], "float_s", id="float_s"),
        pytest.param("volume", [S], None, id="a volume of 1.7 billion"),
        pytest.param("id", [1_700_000_000_123], None, id="an id like milliseconds"),
        pytest.param("tradeId", [MS, MS + 5, MS + 9], None, id="ids that increase"),
        pytest.param("a", [MS, MS + 1, MS + 2], None, id="each is the next number"),
        pytest.param("a", [MS, MS + 5, MS + 90], "ms", id="a rising number of 13 digits"),
        pytest.param("a", [MS, MS - 7, MS + 3], None, id="neither rising nor falling"),
        pytest.param("a", [S, S + 60, S + 120], None, id="seconds need a name"),
        pytest.param("value_1", [S, S + 60, S + 120], "s", id="or are of an array"),
        pytest.param("time", [26, 27], None, id="of no plausible year"),
    ],
)
def test_a_unit_is_inferred_from_name_and_values(name, values, unit):
    """Seconds need a matching name, too: volumes are of that size."""
    assert units(**{name: values}) == ({name: unit} if unit else {})


def test_a_silent_column_must_be_near_a_time_that_is_known():
    """Row by row: an id of ten digits is of the right years, and not of the same day."""
    times = [MS, MS + 60_000, MS + 120_000]
    ids = [1_599_000_000, 1_599_000_004, 1_599_000_010]
    assert units(value_1=ids, value_2=times) == {"value_2": "ms"}
    assert units(T=times, a=[1_700_000_000_123 - 40 * 10**9] * 3) == {"T": "ms"}
    assert units(value_1=times, value_7=[at + 59_999 for at in times]) == {
        "value_1": "ms",
        "value_7": "ms",
    }


def test_small_questions():
    """Zones, order, years."""
    assert has_zone("2026-11-22T05:00:00+01:00")
    assert not has_zone("2026-11-22T05:00:00")
    assert are_iso(["2026-11-22", "2026-11-22T05:00:00Z"])
    assert not are_iso(["20261122"])
    assert is_monotonic([Decimal(2), Decimal(2), Decimal(1)])
    assert plausible_unit([Decimal(S), Decimal(MS)]) is None


def test_times_finer_than_a_nanosecond_are_not_exact():
    """No column holds them: their draft would fail at each run."""
    assert are_exact(["2026-11-22T05:00:00.123456789Z", ""], "iso")
    assert not are_exact(["2026-11-22T05:00:00.1234567891Z"], "iso")
    assert not are_exact([Decimal("1795323600.1234567891")], "s")
    records = [{"id": "a", "time": "2026-11-22T05:00:00.1234567891Z"}]
    assert draft_feed(records).fields["time"].type == "string"
