"""Killed while it fetches, or at any line, an extraction goes on where it was.

Kills before each change to an object store stand in ``test_kills``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.ticklake.extract import extract
from include.ticklake.feed import loader
from include.ticklake.lake.storage import Storage
from tests.conftest import REPOSITORY
from tests.support.cli_process import environment, start
from tests.support.live_objects import live_objects
from tests.support.servers.http import HttpServer, ReceivedRequest
from tests.support.trades_api import UNIT, WINDOW, TradesApi, feed_file, trades
from tools.servers.s3 import Bucket

LIMIT_S = 60
PAGES = 5  # of ten rows, the last one short; a part each


@pytest.fixture
def api(http_server: HttpServer) -> TradesApi:
    return TradesApi(http_server, trades(45))


class LakeRoot:
    """A root, and what a process needs to reach it."""

    def __init__(self, root: str, env: dict[str, str]) -> None:
        self.root, self.env = root, env
        self.storage = Storage.open(root, env)

    def objects(self) -> dict[str, bytes]:
        return live_objects(self.storage)


@pytest.fixture(params=["file", pytest.param("s3", marks=pytest.mark.s3)])
def lakes(request, tmp_path) -> Iterator[tuple[LakeRoot, LakeRoot]]:
    """One that will see a kill, and one that will not."""
    if request.param == "file":
        yield LakeRoot(f"file://{tmp_path}/killed", {}), LakeRoot(f"file://{tmp_path}/calm", {})
    else:
        bucket: Bucket = request.getfixturevalue("s3")
        yield tuple(
            LakeRoot(f"s3://{bucket.name}/{name}", bucket.environment) for name in ("a", "b")
        )


def command(feeds: Path, lake: LakeRoot, url: str) -> subprocess.Popen[str]:
    return start(
        "extract", "trades", "--slice", "symbol=BTCUSDT", "--start", WINDOW.start.isoformat(),
        "--end", WINDOW.end.isoformat(), "--root", lake.root, "--base-url", url,
        env=environment(TICKLAKE_FEEDS=str(feeds), **lake.env),
    )  # fmt: skip


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=LIMIT_S)
    assert process.returncode == -9


def run_in_peace(feeds: Path, lake: LakeRoot, url: str) -> None:
    feed = loader.read_feed(feeds / "trades.yaml")
    extract.extract(feed, UNIT, storage=lake.storage, base_url=url)


@pytest.mark.parametrize("pages", [0, 1, PAGES - 1])
def test_killed_while_a_page_is_fetched(lakes, api, tmp_path, pages):
    """The next try asks for the very page that was missing, and for none before it."""
    killed, calm = lakes
    feeds = feed_file(tmp_path / "feeds", part_bytes=1).parent
    run_in_peace(feeds, calm, api.server.url)
    asked_in_peace = api.asked_from
    api.server.asked.clear()
    held, go_on = threading.Event(), threading.Event()

    def hold(_: ReceivedRequest) -> None:
        if len(api.server.asked) == pages + 1:
            held.set()
            go_on.wait(LIMIT_S)

    api.hook = hold
    process = command(feeds, killed, api.server.url)
    assert held.wait(LIMIT_S), process.communicate()
    kill(process)
    go_on.set()
    assert set(killed.objects()) <= {"schemas/trades.json"}

    api.hook = lambda _: None
    api.server.asked.clear()
    run_in_peace(feeds, killed, api.server.url)
    # A part becomes whole when the page after it is to be asked for.
    assert api.asked_from == asked_in_peace[max(0, pages) :]
    assert killed.objects() == calm.objects()


@pytest.mark.parametrize("older", [False, True], ids=["first run", "second run"])
def test_killed_at_any_line(api, tmp_path, older):
    """A dozen lines between the first and the last: each leaves a whole state, then the same."""
    feeds = feed_file(tmp_path / "feeds", part_bytes=1)
    with HttpServer() as before:
        TradesApi(before, trades(33))
        said = subprocess.run(
            [sys.executable, "-m", "tests.support.kill_at_line", feeds,
             before.url if older else "-",
             api.server.url, tmp_path, "12"],
            cwd=REPOSITORY, env=environment(), capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
    assert said.returncode == 0, said.stderr
    ends = [json.loads(line) for line in said.stdout.splitlines()]
    assert len(ends) == 12
    assert len({end["where"] for end in ends}) > 8
    for end in ends:
        expected = {"killed": True, "whole": True, "again": 0, "same": True, "odd": []}
        assert end == expected | {"where": end["where"]}
