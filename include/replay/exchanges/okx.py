"""OKX: history-trades by trade id (or time), candles by time.

Strings in ``data`` after ``code`` and ``msg``, newest first. ``after`` is older, ``before`` newer,
both exclusive; ``before`` alone gives the newest page. ``limit`` is cut silently, and the most it
may be is a setting, because OKX's papers disagree. Bars of six hours and more open by Hong Kong's
clock unless their name ends in ``utc``; the last cell of a bar is ``0`` while it is open. A refusal
is a code in the body, mostly with status 200. Unlike at OKX, history does not end after three
months.
"""

from __future__ import annotations

import json
from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.candles import DAY_MS, HOUR_MS, MINUTE_MS, MONDAY_MS, WEEK_MS, Candle, Interval
from include.replay.digits import E8, trimmed
from include.replay.instruments import Instrument
from include.replay.market import Trade
from include.replay.responses import ReplayRefusalError, World, array, route, streamed, whole

LISTED_MS = 1_548_133_413_000
"""When every instrument was listed."""
QUOTES = ("USDT", "USDC", "USD", "EUR", "BTC", "ETH")
_HONG_KONG_MS = -8 * HOUR_MS
_SHORT = {
    "1s": 1_000, "1m": MINUTE_MS, "3m": 3 * MINUTE_MS, "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS, "30m": 30 * MINUTE_MS, "1H": HOUR_MS, "2H": 2 * HOUR_MS,
    "4H": 4 * HOUR_MS,
}  # fmt: skip
_LONG = {
    "6H": Interval(length_ms=6 * HOUR_MS), "12H": Interval(length_ms=12 * HOUR_MS),
    "1D": Interval(length_ms=DAY_MS), "2D": Interval(length_ms=2 * DAY_MS),
    "3D": Interval(length_ms=3 * DAY_MS), "1W": Interval(length_ms=WEEK_MS, offset_ms=MONDAY_MS),
    "1M": Interval(months=1), "3M": Interval(months=3),
}  # fmt: skip
_ENVELOPE = '{"code":"0","msg":"","data":['


def routes(world: World) -> list[Route]:
    """The paths of www.okx.com that are answered here."""
    return [
        route("/api/v5/market/history-trades", history_trades, world=world),
        route("/api/v5/market/history-candles", history_candles, world=world),
        route("/api/v5/market/candles", history_candles, world=world),
        route("/api/v5/public/instruments", public_instruments, world=world),
    ]


def refuse(code: str, message: str, *, status: int = 200) -> NoReturn:
    """Say no as OKX does."""
    raise ReplayRefusalError(status, f'{{"code":"{code}","data":[],"msg":"{message}"}}')


def history_trades(world: World, request: Request) -> Response:
    """Objects of strings; ``after`` and ``before`` are trade ids, or times with ``type=2``."""
    symbol, instrument = _instrument(request)
    rows = _rows(request, most=world.okx_trades_rows)
    kind = request.query_params.get("type", "1")
    if kind not in ("1", "2"):
        refuse("51000", "Parameter type error")
    after, before = _bound(request, "after"), _bound(request, "before")
    stop, market = world.market.id_at(symbol, world.now_ms()), world.market
    if after is not None:
        stop = min(stop, after if kind == "1" else market.id_at(symbol, after))
    first = max(stop - rows, 0)
    if before is not None and kind == "1":  # by time there is no way forward
        first = max(first, before + 1)
    page = list(market.trades_by_id(symbol, first, stop))
    return array((_trade(t, instrument) for t in reversed(page)), before=_ENVELOPE, after="]}")


def history_candles(world: World, request: Request) -> Response:
    """Arrays of nine strings, the open bar among them."""
    symbol, _ = _instrument(request)
    interval = bar_interval(request.query_params.get("bar", "1m"))
    if interval is None:
        refuse("51000", "Parameter bar error")
    rows, now_ms = _rows(request, most=world.okx_candles_rows), world.now_ms()
    after, before = _bound(request, "after"), _bound(request, "before")
    stop_ms = now_ms + 1 if after is None else min(after, now_ms + 1)
    newest = interval.opening(stop_ms - 1)
    first_ms = interval.step(newest, bars=1 - rows)
    if before is not None:
        first_ms = max(first_ms, before + 1)
    bars = world.market.candles(symbol, interval, max(first_ms, 0), stop_ms, until_ms=now_ms)
    newest_first = reversed(list(bars))
    return array((_bar(bar, now_ms=now_ms) for bar in newest_first), before=_ENVELOPE, after="]}")


def public_instruments(world: World, request: Request) -> Response:
    """Objects of strings: every pair, or its perpetual swap."""
    kind = request.query_params.get("instType")
    if not kind:
        refuse("50014", "Parameter instType can not be empty.", status=400)
    if kind not in ("SPOT", "SWAP"):
        refuse("51000", "Parameter instType error")
    # An instrument's own base and quote are a guess: DOTUSD could be DO-TUSD elsewhere.
    rows = (
        _listing(base, quote, world.market.instrument(base + quote), kind=kind)
        for base, quote in instruments.pairs(QUOTES)
    )
    return streamed(rows, before=_ENVELOPE, after="]}")


def bar_interval(name: str) -> Interval | None:
    """The grid of a bar's name, or None; ``1D`` opens at 16:00 UTC, ``1Dutc`` at midnight."""
    if name in _SHORT:
        return Interval(length_ms=_SHORT[name])
    interval = _LONG.get(name.removesuffix("utc"))
    if interval is None or name.endswith("utc"):
        return interval
    return Interval(
        length_ms=interval.length_ms,
        offset_ms=interval.offset_ms + _HONG_KONG_MS,
        months=interval.months,
    )


def _instrument(request: Request) -> tuple[str, str]:
    """The market's symbol and OKX's name; a swap has the trades of its pair."""
    name = request.query_params.get("instId")
    if not name:
        refuse("50014", "Parameter instId can not be empty.", status=400)
    base, _, quote_part = name.partition("-")
    quote = quote_part.removesuffix("-SWAP")
    if instruments.split(base + quote, quotes=QUOTES) != (base, quote):
        refuse("51001", "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
    return base + quote, name


def _rows(request: Request, *, most: int) -> int:
    limit = _bound(request, "limit")
    if limit == 0:
        refuse("51000", "Parameter limit error")
    return min(100 if limit is None else limit, most)


def _bound(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value and whole(value) is None:
        refuse("51000", f"Parameter {name} error")
    return whole(value)


def _trade(trade: Trade, instrument: str) -> str:
    side = "sell" if trade.buyer_is_maker else "buy"
    return (
        f'{{"instId":"{instrument}","side":"{side}","sz":"{trimmed(trade.quantity_e8)}",'
        f'"px":"{trimmed(trade.price_e8)}","tradeId":"{trade.id}","ts":"{trade.time_ms}"}}'
    )


def _bar(bar: Candle, *, now_ms: int) -> str:
    turnover = trimmed(bar.turnover_e16 // E8)
    cells = (*map(trimmed, bar[2:7]), turnover, turnover, "1" if bar.end_ms <= now_ms else "0")
    quoted = ",".join(f'"{cell}"' for cell in cells)
    return f'["{bar.open_ms}",{quoted}]'


def _listing(base: str, quote: str, known: Instrument, *, kind: str) -> str:
    """A pair, or a swap whose contract is one of its base; what the other has is empty."""
    pair, is_swap = f"{base}-{quote}", kind == "SWAP"
    lot = trimmed(known.lot_e8)
    fields = {
        "alias": "",
        "baseCcy": "" if is_swap else base,
        "category": "1",
        "ctMult": "1" if is_swap else "",
        "ctType": "linear" if is_swap else "",
        "ctVal": "1" if is_swap else "",
        "ctValCcy": base if is_swap else "",
        "expTime": "",
        "instId": f"{pair}-SWAP" if is_swap else pair,
        "instType": kind,
        "lever": "10",
        "listTime": str(LISTED_MS),
        "lotSz": lot,
        "maxIcebergSz": "9999999999",
        "maxLmtSz": "9999999999",
        "maxMktSz": "1000000",
        "maxStopSz": "1000000",
        "maxTriggerSz": "9999999999",
        "maxTwapSz": "9999999999",
        "minSz": lot,
        "optType": "",
        "quoteCcy": "" if is_swap else quote,
        "settleCcy": quote if is_swap else "",
        "state": "live",
        "stk": "",
        "tickSz": trimmed(known.tick_e8),
        "uly": pair if is_swap else "",
    }
    return json.dumps(fields, separators=(",", ":"))
