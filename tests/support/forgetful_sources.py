"""Shipped feeds whose sources return what they have now, as a test says, and a lake to read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from include.ticklake.convert.budget import budget_for
from include.ticklake.convert.convert import convert
from include.ticklake.extract import extract
from include.ticklake.feed import loader
from include.ticklake.feed.feed import Feed
from include.ticklake.lake import read
from include.ticklake.lake.manifest import Manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from include.ticklake.sources.retries import SourceRetryPolicy
from tests.support.servers.http import HttpServer, Reply

HOUR = Window.parse("20261122T050000Z-20261122T060000Z")
START_S, END_S = HOUR.start_ms // 1000, HOUR.end_ms // 1000
BUDGET = budget_for(128 * MIB)


class ShippedFeed:
    """One shipped feed, its first slice, and a server in the place of its source."""

    def __init__(self, name: str, server: HttpServer, storage: Storage) -> None:
        self.feed: Feed = loader.load(name)
        self.server, self.storage = server, storage
        self.unit = Unit(self.feed.first_slice, HOUR)

    def answer(self, body: Any) -> None:
        """Return *body* from now on."""
        path = self.feed.source.path  # type: ignore[union-attr]
        first = Reply(body=json.dumps(body).encode())
        rest = Reply(body=json.dumps(body | {"data": []}).encode())
        self.server.answer_by(
            path, lambda asked: first if asked.params.get("start", "0") == "0" else rest
        )

    def fetch(self, *, at_s: float = END_S + 5, **options: Any) -> Manifest:
        """Extract the unit at *at_s*."""
        return extract.extract(
            self.feed, self.unit, storage=self.storage, base_url=self.server.url,
            patience=SourceRetryPolicy(max_attempts=1), clock=lambda: at_s, **options,
        ).manifest  # fmt: skip

    def convert(self, manifest: Manifest) -> Manifest:
        """The manifest with its Parquet."""
        return convert(manifest.key, feed=self.feed, storage=self.storage, budget=BUDGET).manifest

    def rows(self) -> list[dict[str, Any]]:
        """Every row that a reader of the lake sees."""
        return read.table(self.feed, storage=self.storage).to_pylist()


def candles(opens_s: Iterable[int], *, close: str = "1.5") -> dict[str, Any]:
    """The answer of Kraken with the candles that open at these seconds."""
    rows = [[at, "1.0", "2.0", "0.5", close, "1.2", "10.0", 3] for at in opens_s]
    return {"error": [], "result": {"XXBTZUSD": rows, "last": 0}}


def newest_trades(numbers: Iterable[int], *, step_ms: int = 1_000) -> dict[str, Any]:
    """The answer of Bybit with trades by number, newest first; number 0 is at the hour's start."""
    listed = [
        {
            "execId": f"e{number}", "symbol": "BTCUSDT", "price": f"{number}.5", "size": "0.1",
            "side": "Buy", "time": str(HOUR.start_ms + number * step_ms), "isBlockTrade": False,
        }
        for number in sorted(numbers, reverse=True)
    ]  # fmt: skip
    return {"retCode": 0, "retMsg": "OK", "result": {"category": "linear", "list": listed}}


def coins(prices: dict[int, str]) -> dict[str, Any]:
    """The answer of CoinLore with a price for each coin."""
    data = [
        {"id": str(coin), "symbol": f"C{coin}", "name": f"Coin {coin}", "nameid": f"c-{coin}",
         "rank": coin, "price_usd": price}
        for coin, price in prices.items()
    ]  # fmt: skip
    return {"data": data, "info": {"coins_num": len(data)}}
