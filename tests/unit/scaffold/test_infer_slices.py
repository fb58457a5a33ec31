"""Parameters that name an instrument become slices, and so do those with several values."""

from __future__ import annotations

import pytest

from include.ticklake.scaffold.infer_slices import infer_slices


@pytest.mark.parametrize(
    ("pairs", "slices"),
    [
        pytest.param([("symbol", "A"), ("limit", "9")], {"symbol": ["A"]}, id="an instrument"),
        pytest.param([("instId", "A")], {"inst_id": ["A"]}, id="its column is in lower case"),
        pytest.param([("ids", "a"), ("ids", "b"), ("ids", "a")], {"ids": ["a", "b"]}, id="twice"),
        pytest.param([("x", "{symbol}")], {"x": ["{symbol}"]}, id="looks like a placeholder"),
        pytest.param([("symbol", "")], {}, id="empty"),
        pytest.param([("symbol", "a\nb")], {}, id="a value that a feed may not list"),
        pytest.param([("token", "a"), ("token", "b")], {}, id="a login"),
        pytest.param([("date", "{x}")], {"date_2": ["{x}"]}, id="a name that the lake has"),
        pytest.param([("start_ms", "{x}")], {"start_ms_2": ["{x}"]}, id="a placeholder's name"),
        pytest.param([("start", "{x}")], {"start_2": ["{x}"]}, id="the start of a format"),
        pytest.param(
            [("a b", "{x}"), ("a:b", "{y}")], {"a_b": ["{x}"], "a_b_2": ["{y}"]}, id="both"
        ),
        pytest.param(
            [("id", "a"), ("id", "A")], {"id": {"value_1": "a", "value_2": "A"}}, id="case only"
        ),
    ],
)
def test_what_becomes_a_slice(pairs, slices):
    """With names that a feed may have."""
    assert {name: found.values for name, found in infer_slices(pairs).items()} == slices
