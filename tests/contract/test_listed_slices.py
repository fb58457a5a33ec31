"""Slices that Binance lists, in the replay: planned, fetched, converted, listed and delisted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.replay.market import Market
from include.replay.server import app, running
from include.ticklake.cli.main import main
from include.ticklake.extract.extract import extract
from include.ticklake.feed import loader
from include.ticklake.lake import manifest, read
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window, parse_instant, split_range
from tests.support.listed_klines import listed_klines

BASES = [f"S{number:03d}" for number in range(20)]
HOUR, HOUR_MS = timedelta(hours=1), 3_600_000
NOW_MS = int(datetime(2026, 1, 2, 5, 0, 30, tzinfo=UTC).timestamp() * 1000)

LISTED = "{feed: binance_symbols, where: {status: TRADING, quote: USDT}}"


class ListingReplay:
    """The replay, whose clock and symbols are ours, and a lake."""

    def __init__(self, lake: str) -> None:
        self.lake = lake
        self.url = ""
        self.now_ms = NOW_MS
        self.bases, self.broken = list(BASES), []

    def hour(self) -> list[str]:
        """The arguments for the hour that is over."""
        end_ms = self.now_ms // HOUR_MS * HOUR_MS
        start, end = (
            datetime.fromtimestamp(ms / 1000, UTC).isoformat() for ms in (end_ms - HOUR_MS, end_ms)
        )
        return ["--start", start, "--end", end]

    def fetch_symbols(self) -> None:
        """Fetch the list, as the DAG of its feed does after each hour."""
        window = next(iter(split_range(*map(parse_instant, self.hour()[1::2]), length=HOUR)))
        extract(
            loader.load("binance_symbols"), Unit(Slice(), window),
            storage=Storage.open(self.lake, {}), base_url=self.url,
            clock=lambda: self.now_ms / 1000,
        )  # fmt: skip

    def run(self) -> list[str]:
        """Fetch and convert the hour of every listed symbol: the symbols."""
        assert main(["extract", "usdt_klines", *self.hour()]) == 0
        assert main(["rebuild", "usdt_klines", *self.hour()]) == 0
        start, _ = map(parse_instant, self.hour()[1::2])
        storage = Storage.open(self.lake, {})
        return [
            each.slice["symbol"].removesuffix("USDT")
            for each in manifest.read_all("usdt_klines", storage=storage)
            if Window.parse(each.window).start == start and each.is_current
        ]


@pytest.fixture
def exchange(tmp_path, monkeypatch) -> Iterator[ListingReplay]:
    """Twenty symbols in the replay, and a feed of the candles of all of them."""
    made = ListingReplay(f"file://{tmp_path}/lake")
    listed_klines(tmp_path / "feeds", LISTED)
    application = app(
        market=Market(seed=11, trades_per_hour=60), now_ms=lambda: made.now_ms,
        binance_bases=made.bases, binance_broken=made.broken,
    )  # fmt: skip
    monkeypatch.setenv("TICKLAKE_FEEDS", str(tmp_path / "feeds"))
    monkeypatch.setenv("TICKLAKE_ROOT", made.lake)
    with running(application) as url:
        made.url = url
        monkeypatch.setenv("TICKLAKE_BASE_URL", url)
        yield made


def test_the_exchange_itself_may_list_them(exchange, tmp_path):
    """Without a feed of the symbols; the page about listed slices has the lines."""
    page = (Path(loader.__file__).parents[3] / "docs/how-to/listed-slices.md").read_text()
    block = next(block for block in page.split("```yaml\n")[1:] if "path:" in block)
    listed = block.partition("```")[0].partition("symbol:")[2].rstrip()
    listed_klines(tmp_path / "feeds", listed)
    exchange.broken.append(exchange.bases.pop(0))
    assert exchange.run() == BASES[1:]


def test_listings_delistings_and_failures_decide_what_a_run_fetches(exchange, caplog, capsys):
    """Each hour by the list of that hour; what is wrong with one is said, and changes nothing."""
    exchange.fetch_symbols()
    assert exchange.run() == BASES

    exchange.now_ms += HOUR_MS  # a listing, and a delisting
    exchange.broken.append(exchange.bases.pop(0))
    exchange.bases.append("S999")
    exchange.fetch_symbols()
    assert exchange.run() == [*BASES[1:], "S999"]

    exchange.now_ms += HOUR_MS  # the list fails: half of it is missing
    gone, exchange.bases[10:] = exchange.bases[10:], []
    exchange.fetch_symbols()
    caplog.clear()
    assert exchange.run() == [*BASES[1:], "S999"]
    assert "10 of 20 values are gone" in caplog.text

    exchange.now_ms += HOUR_MS  # it is whole again
    exchange.bases.extend(gone)
    exchange.fetch_symbols()
    caplog.clear()
    assert exchange.run() == [*BASES[1:], "S999"]
    assert "slices.kept" not in caplog.text

    feed, storage = loader.load("usdt_klines"), Storage.open(exchange.lake, {})
    table = read.table(feed, storage=storage, columns=["symbol", "open_time"])
    rows = {
        symbol: table["symbol"].to_pylist().count(symbol) for symbol in ("S000USDT", "S999USDT")
    }
    assert rows == {"S000USDT": 60, "S999USDT": 180}
    capsys.readouterr()
    range_ = ["--start", "2026-01-02T04:00Z", "--end", "2026-01-02T08:00Z"]
    assert main(["audit", "usdt_klines", *range_, "--json"]) == 0, capsys.readouterr().out
    assert main(["slices", "usdt_klines", "--json"]) == 0
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["value"] for line in listed if line["until"]} == {"S000USDT"}
