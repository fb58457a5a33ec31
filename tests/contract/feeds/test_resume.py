"""An extraction that is killed goes on where it was: the next try asks for the page it died at.

The command line runs in a process of its own, which the server kills with SIGKILL when page 38
of a hundred is asked for, or while that page is on its way.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from include.replay.market import Market
from include.replay.server import app, running
from include.ticklake.convert import convert
from include.ticklake.feed import loader
from include.ticklake.lake.storage import Storage
from include.ticklake.model.window import Window, parse_instant
from tests.conftest import REPOSITORY
from tests.contract.feeds.conftest import NOW_MS
from tests.contract.feeds.ingest import BUDGET, ingest
from tests.support.lake_objects import lake_objects

KILLED_AT = 38

AGG_TRADES = """
source:
  kind: http
  base_url: https://data-api.binance.vision
  path: /api/v3/aggTrades
  params: {symbol: "{symbol}", limit: 30}
  paging:
    kind: id_forward
    param: fromId
    field: a
    first_params: {startTime: "{start_ms}", endTime: "{last_ms}"}
    page_rows: 30
slices: {symbol: [BTCUSDT]}
part_bytes: 1
fields:
  agg_trade_id: {from: a, type: int64, key: true}
  price: {from: p, type: "decimal(18,8)"}
  trade_time: {from: T, type: timestamp, unit: ms, event_time: true}
"""

CANDLES = """
source:
  kind: http
  base_url: https://www.bitstamp.net
  path: /api/v2/ohlc/{symbol}/
  params: {step: 60, limit: 4}
  records: data.ohlc
  paging: {kind: time_backward, start_param: start, end_param: end, unit: s, page_rows: 3}
slices: {symbol: [btcusd]}
window: 5h
candle: 1m
part_bytes: 1
fields:
  open_time: {from: timestamp, type: timestamp, unit: s, key: true, event_time: true}
  close: {type: "decimal(38,10)"}
"""

TRADES = """
source:
  kind: http
  base_url: https://api.kraken.com
  path: /0/public/Trades
  params: {pair: "{symbol}", count: 32}
  records: result.*
  columns: [price, volume, time, side, order_type, misc, trade_id]
  capture: {last: result.last}
  paging: {kind: cursor, param: since, cursor: last, first_params: {since: "{before_ns}"}}
slices: {symbol: [XBTUSD]}
part_bytes: 1
fields:
  trade_id: {type: int64, key: true}
  price: {type: "decimal(38,10)"}
  trade_time: {from: time, type: timestamp, unit: float_s, event_time: true}
"""

MARKETS = """
source:
  kind: http
  base_url: https://api.coingecko.com
  path: /api/v3/coins/markets
  params: {vs_currency: "{symbol}", per_page: 10}
  paging: {kind: page, page_rows: 10}
slices: {symbol: [usd]}
order: none
part_bytes: 1
fields:
  coin_id: {from: id, type: string, key: true}
  price: {from: current_price, type: "decimal(76,38)"}
  updated_at: {from: last_updated, type: timestamp, unit: iso, event_time: true}
"""

PAGED = [
    pytest.param("by_id", AGG_TRADES, "2026-01-02T07:00:00Z", 60, id="id_forward"),
    pytest.param("by_time", CANDLES, "2026-01-02T00:00:00Z", 300, id="time_backward"),
    pytest.param("by_cursor", TRADES, "2026-01-02T07:00:00Z", 60, id="cursor"),
    pytest.param("by_page", MARKETS, "2026-01-02T08:00:00Z", 60, id="page"),
]


class Killing:
    """Serves *app*; sends SIGKILL to a process when its 38th request comes, or is half answered."""

    def __init__(self, application: ASGIApp) -> None:
        self._app = application
        self.asked: list[str] = []
        self.victim: int | None = None
        self.while_answering = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(f"{scope['path']}?{scope['query_string'].decode()}")
        fatal = len(self.asked) == KILLED_AT and self.victim is not None
        if fatal and not self.while_answering:
            os.kill(self.victim, signal.SIGKILL)

        async def half(message: Message) -> None:
            if message["type"] == "http.response.body":
                body = message["body"]
                await send({**message, "body": body[: len(body) // 2], "more_body": True})
                os.kill(self.victim, signal.SIGKILL)
                message = {**message, "body": body[len(body) // 2 :]}
            await send(message)

        await self._app(scope, receive, half if fatal and self.while_answering else send)


@pytest.fixture(scope="module")
def server():
    """A killing replay, and its base URL."""
    market = Market(seed=11, trades_per_hour=3_200)
    killing = Killing(app(market=market, coins=995, now_ms=lambda: NOW_MS))
    with running(killing) as url:
        yield killing, url


@contextmanager
def extracting(name, *, feeds: Path, root: Path, url: str, window: Window):
    """A process that extracts *window* of the feed *name*, as a person would start it."""
    argv = [sys.executable, "-m", "include.ticklake", "extract", name, "--base-url", url]
    argv += ["--start", window.start.isoformat(), "--end", window.end.isoformat()]
    argv += ["--root", f"file://{root}"]
    env = {**os.environ, "TICKLAKE_FEEDS": str(feeds), "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        argv, env=env, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        yield process


@pytest.mark.parametrize("moment", ["asking", "reading"])
@pytest.mark.parametrize(("name", "text", "start", "minutes"), PAGED)
def test_a_killed_try_is_gone_on_with(name, text, start, minutes, moment, server, tmp_path):
    """After 37 of 100 pages the next try asks for page 38; the lake has the bytes of one try."""
    killing, url = server
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / f"{name}.yaml").write_text(text)
    window = Window(parse_instant(start), parse_instant(start) + timedelta(minutes=minutes))
    given = {"feeds": tmp_path / "feeds", "root": tmp_path / "lake", "url": url, "window": window}

    killing.asked, killing.while_answering = [], moment == "reading"
    with extracting(name, **given) as process:
        killing.victim = process.pid
        assert process.wait(timeout=120) == -signal.SIGKILL, process.stdout.read()
    killing.victim = None
    first, killing.asked = killing.asked, []
    assert not list((tmp_path / "lake").glob("manifests/**/*.json"))

    with extracting(name, **given) as process:
        written, _ = process.communicate(timeout=120)
    assert process.returncode == 0, written
    second, killing.asked = killing.asked, []
    assert len(first) == KILLED_AT
    assert second[0] == first[-1]
    assert not set(second) & set(first[:-1])

    feed = loader.load(name, {"TICKLAKE_FEEDS": str(tmp_path / "feeds")})
    piece, unkilled = feed.all_slices[0], tmp_path / "unkilled"
    over_ms = max(NOW_MS, window.end_ms)  # the processes have the clock of today
    whole = ingest(feed, piece, window, base_url=url, root=unkilled, now_ms=over_ms)
    assert killing.asked == [*first[:-1], *second]
    assert len(killing.asked) in (100, 101, 102)  # two pages past the window end the paging
    assert len(whole.manifest.json.parts) == 100
    storage = Storage.open(f"file://{tmp_path}/lake", {})
    convert.convert(whole.manifest.key, feed=feed, storage=storage, budget=BUDGET)
    assert lake_objects(tmp_path / "lake") == lake_objects(unkilled)
