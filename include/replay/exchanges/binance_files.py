"""data.binance.vision: the trades and candles of Binance spot as daily and monthly zips of CSV.

Without a header; times in ms before 2025, and in µs since. A checksum stands beside each. A day's
file comes some hours into the next day, a month's on the first Monday after it; before that, and
for symbols that nobody lists, the answer is 404 in the words of S3. They have the same trades and
candles as ``/api/v3/aggTrades`` and ``/api/v3/klines``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import HOUR_MS, Candle, Interval
from include.replay.digits import E8, fixed8
from include.replay.exchanges.binance import QUOTES, named_interval
from include.replay.market import AggTrade, Market
from include.replay.published_files import CHECKSUM, checksum_response, file_response, zipped
from include.replay.responses import ReplayRefusalError, World, route

_MICROSECONDS_SINCE = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp()) * 1000
_AFTER_MS = 3 * HOUR_MS
_DATES = {"daily": re.compile(r"\d{4}-\d{2}-\d{2}"), "monthly": re.compile(r"\d{4}-\d{2}")}
_MISSING = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BinanceFile:
    """A zip of the trades or the candles of a day or month."""

    name: str
    market: Market
    symbol: str
    start_ms: int
    end_ms: int
    interval: Interval | None
    """Of candles; None of trades."""

    def chunks(self) -> Iterator[bytes]:
        """Yield the zip, as it is made."""
        lines = self._candles() if self.interval else self._trades()
        return zipped(self.name.removesuffix(".zip") + ".csv", lines)

    @property
    def _unit(self) -> int:
        return 1_000 if self.start_ms >= _MICROSECONDS_SINCE else 1

    def _trades(self) -> Iterator[str]:
        unit = self._unit
        for trade in self.market.agg_trades(self.symbol, self.start_ms, self.end_ms):
            yield _agg_trade(trade, unit=unit)

    def _candles(self) -> Iterator[str]:
        assert self.interval is not None  # noqa: S101 - or they would be trades
        found = self.market.candles(
            self.symbol, self.interval, self.start_ms, self.end_ms, until_ms=self.end_ms
        )
        unit = self._unit
        return (_kline(bar, unit=unit) for bar in found)


def routes(world: World) -> list[Route]:
    """The paths of data.binance.vision that are answered here."""
    return [
        route("/data/spot/{period}/aggTrades/{symbol}/{name}", agg_trade_files, world=world),
        route("/data/spot/{period}/klines/{symbol}/{interval}/{name}", kline_files, world=world),
    ]


def agg_trade_files(world: World, request: Request) -> Response:
    """``BTCUSDT-aggTrades-2026-01-01.zip``, and its checksum."""
    return _respond(world, request, interval=None, kind="aggTrades")


def kline_files(world: World, request: Request) -> Response:
    """``BTCUSDT-1m-2026-01-01.zip``, and its checksum; of months it is ``1mo``."""
    kind = request.path_params["interval"]
    interval = named_interval({"1mo": "1M", "1M": ""}.get(kind, kind))
    if interval is None:
        _refuse()
    return _respond(world, request, interval=interval, kind=kind)


def _respond(world: World, request: Request, *, interval: Interval | None, kind: str) -> Response:
    symbol, name = request.path_params["symbol"], request.path_params["name"]
    zip_name = name.removesuffix(CHECKSUM)
    date = zip_name.removeprefix(f"{symbol}-{kind}-").removesuffix(".zip")
    if (
        zip_name != f"{symbol}-{kind}-{date}.zip"
        or instruments.split(symbol, quotes=QUOTES) is None
    ):
        _refuse()
    start, end, published = _period(request.path_params["period"], date)
    if int(published.timestamp()) * 1000 + _AFTER_MS > world.now_ms():
        _refuse()
    file = BinanceFile(
        name=zip_name,
        market=world.market,
        symbol=symbol,
        start_ms=int(start.timestamp()) * 1000,
        end_ms=int(end.timestamp()) * 1000,
        interval=interval,
    )
    if name != zip_name:
        return checksum_response(file)
    return file_response(file, request, media_type="application/zip")


def _period(period: str, date: str) -> tuple[datetime, datetime, datetime]:
    """The start and the end of a file's time, and the day on which it comes."""
    form = _DATES.get(period)
    if form is None or not form.fullmatch(date):
        _refuse()
    try:
        start = datetime.fromisoformat(date if period == "daily" else f"{date}-01")
    except ValueError:
        _refuse()
    start = start.replace(tzinfo=UTC)
    if start.year < 1970:
        _refuse()
    if period == "daily":
        end = start + timedelta(days=1)
        return start, end, end
    end = (start + timedelta(days=31)).replace(day=1)
    return start, end, end + timedelta(days=-end.weekday() % 7)


def _refuse() -> NoReturn:
    raise ReplayRefusalError(404, _MISSING)


def _agg_trade(trade: AggTrade, *, unit: int) -> str:
    number, first, last, time_ns, price, quantity, maker = trade
    return (
        f"{number},{price // E8}.{price % E8:08d},{quantity // E8}.{quantity % E8:08d},"
        f"{first},{last},{time_ns * unit // 1_000_000},{'True' if maker else 'False'},True"
    )


def _kline(bar: Candle, *, unit: int) -> str:
    return (
        f"{bar.open_ms * unit},{fixed8(bar.open_e8)},{fixed8(bar.high_e8)},{fixed8(bar.low_e8)},"
        f"{fixed8(bar.close_e8)},{fixed8(bar.volume_e8)},{bar.end_ms * unit - 1},"
        f"{fixed8(bar.turnover_e16 // E8)},{bar.trades},{fixed8(bar.taker_volume_e8)},"
        f"{fixed8(bar.taker_turnover_e16 // E8)},0"
    )
