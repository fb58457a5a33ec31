"""Texts that are times in a format of their own, or that mean nothing, are recognized."""

from __future__ import annotations

import pytest

from include.ticklake.scaffold.infer_texts import (
    infer_format,
    instant_ns,
    is_value,
    null_texts,
)


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("date", ["20261122", "20261123"], "%Y%m%d"),
        ("date", [20_261_122], "%Y%m%d"),
        ("time", ["20261122053000"], "%Y%m%d%H%M%S"),
        ("x", ["22.11.2026 05:30:00"], "%d.%m.%Y %H:%M:%S"),
        ("x", ["22/11/2026"], "%d/%m/%Y"),
        ("x", ["11/22/2026"], "%m/%d/%Y"),
        ("x", ["Sun, 22 Nov 2026 05:30:00 GMT"], "%a, %d %b %Y %H:%M:%S %Z"),
        ("x", ["2026-11-22 05:30:00 UTC"], "%Y-%m-%d %H:%M:%S %Z"),
        ("x", ["05/11/2026"], None),
        ("x", ["20261122"], None),
        ("id", ["22.11.2026"], None),
        ("date", ["20269922"], None),
        ("date", [True], None),
        ("date", [None], None),
    ],
)
def test_a_format_is_inferred_where_it_is_the_only_one(name, values, expected):
    """The day and the month may be either; digits alone need a name."""
    assert infer_format(name, values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1.5", "NaN", "N/A"], ["N/A", "NaN"]),
        ([1.5, "-"], ["-"]),
        (["2026-11-22T05:00:00Z", "0000-00-00 00:00:00"], ["0000-00-00 00:00:00"]),
        (["1.5", "x", "-"], []),
        (["-", "-"], []),
        (["1.5", ""], []),
    ],
)
def test_texts_that_mean_nothing(values, expected):
    """Only beside numbers or times: elsewhere they are texts like others."""
    assert null_texts(values) == expected


def test_the_instant_of_a_format():
    """A number is read as its digits."""
    assert instant_ns(20_261_122, format_="%Y%m%d") == 1_795_305_600 * 10**9
    assert instant_ns(None, format_="%Y%m%d") is None


def test_values_are_told_from_names():
    """A first row that has one is a record, not the names of columns."""
    values = ["1.5", "-3e5", "1,234.5", "$2", "5%", "20/11/2026", "2026-11-22T05:00", "N/A", "-",
              "true", "12:30"]  # fmt: skip
    assert [text for text in values if not is_value(text)] == []
    names = ["open", "24h_volume", "1. open", "Adj Close", "t", "x-y", "价格", "id (1)"]
    assert [text for text in names if is_value(text)] == []
