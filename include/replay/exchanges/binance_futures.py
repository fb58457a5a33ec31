"""Binance USD-M futures: funding rates, one every eight hours, paid some milliseconds late.

Ascending array of objects at the root. From startTime the oldest ``limit`` (100, at most 1,000);
without any bound the newest. Without ``symbol`` those of every perpetual, by time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay.digits import fixed8
from include.replay.exchanges.binance_calls import Call
from include.replay.funding import PERIOD_MS, Funding, payments
from include.replay.instruments import pairs
from include.replay.responses import World, array, route

QUOTES = ("USDT", "USDC")
PAGE_ROWS = 1_000
_NEWEST_ROWS = 200


def routes(world: World) -> list[Route]:
    """The paths of fapi.binance.com that are answered here."""
    return [route("/fapi/v1/fundingRate", funding_rates, world=world)]


def funding_rates(world: World, request: Request) -> Response:
    """Objects symbol, fundingTime, fundingRate, markPrice."""
    call = Call.read(world, request, names=("symbol", "startTime", "endTime", "limit"))
    every = call.get("symbol") is None
    symbols = [a + b for a, b in pairs(("USDT",))] if every else [call.symbol(QUOTES)]
    rows, span = call.rows(default=100, most=PAGE_ROWS), call.span()
    end_ms, start_ms = call.visible_ms(span), span.first_ms
    if start_ms is None:
        if span.last_ms is None and call.get("limit") is None:
            rows = _NEWEST_ROWS
        start_ms = end_ms - PERIOD_MS * -(-rows // len(symbols))
    page = islice(_by_time(world, symbols, start_ms, end_ms), rows)
    return array((_rate(symbol, payment) for symbol, payment in page), headers={})


def _by_time(
    world: World, symbols: list[str], start_ms: int, end_ms: int
) -> Iterator[tuple[str, Funding]]:
    """Payments of all *symbols*, one due time after the other."""
    for due_ms in range(start_ms - start_ms % PERIOD_MS, end_ms, PERIOD_MS):
        until_ms = min(due_ms + PERIOD_MS, end_ms)
        due = (
            (symbol, funding)
            for symbol in symbols
            for funding in payments(world.market, symbol, max(due_ms, start_ms), until_ms)
        )
        yield from sorted(due, key=lambda pair: pair[1].paid_ms)


def _rate(symbol: str, payment: Funding) -> str:
    return (
        f'{{"symbol":"{symbol}","fundingTime":{payment.paid_ms},'
        f'"fundingRate":"{fixed8(payment.rate_e8)}","markPrice":"{fixed8(payment.mark_e8)}"}}'
    )
