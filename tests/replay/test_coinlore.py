"""CoinLore's pages by offset are the list of coins."""

from __future__ import annotations

from decimal import Decimal

from tests.replay.conftest import NOW


def test_offsets_until_the_total_give_every_coin(replay):
    """``info`` comes after the records and says how many there are."""
    found, total = [], 1
    while len(found) < total:
        page = replay.rows("/api/tickers/", start=len(found), limit=500)
        assert list(page) == ["data", "info"]
        assert page["info"]["time"] == NOW // 1000
        found, total = found + page["data"], page["info"]["coins_num"]
        assert len(page["data"]) in (100, 34)
    assert [row["rank"] for row in found] == list(range(1, 1_235))


def test_after_the_end_is_nothing(replay):
    """An empty page, with the total."""
    page = replay.rows("/api/tickers/", start=5000)
    assert (page["data"], page["info"]["coins_num"]) == ([], 1_234)


def test_types_are_mixed(replay):
    """Prices are strings, volumes numbers with many digits, ranks whole."""
    (row, *_) = replay.rows("/api/tickers/")["data"]
    assert isinstance(row["price_usd"], str)
    assert isinstance(row["volume24"], Decimal)
    assert isinstance(row["rank"], int)
