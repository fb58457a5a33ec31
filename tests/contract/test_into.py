"""A year of files and the last hours of an API are one table: no hole, no double, audit quiet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from tests.support import joined_feeds
from tests.support.cli_process import environment, run
from tests.support.joined_feeds import DAY_US, START, START_US, JoinedTrade

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
