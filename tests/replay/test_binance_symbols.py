"""The symbols that Binance lists are those that trade, in its own form."""

from __future__ import annotations

import pytest

from include.replay.server import app, running
from tests.replay.conftest import NOW, ReplayClient, exact, shape

PATH = "/api/v3/exchangeInfo"


def test_symbols_are_those_that_trade(replay):
    """Each once, in its quotes."""
    rows = replay.rows(PATH)["symbols"]
    names = [row["symbol"] for row in rows]
    assert len(set(names)) == len(names) > 400
    assert all(row["symbol"] == row["baseAsset"] + row["quoteAsset"] for row in rows)
    assert replay.rows("/api/v3/trades", symbol=names[-1], limit=1)


def test_one_symbol_can_be_asked_for(replay):
    """Its object is the same as among all."""
    [row] = replay.rows(PATH, symbol="ETHBTC")["symbols"]
    assert row in replay.rows(PATH)["symbols"]


@pytest.mark.parametrize(("query", "code"), [({"symbol": "NOPE"}, -1121), ({"limit": 5}, -1104)])
def test_refusals(replay, query, code):
    """Errors have status 400 and a code."""
    answer = replay.get(PATH, **query)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_the_shape_is_binances(replay, recorded_body):
    """Keys, their order and JSON types of a symbol are those that Binance sent."""
    ours = replay.rows(PATH)["symbols"][0]
    theirs = recorded_body("binance/exchangeInfo/exchangeInfo.json")["symbols"][0]
    assert list(ours) == list(theirs)
    filters = {entry["filterType"]: shape(entry) for entry in theirs["filters"]}
    assert all(shape(entry) == filters[entry["filterType"]] for entry in ours["filters"])
    plain = {"filters": [], "orderTypes": []}
    assert shape(ours | plain) == shape(theirs | plain)


def test_a_test_can_list_and_delist(market):
    """While the server runs."""
    import requests

    bases, broken = ["S0001", "S0002"], []
    application = app(market=market, now_ms=lambda: NOW, binance_bases=bases, binance_broken=broken)
    with running(application) as url, requests.Session() as session:
        client = ReplayClient(url, session)

        def statuses() -> dict[str, str]:
            rows = exact(client.get(PATH).content)["symbols"]
            return {row["symbol"]: row["status"] for row in rows}

        assert statuses() == {"S0001USDT": "TRADING", "S0002USDT": "TRADING"}
        broken.append(bases.pop(0))
        bases.append("S0003")
        assert statuses() == {
            "S0002USDT": "TRADING", "S0003USDT": "TRADING", "S0001USDT": "BREAK",
        }  # fmt: skip
