"""Killed anywhere and run again, the lake is the same, byte for byte, as without the kill.

The child process does what a run does: extract, then convert. It is killed (SIGKILL) before
each single change that it makes to the object storage, one after the other: while parts are
written, while they are moved, between the manifest and the clean-up, while Parquet is
converted, moved and committed.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from include.ticklake import manifest
from include.ticklake.storage import Storage
from tests.conftest import REPOSITORY
from tests.holding_proxy import HoldingProxy
from tests.http_server import Asked, HttpServer, Reply
from tests.s3_server import Bucket

FEED = """
source:
  kind: http
  base_url: http://127.0.0.1
  path: /trades
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

RUN = """
import sys
from include.ticklake.__main__ import main
root, url = sys.argv[1:]
hour = ["--start", "2026-01-02T03:00Z", "--end", "2026-01-02T04:00Z"]
code = main(["extract", "killed", *hour, "--root", root, "--base-url", url])
sys.exit(code or main(["rebuild", "killed", *hour, "--root", root]))
"""


class Source:
    """Three pages of trades; ``prices`` is what the source says today."""

    def __init__(self, server: HttpServer) -> None:
        self.price = "1.5"
        server.answer_by("/trades", self._page)
        self.url = server.url

    def _page(self, asked: Asked) -> Reply:
        first = int(asked.params.get("from", 0))
        ids = range(first, min(first + PAGE_ROWS, PAGES * PAGE_ROWS))
        records = [{"id": n, "price": self.price, "at": START_MS + n} for n in ids]
        if records and first == 0:
            records[1]["price"] = "not a price"  # one for the quarantine
        return Reply(body=json.dumps(records).encode())


@pytest.fixture
def source(http_server: HttpServer) -> Source:
    return Source(http_server)


@pytest.fixture
def proxy(s3: Bucket) -> Iterator[HoldingProxy]:
    with HoldingProxy(s3.endpoint_url) as running:
        yield running


@pytest.fixture
def run(tmp_path, s3, proxy, source):
    """Start one whole run as a child process, through the proxy."""
    (tmp_path / "killed.yaml").write_text(FEED)
    env = {
        **s3.environment,
        "AWS_ENDPOINT_URL": proxy.url,
        "PYTHONPATH": str(REPOSITORY),
        "TICKLAKE_FEEDS": str(tmp_path),
        "PATH": "/usr/bin:/bin",
    }

    def start() -> subprocess.Popen[bytes]:
        argv = [sys.executable, "-c", RUN, s3.root, source.url]
        return subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def whole() -> None:
        child = start()
        said = child.communicate(timeout=120)[1].decode()
        assert child.returncode == 0, said

    start.whole = whole
    return start


def lake(bucket: Bucket) -> dict[str, str]:
    """Every object of the bucket, by key, as the sha256 of its bytes."""
    client = bucket.client()
    keys = [one["Key"] for one in client.list_objects_v2(Bucket=bucket.name).get("Contents", [])]
    bodies = {key: client.get_object(Bucket=bucket.name, Key=key)["Body"].read() for key in keys}
    return {key: hashlib.sha256(body).hexdigest() for key, body in bodies.items()}


def clear(bucket: Bucket) -> None:
    for key in lake(bucket):
        bucket.client().delete_object(Bucket=bucket.name, Key=key)


def assert_manifests_tell_the_truth(bucket: Bucket) -> None:
    """What a manifest names is there, whole: a reader sees the old state or the new one."""
    storage = Storage.open(bucket.root, bucket.environment)
    stored = lake(bucket)
    for found in manifest.read_all("killed", storage=storage):
        named = {part.key: part.sha256 for part in found.json.parts}
        assert named == {key: stored[f"lake/{key}"] for key in named}
        if found.parquet and found.parquet.key:
            assert f"lake/{found.parquet.key}" in stored


def test_killed_before_any_change_and_run_again_the_lake_is_the_same(run, proxy, s3):
    """A first run, killed at each step of its way: the next one ends as if nothing had been."""
    run.whole()
    changes, expected = len(proxy.changes), lake(s3)
    assert changes > 12
    assert not [key for key in expected if "_incomplete" in key]
    for number in range(changes):
        clear(s3)
        _kill_at(number, run=run, proxy=proxy)
        assert_manifests_tell_the_truth(s3)
        run.whole()
        assert lake(s3) == expected, f"killed before change {number}"


def test_killed_while_a_window_is_fetched_anew_readers_see_the_old_or_the_new(
    run, proxy, s3, source
):
    """The source has other prices today; killed at each step, the manifest is never wrong."""
    run.whole()
    old = lake(s3)
    source.price = "2.25"
    proxy.hold(None)
    run.whole()
    changes, new = len(proxy.changes), lake(s3)
    assert new.keys() != old.keys()
    for number in range(0, changes, 2):
        clear(s3)
        source.price = "1.5"
        proxy.hold(None)
        run.whole()
        source.price = "2.25"
        _kill_at(number, run=run, proxy=proxy)
        assert_manifests_tell_the_truth(s3)
        run.whole()
        assert lake(s3) == new, f"killed before change {number}"


def _kill_at(number: int, *, run, proxy: HoldingProxy) -> None:
    proxy.hold(number)
    child = run()
    assert proxy.held.wait(60)
    child.kill()
    child.communicate()
    proxy.hold(None)
