"""CoinPaprika's one body is the list of coins."""

from __future__ import annotations

from tests.replay.conftest import shape


def test_tickers_are_every_coin_by_rank(replay):
    """One body without pages, streamed: no Content-Length."""
    answer = replay.get("/v1/tickers", headers={"Accept-Encoding": "identity"})
    rows = answer.json()
    assert [row["rank"] for row in rows] == list(range(1, 1_235))
    assert len({row["id"] for row in rows}) == 1_234
    assert answer.headers["Transfer-Encoding"] == "chunked"


def test_quotes_choose_the_currencies(replay):
    """Up to three, each with its own prices."""
    (bitcoin, *_) = replay.rows("/v1/tickers", quotes="USD,BTC")
    assert bitcoin["id"] == "btc-bitcoin"
    assert list(bitcoin["quotes"]) == ["USD", "BTC"]
    assert abs(bitcoin["quotes"]["BTC"]["price"] - 1) < 0.1


def test_refusals(replay):
    """An unknown id is 404, a currency that nobody knows 400."""
    assert replay.get("/v1/tickers/nope-nope").status_code == 404
    assert replay.get("/v1/tickers", quotes="XXX").status_code == 400


def test_the_shape_is_coinpaprikas(replay, recorded_body):
    """Keys, their order and JSON types are those that CoinPaprika sent."""
    ours = replay.rows("/v1/tickers/btc-bitcoin")
    theirs = recorded_body("coinpaprika/tickers_id/btc-bitcoin_quotes_USD.json")
    assert shape(ours) == shape(theirs)
    assert list(ours["quotes"]["USD"]) == list(theirs["quotes"]["USD"])
    assert ours == replay.rows("/v1/tickers")[0]
