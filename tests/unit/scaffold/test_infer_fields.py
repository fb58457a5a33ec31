"""Fields are inferred from a page of records: names, paths, types and times."""

from __future__ import annotations

from typing import Any

import pytest

from include.ticklake.scaffold.infer_fields import InferredField, infer_fields
from tests.support.drafts import draft_feed, draft_text


def inferred(rows: list[dict[str, Any]], **options: Any) -> dict[str, InferredField]:
    return {field.name: field for field in infer_fields(rows, **options).fields}


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


def test_a_name_that_is_taken_is_not_used():
    """The names of slices are columns, too."""
    assert list(inferred([{"symbol": "A"}], taken=["symbol"])) == ["symbol_2"]


def test_names_with_blanks_and_dots_are_left_out_and_said():
    """No path reaches them; the JSON keeps them."""
    row = {"1. open": 1, "Last Price": 2, "$x": 3, "": 4, "in": {"a b": 5, "ok": 6}}
    found = infer_fields([row])
    assert [field.source for field in found.fields] == ["in.ok"]
    assert found.unreachable == ("1. open", "Last Price", "$x", "", "in.a b")
    assert "# left out: 'Last Price', since no path reaches such a name" in draft_text([row])


def test_an_object_that_is_null_in_some_records_is_columns():
    """The other records have nothing there."""
    assert [*inferred([{"roi": None}, {"roi": {"times": 2}}])] == ["roi_times"]


def test_an_object_that_is_a_value_in_some_records_is_one_column():
    """Of JSON, so that neither is lost."""
    fields = inferred([{"fee": "0.1"}, {"fee": {"maker": 1}}])
    assert {name: field.type for name, field in fields.items()} == {"fee": "json"}


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["2026-11-22T05:00:00"], "without a zone, read as UTC; if it is another, set timezone"),
        (["2026-11-22T05:00:00Z"], ""),
    ],
)
def test_a_time_without_a_zone_is_marked(texts, reason):
    """It may be of any."""
    assert inferred([{"at": text} for text in texts])["at"].reason == reason


def test_a_text_that_means_nothing_is_listed():
    """Where the others are numbers or times; it does not make a text of them."""
    fields = inferred([{"p": "1.5", "s": "x"}, {"p": "N/A", "s": "-"}])
    assert (fields["p"].type, fields["p"].null_values) == ("decimal(18,3)", ("N/A",))
    assert (fields["s"].type, fields["s"].null_values) == ("string", ())
    assert draft_feed([{"p": "1.5"}, {"p": "-"}]).fields["p"].null_values == ["-"]


def test_a_date_in_digits_is_a_time_with_a_format():
    """As a number, too."""
    fields = draft_feed([{"day": 20_261_122, "x": 5}, {"day": 20_261_123, "x": 6}]).fields
    assert (fields["day"].type, fields["day"].format) == ("timestamp", "%Y%m%d")
    assert fields["day"].event_time
