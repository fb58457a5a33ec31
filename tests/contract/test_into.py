"""A year of files and the last hours of an API are one table: no hole, no double, audit quiet."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
import yaml

from include.ticklake.errors import TimeUnitError
from include.ticklake.feed import loader
from tests.conftest import REPOSITORY
from tests.support import doc_pages, joined_feeds
from tests.support.cli_process import environment, run
from tests.support.joined_feeds import DAY_US, SLICE, START, START_US, JoinedTrade
from tests.support.memory_storage import memory_storage
from tests.unit.sources.files.test_zip_member import packed

pytestmark = pytest.mark.slow

DAYS = 31
A_DAY = 40
FINE_FROM = 15 * A_DAY
"""The first trade that happened at a microsecond: before, the exchange had milliseconds."""


def trade(number: int) -> JoinedTrade:
    finer_us = number % 7 if number >= FINE_FROM else 0
    at_us = START_US + number * (DAY_US // A_DAY) // 1_000 * 1_000 + finer_us
    return JoinedTrade(number, f"{number}.50000000", at_us, number % 3 == 0)


TRADES = [trade(number) for number in range(DAYS * A_DAY)]


def of_days(first: int, end: int) -> list[JoinedTrade]:
    return TRADES[first * A_DAY : end * A_DAY]


class JoinedLake:
    """A lake that the two feeds are extracted into, by the command line."""

    def __init__(self, folder: Path, url: str) -> None:
        joined_feeds.save(folder / "feeds")
        self.root, self._url = folder / "lake", url
        self._env = environment(TICKLAKE_FEEDS=str(folder / "feeds"))

    def run(self, command: str, feed: str, first: int, end: int) -> list[dict[str, object]]:
        """The results of a command over the days from *first* on, before *end*."""
        start, stop = (f"{START + timedelta(days=number):%Y-%m-%d}" for number in (first, end))
        base = ["--base-url", self._url] if command == "extract" else []
        ended = run(
            command, feed, "--start", start, "--end", stop, "--root", f"file://{self.root}",
            "--json", *base, env=self._env,
        )  # fmt: skip
        assert ended.exit_code == 0, ended.err
        return [json.loads(line) for line in ended.out.splitlines()]

    def trades(self) -> Iterator[JoinedTrade]:
        """The rows of the table, by id."""
        found = duckdb.sql(
            "SELECT trade_id, CAST(price AS VARCHAR), epoch_us(trade_time), is_sell "
            f"FROM read_parquet('{self.root}/parquet/trades/**/*.parquet') ORDER BY 1"
        )
        return map(JoinedTrade._make, found.fetchall())

    def objects(self) -> dict[str, bytes]:
        """Every object of the table."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file()
        }


def test_history_by_file_and_the_present_by_api_are_one_table(http_server, tmp_path):
    """31 days; the files change from milliseconds to microseconds on the way, and each of the two
    sources lacks something that the other one has."""
    in_file_only, in_api_only = TRADES[28 * A_DAY + 7], TRADES[29 * A_DAY + 11]
    api = joined_feeds.TradesOfApi(
        http_server, [trade for trade in of_days(28, 31) if trade != in_file_only]
    )
    for number in range(30):
        trades = [trade for trade in of_days(number, number + 1) if trade != in_api_only]
        joined_feeds.publish(http_server, number, trades, unit="ms" if number < 15 else "us")
    lake = JoinedLake(tmp_path, http_server.url)
    lake.run("extract", "trades", 28, 31)
    lake.run("rebuild", "trades", 28, 31)
    results = lake.run("extract", "old_trades", 0, 30)
    assert len(results) == 30 * 4
    assert sum(int(str(result["rows"])) for result in results) == 30 * A_DAY
    lake.run("rebuild", "trades", 0, 31)
    assert list(lake.trades()) == TRADES
    assert lake.run("audit", "trades", 0, 31) == []

    before = lake.objects()
    lake.run("extract", "old_trades", 0, 30)
    assert lake.objects() == before
    api.trades = [trade for trade in of_days(28, 31) if trade != in_file_only]
    lake.run("extract", "trades", 27, 31)  # of what it forgot, nothing goes
    assert list(lake.trades()) == TRADES
    assert lake.run("audit", "trades", 0, 31) == []
    assert not any("old_trades" in key for key in lake.objects())


PAGE = REPOSITORY / "docs/how-to/load-history-from-files.md"
LINE = b"3359486187,93548.80000000,0.00046000,4359094112,4359094112,%d,False,True\n"


def test_the_feed_on_the_page_joins_what_binance_publishes(http_server, tmp_path):
    """With the field that the page shows; without it, the error says what to write."""
    [shown] = [
        block
        for block in doc_pages.blocks(PAGE)
        if block.kind == "yaml" and "into: binance_agg_trades" in block.text
    ]
    at_us = START_US + 10 * 3_600_000_000 + 123_456
    body = packed({"BTCUSDT-aggTrades-2024-12-17.csv": LINE % at_us})
    path = "/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-12-17.zip"
    http_server.answer(path, body)
    http_server.answer(f"{path}.CHECKSUM", f"{hashlib.sha256(body).hexdigest()}\n".encode())
    (tmp_path / "old_agg_trades.yaml").write_text(shown.text)
    feed = loader.read_feed(tmp_path / "old_agg_trades.yaml")
    with pytest.raises(TimeUnitError, match="write `precision: us` in that field of binance"):
        joined_feeds.extract(feed, joined_feeds.day(0), memory_storage(), http_server)
    described = yaml.safe_load((loader.SHIPPED / "binance_agg_trades.yaml").read_text())
    advised = PAGE.read_text().partition("with `trade_time: ")[2].partition("`")[0]
    described["fields"]["trade_time"] = yaml.safe_load(advised)
    target = feed.target.model_validate({"name": feed.target.name, **described})
    storage, joined = memory_storage(), feed.with_target(target)
    results = joined_feeds.extract(joined, joined_feeds.day(0), storage, http_server)
    assert [result.manifest.json.rows for result in results] == [0] * 10 + [1] + [0] * 13
    assert not any(result.manifest.json.new_fields for result in results)
    [part] = results[10].manifest.json.parts
    [record] = json.loads(gzip.decompress(storage.read(part.key) or b""))
    assert (record["a"], record["m"], record["T"]) == ("3359486187", "False", at_us / 1_000)
    assert part.first_event_ns == at_us * 1_000
    assert results[10].unit.slice == SLICE
