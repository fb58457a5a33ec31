"""Every shipped feed converts under RLIMIT_DATA, which counts what a cgroup does not."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from include.ticklake.extract import extract
from include.ticklake.lake.storage import Storage
from include.ticklake.memory.capped_process import run_capped
from include.ticklake.model.sizes import MIB
from include.ticklake.model.unit import Unit
from tests.conftest import REPOSITORY
from tests.contract.feeds.conftest import NOW_MS
from tests.contract.feeds.ingest import last_window
from tests.support.shipped_feeds import FEEDS

pytestmark = pytest.mark.memory

CAP_BYTES = 128 * MIB


@pytest.mark.parametrize("name", FEEDS)
def test_every_shipped_feed_converts_under_rlimit_data(name, start_replay, market_of, lake):
    """At its default limit, with pandas importable: importing it took the threads' stacks."""
    assert importlib.util.find_spec("pandas")
    feed, window = FEEDS[name], last_window(FEEDS[name], NOW_MS)
    storage = Storage.open(f"file://{lake}", {})
    unit = Unit(next(iter(feed.all_slices)), window)
    url = start_replay(market=market_of(name)).url
    done = extract.extract(feed, unit, storage=storage, base_url=url, clock=lambda: NOW_MS / 1000)
    said: list[str] = []
    command = ["convert", done.manifest_uri, "--root", storage.root_uri]
    ended = run_capped(
        [sys.executable, "-m", "include.ticklake", *command],
        cap_bytes=CAP_BYTES,
        env={"PYTHONPATH": str(REPOSITORY)},
        on_line=said.append,
        mechanisms=["RLIMIT_DATA"],
    )
    assert (ended.exit_code, ended.mechanism) == (0, "RLIMIT_DATA"), said
