"""5,000 symbols that Binance lists, in the replay: planned, extracted and converted, none lost."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from include.replay.candles import HOUR_MS
from include.replay.market import Market
from include.replay.server import app, running
from include.ticklake.feed import loader
from include.ticklake.lake import read
from include.ticklake.lake.storage import Storage
from include.ticklake.model.sizes import MIB
from tests.support.cli_process import environment, run
from tests.support.listed_klines import listed_klines

SYMBOLS = 5_000
START_MS = int(datetime(2026, 1, 2, 4, tzinfo=UTC).timestamp() * 1000)
RANGE = ("--start", "2026-01-02T04:00Z", "--end", "2026-01-02T05:00Z")
LISTED = "{path: /api/v3/exchangeInfo, records: symbols, where: {status: TRADING}}"

WITHOUT_FLUSHES = "import os\nos.fsync = lambda _: None\n"
"""For ``sitecustomize``: what a power cut leaves is tested elsewhere, and costs most of the time
here."""


@pytest.fixture
def exchange(tmp_path, monkeypatch):
    """The replay with 5,000 symbols, and the environment of commands about their candles."""
    listed_klines(tmp_path / "feeds", LISTED, interval="1h")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(WITHOUT_FLUSHES)
    market = Market(seed=11, trades_per_hour=60)
    replay = app(
        market=market,
        now_ms=lambda: START_MS + HOUR_MS + 30_000,
        binance_bases=[f"S{number:04d}" for number in range(SYMBOLS)],
        binance_broken=["GONE"],
    )
    with running(replay) as url:
        env = environment(
            TICKLAKE_FEEDS=str(tmp_path / "feeds"),
            TICKLAKE_ROOT=f"file://{tmp_path}/lake",
            TICKLAKE_BASE_URL=url,
        )
        env["PYTHONPATH"] = f"{tmp_path / 'site'}:{env['PYTHONPATH']}"
        monkeypatch.setenv("TICKLAKE_FEEDS", env["TICKLAKE_FEEDS"])
        yield market, env


def test_five_thousand_listed_symbols_are_planned_extracted_and_converted(exchange, capsys):
    """Every candle is the market's; memory stays flat over all of them, and within the limit."""
    market, env = exchange

    def each_unit(*argv: str) -> list[dict]:
        began_s = time.monotonic()
        ended = run(*argv, "--json", env=env, timeout_s=900)
        assert ended.exit_code == 0, ended.err[-4_000:]
        assert ended.peak_bytes < 128 * MIB
        took_s = time.monotonic() - began_s
        with capsys.disabled():
            print(f"\n{argv[0]}: {took_s:.0f} s, {ended.peak_bytes / MIB:.0f} MiB")
        return [json.loads(line) for line in ended.out.splitlines()]

    extracted = each_unit("extract", "usdt_klines", *RANGE)
    assert len(extracted) == SYMBOLS
    # Up to 256 results wait for one that is slow: from then on there are no more of them.
    assert extracted[-1]["peak_bytes"] - extracted[999]["peak_bytes"] < 8 * MIB
    manifests = [unit["manifest"] for unit in extracted]
    with ThreadPoolExecutor(2) as at_once:  # two batches, as two tasks of a run are
        batches = manifests[::2], manifests[1::2]
        converted = list(at_once.map(lambda batch: each_unit("convert", *batch), batches))
    assert sum(map(len, converted)) == SYMBOLS

    storage = Storage.open(env["TICKLAKE_ROOT"], {})
    feed = loader.load("usdt_klines")
    table = read.table(feed, storage=storage, columns=["symbol", "open", "close", "trades"])
    rows = {row.pop("symbol"): row for row in table.to_pylist()}
    assert table.num_rows == len(rows) == SYMBOLS
    for symbol, row in rows.items():
        bar = market.candle(symbol, START_MS, START_MS + HOUR_MS)
        values = (row["open"].scaleb(8), row["close"].scaleb(8), row["trades"])
        assert values == (bar.open_e8, bar.close_e8, bar.trades), symbol
