"""Binance's zips have the trades and candles of its API, a checksum, and parts of them."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator

import pytest
import requests

from include.replay.market import Market
from include.replay.server import app, running
from tests.replay.conftest import NOW, ReplayClient

DAY = "2026-01-01"
DAY_MS = 1_767_225_600_000
TRADES = f"/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-{DAY}.zip"
CANDLES = f"/data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-{DAY}.zip"
MICROSECONDS = {"X-MBX-TIME-UNIT": "MICROSECOND"}


@pytest.fixture(scope="module")
def replay() -> Iterator[ReplayClient]:
    """A server of a market that is quiet, as whole days are read."""
    application = app(market=Market(seed=11, trades_per_hour=40), coins=9, now_ms=lambda: NOW)
    with running(application) as url, requests.Session() as session:
        yield ReplayClient(url, session)


def rows(answer: requests.Response) -> list[list[str]]:
    """The values of the one CSV in a zip."""
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        [name] = archive.namelist()
        assert name == answer.url.rpartition("/")[2].removesuffix(".zip") + ".csv"
        return [line.split(",") for line in archive.read(name).decode().splitlines()]


def test_trades_are_those_of_the_api(replay):
    """With the same ids, and times in microseconds."""
    found = rows(replay.get(TRADES))
    query = {"symbol": "BTCUSDT", "startTime": DAY_MS, "limit": 1_000}
    page = replay.get("/api/v3/aggTrades", headers=MICROSECONDS, **query).json()
    expected = [[str(value) for value in trade.values()] for trade in page]
    in_order = [[row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]] for row in found]
    assert in_order[: len(expected)] == expected[: len(found)]
    assert all(DAY_MS <= int(row[5]) // 1_000 < DAY_MS + 86_400_000 for row in found)
    assert len(found) > 800


def test_candles_are_those_of_the_api(replay):
    """All of the day, also those in which nobody traded."""
    found = rows(replay.get(CANDLES))
    query = {"symbol": "BTCUSDT", "interval": "1m", "startTime": DAY_MS, "limit": 1_000}
    page = replay.get("/api/v3/klines", headers=MICROSECONDS, **query).json()
    assert found[:1_000] == [[str(value) for value in candle] for candle in page]
    assert len(found) == 1_440


@pytest.mark.parametrize(("day", "digits"), [("2024-12-31", 13), ("2025-01-01", 16)])
def test_times_are_in_microseconds_since_2025(replay, day, digits):
    """And in milliseconds before, in both kinds of files."""
    for path, columns in ((TRADES, (5,)), (CANDLES, (0, 6))):
        [first, *_] = rows(replay.get(path.replace(DAY, day)))
        assert {len(first[column]) for column in columns} == {digits}


@pytest.mark.parametrize("path", [TRADES, CANDLES])
def test_a_file_is_the_same_each_time_and_in_parts(replay, path):
    """Its checksum is known before, and another file than the one that was read comes whole."""
    checksum, whole = replay.get(f"{path}.CHECKSUM"), replay.get(path)
    digest, name = checksum.text.split()
    assert (digest, name) == (hashlib.sha256(whole.content).hexdigest(), path.rpartition("/")[2])
    assert replay.get(path).content == whole.content
    size, tag = len(whole.content), whole.headers["ETag"]
    for asked, start, stop in (("1000-", 1_000, size), ("7-8", 7, 9), ("0-999999999", 0, size)):
        part = replay.get(path, headers={"Range": f"bytes={asked}", "If-Range": tag})
        assert (part.status_code, part.content) == (206, whole.content[start:stop])
        assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
    other = replay.get(path, headers={"Range": "bytes=1000-", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, whole.content)
    assert replay.get(path, headers={"Range": f"bytes={size}-"}).status_code == 416


def test_months_are_the_days_of_them(replay):
    """Published on the first Monday after the month; an interval of a month is written 1mo."""
    path = CANDLES.replace("daily", "monthly").replace("1m", "1d")
    found = rows(replay.get(path.replace(DAY, "2025-11")))
    assert len(found) == 30
    assert replay.get(path.replace(DAY, "2025-12")).status_code == 404
    [month] = rows(replay.get(path.replace(DAY, "2025-11").replace("1d", "1mo")))
    assert int(month[8]) == sum(int(row[8]) for row in found)


@pytest.mark.parametrize("path", [
    pytest.param(TRADES.replace(DAY, "2026-01-02"), id="today"),
    pytest.param(TRADES.replace(DAY, "2026-02-30"), id="no date"),
    pytest.param(TRADES.replace(DAY, "2025-12"), id="a month among days"),
    pytest.param(TRADES.replace(DAY, "1969-12-31"), id="before all trades"),
    pytest.param(TRADES.replace("BTCUSDT", "NOPEUSDT"), id="no symbol"),
    pytest.param(TRADES.replace("BTCUSDT/", "ETHUSDT/"), id="another symbol's folder"),
    pytest.param(TRADES.replace("daily", "hourly"), id="no such period"),
    pytest.param(CANDLES.replace("1m", "1M"), id="1M"),
    pytest.param(CANDLES.replace("1m", "7m"), id="no interval"),
    pytest.param(f"{TRADES}.md5", id="another checksum"),
])  # fmt: skip
def test_what_is_not_there_is_no_key(replay, path):
    """In the words of the store behind it, and its checksum neither."""
    for address in (path, f"{path}.CHECKSUM"):
        answer = replay.get(address)
        assert (answer.status_code, "NoSuchKey" in answer.text) == (404, True)
