"""Bybit's files have the trades of its API, under a header."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests

from include.replay.market import Market
from include.replay.server import app, running
from tests.replay.conftest import NOW, ReplayClient

PATH = "/trading/BTCUSDT/BTCUSDT2026-01-01.csv.gz"
DAY_END_MS = 1_767_312_000_000


@pytest.fixture(scope="module")
def replay() -> Iterator[ReplayClient]:
    """A server whose clock is some hours into the next day."""
    application = app(market=Market(seed=11, trades_per_hour=60), coins=9, now_ms=lambda: NOW)
    with running(application) as url, requests.Session() as session:
        yield ReplayClient(url, session)


def test_trades_are_those_of_the_api(replay):
    """The newest of them, which the API still has, with the same ids."""
    header, *lines = gzip.decompress(replay.get(PATH).content).decode().splitlines()
    names = header.split(",")
    assert names[:7] == [
        "timestamp",
        "symbol",
        "side",
        "size",
        "price",
        "tickDirection",
        "trdMatchID",
    ]
    found = [dict(zip(names, line.split(","), strict=True)) for line in lines]
    query = {"category": "linear", "symbol": "BTCUSDT", "limit": 1_000}
    newest = replay.get("/v5/market/recent-trade", **query).json()["result"]["list"]
    expected = [trade for trade in reversed(newest) if int(trade["time"]) < DAY_END_MS]
    assert len(expected) > 100
    for row, trade in zip(found[-len(expected) :], expected, strict=True):
        assert row["trdMatchID"] == trade["execId"]
        assert [row[n] for n in ("symbol", "side", "size", "price")] == [
            trade[n] for n in ("symbol", "side", "size", "price")
        ]
        assert int(Decimal(row["timestamp"]) * 1_000) == int(trade["time"])
        value = Decimal(row["size"]) * Decimal(row["price"])
        assert abs(Decimal(row["foreignNotional"]) - value) < Decimal("1e-8")


def test_a_part_of_a_file_can_be_requested(replay):
    """As of any file that is published."""
    whole = replay.get(PATH).content
    assert replay.get(PATH, headers={"Range": "bytes=99-"}).content == whole[99:]


@pytest.mark.parametrize("path", [
    pytest.param(PATH.replace("01-01", "01-02"), id="today"),
    pytest.param(PATH.replace("01-01", "13-01"), id="no date"),
    pytest.param(PATH.replace("BTCUSDT", "BTCUSD"), id="another category"),
    pytest.param(PATH.replace("BTCUSDT/", "ETHUSDT/"), id="another symbol's folder"),
    pytest.param(PATH.replace("2026", "1969"), id="before all trades"),
    pytest.param(f"{PATH}.CHECKSUM", id="no checksum"),
])  # fmt: skip
def test_what_is_not_there_is_a_page_that_says_so(replay, path):
    """With status 404."""
    answer = replay.get(path)
    assert (answer.status_code, "404 Not Found" in answer.text) == (404, True)
