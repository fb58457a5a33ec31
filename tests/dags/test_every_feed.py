"""Every shipped feed through ``airflow dags test``: what its lake holds then is what happened.

The runs are made in one child process, which imports Airflow once. Some are made a second time,
from a replay that spoils its answers, with the real waits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from include.ticklake import feed_files, manifest
from include.ticklake.fields import FETCHED_AT
from include.ticklake.plan import plan
from include.ticklake.replay.coins import Coins
from include.ticklake.replay.faults import Faults
from include.ticklake.replay.market import Market
from include.ticklake.replay.server import app, running
from include.ticklake.storage import Storage
from tests.dags.many_runs import Runs
from tests.feeds.ingest import Ingested, last_window, objects, rows
from tests.feeds.truth import TRUTH
from tests.feeds.unit import Unit

pytestmark = [pytest.mark.dag, pytest.mark.filterwarnings("default")]

FEEDS = feed_files.load_all({})
COINS = 300
NOW_MS = 1_767_341_554_500  # 2026-01-02T08:12:34.5Z
RUN_AT = "2026-01-02T08:10:00+00:00"  # each feed's last window that is over at NOW_MS

SPOILT = {
    "okx_trades": Faults(every=7, retry_after_s=1, slow_s=0.1),
    "coinpaprika_tickers": Faults(kinds=("cut",), every=1),
    "okx_candles": Faults(kinds=("envelope", "html"), every=1),
    "bitstamp_ohlc": Faults(kinds=("500", "429-date"), every=1),
}
"""Feeds that run a second time, and with which faults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: the lake that it left, what Airflow wrote, and whether it failed."""

    lake: Path
    log: str
    failed: str
    faults: list[str]


@pytest.fixture(scope="module")
def market():
    """The market behind every replay here."""
    return Market(seed=11, trades_per_hour=3_000)


@pytest.fixture(scope="module")
def runs(own_airflow_env, market, tmp_path_factory):
    """Every feed's run, and the second ones of ``SPOILT``: by feed and whether it was spoilt."""
    folder = tmp_path_factory.mktemp("every_feed")
    found: dict[tuple[str, bool], Run] = {}
    with Runs(own_airflow_env) as child:
        for name, spoilt in [
            *((name, False) for name in FEEDS),
            *((name, True) for name in SPOILT),
        ]:
            lake = folder / f"{name}{'.spoilt' if spoilt else ''}"
            faults = SPOILT[name] if spoilt else None
            replay = app(market=market, coins=COINS, now_ms=lambda: NOW_MS, faults=faults)
            with running(replay) as url:
                env = {"TICKLAKE_ROOT": f"file://{lake}", "TICKLAKE_BASE_URL": url}
                log, ended = child.run("dags", "test", f"ingest_{name}", RUN_AT, env=env)
            met = [entry.fault for entry in replay.state.log.entries if entry.fault]
            found[name, spoilt] = Run(lake=lake, log=log, failed=ended["failed"], faults=met)
    return found


@pytest.mark.parametrize("name", FEEDS)
def test_a_run_brings_the_window_into_the_lake(name, runs, market):
    """Every slice of the feed, every record once, every value exact."""
    feed, run = FEEDS[name], runs[name, False]
    assert run.failed == "", run.log[-4_000:]
    storage = Storage.open(f"file://{run.lake}", {})
    window = last_window(feed, NOW_MS)
    works = list(plan(feed, start=window.start, end=window.end))
    assert [work.slice for work in works] == feed.all_slices
    for work in works:
        unit = Unit(
            market=market,
            coins=Coins(market, count=COINS),
            now_ms=NOW_MS,
            slice=work.slice,
            window=window,
        )
        committed = manifest.read(manifest.key(name, work.slice, window), storage=storage)
        found = known(feed, rows(Ingested(root=run.lake, manifest=committed)))
        truth = known(feed, list(TRUTH[name](unit)))
        names = truth[0].keys()
        assert len(found) == len(truth) > 0
        assert in_order(feed, [{key: row[key] for key in names} for row in found]) == in_order(
            feed, truth
        )


def known(feed, table: list[dict]) -> list[dict]:
    """*table* without the time of fetching, which is that of this machine."""
    fetched = {name for name, field in feed.fields.items() if field.source == FETCHED_AT}
    return [{key: row[key] for key in row if key not in fetched} for row in table]


def in_order(feed, table: list[dict]) -> list[dict]:
    """*table* by event time; by its key, too, where a source has no order."""
    if feed.order != "none" or feed.snapshot:
        return table
    return sorted(table, key=lambda row: (row[feed.event_time[0]], *(row[k] for k in feed.key)))


@pytest.mark.parametrize("name", SPOILT)
def test_faults_leave_no_trace_in_the_lake(name, runs):
    """With the real waits, too, the lake is the same: to the byte, but for a snapshot's time."""
    good, spoilt = runs[name, False], runs[name, True]
    assert spoilt.failed == "", spoilt.log[-4_000:]
    assert set(spoilt.faults) == set(SPOILT[name].kinds)
    if FEEDS[name].snapshot:
        assert objects(spoilt.lake).keys() == objects(good.lake).keys()
    else:
        assert objects(spoilt.lake) == objects(good.lake)
