"""The records of a body are found, or it is said what the body is instead."""

from __future__ import annotations

import io
import json

import pytest

from include.ticklake.errors import SourceRefusedError
from include.ticklake.scaffold.find_records import find_records, form_at
from include.ticklake.scaffold.json_shape import read_shape
from include.ticklake.scaffold.record_form import RecordForm

ROWS = [{"id": 1, "p": "1.5"}, {"id": 2, "p": "1.6"}]
PAIRS = [["1.5", 1], ["1.6", 2]]
COIN = {"id": "btc", "name": "Bitcoin", "rank": 1, "type": "coin", "open_source": True, "logo": "x"}


def form(body: object, **options: object) -> RecordForm:
    return find_records(read_shape(io.BytesIO(json.dumps(body).encode())), **options)


def found(body: object, **options: object) -> str:
    return form(body, **options).records


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
    ("body", "records", "options"),
    [
        pytest.param({"id": 1, "price": 2}, "$", {"shape": "object"}, id="object"),
        pytest.param(
            {"status": "ok", "tick": {"close": 1, "ask": [1, 2]}}, "tick", {"shape": "object"},
            id="object in an envelope",
        ),
        pytest.param(COIN | {"links": ROWS}, "$", {"shape": "object"}, id="object with arrays"),
        pytest.param(
            COIN | {"quotes": {"USD": {"price": 1}}}, "$", {"shape": "object"}, id="quotes"
        ),
        pytest.param(
            {"BTC": {"bid": 1, "ask": 2}, "ETH": {"bid": 1, "ask": 2}}, "*",
            {"shape": "object", "key_as": "symbol"}, id="map",
        ),
        pytest.param(
            {"a1": {"symbol": 1, "name": 2}, "b1": {"symbol": 1, "name": 2}}, "*",
            {"shape": "object", "key_as": "key"}, id="map with the usual names inside",
        ),
        pytest.param(
            {"error": [], "result": {"A": {"fees": PAIRS, "x": 1}, "B": {"fees": PAIRS, "x": 2}}},
            "result.*", {"shape": "object", "key_as": "name"}, id="map with arrays inside",
        ),
        pytest.param(
            {"result": {"XXBTZUSD": {"a": [1]}}}, "result.*",
            {"shape": "object", "key_as": "symbol"}, id="map of one",
        ),
        pytest.param(
            {"amount": 1, "base": "EUR", "rates": {"USD": 1.1, "GBP": "0.9", "JPY": 16}}, "rates.*",
            {"shape": "object", "key_as": "symbol", "columns": ["value"]}, id="rates",
        ),
        pytest.param(
            {"rates": {"2026-11-21": {"USD": 1}, "2026-11-22": {"USD": 2}}}, "rates.*",
            {"shape": "object", "key_as": "time"}, id="map of days",
        ),
        pytest.param(
            {"result": {"XXBTZUSD": PAIRS, "XETHZUSD": PAIRS}}, "result.*",
            {"key_as": "symbol"}, id="map of arrays",
        ),
        pytest.param({"bids": PAIRS, "asks": PAIRS[:1]}, "*", {"key_as": "side"}, id="book"),
        pytest.param(
            {"tick": {"bids": PAIRS, "asks": []}}, "tick.*", {"key_as": "side"}, id="one side"
        ),
        pytest.param(
            {"result": {"XXBTZUSD": {"bids": PAIRS, "asks": []}}}, "result.*.*",
            {"key_as": "side"}, id="book below an instrument",
        ),
        pytest.param(
            {"prices": PAIRS, "caps": PAIRS}, "*", {"key_as": "name"}, id="two arrays"
        ),
        pytest.param(
            {"s": "ok", "prices": PAIRS, "caps": PAIRS}, "*", {"key_as": "name"},
            id="two arrays beside a value",
        ),
        pytest.param(
            {"a": ROWS, "b": ROWS, "c": []}, "*", {"key_as": "name"}, id="not a book: a third array"
        ),
        pytest.param(
            {"errors": [], "b": PAIRS, "a": PAIRS}, "*", {"key_as": "side"}, id="no errors"
        ),
        pytest.param(
            {"bpi": {"2026-11-21": 67000.5, "2026-11-22": 1}}, "bpi.*",
            {"shape": "object", "key_as": "time", "columns": ["value"]}, id="values of two days",
        ),
        pytest.param(
            {"ask": "1", "bid": "2", "volume": {"BTC": 1, "USD": 2, "ts": 3}}, "$",
            {"shape": "object"}, id="an object inside a quote",
        ),
        pytest.param(["a", "b"], "$", {"columns": ["value"]}, id="texts"),
        pytest.param({"data": [1, 2, 3, 4]}, "data", {"columns": ["value"]}, id="numbers"),
        pytest.param(
            {"s": "ok", "t": [1, 2], "o": [3, 4], "c": [5, 6]}, "$", {"shape": "columns"},
            id="columns",
        ),
        pytest.param(
            {"t": [1, 2], "o": [3, 4], "c": [5, 6], "other": [1, 2, 3]}, "$",
            {"shape": "columns", "columns": ["t", "o", "c"]}, id="columns beside another array",
        ),
        pytest.param(
            {"t": [1], "o": [3], "c": [5], "s": "ok"}, "$", {"shape": "columns"}, id="one candle"
        ),
        pytest.param(
            {"ask": [3, 4], "bid": [5, 6]}, "$", {"shape": "object"}, id="prices and amounts"
        ),
    ],
)  # fmt: skip
def test_records_of_other_forms_are_found(body, records, options):
    """As a feed describes them: maps, single objects, columns, books."""
    it = form(body)
    assert (it.records, it.options()) == (records, options)


def test_what_has_no_records_is_said():
    """Unless it is a thing with attributes of its own, such as a coin without a market."""
    with pytest.raises(SourceRefusedError, match="the body is without records: bars is null"):
        form({"bars": None, "symbol": "AAPL"})
    assert form(COIN | {"markets": None}).is_one_object


@pytest.mark.parametrize(
    ("body", "path", "options"),
    [
        pytest.param(COIN | {"links": ROWS}, "links", {}, id="an array inside an object"),
        pytest.param({"a": {"x": 1}}, "a", {"shape": "object"}, id="an object"),
        pytest.param({"a": {"x": [1, 2], "y": [1, 2], "z": [1, 2]}}, "a", {"shape": "columns"},
                     id="columns"),
        pytest.param({"a": {"x": {"p": 1}, "y": {"q": 1}}}, "a.*",
                     {"shape": "object", "key_as": "name"}, id="a map"),
        pytest.param({"a": {"x": 1, "y": 2}}, "a.*",
                     {"shape": "object", "key_as": "name", "columns": ["value"]}, id="values"),
        pytest.param({"a": {"x": ROWS, "y": ROWS}}, "a.*", {"key_as": "name"}, id="arrays"),
    ],
)  # fmt: skip
def test_records_at_a_path_have_the_form_of_what_is_there(body, path, options):
    """The user names the place only."""
    it = form_at(read_shape(io.BytesIO(json.dumps(body).encode())), path)
    assert (it.records, it.options()) == (path, options)


def test_an_error_in_the_body_is_said_in_its_own_words():
    """With the API's message; an error beside records is not the answer."""
    with pytest.raises(SourceRefusedError, match="reports an error: 51001: does not exist;"):
        found({"code": "51001", "data": [], "msg": "does not exist"})
    assert found({"code": "51001", "data": ROWS}) == "data"
