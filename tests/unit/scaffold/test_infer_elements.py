"""Short arrays of numbers become a column for each place; longer lists stay JSON."""

from __future__ import annotations

import pytest

from include.ticklake.scaffold.infer_elements import elements_in


@pytest.mark.parametrize(
    ("path", "values", "paths"),
    [
        pytest.param("ask", [["1.5", 2]], ["ask.0", "ask.1"], id="a quote"),
        pytest.param("best.bid", [["1.5", "2"]], ["best.bid.0", "best.bid.1"], id="of an object"),
        pytest.param("x", [["1", "2"], None, *[[3, 4]] * 9], ["x.0", "x.1"], id="many alike"),
        pytest.param("x", [["1", "2"], None, *[[3, 4]] * 8], ["x"], id="a few alike"),
        pytest.param("timestamp", [[1, 2]] * 10, ["timestamp"], id="times"),
        pytest.param("sizes", [[1, 2]], ["sizes"], id="one list"),
        pytest.param("ask", [[1, 2], [1, 2, 3]], ["ask"], id="of two lengths"),
        pytest.param("ask", [["a", "b"]], ["ask"], id="texts"),
        pytest.param("ask", [[1, None]], ["ask"], id="a null"),
        pytest.param("ask", [[1, 2, 3, 4, 5]], ["ask"], id="long"),
        pytest.param("ask", [[1]], ["ask"], id="one"),
        pytest.param("ask", [1.5], ["ask"], id="no list"),
    ],
)
def test_places_get_columns_where_all_arrays_are_alike(path, values, paths):
    """Of a list that may be longer tomorrow, its end would be lost."""
    assert [found for found, _ in elements_in([(path, values)])] == paths


def test_a_record_without_the_array_has_no_values():
    """Not even at its first place."""
    found = dict(elements_in([("ask", [[1, 2], None, [3, 4]])]))
    assert found == {"ask.0": [1, None, 3], "ask.1": [2, None, 4]}
