"""A map is told from an object by the names and the kinds of its members."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.scaffold.find_maps import is_map, is_map_of_values, key_name
from include.ticklake.scaffold.json_shape import JsonNode, read_shape


def node(body: object) -> JsonNode:
    return read_shape(io.BytesIO(json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("body", "is_one"),
    [
        pytest.param({"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}}, True, id="alike"),
        pytest.param({"x": {"a": 1}, "y": {"c": 1}}, False, id="unlike"),
        pytest.param({"data": {"a": 1}, "y": {"a": 1}}, False, id="a name of a list"),
        pytest.param({"BTCUSD": {"a": 1}}, True, id="one instrument"),
        pytest.param({"x": {"a": 1}}, False, id="one object"),
        pytest.param({"x": {"a": 1}, "y": {"a": 1}, "p": 1, "q": 2, "r": 3}, False, id="entity"),
    ],
)
def test_members_of_a_map_are_alike(body, is_one):
    """Most of their names are the same."""
    assert is_map(node(body), [], ()) is is_one


@pytest.mark.parametrize(
    ("body", "is_one"),
    [
        pytest.param({"EUR": 1, "USD": "1.5", "GBP": 2}, True, id="rates"),
        pytest.param({"2026-11-20": 1, "2026-11-21": 2, "2026-11-22": 2}, True, id="days"),
        pytest.param({"EUR": 1, "USD": 2}, False, id="too few"),
        pytest.param({"open": 1, "high": 2, "low": 3}, False, id="one candle"),
        pytest.param({"EUR": 1, "USD": "x", "GBP": 2}, False, id="a text"),
        pytest.param({"a b": 1, "c": 2, "d": 3}, True, id="a name without a path"),
        pytest.param({f"n{n}": n for n in range(60)}, True, id="many"),
    ],
)
def test_a_map_of_values_has_names_of_things(body, is_one):
    """Of one thing with many values, each name is a column."""
    assert is_map_of_values(node(body)) is is_one


def test_the_name_of_the_keys_is_none_of_the_members():
    """Otherwise records would have it twice."""
    assert key_name(node({"BTC": {}, "ETH": {}})) == "symbol"
    assert key_name(node({"BTC": {"Symbol": 1}, "ETH": {}})) == "name"
    assert key_name(node({"btc": {"name": 1}})) == "key"
    assert key_name(node({"2026-11-20": {}})) == "time"
