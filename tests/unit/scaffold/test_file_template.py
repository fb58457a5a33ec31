"""The address of a file says its time and its slice, whatever the publisher's habits."""

from __future__ import annotations

import pytest

from include.ticklake.errors import UsageError
from include.ticklake.scaffold.file_template import file_template

BINANCE = "https://data.binance.vision/data/spot"


@pytest.mark.parametrize(
    ("address", "template", "slices", "window"),
    [
        (f"{BINANCE}/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01-01.zip",
         f"{BINANCE}/daily/aggTrades/{{symbol}}/{{symbol}}-aggTrades-{{date}}.zip",
         {"symbol": ["BTCUSDT"]}, "1d"),
        (f"{BINANCE}/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip",
         f"{BINANCE}/monthly/klines/{{symbol}}/{{interval}}/{{symbol}}-{{interval}}-{{year}}-{{month}}.zip",
         {"symbol": ["BTCUSDT"], "interval": ["1m"]}, "1mo"),
        ("https://public.bybit.com/trading/BTCUSDT/BTCUSDT2024-01-01.csv.gz",
         "https://public.bybit.com/trading/{symbol}/{symbol}{date}.csv.gz",
         {"symbol": ["BTCUSDT"]}, "1d"),
        ("https://datasets.tardis.dev/v1/deribit/trades/2024/01/02/OPTIONS.csv.gz",
         "https://datasets.tardis.dev/v1/deribit/trades/{year}/{month}/{day}/OPTIONS.csv.gz",
         {}, "1d"),
        ("https://www.okx.com/trades/daily/20240101/BTC-USDT-trades-2024-01-01.zip",
         "https://www.okx.com/trades/daily/{year}{month}{day}/{symbol}-trades-{date}.zip",
         {"symbol": ["BTC-USDT"]}, "1d"),
        ("s3://bucket/trades/year=2024/month=01/day=05/hour=07/part.csv.gz",
         "s3://bucket/trades/year={year}/month={month}/day={day}/hour={hour}/part.csv.gz",
         {}, "1h"),
        ("s3://bucket/dt=2024-01-05/hour=07/part.ndjson.zst",
         "s3://bucket/dt={date}/hour={hour}/part.ndjson.zst", {}, "1h"),
        ("https://x.com/btc-usdt-2024010107.csv.gz",
         "https://x.com/{symbol}-{year}{month}{day}{hour}.csv.gz", {"symbol": ["btc-usdt"]}, "1h"),
        ("https://x.com/2023/2024-01-01.csv", "https://x.com/2023/{date}.csv", {}, "1d"),
        ("https://x.com/a/BTC-EUR_2024.csv.gz", "https://x.com/a/{symbol}_{year}.csv.gz",
         {"symbol": ["BTC-EUR"]}, "12mo"),
        ("https://2024-01-01.example.com/a/20241399.csv",
         "https://2024-01-01.example.com/a/20241399.csv", {}, None),
    ],
    ids=["daily", "monthly", "glued", "folders", "two forms", "hive", "hours", "digits",
         "another year", "yearly", "no time"],
)  # fmt: skip
def test_an_address_becomes_a_template(address, template, slices, window):
    """Its host is left alone."""
    found = file_template([address])
    assert (found.address, found.window) == (template, window)
    assert {name: inferred.values for name, inferred in found.slices.items()} == slices


@pytest.mark.parametrize(
    ("names", "template", "slices"),
    [
        (["BTCUSDT/1m/BTCUSDT-1m-2024-01-01.zip", "ETHUSDT/1h/ETHUSDT-1h-2024-01-02.zip"],
         "{symbol}/{interval}/{symbol}-{interval}-{date}.zip",
         {"symbol": ["BTCUSDT", "ETHUSDT"], "interval": ["1m", "1h"]}),
        (["one_2024-01-01.csv", "two_2024-01-01.csv"], "{symbol}_{date}.csv",
         {"symbol": ["one", "two"]}),
        (["spot/x-2024-01-01.csv", "perp/x-2024-01-01.csv"], "{symbol}/x-{date}.csv",
         {"symbol": ["spot", "perp"]}),
        (["venues/a/x-2024-01-01.csv", "venues/b/x-2024-01-01.csv"], "venues/{venue}/x-{date}.csv",
         {"venue": ["a", "b"]}),
        (["BTCUSDT-2024-01-01.csv", "BTCUSDT-2024-01-02.csv"], "{symbol}-{date}.csv",
         {"symbol": ["BTCUSDT"]}),
    ],
    ids=["symbol and interval", "any word", "a folder", "a named folder", "another day"],
)  # fmt: skip
def test_what_differs_between_addresses_is_a_slice(names, template, slices):
    """But for the time."""
    found = file_template([f"https://x.com/{name}" for name in names])
    assert found.address == f"https://x.com/{template}"
    assert {name: inferred.values for name, inferred in found.slices.items()} == slices


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("https://y.com/a-2024-01-01.csv", "another host"),
        ("https://x.com/b/a-2024-01-01.csv", "another number of folders"),
        ("https://x.com/a-b-2024-01-01.csv", "another name"),
    ],
)
def test_addresses_of_two_kinds_are_refused(second, said):
    """A feed has one."""
    with pytest.raises(UsageError, match=f"has {said} than .*; give addresses of one kind of file"):
        file_template(["https://x.com/a-2024-01-01.csv", second])
