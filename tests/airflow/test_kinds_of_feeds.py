"""A shipped feed of each kind through ``airflow dags test``: its lake holds what happened.

One of each kind of paging is made a second time, from a replay that spoils its answers in every
way it knows, with the real waits: the lake is the same. What Airflow adds to that (a task that is
tried again) depends on nothing else; ``tests/contract/feeds`` fetches and spoils every feed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest

from include.replay.coins import Coins
from include.replay.faults import Faults
from include.replay.market import Market
from include.replay.server import app, running
from include.ticklake.extract.extract import extract
from include.ticklake.feed.fields import FETCHED_AT
from include.ticklake.feed.plan import plan_units
from include.ticklake.lake import layout, manifest
from include.ticklake.lake.storage import Storage
from include.ticklake.model.slice import Slice
from include.ticklake.model.unit import Unit
from include.ticklake.model.window import Window
from tests.airflow.many_runs import DagCall, RunEnd, Runs
from tests.contract.feeds.ingest import Ingested, last_window, rows
from tests.contract.feeds.truth import TRUTH
from tests.contract.feeds.unit import FeedUnit
from tests.support.lake_objects import lake_objects
from tests.support.shipped_feeds import API_FEEDS, FEEDS, FILE_FEEDS, LISTED

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

COINS = 300
AT_ONCE = 6
NOW_MS = 1_767_341_554_500  # 2026-01-02T08:12:34.5Z
RUN_AT = "2026-01-02T08:10:00+00:00"  # each feed's last window that is over at NOW_MS

KINDS = ("500", "cut", "429", "418", "repeat", "envelope", "slow")
ONE_REQUEST, FEW_REQUESTS = {"in_a_row": 6}, {"in_a_row": 4}
SPOILT = {
    "binance_agg_trades": {"in_a_row": 2},  # id_forward
    "binance_klines": FEW_REQUESTS,  # time_forward
    "binance_tickers": ONE_REQUEST,  # single
    "binance_trades": {},  # id_search
    "bybit_klines": FEW_REQUESTS,  # time_backward
    "bybit_recent_trades": ONE_REQUEST,  # newest_only
    "coinbase_candles": FEW_REQUESTS,  # time_steps
    "coingecko_markets": FEW_REQUESTS,  # page
    "coinlore_tickers": FEW_REQUESTS,  # offset
    "kraken_trades": {"in_a_row": 2},  # cursor
    "okx_trades": {"every": 7},  # id_backward
}
"""How often the requests of a second run are spoilt, so that they meet every kind.

A page is asked for five times: one request that meets five failures is also a task that Airflow
tries again, as late as the source said.
"""
OTHERS = (
    "binance_bulk_agg_trades",  # zips, a checksum beside each
    "binance_usdt_klines",  # its slices are listed by another feed
    "bybit_bulk_trades",  # gzip, a header
    "hyperliquid_candles",  # POST
    "kraken_tickers",  # a map of objects
)
NAMES = (*SPOILT, *OTHERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: its window, the lake that it left, how it ended, and which faults it met."""

    window: Window
    lake: Path
    ended: RunEnd
    faults: list[str | None]


MARKET, QUIET_MARKET = (Market(seed=11, trades_per_hour=rate) for rate in (3_000, 200))


def market_of(name: str) -> Market:
    """The market behind the replay of a feed: of one that reads whole days, a quiet one."""
    return QUIET_MARKET if name in FILE_FEEDS else MARKET


@pytest.fixture(scope="module")
def runs(own_airflow_env, tmp_path_factory):
    """A run of each of these feeds, two of some: by feed and whether its answers were spoilt."""
    snapshots = [name for name in NAMES if FEEDS[name].snapshot]
    with Runs(own_airflow_env) as child:

        def make(names: Iterable[str]) -> dict[tuple[str, bool], Run]:
            return run_each(names, child, tmp_path_factory.mktemp("every_feed"))

        made = make(snapshots)
        if any(run.window.end + FEEDS[name].window <= now() for (name, _), run in made.items()):
            made = make(snapshots)  # meanwhile a window ended, and they were refused
        return made | make(name for name in NAMES if name not in snapshots)


def run_each(names: Iterable[str], child: Runs, folder: Path) -> dict[tuple[str, bool], Run]:
    """By feed and whether its answers were spoilt.

    A snapshot is fetched by the clock of the tasks: of an earlier window none can be.
    """
    today = now()
    replays, calls, windows = {}, [], {}
    with ExitStack() as open_here:
        for name, spoilt in product(names, (True, False)):
            if spoilt and name not in SPOILT:
                continue
            is_of_today = FEEDS[name].snapshot
            now_ms = int(today.timestamp()) * 1000 if is_of_today else NOW_MS
            windows[name] = last_window(FEEDS[name], now_ms)
            faults = Faults(**{"kinds": KINDS, "every": 1, "slow_s": 0.1} | SPOILT.get(name, {}))
            replay = app(
                market=market_of(name),
                coins=COINS,
                now_ms=lambda: NOW_MS,
                faults=faults if spoilt else None,
                binance_bases=["BTC", "ETH"] if name in LISTED else None,
            )
            env = {
                "TICKLAKE_ROOT": f"file://{folder}/{name}.{spoilt}",
                "TICKLAKE_BASE_URL": open_here.enter_context(running(replay)),
                "TICKLAKE_BATCHES_MAX": "1" if spoilt else "200",
                # Failures come in a row: beside others, a request would not meet them all.
                "TICKLAKE_UNITS_AT_ONCE": "1" if spoilt else "8",
            }
            if name in LISTED:
                fetch_symbols(env)
            replays[name, spoilt] = replay
            run_at = today.isoformat() if is_of_today else RUN_AT
            calls.append(DagCall(arguments=("dags", "test", f"ingest_{name}", run_at), env=env))
        every = child.run_all(calls, at_once=AT_ONCE, limit_s=600)
    return {
        (name, spoilt): Run(
            window=windows[name],
            lake=folder / f"{name}.{spoilt}",
            ended=ended,
            faults=[entry.fault for entry in replay.state.log.entries],
        )
        for ((name, spoilt), replay), ended in zip(replays.items(), every, strict=True)
    }


def fetch_symbols(env: Mapping[str, str]) -> None:
    """What the DAG of ``binance_symbols`` did before."""
    symbols = FEEDS["binance_symbols"]
    extract(
        symbols, Unit(Slice(), last_window(symbols, NOW_MS)),
        storage=Storage.open(env["TICKLAKE_ROOT"], {}), base_url=env["TICKLAKE_BASE_URL"],
        clock=lambda: NOW_MS / 1000,
    )  # fmt: skip


def now() -> datetime:
    """By the clock that the tasks go by."""
    return datetime.now(UTC)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_brings_the_window_into_the_lake(name, runs):
    """Every slice of the feed, every record once, every value exact."""
    feed, run, market = FEEDS[name], runs[name, False], market_of(name)
    assert run.ended.exit_code == 0, run.ended.log[-4_000:]
    assert [piece for piece, _ in lake(feed, run)] == feed.all_slices
    for piece, found in lake(feed, run):
        coins = Coins(market, count=COINS)
        unit = FeedUnit(market=market, coins=coins, now_ms=NOW_MS, slice=piece, window=run.window)
        truth = known(feed, list(TRUTH[name](unit)))
        names = truth[0].keys()
        assert len(found) == len(truth) > 0
        assert in_order(feed, [{key: row[key] for key in names} for row in found]) == in_order(
            feed, truth
        )


def lake(feed, run: Run) -> list[tuple[Slice, list[dict]]]:
    """What *run* brought into the lake, by slice: the rows without their time of fetching."""
    storage = Storage.open(f"file://{run.lake}", {})
    found = []
    for work in plan_units(feed, start=run.window.start, end=run.window.end):
        committed = manifest.read(
            layout.manifest_key(feed.name, work.slice, work.window), storage=storage
        )
        ingested = Ingested(root=run.lake, manifest=committed)
        found.append((work.slice, known(feed, rows(ingested))))
    return found


def known(feed, table: list[dict]) -> list[dict]:
    """*table* without the time of fetching, which is that of this machine."""
    fetched = {name for name, field in feed.fields.items() if field.source == FETCHED_AT}
    return [{key: row[key] for key in row if key not in fetched} for row in table]


def in_order(feed, table: list[dict]) -> list[dict]:
    """*table* by event time; by its key, too, where a source has no order."""
    if feed.order != "none" or feed.snapshot:
        return table
    return sorted(table, key=lambda row: (row[feed.event_time[0]], *(row[k] for k in feed.key)))


def test_every_kind_of_paging_is_spoilt():
    """A shipped feed with a new kind joins those that are made twice."""
    assert {FEEDS[name].source.paging.kind for name in SPOILT} == {
        feed.source.paging.kind for feed in API_FEEDS.values()
    }


@pytest.mark.parametrize("name", SPOILT)
def test_faults_leave_no_trace_in_the_lake(name, runs):
    """Of whatever kind: the lake is the same to the byte, but for a snapshot's time of fetching."""
    good, spoilt = runs[name, False], runs[name, True]
    assert spoilt.ended.exit_code == 0, spoilt.ended.log[-4_000:]
    one_page_each = len(good.faults) == len(FEEDS[name].all_slices)
    assert set(spoilt.faults) - {None} == set(KINDS) - ({"repeat"} if one_page_each else set())
    if FEEDS[name].snapshot:
        assert staged(spoilt) == staged(good) != {}
        assert lake(FEEDS[name], spoilt) == lake(FEEDS[name], good)
    else:
        assert lake_objects(spoilt.lake) == lake_objects(good.lake)


def staged(run: Run) -> dict[str, bytes]:
    """The JSON of *run*, as its source sent it."""
    return {key: body for key, body in lake_objects(run.lake).items() if key.startswith("json/")}
