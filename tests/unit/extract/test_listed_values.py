"""The values of a column are read exactly; what can name no slice is left out, and counted."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from include.ticklake.errors import UsageError
from include.ticklake.extract.listed_values import ListedWindow, check_source
from include.ticklake.feed import loader
from include.ticklake.lake import manifest
from include.ticklake.lake.list_rules import ListReading, RefusedListError
from include.ticklake.lake.slice_lists import ListSource
from tests.support.listed_symbols import PRICES, SYMBOLS, ListedSymbols, fetched_ms, rows

IN_PATH = PRICES.replace('path: /prices, params: {symbol: "{symbol}"}', 'path: "/prices/{symbol}"')


@pytest.fixture
def exchange(tmp_path, http_server, monkeypatch) -> ListedSymbols:
    """Two feeds, and nothing in their lake."""
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    return ListedSymbols(tmp_path, http_server)


def read(exchange, *, column="symbol", known=(), **where) -> ListReading:
    """What the newest window lists."""
    source = ListSource(feed="symbols", column=column, where=where)
    window = ListedWindow(loader.load("symbols"), source, storage=exchange.storage)
    return window.read(target=exchange.prices, slice_name="symbol", known=known)


def test_the_newest_window_is_read(exchange):
    """However many there are before it, and in which order they were fetched."""
    for number, symbols in ((30, ["NEW"]), (0, ["OLD"]), (29, ["A", "B"])):
        exchange.fetch(number, rows(symbols))
    found = read(exchange)
    assert (list(found.values), found.as_of_ms) == (["NEW"], fetched_ms(30))


@pytest.mark.parametrize(
    ("where", "listed"),
    [
        pytest.param({"status": ["ON"]}, ["A", "B"], id="a text"),
        pytest.param({"status": ["ON", "NEW"]}, ["A", "B", "C"], id="one of two"),
        pytest.param({"number": [7]}, ["A", "C"], id="a number, also where it is written as text"),
        pytest.param({"is_open": [True]}, ["A", "C"], id="true, inside an object, also as 1"),
        pytest.param({"is_open": [False]}, ["B"], id="false"),
        pytest.param({"status": ["ON"], "number": [8]}, ["B"], id="both"),
        pytest.param({"status": ["on"]}, [], id="another case"),
    ],
)
def test_rows_are_selected_by_equal_values(exchange, where, listed):
    """As the columns of the lake hold them; no value equals nothing."""
    exchange.fetch(
        0,
        [
            {"symbol": "A", "status": "ON", "number": 7, "rules": {"open": True}},
            {"symbol": "B", "status": "ON", "number": 8.0, "rules": {"open": False}},
            {"symbol": "C", "status": "NEW", "number": "7", "rules": {"open": 1}},
            {"symbol": "D", "status": None},
        ],
    )
    assert list(read(exchange, **where).values) == listed


def test_whole_numbers_name_slices_too(exchange):
    """To the digit."""
    exchange.fetch(0, [{"symbol": "A", "number": 9_007_199_254_740_993}])
    assert list(read(exchange, column="number").values) == ["9007199254740993"]


def test_what_can_name_no_slice_is_left_out_and_counted(exchange):
    """Names come from outside; a few of the reasons are kept, and every distinct name once."""
    exchange.write(prices=IN_PATH)
    bad = ["", "A\nB", "..", "btc", "x" * 201, "é" * 34]
    exchange.fetch(0, [*rows(["BTC", "A/B", *bad, "BTC", "ü"]), {"symbol": None}])
    found = read(exchange)
    assert list(found.values) == ["BTC", "A/B", "ü"]
    assert found.left_out_rows == 7
    assert found.left_out == (
        "'' is blank; write the value, or remove it",
        "'A\\nB' holds a control character; remove it",
        "'..' would change the address that is requested",
        "'btc' and 'BTC' differ by case only",
        f"'{'x' * 40}' and more: longer than the name of a folder can be",
    )


def test_a_value_that_is_known_wins_over_one_that_differs_by_case(exchange):
    """It may have data in the lake, also where it is no longer listed."""
    exchange.fetch(0, rows(["BTC", "ETH"]))
    found = read(exchange, known=["btc"])
    assert list(found.values) == ["ETH"]
    assert found.left_out == ("'BTC' and 'btc' differ by case only",)


def test_every_slice_of_the_other_feed_must_have_a_window(exchange, http_server):
    """Less is never taken for the whole; `where` chooses among its slices, too."""
    text = SYMBOLS.replace("path: /symbols", 'path: /symbols, params: {kind: "{kind}"}')
    exchange.write(symbols=text + "slices: {kind: [SPOT, SWAP]}\n")
    http_server.answer("/symbols", json.dumps(rows(["A"])).encode())
    exchange.fetch_slice(0, kind="SPOT")
    assert list(read(exchange, kind=["SPOT"]).values) == ["A"]
    with pytest.raises(RefusedListError, match="feed symbols, slice kind=SWAP has no window"):
        read(exchange)
    exchange.fetch_slice(0, kind="SWAP")
    assert list(read(exchange).values) == ["A"]
    with pytest.raises(UsageError, match="has no slice that `where` selects"):
        read(exchange, kind=["SWAPS"])


@pytest.mark.parametrize(
    ("column", "where", "message"),
    [
        ("symbl", {}, "feed symbols has no column 'symbl'; did you mean 'symbol'"),
        ("tick", {}, r"column 'tick' is of type decimal\(18,8\); name one of type string or int64"),
        ("is_open", {}, "column 'is_open' is of type bool; name one of type string or int64"),
        ("symbol", {"state": ["ON"]}, "feed symbols has no column 'state'"),
        ("symbol", {"tick": ["1"]}, "column 'tick' is of type decimal"),
        ("symbol", {"number": ["7"]}, "where: number is of type int64, which '7' never equals"),
        ("symbol", {"number": [True]}, "which True never equals"),
        ("symbol", {"status": [7]}, "where: status is of type string, which 7 never equals"),
    ],
)
@pytest.mark.usefixtures("exchange")
def test_columns_that_cannot_be_compared_are_refused(column, where, message):
    """Before anything is read."""
    source = ListSource(feed="symbols", column=column, where=where)
    with pytest.raises(UsageError, match=message):
        check_source(loader.load("symbols"), source)


def test_a_listed_feed_lists_no_third_one(exchange):
    """Its own list would have to be renewed first."""
    with pytest.raises(UsageError, match="its own slices are listed elsewhere"):
        check_source(exchange.prices, ListSource(feed="prices", column="id"))


def test_json_that_retention_removed_is_no_list(exchange):
    """Its Parquet is still there, and the list in force stays."""
    exchange.fetch(0, rows(["A"]))
    for found in list(manifest.read_all("symbols", storage=exchange.storage)):
        section = replace(found.json, parts=(), removed=True)
        version = exchange.storage.version(found.key)
        manifest.write(replace(found, json=section), storage=exchange.storage, expect=version)
    with pytest.raises(RefusedListError, match="was removed by retention"):
        read(exchange)
