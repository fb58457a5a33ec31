"""A column's type holds all values of the sample, with room for larger ones."""

from __future__ import annotations

from decimal import Decimal

import pytest

from include.ticklake.scaffold.infer_types import as_numbers, finest_unit, infer_type
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
        pytest.param([10**79], "json", id="too long a number for a decimal"),
        pytest.param([10**79, "1"], "json", id="too long a number among texts"),
        pytest.param(["1e999999999", "2e99999999", "3"], "string", id="too large to compute with"),
    ],
)
def test_a_type_has_room_for_what_was_not_seen(values, kind):
    """Two more places and six more digits than the page showed."""
    assert draft_feed([{"id": "x", "v": value} for value in values]).fields["v"].type == kind


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


def test_numbers_are_exact_and_other_values_are_none():
    """Empty texts are ignored."""
    assert as_numbers(["0.10", 2, ""]) == [Decimal("0.10"), Decimal(2)]
    assert [as_numbers(values) for values in (["x"], [True], [[1]], [""])] == [None] * 4


def test_a_type_says_how_many_digits_it_saw():
    """So that they can be compared with the documentation."""
    assert infer_type(["1.25"])[1] == "at most 1 digit before the point and 2 after it in this page"
    assert finest_unit(["2026-11-22T05:00:00.1234567Z"], "iso") is None


def test_a_number_out_of_range_is_kept_as_json():
    """Exactly, as the source wrote it."""
    rows = b'[{"v":1e999999999,"time":1e999999999},{"v":2,"time":3},{"v":3e99999,"time":-1e99999}]'
    fields = draft_feed(rows).fields
    assert (fields["v"].type, fields["time"].type) == ("json", "json")
