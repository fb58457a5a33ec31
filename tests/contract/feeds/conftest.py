"""The replay with its clock stopped and the market behind it; the table of recorded answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from include.replay.coins import Coins
from include.replay.faults import Faults
from include.replay.market import Market
from include.replay.request_log import RequestLog
from include.replay.server import app, running
from tests.contract.feeds.recordings import Recording
from tests.support.shipped_feeds import FILE_FEEDS

NOW_MS = 1_767_341_554_500  # 2026-01-02T08:12:34.5Z
COINS = 1_234


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededReplay:
    """A running replay."""

    url: str
    log: RequestLog


StartReplay = Callable[..., SeededReplay]


@pytest.fixture(scope="session")
def market() -> Market:
    """The market behind every replay here: pages enough, and quick."""
    return Market(seed=11, trades_per_hour=3_000)


@pytest.fixture(scope="session")
def market_of(market: Market) -> Callable[[str], Market]:
    """The market behind the replay of a feed: of one that reads whole days, a quiet one."""
    quiet = Market(seed=11, trades_per_hour=200)
    return lambda name: quiet if name in FILE_FEEDS else market


@pytest.fixture(scope="session")
def coins(market: Market) -> Coins:
    """The coins of that market."""
    return Coins(market, count=COINS)


@pytest.fixture(scope="session")
def start_replay(market: Market) -> Iterator[StartReplay]:
    """A function that starts a replay at a time and with faults, or finds the one it started."""
    with ExitStack() as servers:
        started: dict[tuple[int, Faults | None, Market], SeededReplay] = {}

        def start(
            *, now_ms: int = NOW_MS, faults: Faults | None = None, market: Market = market
        ) -> SeededReplay:
            key = (now_ms, faults, market)
            if key not in started:
                replay = running_replay(market, now_ms=now_ms, faults=faults)
                started[key] = servers.enter_context(replay)
            return started[key]

        yield start


@contextmanager
def running_replay(
    market: Market, *, now_ms: int = NOW_MS, faults: Faults | None = None
) -> Iterator[SeededReplay]:
    """A replay of *market* whose clock stands."""
    application = app(market=market, coins=COINS, now_ms=lambda: now_ms, faults=faults)
    with running(application) as url:
        yield SeededReplay(url=url, log=application.state.log)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """An empty folder for one lake."""
    return tmp_path / "lake"


@pytest.fixture
def outcome(record_property) -> Callable[[Recording, str | None], None]:
    """A function that puts what became of a recorded answer into the table at the end."""

    def note(recording: Recording, became: str | None) -> None:
        where = recording.exchange, recording.endpoint
        record_property("recorded", (*where, recording.records, became))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What became of the recorded answers; those of tests that failed are not in it."""
    noted = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in report.user_properties
        if name == "recorded"
    ]
    if not noted:
        return
    bodies: Counter[tuple[str, str, str]] = Counter()
    records: Counter[tuple[str, str, str]] = Counter()
    others: dict[str, Counter[str]] = {}
    for exchange, endpoint, rows, became in noted:
        if became is None:
            others.setdefault(exchange, Counter())[endpoint] += 1
        else:
            bodies[exchange, endpoint, became] += 1
            records[exchange, endpoint, became] += rows
    line = terminalreporter.line
    terminalreporter.section("recorded answers")
    line(f"{'exchange':20} {'endpoint':32} bodies records outcome")
    for key in sorted(bodies):
        line(f"{key[0]:20} {key[1]:32} {bodies[key]:6} {records[key]:7} {key[2]}")
    line(f"{'in all':53} {sum(bodies.values()):6} {sum(records.values()):7}")
    line("answers that no shipped feed asks for:")
    for exchange, endpoints in sorted(others.items()):
        named = ", ".join(f"{count} {endpoint}" for endpoint, count in sorted(endpoints.items()))
        line(f"{exchange:20} {named}")
