"""HTX shows the market's newest trades, in batches."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.replay.conftest import NOW, shape

PATH = "/market/history/trade"


def test_batches_hold_the_newest_trades(replay, market):
    """Newest first, in the batches and within each of them."""
    page = replay.rows(PATH, symbol="btcusdt", size=2000)
    assert (page["status"], page["ts"], len(page["data"])) == ("ok", NOW, 2_000)
    rows = [row for batch in page["data"] for row in batch["data"]]
    first = market.agg_id_at("BTCUSDT", NOW) - 2_000
    oldest = next(market.agg_trades_by_id("BTCUSDT", first, first + 1)).first_id
    assert [(row["trade-id"], row["ts"], Decimal(row["price"])) for row in reversed(rows)] == [
        (t.id, t.time_ms, t.price)
        for t in market.trades_by_id("BTCUSDT", oldest, market.id_at("BTCUSDT", NOW))
    ]


def test_a_batch_has_one_time(replay):
    """And ids of more than 64 bits."""
    for batch in replay.rows(PATH, symbol="btcusdt", size=50)["data"]:
        assert {row["ts"] for row in batch["data"]} == {batch["ts"]}
        assert all(row["id"] > 2**64 for row in batch["data"])


@pytest.mark.parametrize(
    "query", [{"symbol": "nopeusdt"}, {"symbol": "BTCUSDT"}, {"size": 2001}, {"size": "x"}], ids=str
)
def test_refusals_have_status_200(replay, query):
    """And a code."""
    answer = replay.get(PATH, **({"symbol": "btcusdt"} | query))
    assert (answer.status_code, answer.json()["err-code"]) == (200, "invalid-parameter")


def test_the_shape_is_htxs(replay, recorded_body):
    """Keys and JSON types are those that HTX sent."""
    name = "../recorded_more/htx_huobi/market_history_trade/trade_size_2000_symbol_btcusdt.json"
    assert shape(replay.rows(PATH, symbol="btcusdt")) == shape(recorded_body(name))
