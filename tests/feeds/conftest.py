"""The replay with its clock stopped, good and spoilt, and the market that it answers from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.ticklake import feed_files
from include.ticklake.feeds import Feed
from include.ticklake.replay.coins import Coins
from include.ticklake.replay.faults import Faults
from include.ticklake.replay.market import Market
from include.ticklake.replay.request_log import RequestLog
from include.ticklake.replay.server import app, running

NOW_MS = 1_767_341_554_500  # 2026-01-02T08:12:34.5Z
COINS = 1_234

FEEDS: dict[str, Feed] = feed_files.load_all({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A running replay."""

    url: str
    log: RequestLog


StartReplay = Callable[..., Replay]


@pytest.fixture(scope="session")
def market() -> Market:
    """The market behind every replay here: pages enough, and quick."""
    return Market(seed=11, trades_per_hour=3_000)


@pytest.fixture(scope="session")
def coins(market: Market) -> Coins:
    """The coins of that market."""
    return Coins(market, count=COINS)


@pytest.fixture(scope="session")
def start_replay(market: Market) -> Iterator[StartReplay]:
    """A function that starts a replay at a time and with faults, or finds the one it started."""
    with ExitStack() as servers:
        started: dict[tuple[int, Faults | None, Market], Replay] = {}

        def start(
            *, now_ms: int = NOW_MS, faults: Faults | None = None, market: Market = market
        ) -> Replay:
            key = (now_ms, faults, market)
            if key not in started:
                application = app(market=market, coins=COINS, now_ms=lambda: now_ms, faults=faults)
                url = servers.enter_context(running(application))
                started[key] = Replay(url=url, log=application.state.log)
            return started[key]

        yield start


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """An empty folder for one lake."""
    return tmp_path / "lake"
