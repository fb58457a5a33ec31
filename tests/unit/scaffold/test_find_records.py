"""The records of a body are found, or it is said what the body is instead."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.errors import SourceRefusedError
from include.ticklake.scaffold.find_records import find_records
from include.ticklake.scaffold.json_shape import read_shape

ROWS = [{"id": 1, "p": "1.5"}, {"id": 2, "p": "1.6"}]
PAIRS = [["1.5", 1], ["1.6", 2]]
COIN = {"id": "btc", "name": "Bitcoin", "rank": 1, "type": "coin", "open_source": True, "logo": "x"}


def found(body: object, **options: object) -> str:
    return find_records(read_shape(io.BytesIO(json.dumps(body).encode())), **options)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        pytest.param(ROWS, "$", id="the whole body"),
        pytest.param({"small": ROWS[:1], "data": {"list": ROWS}}, "data.list", id="the largest"),
        pytest.param({"errors": [{}, {}, {}], "data": ROWS}, "data", id="not the errors"),
        pytest.param({"a": ROWS, "data": ROWS}, "data", id="of two, the one called data"),
        pytest.param({"result": {"XXBTZUSD": PAIRS, "last": 7}}, "result.*", id="an instrument"),
        pytest.param({"XXBTZUSD": PAIRS}, "*", id="an instrument at the root"),
        pytest.param({"a b": ROWS}, "*", id="a name with a blank"),
        pytest.param({"x.y": ROWS}, "x.y", id="a name with a dot"),
        pytest.param(
            {"jsonrpc": "2.0", "usIn": 1, "usOut": 2, "usDiff": 3, "testnet": False,
             "result": ROWS}, "result", id="much around them",
        ),
        pytest.param({"data": [COIN, COIN | {"id": "eth"}]}, "data", id="coins"),
    ],
)  # fmt: skip
def test_the_records_are_the_largest_array(body, path):
    """A name that differs from slice to slice is any name."""
    assert found(body) == path


def test_a_name_from_the_url_is_that_of_an_instrument():
    """In any case: it differs from slice to slice."""
    assert found({"btc_usdt": ROWS}, url_values=["BTC_USDT"]) == "*"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param({"id": 1, "price": 2}, "a single object, with 'id', 'price'", id="object"),
        pytest.param(
            {"status": "ok", "tick": {"close": 1, "ask": [1, 2]}},
            "a single object, at tick, with 'close', 'ask'",
            id="object in an envelope",
        ),
        pytest.param(
            COIN | {"links": ROWS},
            r"a single object, with 'id', .* inside it with --records: links",
            id="object with arrays",
        ),
        pytest.param(
            COIN | {"quotes": {"USD": {"price": 1}}}, "a single object, with 'id'", id="quotes"
        ),
        pytest.param(
            {"BTC": {"bid": 1, "ask": 2}, "ETH": {"bid": 1, "ask": 2}},
            "a map of objects, one for each of 'BTC', 'ETH'",
            id="map",
        ),
        pytest.param(
            {"error": [], "result": {"A": {"fees": PAIRS, "x": 1}, "B": {"fees": PAIRS, "x": 2}}},
            "a map of objects, at result, one for each of 'A', 'B'",
            id="map with arrays inside",
        ),
        pytest.param({"result": {"XXBTZUSD": {"a": [1]}}}, "a map of objects", id="map of one"),
        pytest.param(
            {"result": {"XXBTZUSD": PAIRS, "XETHZUSD": PAIRS}}, "a map of arrays", id="arrays"
        ),
        pytest.param({"bids": PAIRS, "asks": PAIRS[:1]}, "an order book", id="order book"),
        pytest.param({"tick": {"bids": PAIRS, "asks": []}}, "an order book", id="one side"),
        pytest.param(
            {"prices": PAIRS, "caps": PAIRS},
            "2 arrays side by side, with 2 records each; name one with --records: prices or caps",
            id="two arrays",
        ),
        pytest.param(["a", "b"], "an array of plain values", id="texts"),
        pytest.param(
            {"s": "ok", "t": [1, 2], "o": [3, 4], "c": [5, 6]},
            "arrays of plain values",
            id="columns",
        ),
        pytest.param([], "without records", id="empty"),
        pytest.param({"data": []}, "without records: data is empty", id="empty at a path"),
        pytest.param({}, "an empty object", id="empty object"),
        pytest.param("maintenance", "a single value", id="text"),
    ],
)
def test_what_is_not_a_list_of_records_is_said(body, said):
    """Each with what to do about it."""
    with pytest.raises(SourceRefusedError, match=f"the body is {said}"):
        found(body)


def test_an_error_in_the_body_is_said_in_its_own_words():
    """With the API's message; an error beside records is not the answer."""
    with pytest.raises(SourceRefusedError, match="reports an error: 51001: does not exist;"):
        found({"code": "51001", "data": [], "msg": "does not exist"})
    assert found({"code": "51001", "data": ROWS}) == "data"
