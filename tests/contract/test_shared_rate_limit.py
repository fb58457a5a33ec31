"""Eight workers at one host: together they stay within its rate limit, and they use it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from include.replay.limits import Limit
from include.replay.market import Market
from include.replay.request_log import is_own
from include.replay.server import app, running
from tests.conftest import REPOSITORY
from tests.support.cli_process import environment
from tools.servers.redis_server import redis, redis_program

pytestmark = pytest.mark.slow

WORKERS = 8
PACED = Limit(budget=40, window_ms=2_000)
WEIGHED = Limit(budget=20, window_ms=1_000)  # a request for candles weighs 2
REMAINING = Limit(budget=10, window_ms=1_000)


@dataclass(slots=True)
class Counts:
    """An application whose responses are counted: by the window that a request arrived in.

    One that is *silent* says nothing of its quota.
    """

    application: object
    window_ms: int
    is_silent: bool = False
    taken: Counter[int] = field(default_factory=Counter)
    refused: int = 0

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or is_own(scope["path"]):
            await self.application(scope, receive, send)
            return
        window = time.time_ns() // 1_000_000 // self.window_ms

        async def counted(message) -> None:
            if message["type"] == "http.response.start":
                self.taken[window] += message["status"] == 200
                self.refused += message["status"] != 200
                if self.is_silent:
                    headers = message["headers"]
                    message["headers"] = [one for one in headers if b"ratelimit" not in one[0]]
            await send(message)

        await self.application(scope, receive, counted)

    def of_full_windows(self) -> list[int]:
        """Without the first and the last, in which not all of the workers were at work."""
        return [self.taken[window] for window in sorted(self.taken)[1:-1]]


@pytest.fixture(scope="module")
def workers() -> Iterator[list[subprocess.Popen[str]]]:
    """Eight processes that have imported what they need."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.rate_worker"],
            env=environment(), cwd=REPOSITORY, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(WORKERS)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    yield processes
    for process in processes:
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said


@contextmanager
def limited_replay(
    family: str, limit: Limit, *, is_silent: bool = False
) -> Iterator[tuple[str, Counts]]:
    application = app(market=Market(trades_per_hour=60), limits={family: limit})
    counts = Counts(application, limit.window_ms, is_silent)
    with running(counts) as url:
        yield url, counts


def fetch(
    workers: list[subprocess.Popen[str]],
    folder: Path,
    *,
    shipped: str,
    hours: int,
    rates: str,
    instead: str | None = None,
    **source: object,
) -> None:
    """Have the workers fetch *hours* in turns of a shipped feed whose *source* is another."""
    feed = yaml.safe_load((REPOSITORY / f"include/feeds/{shipped}.yaml").read_text())
    feed["source"] |= source
    path = folder / f"{shipped}.yaml"
    path.write_text(yaml.safe_dump(feed, sort_keys=False))
    for number, worker in enumerate(workers):
        task = {
            "feed": str(path), "root": f"file://{folder}/lake", "base_url": instead,
            "rates": rates, "hours": list(range(number, hours, WORKERS)),
        }  # fmt: skip
        worker.stdin.write(json.dumps(task) + "\n")
        worker.stdin.flush()
    for worker in workers:
        assert worker.stdout.readline() == "done\n"


@pytest.mark.parametrize("place", ["folder", "redis"])
def test_eight_workers_keep_the_pace_of_a_feed(workers, tmp_path, place, report_line):
    """None is refused; how much of what the source allows is used is reported."""
    with (
        limited_replay("coinbase", PACED, is_silent=True) as (url, counts),
        rates_in(place, tmp_path) as rates,
    ):
        fetch(
            workers, tmp_path, shipped="coinbase_candles", hours=120, rates=rates,
            base_url=url, rate_limit={"requests_per_s": 20},
        )  # fmt: skip
    check(counts, PACED.budget, report_line, f"pace, {place}")


@pytest.mark.parametrize(
    ("shipped", "limit", "rate_limit"),
    [
        pytest.param(
            "binance_klines",
            WEIGHED,
            {"used_header": "X-MBX-USED-WEIGHT-1M", "quota": 20, "quota_period": "1s"},
            id="used",
        ),
        pytest.param("okx_candles", REMAINING, {}, id="remaining"),
    ],
)
def test_eight_workers_obey_the_headers_together(
    workers, tmp_path, shipped, limit, rate_limit, report_line
):
    """Also where a source only says what is left, or how much was used."""
    weight = 2 if limit is WEIGHED else 1
    with limited_replay(shipped.partition("_")[0], limit) as (url, counts):
        fetch(
            workers, tmp_path, shipped=shipped, hours=40, rates=f"file://{tmp_path}/rates",
            instead=url, rate_limit=rate_limit,
        )  # fmt: skip
    check(counts, limit.budget // weight, report_line, shipped)


def check(counts: Counts, allowed: int, report_line, name: str) -> None:
    full = counts.of_full_windows()
    share = sum(full) / (allowed * len(full))
    report_line(
        f"shared rate limit, {name}: {share:.0%} of what is allowed, by window {full}; "
        f"{counts.refused} refused"
    )
    # The share needs a processor for eight workers: tests/unit/sources/test_host_rate.py has it by
    # a clock of its own.
    assert counts.refused == 0
    assert full


@contextmanager
def rates_in(place: str, folder: Path) -> Iterator[str]:
    if place == "folder":
        yield f"file://{folder}/rates"
        return
    program = redis_program()
    if program is None:
        pytest.skip("no Redis: apt-get install redis-server")
    with redis(folder, program=program) as url:
        yield url
