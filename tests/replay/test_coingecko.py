"""CoinGecko's pages are the list of coins, each once."""

from __future__ import annotations

import pytest

from tests.replay.conftest import shape


def test_the_list_has_every_coin_once(replay):
    """One body, one object per coin, unique ids."""
    rows = replay.rows("/api/v3/coins/list")
    assert len(rows) == len({row["id"] for row in rows}) == 1_234
    assert rows[0] == {"id": "bitcoin", "symbol": "btc", "name": "Bitcoin"}
    assert any(set(row["name"]) & set('"\\\t') for row in rows), "names need escapes"
    assert any(not row["name"].isascii() for row in rows)


def test_pages_of_markets_are_the_list(replay):
    """Pages until an empty one hold every coin once, by rank."""
    found, page = [], 1
    while rows := replay.rows("/api/v3/coins/markets", vs_currency="usd", per_page=250, page=page):
        found, page = found + rows, page + 1
    assert page == 6
    assert [row["market_cap_rank"] for row in found] == list(range(1, 1_235))
    assert [row["market_cap"] for row in found] == sorted(
        (row["market_cap"] for row in found), reverse=True
    )
    assert {row["id"] for row in found} == {row["id"] for row in replay.rows("/api/v3/coins/list")}


def test_numbers_come_in_every_form(replay):
    """Nulls, e-notation for dust, many digits."""
    bodies = [
        replay.get("/api/v3/coins/markets", vs_currency="usd", per_page=250, page=page).text
        for page in (1, 5)
    ]
    assert '"max_supply":null' in bodies[0]
    assert "e-0" in bodies[1]


@pytest.mark.parametrize(
    "order", ["market_cap_asc", "volume_asc", "volume_desc", "id_asc", "id_desc"]
)
def test_orders(replay, order):
    """``order`` sorts by what it says."""
    field = {"market_cap": "market_cap", "volume": "total_volume", "id": "id"}[
        order.rpartition("_")[0]
    ]
    rows = replay.rows("/api/v3/coins/markets", vs_currency="usd", order=order)
    values = [row[field] for row in rows]
    assert len(rows) == 100
    assert values == sorted(values, reverse=order.endswith("desc"))


def test_ids_select(replay):
    """``ids`` gives those coins only."""
    rows = replay.rows("/api/v3/coins/markets", vs_currency="eur", ids="ethereum,nothing,bitcoin")
    assert [row["id"] for row in rows] == ["bitcoin", "ethereum"]


def test_the_currency_is_needed(replay):
    """Without vs_currency: 422 and CoinGecko's words."""
    answer = replay.get("/api/v3/coins/markets")
    assert (answer.status_code, answer.json()) == (
        422,
        {"error": "Missing parameter vs_currency"},
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        pytest.param("coins_list/list.json", "coins/list", id="list"),
        pytest.param(
            "coins_markets/markets_vs_currency_usd_order_market_cap_desc_per_page_100_page_1_"
            "sparkline_Fals.json",
            "coins/markets", id="markets",
        ),
    ],
)  # fmt: skip
def test_shapes_are_coingeckos(replay, name, path, recorded_body):
    """Keys, their order and JSON types are those that CoinGecko sent."""
    ours = replay.rows(f"/api/v3/{path}", vs_currency="usd")
    theirs = recorded_body(f"coingecko/{name}")
    assert shape(ours) == shape(theirs)
    assert list(ours[0]) == list(theirs[0])


def test_simple_prices_are_a_map_by_coin(replay):
    """Of the coins that there are, the same as their markets show."""
    path = "/api/v3/simple/price"
    found = replay.rows(path, ids="bitcoin,ethereum,no-such-coin", vs_currencies="usd")
    markets = replay.rows("/api/v3/coins/markets", vs_currency="usd", ids="bitcoin,ethereum")
    assert {coin: prices["usd"] for coin, prices in found.items()} == {
        row["id"]: row["current_price"] for row in markets
    }
    assert replay.get(path, vs_currencies="usd").status_code == 422
