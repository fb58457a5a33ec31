"""Requests name what exists, and tell one slice from another."""

from __future__ import annotations

import re

import pytest

from include.ticklake.feed.http_source import HttpSource
from include.ticklake.feed.request_texts import check_request
from include.ticklake.model.strict import FieldError

NAMED = {"symbol": ["BTC"]}


def source(**changes) -> HttpSource:
    """A source with *changes*."""
    plain = {"kind": "http", "base_url": "https://api.example.com", "path": "/rows"}
    return HttpSource.model_validate(plain | changes)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"path": "/rows/{symbol}"}, id="in the path"),
        pytest.param({"params": {"s": "x-{symbol}"}}, id="in a parameter"),
        pytest.param({"params": {"s": '{"symbol": "{symbol}"}'}}, id="in JSON"),
        pytest.param({"paging": {"kind": "cursor", "param": "c", "cursor": "n",
                                 "first_params": {"s": "{symbol}"}}, "capture": {"n": "next"}},
                     id="in a parameter of the first page"),
        pytest.param({"params": {"s": ["x", "{symbol}"]}}, id="in a list of parameters"),
        pytest.param({"method": "POST", "form": {"s": "{symbol}"}}, id="in a form"),
        pytest.param({"method": "POST", "body": {"a": [{"b": "{symbol}"}]}}, id="in a body"),
        pytest.param({"method": "POST", "body": {"query": "{ trades { id } }",
                                                 "variables": {"s": "{symbol}"}}},
                     id="beside a text with braces of its own"),
    ],
)  # fmt: skip
def test_a_slice_may_be_used_anywhere_that_is_filled_in(changes):
    """In one place is enough."""
    check_request(source(**changes), NAMED)


@pytest.mark.parametrize(
    ("changes", "slices", "path", "message"),
    [
        pytest.param({}, NAMED, ("slices", "symbol"), "{symbol} is not used, so every slice would "
                     "contain the same records; write {symbol} in source.path, source.params, "
                     "source.body or source.paging, or remove the slice", id="nowhere"),
        pytest.param({"path": "/{symbol}"}, NAMED | {"interval": ["1m"]}, ("slices", "interval"),
                     "{interval} is not used", id="one of two"),
        pytest.param({"path": "/{symbl}"}, NAMED, ("source", "path"),
                     "unknown placeholder 'symbl' in '/{symbl}'; did you mean 'symbol'?",
                     id="misspelt"),
        pytest.param({"path": "/{symbol}", "headers": {"X": "{symbol}"}}, NAMED,
                     ("source", "headers", "X"), "{symbol} is not filled in here", id="a header"),
        pytest.param({"path": "/{symbol}", "params": {"{symbol}": 1}}, NAMED,
                     ("source", "params", "{symbol}"), "{symbol} is not filled in here",
                     id="the name of a parameter"),
        pytest.param({"path": "/{symbol}", "paging": {"kind": "page", "param": "{symbol}"}}, NAMED,
                     ("source", "paging", "param"), "{symbol} is not filled in here",
                     id="the name of a paging parameter"),
        pytest.param({"method": "POST", "body": {"query": "{ trades(s: \"{symbol}\") { id } }"}},
                     NAMED, ("source", "body", "query"), "{symbol} is not filled in, since the "
                     "text has other braces; send the value in a text of its own, such as a "
                     "variable, or write { symbol } where no value is meant", id="in GraphQL"),
        pytest.param({"method": "POST", "body": {"{symbol}": "{symbol}"}}, NAMED,
                     ("source", "body", "{symbol}"), "{symbol} is not filled in here",
                     id="a name in a body"),
        pytest.param({"method": "POST", "body": {"a": "{symbol:d}"}}, {"symbol": ["1", "0x1"]},
                     ("slices", "symbol"), "'0x1' is not a whole number, as which source.body "
                     "sends it; correct the value, or write {symbol} without :d",
                     id="a number that is none"),
        pytest.param({"params": {"s": "{symbol}", "d": "{start_date}"}, "timezone": "Asia/Seoul"},
                     NAMED, ("source", "params", "d"), "{start_date} would be in UTC, and "
                     "source.timezone is Asia/Seoul; write {start_date@Asia/Seoul}, or "
                     "{start_date@UTC}", id="whose clock"),
        pytest.param({"method": "POST", "timezone": "Asia/Seoul",
                      "body": {"s": "{symbol}", "d": "{end:%Y %H}"}},
                     NAMED, ("source", "body", "d"), "write {end@Asia/Seoul:%Y %H}, or "
                     "{end@UTC:%Y %H}", id="whose clock, in a body"),
        pytest.param({"params": {"s": "{symbol}"}, "timezone": "Asia/Seoul", "paging": {
                          "kind": "time_forward", "start_param": "a", "format": "%Y-%m-%d %H"}},
                     NAMED, ("source", "paging", "format"), "its times would be in UTC, and "
                     "source.timezone is Asia/Seoul; write timezone: Asia/Seoul beside it",
                     id="the clock of paging"),
        pytest.param({"path": "/{symbol}", "headers": {"X": "{start:%Y}"}}, NAMED,
                     ("source", "headers", "X"), "{start:%Y} is not filled in here",
                     id="a time in a header"),
        pytest.param({"path": "/{start_ms}"}, {"end": ["1"]}, ("slices", "end"),
                     "clashes with a built-in placeholder; rename it", id="a name of an edge"),
        pytest.param({"path": "/{start_ms}"}, {"start_ms": ["1"]}, ("slices", "start_ms"),
                     "clashes with a built-in placeholder; rename it", id="a name that is taken"),
        pytest.param({"path": "/{symbol}"}, {"symbol": ["A", ".."]}, ("slices", "symbol"),
                     "'..' would change source.path '/{symbol}'", id="a value of dots"),
        pytest.param({"path": "/{symbol}"}, {"symbol": {"up": ".."}}, ("slices", "symbol"),
                     "'..' would change source.path '/{symbol}'", id="a source's own value"),
    ],
)  # fmt: skip
def test_a_request_that_contradicts_the_slices_is_refused(changes, slices, path, message):
    """With the path of the option to change."""
    with pytest.raises(FieldError, match=re.escape(message)) as raised:
        check_request(source(**changes), slices)
    assert raised.value.path == path


@pytest.mark.parametrize(
    "changes",
    [
        {"params": {"d": "{start_date@Asia/Seoul}", "e": "{end@UTC:%Y}", "f": "{end:%H %z}"}},
        {"params": {"d": "{start_ms}", "e": "{start_iso}"}},
        {"path": "/{start@Asia/Seoul:%Y}/{start@Asia/Seoul:%m}"},
        {"paging": {"kind": "time_forward", "start_param": "a", "format": "%Y-%m-%d %H:%MZ"}},
        {"paging": {"kind": "time_forward", "start_param": "a", "unit": "iso"}},
        {
            "paging": {
                "kind": "time_forward",
                "start_param": "a",
                "format": "%Y-%m-%d",
                "timezone": "Asia/Seoul",
            }
        },
    ],
)
def test_times_that_say_their_clock_are_taken(changes):
    """Beside records of another zone."""
    check_request(source(timezone="Asia/Seoul", **changes), {})


def test_dots_are_a_value_where_they_are_no_part_of_the_path():
    """A parameter may hold anything."""
    check_request(source(params={"s": "{symbol}"}), {"symbol": ["..", "a/b"]})
