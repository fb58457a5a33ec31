"""The index of recorded answers in, cases to run out: which feed each is for, and what it holds.

``Recording.expected`` reads a body whole, with ``json`` and ``Decimal``, and makes the rows that
the feed's lake must hold: a second opinion that shares no code with the way through the core.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

from include.ticklake.feed.feed import Feed
from include.ticklake.feed.fields import FETCHED_AT, FieldSpec

ASKED_BY = {
    ("binance", "aggTrades"): "binance_agg_trades",
    ("binance", "exchangeInfo"): "binance_symbols",
    ("binance", "fapi_fundingRate"): "binance_funding",
    ("binance", "historicalTrades"): "binance_trades",
    ("binance", "klines"): "binance_klines",
    ("binance", "ticker"): "binance_tickers",
    ("binance", "ticker_24hr"): "binance_tickers",
    ("bitmex", "trade"): "bitmex_trades",
    ("bitstamp", "ohlc_btcusd"): "bitstamp_ohlc",
    ("bybit", "v5_kline"): "bybit_klines",
    ("bybit", "v5_market_funding_history"): "bybit_funding",
    ("bybit", "v5_market_kline"): "bybit_klines",
    ("bybit", "v5_market_recent-trade"): "bybit_recent_trades",
    ("bybit", "v5_recent_trade"): "bybit_recent_trades",
    ("coinbase", "products"): "coinbase_products",
    ("coinbase", "products_candles"): "coinbase_candles",
    ("coinbase", "products_trades"): "coinbase_trades",
    ("coingecko", "coins_list"): "coingecko_coins",
    ("coingecko", "coins_markets"): "coingecko_markets",
    ("coinpaprika", "tickers_id"): "coinpaprika_tickers",
    ("gate", "futures_trades"): "gate_futures_trades",
    ("gemini", "trades"): "gemini_trades",
    ("kraken", "OHLC"): "kraken_ohlc",
    ("kraken", "Ticker"): "kraken_tickers",
    ("kraken", "Trades"): "kraken_trades",
    ("okx", "instruments"): "okx_instruments",
    ("okx", "market_history-candles"): "okx_candles",
    ("okx", "market_history-trades"): "okx_trades",
    ("upbit", "trades"): "upbit_recent_trades",
}
"""Folders of bodies, and the feed that asks for such a body."""

ERRORS_ASKED_BY = {
    "_errors_other_hosts": "coingecko_coins",
    "binance": "binance_klines",
    "bitmex": "bitmex_trades",
    "bitstamp": "bitstamp_ohlc",
    "bybit": "bybit_klines",
    "coinbase": "coinbase_trades",
    "coingecko": "coingecko_markets",
    "coinpaprika": "coinpaprika_tickers",
    "gate": "gate_spot_trades",
    "kraken": "kraken_trades",
    "okx": "okx_trades",
}
"""An exchange says no in the same way everywhere: one feed of it is served its errors."""

_UNIT_NS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1, "float_s": 10**9}
_DAY_ONE = datetime(1970, 1, 1, tzinfo=UTC)
_TARGET = re.compile(r'href="([^"]+)"|Redirecting to (/\S+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recorded answer; ``feed`` asks for such an answer, None if none does."""

    file: str
    path: Path
    exchange: str
    endpoint: str
    url: str
    status: int
    headers: dict[str, str]
    records_path: str
    records: int
    feed: str | None

    @property
    def folder(self) -> str:
        """The folder that it lies in."""
        return self.file.rpartition("/")[0]

    @property
    def body(self) -> bytes:
        """The body before it was compressed."""
        return self.path.read_bytes()

    @property
    def sent(self) -> bytes:
        """The body as it went over the wire."""
        return gzip.compress(self.body) if "content-encoding" in self.headers else self.body

    @property
    def is_error(self) -> bool:
        """Whether it was recorded as an error."""
        return self.endpoint.startswith(("errors/", "HTTP"))

    @property
    def is_one_object(self) -> bool:
        """Whether it is a record by itself, without an array around it."""
        return self.records_path == "$ object"

    @property
    def redirects_to(self) -> str | None:
        """Where a redirect leads, by its body: the index keeps no ``Location``."""
        found = _TARGET.search(self.body.decode()) if 300 <= self.status < 400 else None
        return found and (found[1] or found[2])

    def records_of(self, feed: Feed) -> list[dict[str, object]]:
        """The body's records as objects, in its order, every number a Decimal."""
        found = json.loads(self.body, parse_float=Decimal, parse_int=Decimal)
        if self.is_one_object:
            return [found]
        for name in self.records_path.split(".")[1:]:
            if name == "*":
                return [{feed.source.key_as: key} | inside for key, inside in found.items()]
            found = found[name]
        columns = [name.rstrip("?") for name in feed.source.columns or ()]
        return [dict(zip(columns, row, strict=False)) if columns else row for row in found]

    def expected(self, feed: Feed, *, now_ms: int) -> list[dict[str, object]]:
        """The rows that the lake must hold, in the order of their event time."""
        records = self.records_of(feed)
        if feed.order == "descending":
            records.reverse()
        rows = [
            {
                name: now_ms * 10**6 if field.source == FETCHED_AT else value(record, field)
                for name, field in feed.fields.items()
            }
            for record in records
        ]
        return sorted(rows, key=lambda row: row[feed.event_time[0]])


def value(record: dict[str, object], field: FieldSpec) -> object:
    """What *field* of the lake must hold for *record*."""
    found: object = record
    for name in field.source.split("."):
        if isinstance(found, list) and name.isdecimal():
            found = found[int(name)] if int(name) < len(found) else None
        else:
            found = found.get(name) if isinstance(found, dict) else None
    if found is None or (found == "" and field.type != "string"):
        return None
    if field.unit == "iso":
        moment = datetime.fromisoformat(str(found).replace("Z", "+00:00"))
        return (moment - _DAY_ONE) // moment.resolution * 1_000
    if field.type == "timestamp":
        return int(Decimal(str(found)) * _UNIT_NS[field.unit])
    if field.type == "json":
        return json.dumps(found, separators=(",", ":"), ensure_ascii=False, default=int)
    if field.type == "int64":
        return int(str(found))
    return Decimal(str(found)) if field.type.startswith("decimal") else found


def recordings(folder: Path) -> Iterator[Recording]:
    """Every line of the index."""
    for line in (folder / "index.jsonl").read_text(encoding="utf-8").splitlines():
        known = json.loads(line)
        if (known["exchange"], known["endpoint"]) == ("kraken", "Ticker"):
            known |= {"records_path": "$.result.*", "records": 1}  # not the first array inside it
        named = ("file", "exchange", "endpoint", "status", "records_path", "records")
        yield Recording(
            **{name: known[name] for name in named},
            path=folder / known["file"],
            url=known["url"] or "",
            headers={name: ", ".join(values) for name, values in known["headers"].items()},
            feed=_feed(known["exchange"], known["endpoint"], known["url"] or ""),
        )


def _feed(exchange: str, endpoint: str, url: str) -> str | None:
    if endpoint.startswith(("errors/", "HTTP")):
        return ERRORS_ASKED_BY.get(exchange)
    if urlsplit(url).path.endswith("/ticker/price"):  # lies among the 24 hour tickers
        return None
    return ASKED_BY.get((exchange, endpoint))
