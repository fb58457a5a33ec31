"""Killed anywhere and run again, the lake is the same, byte for byte, as without the kill.

The child process does what a run does: extract, then convert. It is killed (SIGKILL) before
each single change that it makes to the object storage, one after the other: while parts are
written, while they are moved, between the manifest and the clean-up, while Parquet is
converted, moved and committed.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from include.ticklake.lake import manifest
from include.ticklake.lake.storage import Storage
from tests.conftest import REPOSITORY
from tests.support.live_objects import live_objects
from tests.support.servers.holding_proxy import HoldingProxy
from tests.support.servers.http import HttpServer, ReceivedRequest, Reply
from tools.servers.s3 import Bucket

FEED = """
source:
  kind: http
  base_url: http://127.0.0.1
  path: /trades
  params: {symbol: "{symbol}"}
  paging: {kind: id_forward, param: from, field: id, first_params: {start: "{start_ms}"}}
slices: {symbol: [BTC]}
part_bytes: 1
limits: {max_bad_share: 0.5}
fields:
  id: {type: int64, key: true}
  price: {type: "decimal(18,8)", required: true}
  at: {type: timestamp, unit: ms, event_time: true}
"""
START_MS = 1_767_322_800_000  # 2026-01-02T03:00Z
PAGES, PAGE_ROWS = 3, 4

RUNNER = """
import os, sys
from include.ticklake.convert import convert
from include.ticklake.extract import extract
from include.ticklake.__main__ import main
hour = ["--start", "2026-01-02T03:00Z", "--end", "2026-01-02T04:00Z"]
root, url = sys.argv[1:]
for _ in sys.stdin:
    if not (pid := os.fork()):
        code = main(["extract", "killed", *hour, "--root", root, "--base-url", url])
        os._exit(code or main(["rebuild", "killed", *hour, "--root", root]))
    print(pid, flush=True)
    print(os.waitpid(pid, 0)[1], flush=True)
"""
"""Runs again and again; what it imported once is there in every child that it forks."""


class ChangingSource:
    """Three pages of trades; ``prices`` is what the source says today."""

    def __init__(self, server: HttpServer) -> None:
        self.price = "1.5"
        server.answer_by("/trades", self._page)
        self.url = server.url

    def _page(self, asked: ReceivedRequest) -> Reply:
        first = int(asked.params.get("from", 0))
        ids = range(first, min(first + PAGE_ROWS, PAGES * PAGE_ROWS))
        records = [{"id": n, "price": self.price, "at": START_MS + n} for n in ids]
        if records and first == 0:
            records[1]["price"] = "not a price"  # one for the quarantine
        return Reply(body=json.dumps(records).encode())


@pytest.fixture
def source(http_server: HttpServer) -> ChangingSource:
    return ChangingSource(http_server)


@pytest.fixture
def proxy(s3: Bucket) -> Iterator[HoldingProxy]:
    with HoldingProxy(s3.endpoint_url) as running:
        yield running


class Runner:
    """Whole runs, each in a process of its own, through the proxy."""

    def __init__(self, process: subprocess.Popen[str], proxy: HoldingProxy) -> None:
        self._process, self._proxy = process, proxy

    def whole(self) -> list[str]:
        """Run to the end; the changes made on the way."""
        self._proxy.hold(None)
        self._start()
        assert self._read() == 0
        return self._proxy.changes

    def killed_before(self, number: int) -> None:
        """Run until the change of that number would be made, and no further."""
        self._proxy.hold(number)
        pid = self._start()
        assert self._proxy.held.wait(60)
        os.kill(pid, signal.SIGKILL)
        assert self._read() == signal.SIGKILL

    def _start(self) -> int:
        assert self._process.stdin
        self._process.stdin.write("run\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> int:
        assert self._process.stdout
        return int(self._next_line())

    def _next_line(self) -> str:
        # What the commands report stands between the numbers, as JSON.
        assert self._process.stdout
        return next(line for line in self._process.stdout if not line.startswith("{"))


@pytest.fixture
def run(tmp_path, s3, proxy, source) -> Iterator[Runner]:
    (tmp_path / "killed.yaml").write_text(FEED)
    env = {
        **s3.environment,
        "AWS_ENDPOINT_URL": proxy.url,
        "PYTHONPATH": str(REPOSITORY),
        "TICKLAKE_FEEDS": str(tmp_path),
    }
    argv = [sys.executable, "-c", RUNNER, s3.root, source.url]
    with subprocess.Popen(
        argv, env=env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        yield Runner(process, proxy)
        process.kill()


class BucketContents:
    """What lies in the bucket, looked at from outside."""

    def __init__(self, bucket: Bucket) -> None:
        self.storage = Storage.open(bucket.root, bucket.environment)

    def objects(self) -> dict[str, str]:
        """Every object by key, as the sha256 of its bytes."""
        bodies = live_objects(self.storage)
        return {key: hashlib.sha256(body).hexdigest() for key, body in bodies.items()}

    def clear(self) -> None:
        for key in list(self.storage.list("")):
            self.storage.delete(key)


@pytest.fixture
def lake(s3: Bucket) -> BucketContents:
    return BucketContents(s3)


def assert_manifests_tell_the_truth(lake: BucketContents) -> None:
    """What a manifest names is there, whole: a reader sees the old state or the new one."""
    stored = lake.objects()
    for found in manifest.read_all("killed", storage=lake.storage):
        named = {part.key: part.sha256 for part in found.json.parts}
        assert named == {key: stored[key] for key in named}
        if found.parquet and found.parquet.key:
            assert found.parquet.key in stored


def test_killed_before_any_change_and_run_again_the_lake_is_the_same(run, lake):
    """A crash at any point leaves the old state or the new one, and the next run ends as if there
    had been no crash.

    A first run, killed at each step of its way: the next one ends as if nothing had been.
    """
    changes, expected = run.whole(), lake.objects()
    assert len(changes) > 12
    assert not [key for key in expected if "_incomplete" in key]
    for number, change in enumerate(changes):
        lake.clear()
        run.killed_before(number)
        assert_manifests_tell_the_truth(lake)
        run.whole()
        assert lake.objects() == expected, f"killed before {number}: {change}"


def test_killed_while_a_window_is_fetched_anew_readers_see_the_old_or_the_new(run, lake, source):
    """The source has other prices today; killed at each step, the manifest is never wrong."""
    run.whole()
    old = lake.objects()
    source.price = "2.25"
    changes, new = run.whole(), lake.objects()
    assert new.keys() != old.keys()
    # Every other change: the test above stops before each, and this one runs twice as long.
    for number in range(0, len(changes), 2):
        lake.clear()
        source.price = "1.5"
        run.whole()
        source.price = "2.25"
        run.killed_before(number)
        assert_manifests_tell_the_truth(lake)
        run.whole()
        assert lake.objects() == new, f"killed before {number}: {changes[number]}"
