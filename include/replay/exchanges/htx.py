"""HTX: the newest trades, in batches: one for each order of a taker.

``data`` holds batches, newest first, and each batch its trades in ``data``, newest first, too. At
most 2,000 batches; there is no way further back. Numbers are JSON numbers, ids of 23 digits.
"""

from __future__ import annotations

from typing import NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.replay import instruments
from include.replay.digits import trimmed
from include.replay.market import AggTrade, Market, Trade
from include.replay.responses import ReplayRefusalError, World, array, route, whole

QUOTES = ("USDT", "BTC", "ETH")
BATCHES = 2_000
_IDS = 10**22  # so many digits more than a trade's number has


def routes(world: World) -> list[Route]:
    """The paths of api.huobi.pro that are answered here."""
    return [route("/market/history/trade", trades, world=world)]


def trades(world: World, request: Request) -> Response:
    """The newest batches: one, or as many as ``size`` says."""
    market, now_ms = world.market, world.now_ms()
    name = request.query_params.get("symbol", "")
    symbol = name.upper()
    if name != name.lower() or instruments.split(symbol, quotes=QUOTES) is None:
        _refuse(now_ms, "invalid-parameter", "invalid symbol")
    size = whole(request.query_params.get("size", "1"))
    if size is None or not 1 <= size <= BATCHES:
        _refuse(now_ms, "invalid-parameter", "invalid size")
    stop = market.agg_id_at(symbol, now_ms)
    batches = list(market.agg_trades_by_id(symbol, stop - size, stop))
    return array(
        (_batch(market, symbol, batch) for batch in reversed(batches)),
        before=f'{{"ch":"market.{name}.trade.detail","status":"ok","ts":{now_ms},"data":[',
        after="]}",
    )


def _refuse(now_ms: int, code: str, message: str) -> NoReturn:
    """Say no as HTX does: with status 200."""
    body = f'{{"ts":{now_ms},"status":"error","err-code":"{code}","err-msg":"{message}"}}'
    raise ReplayRefusalError(200, body)


def _batch(market: Market, symbol: str, batch: AggTrade) -> str:
    inside = list(market.trades_by_id(symbol, batch.first_id, batch.last_id + 1))
    rows = ",".join(map(_trade, reversed(inside)))
    return f'{{"id":{batch.id},"ts":{batch.time_ms},"data":[{rows}]}}'


def _trade(trade: Trade) -> str:
    direction = "sell" if trade.buyer_is_maker else "buy"
    return (
        f'{{"id":{_IDS + trade.id},"ts":{trade.time_ms},"trade-id":{trade.id},'
        f'"amount":{trimmed(trade.quantity_e8)},"price":{trimmed(trade.price_e8)},'
        f'"direction":"{direction}"}}'
    )
